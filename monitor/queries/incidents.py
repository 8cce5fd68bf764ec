"""Shows incidents: the open ones with their alerts, and one with its timeline."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery

from monitor.incident_words import ask_causes, causes_in_words, title_of
from monitor.languages import gettext as _
from monitor.languages import gettext_noop, ngettext
from monitor.models import (
    AlertRule,
    AlertState,
    ChannelMessage,
    Delivery,
    Incident,
    IncidentAlert,
    IncidentEvent,
    Notice,
    Silence,
    Snooze,
    Transition,
)
from monitor.models.asking import Asking, answered, ask, in_step
from monitor.queries.channels import ChannelTrouble, ask_broken_channels
from monitor.queries.escalations import ShownEscalation, ask_escalations
from monitor.queries.incident_story import IncidentLine, IncidentStory, ask_story, line_of_change
from monitor.queries.quiet import QuietReason, ask_why_quiet, why_quiet
from monitor.sentences import inside, say

MEMBERS_SHOWN = 200
EVENTS_SHOWN = 500


def incidents() -> QuerySet[Incident]:
    """Incidents with the joins that the pages need."""
    return Incident.objects.select_related("account", "owner", "acknowledged_by").defer("account__client_secret")


def open_now() -> QuerySet[Incident]:
    """Gives the incidents that are open: what pages, commands and lists mean by open alerts."""
    return Incident.objects.filter(closed_at=None)


@dataclass(frozen=True)
class IncidentRow:
    """Holds an incident with its alerts, those that fire first, and its name."""

    incident: Incident
    members: Sequence[IncidentAlert]
    cause: str
    title: str

    @property
    def firing(self) -> list[IncidentAlert]:
        return [member for member in self.members if member.left_at is None]


def _members() -> QuerySet[IncidentAlert]:
    rows = IncidentAlert.objects.select_related("alert__rule", "alert__flow__progress").defer("alert__flow__raw")
    return rows.order_by("left_at", "joined_at", "pk")


def _as_rows(found: QuerySet[Incident]) -> list[IncidentRow]:
    return answered(_ask_rows(found))


def _ask_rows(found: QuerySet[Incident]) -> Asking[list[IncidentRow]]:
    """Asks for incidents with their alerts, and for what these share."""
    of_each: dict[int, list[IncidentAlert]] = {}
    rows, members = yield [found, _members().filter(incident__in=found.order_by().values("pk"))]
    for member in members:
        of_each.setdefault(member.incident_id, []).append(member)
    causes = yield from ask_causes(rows)
    return [_row(one, of_each.get(one.pk, []), causes[one.pk]) for one in rows]


def _row(incident: Incident, members: Sequence[IncidentAlert], cause: str) -> IncidentRow:
    firing_first = sorted(members, key=lambda member: member.left_at is not None)
    return IncidentRow(incident, firing_first, cause, title_of([member.alert for member in members], cause))


def open_incidents(account_id: int | None = None) -> list[IncidentRow]:
    """Returns open incidents: those that nobody acknowledged first, then the newest first. Two statements at most.

    Args:
        account_id: only of this account; None for all.
    """
    return answered(ask_open_incidents(account_id))


def ask_open_incidents(account_id: int | None = None) -> Asking[list[IncidentRow]]:
    """Asks for what `open_incidents` returns."""
    found = incidents().filter(closed_at=None)
    if account_id is not None:
        found = found.filter(account=account_id)
    return (yield from _ask_rows(_first_to_look_at(found)))


def _first_to_look_at(found: QuerySet[Incident]) -> QuerySet[Incident]:
    return found.order_by(F("acknowledged_at").asc(nulls_first=True), "-opened_at", "-pk")


def first_open_incidents(limit: int, known: Mapping[int, str] | None = None) -> list[IncidentRow]:
    """Returns the first of `open_incidents`. One statement, two where the cause of one is a problem of no known title.

    Args:
        limit: so many at most.
        known: titles of problems that are read already, by their keys.
    """
    first = _first_to_look_at(open_now()).values("pk")[:limit]
    joined = ("incident__account", "incident__owner", "incident__acknowledged_by", "alert__rule", "alert__flow")
    links = _members().filter(incident__in=first).select_related(*joined)
    members: dict[Incident, list[IncidentAlert]] = {}
    for link in links.defer("alert__flow__raw", "incident__account__client_secret"):
        members.setdefault(link.incident, []).append(link)
    ranked = sorted(members, key=lambda one: (one.opened_at, one.pk), reverse=True)
    ranked.sort(key=lambda one: (one.acknowledged_at is not None, one.acknowledged_at))
    causes = causes_in_words(ranked, known)
    return [_row(one, members[one], causes[one.pk]) for one in ranked]


def quiet_now(rows: Sequence[IncidentRow], now: datetime) -> dict[int, list[QuietReason]]:
    """Returns why nothing is mailed of open incidents, or of some of their alerts, by their keys."""
    return answered(ask_quiet_now(rows, now))


def ask_quiet_now(rows: Sequence[IncidentRow], now: datetime) -> Asking[dict[int, list[QuietReason]]]:
    """Asks for what `quiet_now` returns."""
    firing = {row.incident.pk: (row.incident, [one.alert for one in row.firing]) for row in rows}
    return (yield from ask_why_quiet(firing, now))


def quiet_incidents(accounts: Collection[int], since: datetime) -> list[IncidentRow]:
    """Returns the incidents of which no mail came, the newest first: for digests, flapping, snoozed, silenced, muted.

    They are open, or began after a time. One whose first mail is about to go out is none of them.

    Args:
        accounts: of these.
        since: from when on those that are over count too.
    """
    open_or_new = Q(closed_at=None) | Q(opened_at__gte=since)
    mine, states = Notice.objects.filter(incident=OuterRef("pk")), Transition.Dispatch
    messages = ChannelMessage.objects.filter(notice=OuterRef("pk"))
    told = mine.filter(Q(recipients__gt=0) | Exists(messages), dispatch_state=states.DISPATCHED)
    about_to_be = mine.filter(dispatch_state=states.NEW, why_silent="")
    is_quiet = Q(severity=AlertRule.Severity.DIGEST) | (~Exists(told) & ~Exists(about_to_be))
    found = incidents().filter(open_or_new, is_quiet, account__in=accounts)
    return _as_rows(found.order_by("-opened_at", "-pk"))


_WORDS = {
    "fired": gettext_noop("fired"),
    "flaps": gettext_noop("fires and recovers again and again: nothing more is mailed of it until it is calm or lasts"),
    "recovered": gettext_noop("recovered"),
    "ended": gettext_noop("is not checked any more"),
    "no_data": gettext_noop("no data"),
    "data_back": gettext_noop("data is back"),
    "acknowledged": gettext_noop("acknowledged it"),
    "unacknowledged": gettext_noop("took the acknowledgement back"),
    "handed_over": gettext_noop("handed it over"),
    "comment": gettext_noop("wrote a note"),
    "closed": gettext_noop("closed it"),
    "snoozed": gettext_noop("snoozed"),
    "escalation": gettext_noop("escalation begins"),
}

# What `monitor.alerting.actions` stores with them.
_NOTES = {
    "handed_over": (gettext_noop("to nobody"), gettext_noop("to %(person)s")),
    "snoozed": (gettext_noop("until %(day)s UTC. %(why)s"), gettext_noop("until %(day)s UTC.")),
}


@dataclass(frozen=True)
class IncidentDetail:
    """Holds one incident with everything that its page shows.

    Attributes:
        row: the incident with its alerts.
        events: its timeline, the oldest first.
        notices: what was to be mailed, each with `sent_mails` and `sent_messages`.
        quiet: why nothing is mailed of it now, or of some of its alerts.
        escalations: the newest first.
        broken: channels that are told of its account, and take nothing.
        story: what ran and what was changed meanwhile, and what speaks for a cause.
    """

    row: IncidentRow
    events: list[IncidentEvent]
    notices: list[Notice]
    quiet: list[QuietReason]
    escalations: list[ShownEscalation]
    broken: list[ChannelTrouble]
    story: IncidentStory

    @property
    def suspects(self) -> list[IncidentLine]:
        """Returns what was changed just before it began, what came last first."""
        return [line_of_change(change) for change in self.story.why.suspects]

    @property
    def lines(self) -> list[IncidentLine]:
        """Returns the timeline with mails, runs and changes in it, the oldest first."""
        found = [IncidentLine(self.row.incident.began_at, _("it began"), _("By Zoho's clock")), *self.story.lines]
        found += [
            IncidentLine(
                one.at,
                _(_WORDS.get(one.kind, one.kind.replace("_", " "))),
                one.actor.get_username() if one.actor is not None else "",
                say(one.note, _NOTES.get(one.kind, ())),
                one.alert,
                tuple(one.people),
            )
            for one in self.events
        ]
        found += [
            IncidentLine(
                step.told_at,
                _("took step %(n)s of “%(policy)s”") % {"n": step.step.position, "policy": one.escalation.policy_name},
                note=step.whom,
            )
            for one in self.escalations
            for step in one.steps
            if step.told_at is not None
        ]
        for notice in self.notices:
            if notice.kind == Notice.Kind.ESCALATE:
                continue
            if notice.dispatched_at is not None and notice.recipients:
                people = ngettext("mailed %(n)s person (%(kind)s)", "mailed %(n)s people (%(kind)s)", notice.recipients)
                values = {"n": notice.recipients, "kind": inside(notice.get_kind_display())}
                found.append(IncidentLine(notice.dispatched_at, people % values))
            messages: list[ChannelMessage] = getattr(notice, "sent_messages", [])
            if messages and notice.dispatched_at is not None:
                names, kind = ", ".join(one.channel.name for one in messages), inside(notice.get_kind_display())
                words = _("wrote to %(names)s (%(kind)s)") % {"names": names, "kind": kind}
                found.append(IncidentLine(notice.dispatched_at, words))
        return sorted(found, key=lambda line: line.at)

    @property
    def time_to_notice(self) -> timedelta:
        incident = self.row.incident
        return max(incident.opened_at - incident.began_at, timedelta())

    @property
    def time_to_acknowledge(self) -> timedelta | None:
        incident = self.row.incident
        return incident.acknowledged_at - incident.opened_at if incident.acknowledged_at else None

    @property
    def time_to_recover(self) -> timedelta | None:
        incident = self.row.incident
        return incident.closed_at - incident.began_at if incident.closed_at else None

    @property
    def problem_id(self) -> int | None:
        """Returns the problem that most of its alerts share; None where none is known."""
        known = [member.causes["problem"] for member in self.row.members if member.causes.get("problem")]
        return max(set(known), key=known.count) if known else None


def members_of(incident: Incident) -> list[IncidentAlert]:
    """Returns the alerts of an incident with rules and flows, those that fire first. One statement."""
    return list(_members_of(incident))


def _members_of(incident: Incident) -> QuerySet[IncidentAlert]:
    return _members().filter(incident=incident)[:MEMBERS_SHOWN]


def detail(incident: Incident, now: datetime) -> IncidentDetail:
    """Returns one incident with its alerts, mails, messages, escalations, runs and changes. Three statements.

    Args:
        incident: from `incidents()`.
        now: the present.
    """
    return answered(ask_detail(incident, now))


def ask_detail(incident: Incident, now: datetime) -> Asking[IncidentDetail]:
    """Asks for what `detail` returns."""
    events = incident.events.select_related("actor", "alert__flow").defer("alert__flow__raw")
    (members, quiet, story), causes, read, notices, escalations, broken = yield from in_step(
        _ask_members(incident, now),
        ask_causes([incident]),
        ask(events[:EVENTS_SHOWN]),
        _ask_notices(incident),
        ask_escalations(incident),
        ask_broken_channels(now, incident.account_id),
    )
    return IncidentDetail(
        row=_row(incident, members, causes[incident.pk]),
        events=read,
        notices=notices,
        quiet=quiet.get(incident.pk, []),
        escalations=escalations,
        broken=broken,
        story=story,
    )


def _ask_members(
    incident: Incident, now: datetime
) -> Asking[tuple[list[IncidentAlert], dict[int, list[QuietReason]], IncidentStory]]:
    """Asks for the alerts of an incident, and for what goes by them: why they are quiet, and their runs and changes."""
    members = yield from ask(_members_of(incident))
    firing = [member.alert for member in members if member.left_at is None]
    quiet, story = yield from in_step(
        ask_why_quiet({incident.pk: (incident, firing)} if incident.is_open else {}, now),
        ask_story(incident, [member.alert for member in members], now),
    )
    return members, quiet, story


def _ask_notices(incident: Incident) -> Asking[list[Notice]]:
    """Asks for the notices of an incident, each with `sent_mails` and `sent_messages`."""
    mails = Delivery.objects.select_related("recipient").defer("text", "html").order_by("address", "pk")
    messages = ChannelMessage.objects.select_related("channel").order_by("channel__name", "pk")
    messages = messages.defer("text", "payload", "channel__address", "channel__secrets")
    found = yield [
        incident.notices.all(),
        mails.filter(notice__incident=incident),
        messages.filter(notice__incident=incident),
    ]
    notices: dict[int, Any] = {notice.pk: notice for notice in found[0]}
    for notice in found[0]:
        notice.sent_mails, notice.sent_messages = [], []
    for mail in found[1]:
        notices[mail.notice_id].sent_mails.append(mail)
    for message in found[2]:
        notices[message.notice_id].sent_messages.append(message)
    return found[0]


def of_alert(alert_id: int) -> QuerySet[Incident]:
    """Returns the incidents that an alert was part of, the newest first."""
    return incidents().filter(members__alert=alert_id).distinct().order_by("-opened_at", "-pk")


def quiet_of_alert(alert: AlertState, newest: Sequence[Incident], now: datetime) -> list[QuietReason]:
    """Returns why nothing is mailed of an alert that fires.

    Args:
        alert: with its rule and flow.
        newest: incidents that it was part of.
        now: the present.
    """
    opened = [one for one in newest if one.is_open] if alert.is_open else []
    return why_quiet({one.pk: (one, [alert]) for one in opened[:1]}, now).get(opened[0].pk, []) if opened else []


def silences() -> QuerySet[Silence]:
    """Silences and maintenance windows, those that end last first."""
    rows = Silence.objects.select_related("account", "flow", "by", "tag", "owner").defer(
        "account__client_secret", "flow__raw"
    )
    return rows.order_by("-ends_at", "-pk")


def snoozes(now: datetime) -> QuerySet[Snooze]:
    """Snoozes that hold now."""
    rows = Snooze.objects.filter(ended_at=None, until__gt=now).select_related("account", "flow", "by")
    return rows.defer("account__client_secret", "flow__raw").order_by("until", "pk")


def with_acknowledgement(rows: QuerySet[AlertState]) -> QuerySet[AlertState]:
    """Adds `acknowledged_at` to alerts: when somebody acknowledged the incident of their present episode."""
    found = Incident.objects.filter(members__alert=OuterRef("pk"), members__episode=OuterRef("episode"))
    return rows.annotate(acknowledged_at=Subquery(found.order_by().values("acknowledged_at")[:1]))
