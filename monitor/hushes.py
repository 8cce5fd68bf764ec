"""Finds what keeps alerts quiet: snoozes, silences, maintenance windows, and trouble of the whole account."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from django.db.models import Q

from monitor.alert_numbers import EXPLAINS
from monitor.models import AlertRule, AlertState, Incident, IncidentAlert, Notice, Silence, Snooze, Transition
from monitor.models.asking import Asking, answered, ask
from monitor.ownership import NO_LABELS
from monitor.routing.read import PROBLEM, ask_labels_of_alerts


def quiet_by(alerts: Sequence[AlertState], now: datetime) -> list[list[Snooze | Silence]]:
    """Returns what people said that keeps each of some alerts quiet now, in their order.

    One statement, and those of `labels_of_alerts` where a silence goes by tag or owner.

    Args:
        alerts: with their rules and flows.
        now: the present.
    """
    return answered(ask_quiet_by(alerts, now))


def ask_quiet_by(alerts: Sequence[AlertState], now: datetime) -> Asking[list[list[Snooze | Silence]]]:
    """Asks for what `quiet_by` returns."""
    if not alerts:
        return []
    accounts = {alert.rule.account_id for alert in alerts}
    running = Silence.objects.filter(ended_at=None, starts_at__lte=now, ends_at__gt=now)
    snoozes, silences = yield [
        Snooze.objects.filter(account__in=accounts, ended_at=None, until__gt=now).select_related("by"),
        running.filter(Q(account__in=accounts) | Q(account=None)).select_related("by"),
    ]
    marked = any(one.goes_by_marks for one in silences)
    marks = (yield from ask_labels_of_alerts(alerts)) if marked else [NO_LABELS] * len(alerts)
    found: list[list[Snooze | Silence]] = []
    for alert, mine in zip(alerts, marks, strict=True):
        quiet: list[Snooze | Silence] = [one for one in snoozes if one.covers(alert)]
        # A problem bears the tags of every flow that ever failed by it: it is about others, too.
        tags = frozenset() if alert.subject_kind == PROBLEM else mine.tags
        quiet += [one for one in silences if one.covers(alert, alert.rule.account_id, tags, mine.owner)]
        found.append(quiet)
    return found


def explaining(accounts: Collection[int]) -> dict[int, Incident]:
    """Returns the incidents of whole accounts that explain their others now: a mail of them went out, or is due.

    They mute the others of the account. Two statements at most.

    Args:
        accounts: keys.

    Returns:
        By the account's key; accounts without one are left out.
    """
    return answered(ask_explaining(accounts))


def ask_explaining(accounts: Collection[int]) -> Asking[dict[int, Incident]]:
    """Asks for what `explaining` returns."""
    opened = Incident.objects.filter(account__in=accounts, closed_at=None, cause=Incident.Cause.ACCOUNT)
    firing = IncidentAlert.objects.filter(incident__in=opened.exclude(severity="digest"), left_at=None)
    firing = firing.exclude(alert__rule__severity=AlertRule.Severity.DIGEST)
    links = yield from ask(firing.order_by().values_list("incident", "alert__numbers"))
    down = {incident for incident, numbers in links if numbers.get(EXPLAINS, 1)}
    if not down:
        return {}
    first = Notice.objects.filter(incident__in=down, kind=Notice.Kind.FIRING)
    states = Transition.Dispatch
    told = first.filter(Q(dispatch_state=states.DISPATCHED) | Q(dispatch_state=states.NEW, why_silent=""))
    rows = yield from ask(Incident.objects.filter(pk__in=told.values("incident")).order_by("-pk"))
    return {row.account_id: row for row in rows}
