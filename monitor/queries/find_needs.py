"""Reads what needs somebody: problems, incidents, silent flows, connections, CRM, unknown outcomes, the plan's use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from django.db.models import Case, Count, Max, Min, QuerySet, Sum, Value, When

from monitor.app_names import plain_app
from monitor.connection.month import COUNTED, counted_in_month, month_use_of
from monitor.figures import number
from monitor.languages import gettext as _
from monitor.languages import ngettext
from monitor.models import (
    BROKEN,
    Connection,
    Edit,
    Failure,
    Incident,
    Problem,
    RetryAttempt,
    UsageSnapshot,
    WebhookFailure,
    ZohoAccount,
)
from monitor.models.addresses import address_of, address_of_list
from monitor.models.flows import NAMELESS
from monitor.periods import DAY, day_of
from monitor.privacy import mask_name, mask_text
from monitor.queries import crm_in_short, problems
from monitor.queries.crm_in_short import CrmInShort
from monitor.queries.freshness import AccountFreshness, Mirror
from monitor.queries.incidents import IncidentRow
from monitor.queries.needs import IncidentNeed, Level, Need, OpenAlert, Thing, level_of_problem, of_one_cause
from monitor.queries.together import Row
from monitor.standing.silence import SilentFlow

# The program reads by itself what became of a retry for so long; then who wanted it is asked to look.
SETTLES_BY_ITSELF = timedelta(minutes=15)
MOST = 24  # of each kind: more than are shown, because some have one cause
_STATES = (Problem.State.ESCALATING, Problem.State.REGRESSED, Problem.State.NEW)
_LOUDEST_FIRST = Case(*(When(state=state, then=Value(place)) for place, state in enumerate(_STATES)), default=Value(9))


@dataclass(frozen=True, slots=True)
class Needs:
    """Holds what needs somebody, worst first, and how many there are of each kind.

    Attributes:
        rows: what needs somebody; of each kind `MOST` at most.
        silent: flows that stand as silent.
        broken: connections that Zoho says do not work.
        doubtful: connections of which Zoho's word is not known here.
        rules: CRM rules that failed since yesterday, actions or webhooks.
        webhooks: accounts whose webhooks of no known rule failed since then.
        passing: accounts whose plan will not last the month.
        changes: changes at Zoho whose outcome is unknown.
        retries: retries whose outcome is still unknown after a quarter of an hour.
        crm: the numbers of CRM.
    """

    rows: list[Need]
    silent: int
    broken: int
    doubtful: int
    rules: int
    webhooks: int
    passing: int
    changes: int
    retries: int
    crm: CrmInShort


def needs_of(
    found: Mapping[str, Sequence[Row]],
    silent: Sequence[SilentFlow],
    opened: Iterable[IncidentRow],
    mirror: Mirror,
    now: datetime,
    zone: tzinfo,
) -> Needs:
    """Puts together what needs somebody. Pure.

    Args:
        found: the rows of `parts`.
        silent: flows that stand as silent.
        opened: the first open incidents.
        mirror: as of now.
        now: the present.
        zone: of the viewer's days.
    """
    quota, rules = _quota(found, now), _rules(found)
    needs = [
        *(_account(one) for one in mirror.troubled),
        *_problems(found),
        *(_connection(row) for row in found["connections"]),
        *(_silent(one) for one in silent[:MOST]),
        *rules[:MOST],
        *(_edit(row) for row in found["edits"]),
        *(_retries(row) for row in found["retries"]),
        *quota,
    ]
    apps = {Thing("connection", row[0]): (row[5], plain_app(row[2])) for row in found["connections"]}
    return Needs(
        rows=of_one_cause(needs, (_incident(row, apps) for row in opened)),
        silent=len(silent),
        broken=sum(count for _, count in found["broken"]),
        doubtful=sum(count for _, count in found["doubtful"]),
        rules=sum(1 for need in rules if need.thing.kind == "rule"),
        webhooks=sum(1 for need in rules if need.thing.kind == "webhooks"),
        passing=len(quota),
        changes=sum(count for (count,) in found["edits_count"]),
        retries=sum(row[2] for row in found["retries"]),
        crm=crm_in_short.in_short(found, now, zone),
    )


def parts(now: datetime, zone: tzinfo) -> dict[str, QuerySet[Any, Any]]:
    """Asks for what `needs_of` reads beside silent flows and incidents, by name, for `together`."""
    # What fails in CRM stands here by its rules and webhooks.
    of_runs = problems.unresolved().filter(source=Problem.Source.RUNS)
    unresolved = of_runs.order_by(_LOUDEST_FIRST, "-last_seen_at", "-pk")
    loudest = unresolved.values("pk")[:MOST]
    of_loudest = Failure.objects.filter(fate=Failure.Fate.OPEN, group__problem__in=loudest).order_by()
    connections = Connection.objects.filter(gone_at=None).exclude(status="active")
    return {
        "problems": unresolved.values_list(
            *("pk", "title", "state", "first_seen_at", "remedy", "owner__username", "account__name")
        )[:MOST],
        "open_failures": of_loudest.values_list("group__problem").annotate(n=Count("pk")),
        "connections": connections.order_by(
            Case(When(status__in=BROKEN, then=0), default=1), "status_since", "pk"
        ).values_list(*("pk", "connection_name", "app", "status", "status_since", "account_id", "account__name"))[
            :MOST
        ],
        "doubtful": connections.exclude(status__in=BROKEN).order_by().values_list("account").annotate(n=Count("pk")),
        "broken": connections.filter(status__in=BROKEN).order_by().values_list("account").annotate(n=Count("pk")),
        "actions": _failed_actions(now),
        "webhooks": _failed_webhooks(now),
        **_unsettled(now),
        **crm_in_short.parts(now, zone),
        "month": counted_in_month(now).values_list(*COUNTED),
        "plans": ZohoAccount.objects.filter(is_active=True)
        .exclude(plan="")
        .order_by()
        .values_list("pk", "name", "plan"),
    }


def _failed_actions(now: datetime) -> QuerySet[UsageSnapshot, Any]:
    """Counts failed actions of CRM rules since yesterday, by rule."""
    rows = UsageSnapshot.objects.filter(
        day__gte=day_of(now) - DAY, failed__gt=0, rule__gone_at=None, rule__account__is_active=True
    )
    of = ("rule_id", "rule__name", "rule__rule_id", "rule__account__name", "rule__ownership__owner__username")
    return rows.order_by().values_list(*of).annotate(n=Sum("failed"), since=Min("counted_from"))


def _failed_webhooks(now: datetime) -> QuerySet[WebhookFailure, Any]:
    """Counts failed webhooks of the last 24 hours, by rule; those of no mirrored rule by account."""
    rows = WebhookFailure.objects.filter(failure_time__gt=now - DAY, account__is_active=True)
    of = ("rule_id", "rule__name", "rule__rule_id", "account__name", "rule__ownership__owner__username", "account_id")
    return rows.order_by().values_list(*of).annotate(n=Count("pk"), since=Min("failure_time"))


def _unsettled(now: datetime) -> dict[str, QuerySet[Any, Any]]:
    """Asks for what was sent to Zoho and may have been done: changes one by one, retries by account."""
    edits = Edit.objects.filter(state=Edit.State.UNKNOWN)
    of = ("pk", "act", "subject", "name", "subject_id", "sent_at", "requested_by__username", "account__name")
    retries = RetryAttempt.objects.filter(state=RetryAttempt.State.UNKNOWN, sent_at__lte=now - SETTLES_BY_ITSELF)
    who = {"least": Min("requested_by__username"), "most": Max("requested_by__username"), "since": Min("sent_at")}
    return {
        "edits": edits.order_by("-sent_at", "-pk").values_list(*of)[:MOST],
        "edits_count": edits.order_by().values("state").annotate(n=Count("pk")).values_list("n"),
        "retries": retries.order_by()
        .values_list("account_id", "account__name")
        .annotate(n=Count("pk"), **who)
        .values_list("account_id", "account__name", "n", *who),
    }


def _problems(found: Mapping[str, Sequence[Row]]) -> list[Need]:
    waiting: dict[int, int] = dict(found["open_failures"])
    return [
        Need(
            thing=Thing("problem", key),
            level=level_of_problem(state),
            title=mask_text(title),
            state=state,
            cause="",
            remedy=remedy,
            account=account,
            url=address_of("problem", key),
            since=since,
            owner=owner or "",
            open_failures=waiting.get(key, 0),
        )
        for key, title, state, since, remedy, owner, account in found["problems"]
    ]


def _connection(row: Row) -> Need:
    key, name, app, status, since, __, account = row
    is_broken = status in BROKEN
    to_app = _("The connection to %(app)s") % {"app": mask_name(app)} if app else _("The connection")
    works = _("%(connection)s does not work") if is_broken else _("%(connection)s: whether it works is not known")
    return Need(
        thing=Thing("connection", key),
        level=Level.BROKEN if is_broken else Level.KNOWN,
        title=mask_name(name) or mask_name(app) or NAMELESS,
        state=status,
        cause=works % {"connection": to_app},
        account=account,
        url=address_of("connection", key),
        since=since,
    )


def _silent(one: SilentFlow) -> Need:
    owned = getattr(one.flow, "ownership", None)
    return Need(
        thing=Thing("flow", one.flow.pk),
        level=Level.SILENT,
        title=one.flow.shown_name,
        state="silent",
        cause=_("Its longest pause in four weeks was %(pause)s") % {"pause": _hours(one.longest_before)},
        account=one.flow.account.name,
        url=one.flow.get_absolute_url(),
        since=one.last_run,
        owner=owned.owner.get_username() if owned is not None and owned.owner is not None else "",
    )


def _hours(length: timedelta) -> str:
    days, hours = divmod(round(length / timedelta(hours=1)), 24)
    return " ".join(f"{count} {unit}" for count, unit in ((days, "d"), (hours, "h")) if count) or _("an hour")


def _rules(found: Mapping[str, Sequence[Row]]) -> list[Need]:
    """Puts failed actions and failed webhooks of a rule into one line."""
    parts: dict[Thing, list[tuple[Row, str, int, datetime | None]]] = {}
    for *of, count, since in found["actions"]:
        parts.setdefault(Thing("rule", of[0]), []).append((tuple(of), "action", count, since))
    for *of, account, count, since in found["webhooks"]:
        thing = Thing("webhooks", account) if of[0] is None else Thing("rule", of[0])
        parts.setdefault(thing, []).append((tuple(of), "webhook", count, since))
    return [_rule(thing, known) for thing, known in parts.items()]


def _failed(what: str, count: int) -> str:
    if what == "action":
        said = ngettext("%(n)s action failed", "%(n)s actions failed", count)
    else:
        said = ngettext("%(n)s webhook failed", "%(n)s webhooks failed", count)
    return said % {"n": number(count)}


def _rule(thing: Thing, known: Sequence[tuple[Row, str, int, datetime | None]]) -> Need:
    __, name, zohos_id, account, owner = known[0][0]
    words = [_failed(what, count) for _of, what, count, _since in known]
    since_when = _("%(failed)s since yesterday") % {"failed": ", ".join(words)}
    is_rule = thing.kind == "rule"
    return Need(
        thing=thing,
        level=Level.CRM,
        title=(mask_name(name) or str(zohos_id)) if is_rule else _("Webhooks of no known rule"),
        state="failing",
        cause=_("CRM rule: %(what)s") % {"what": since_when} if is_rule else since_when,
        account=account,
        url=address_of("rule", thing.key) if is_rule else address_of_list("webhook_failures"),
        since=min((since for *_, since in known if since is not None), default=None),
        owner=owner or "",
    )


def _edit(row: Row) -> Need:
    key, act, subject, name, zohos_id, since, asker, account = row
    what = f"{Edit.Act(act).label} ({Edit.Subject(subject).label.lower()})"
    return Need(
        thing=Thing("edit", key),
        level=Level.UNSETTLED,
        title=mask_name(name) or zohos_id or NAMELESS,
        state=Edit.State.UNKNOWN,
        cause=_("%(what)s: the answer was lost; what Zoho shows is read, and can be settled by hand after 15 minutes")
        % {"what": what},
        account=account,
        url=address_of("edit", key),
        since=since,
        owner=asker,
    )


def _retries(row: Row) -> Need:
    key, account, count, least, most, since = row
    return Need(
        thing=Thing("retries", key),
        level=Level.UNSETTLED,
        title=ngettext("%(n)s retry of %(account)s", "%(n)s retries of %(account)s", count)
        % {"n": number(count), "account": account},
        state=RetryAttempt.State.UNKNOWN,
        cause=_("The answer was lost: look in Zoho whether the run was repeated, and settle it"),
        account=account,
        url=f"{address_of_list('retries_unknown')}?account={key}",
        since=since,
        owner=least if least == most else "",
    )


def _quota(found: Mapping[str, Sequence[Row]], now: datetime) -> list[Need]:
    counted = {key: numbers for key, *numbers in found["month"]}
    needs = []
    for key, name, plan in found["plans"]:
        if key not in counted:
            continue
        used, of_week, oldest = counted[key]
        month = month_use_of(plan, (used, of_week, oldest), now)
        if month.passes(now):
            needs.append(
                Need(
                    thing=Thing("quota", key),
                    level=Level.QUOTA,
                    title=_("The month's executions of %(account)s") % {"account": name},
                    state="used_up" if month.limit is not None and used >= month.limit else "running_out",
                    cause=_("About %(forecast)s by the end of the month, of %(limit)s: %(used)s so far")
                    % {"forecast": number(month.forecast(now)), "limit": number(month.limit), "used": number(used)},
                    account=name,
                    url=address_of("account", key),
                )
            )
    return needs


def _account(one: AccountFreshness) -> Need:
    return Need(
        thing=Thing("account", one.account_id),
        level=Level.BLIND,
        title=one.name,
        state="incomplete" if one.is_current and not one.is_complete else one.state,
        cause=one.reason or ", ".join(one.missing_streams) or _("What is known of it is not complete"),
        account=one.name,
        url=address_of("account", one.account_id),
        since=one.since if not one.is_current else None,
    )


def _incident(row: IncidentRow, apps: Mapping[Thing, tuple[int, str]]) -> IncidentNeed:
    incident = row.incident
    owner = incident.owner or incident.acknowledged_by
    alert = OpenAlert(
        key=incident.pk,
        is_acknowledged=incident.acknowledged_at is not None,
        owner=owner.get_username() if owner is not None else "",
        since=incident.began_at,
        alerts=len(row.firing),
    )
    only = row.firing[0].alert if len(row.firing) == 1 else None
    need = Need(
        thing=Thing("incident", incident.pk),
        level=Level.KNOWN if alert.is_acknowledged else Level.FIRING,
        title=row.title,
        state="acknowledged" if alert.is_acknowledged else "firing",
        cause=mask_text(only.reason) or only.rule.name
        if only is not None
        else ngettext("%(n)s alert", "%(n)s alerts", alert.alerts) % {"n": number(alert.alerts)},
        account=incident.account.name,
        url=incident.get_absolute_url(),
        since=incident.began_at,
        owner=alert.owner,
        alert=alert,
    )
    return IncidentNeed(need, frozenset(_about(row, apps)))


_SUBJECTS = {"connection": "connection", "crm_rule": "rule", "problem": "problem"}


def _about(row: IncidentRow, apps: Mapping[Thing, tuple[int, str]]) -> Iterable[Thing]:
    """Names the things that explain an incident: its own cause, and what all of its alerts are about."""
    incident = row.incident
    if incident.cause == Incident.Cause.PROBLEM and incident.cause_key.isdigit():
        yield Thing("problem", int(incident.cause_key))
    if incident.cause == Incident.Cause.CONNECTION:
        to_app = (incident.account_id, plain_app(incident.cause_key))
        yield from (thing for thing, found in apps.items() if found == to_app)
    if incident.cause == Incident.Cause.ACCOUNT:
        yield Thing("account", incident.account_id)
        yield Thing("quota", incident.account_id)
    shared = {member.causes.get("problem") for member in row.firing}
    if len(shared) == 1 and None not in shared:
        yield Thing("problem", int(shared.pop()))
    if len(row.firing) == 1:
        alert = row.firing[0].alert
        if alert.flow_id is not None:
            yield Thing("flow", alert.flow_id)
        elif alert.subject_kind in _SUBJECTS and alert.subject_key.isdigit():
            yield Thing(_SUBJECTS[alert.subject_kind], int(alert.subject_key))
