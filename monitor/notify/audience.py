"""Reads whom a notice of an incident concerns, and what keeps it quiet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from monitor.alert_numbers import EXPLAINS
from monitor.models import (
    AlertState,
    Delivery,
    Incident,
    IncidentAlert,
    Notice,
    Silence,
    Snooze,
    Transition,
    User,
)
from monitor.notify.hours import WorkingHours
from monitor.notify.recipients import entitled, recipients
from monitor.notify.timing import Hush, NoticeFacts, Why


@dataclass(frozen=True, slots=True)
class Audience:
    """Holds the people whom a notice concerns, one for each address, and what its fate depends on."""

    people: list[User]
    facts: NoticeFacts


def audience_of(notice: Notice, now: datetime) -> Audience:
    """Reads what a notice's fate depends on.

    Args:
        notice: with its incident as it is now.
        now: the present.
    """
    incident = notice.incident
    links = list(
        incident.members.select_related("alert__rule", "alert__flow").prefetch_related("alert__rule__recipients")
    )
    about = _about(notice, links)
    facts = NoticeFacts(
        kind=notice.kind,
        waited=notice.why_silent,
        is_open=incident.is_open,
        is_acknowledged=incident.acknowledged_at is not None,
        severity=incident.severity,
        hushes=_hushes(incident, [link.alert for link in about], now) if incident.is_open else (),
        hours=[WorkingHours.read(link.alert.rule.working_hours) for link in links],
    )
    return Audience(_people(notice, links), facts)


def _about(notice: Notice, links: Sequence[IncidentAlert]) -> list[IncidentAlert]:
    """Returns the firing alerts that a mail would be about: of an update those that joined since the mail before."""
    firing = [link for link in links if link.left_at is None]
    if notice.kind != Notice.Kind.UPDATE:
        return firing
    told = Notice.objects.filter(incident=notice.incident_id, seq__lt=notice.seq, dispatched_at__isnull=False)
    told_at = told.order_by("-dispatched_at").values_list("dispatched_at", flat=True).first()
    return [link for link in firing if told_at is None or link.joined_at > told_at] or firing


def _people(notice: Notice, links: Sequence[IncidentAlert]) -> list[User]:
    """Returns whom the rules name, or all; of the end only those to whom something of it went out."""
    if notice.kind == Notice.Kind.RESOLVED:
        told = Delivery.objects.filter(notice__incident=notice.incident_id).exclude(state=Delivery.State.DEAD)
        return list(entitled().filter(pk__in=told.values("recipient")))
    named = [{person.pk for person in link.alert.rule.recipients.all()} for link in links]
    chosen = recipients(set().union(*named)) if named and all(named) else []
    # Whom the rules name may have left, or may no longer want mails: then it concerns everybody.
    return chosen or recipients(None)


def _hushes(incident: Incident, alerts: Sequence[AlertState], now: datetime) -> list[Hush | None]:
    if incident.cause != Incident.Cause.ACCOUNT and _is_account_down(incident):
        return [Hush(Why.MUTED, None) for _ in alerts]
    snoozes = list(Snooze.objects.filter(account=incident.account_id, ended_at=None, until__gt=now))
    silences = list(Silence.objects.filter(ended_at=None, starts_at__lte=now, ends_at__gt=now))
    return [_hush(alert, incident.account_id, snoozes, silences) for alert in alerts]


def _hush(alert: AlertState, account: int, snoozes: list[Snooze], silences: list[Silence]) -> Hush | None:
    """Returns what keeps an alert quiet for the longest; None for nothing."""
    found = [Hush(Why.SNOOZED, one.until) for one in snoozes if one.covers(alert)]
    found += [Hush(Why.SILENCED, one.ends_at) for one in silences if one.covers(alert, account)]
    return max(found, key=lambda hush: (hush.until is None, hush.until), default=None)


def _is_account_down(incident: Incident) -> bool:
    """Returns whether what is wrong with the account explains the rest now, and somebody was told of it or will be."""
    opened = Incident.objects.filter(account=incident.account_id, closed_at=None, cause=Incident.Cause.ACCOUNT)
    firing = IncidentAlert.objects.filter(incident__in=opened.exclude(severity="digest"), left_at=None)
    down = {link.incident_id for link in firing.select_related("alert") if link.alert.numbers.get(EXPLAINS, 1)}
    first = Notice.objects.filter(incident__in=down, kind=Notice.Kind.FIRING)
    states = Transition.Dispatch
    return first.filter(Q(dispatch_state=states.DISPATCHED) | Q(dispatch_state=states.NEW, why_silent="")).exists()
