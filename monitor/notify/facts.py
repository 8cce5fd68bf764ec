"""Loads what a mail says of an incident, once for all its recipients."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count
from django.db.models.functions import Coalesce

from monitor import freshness
from monitor.incident_words import causes_in_words
from monitor.models import (
    Execution,
    Flow,
    Incident,
    IncidentAlert,
    Notice,
    RunningStep,
    StreamState,
    SyncState,
    Transition,
    User,
)
from monitor.notify.chart import ChartHour, last_day
from monitor.notify.recent_changes import RecentChange, changes_before
from monitor.notify.words import clean, shorten
from monitor.periods import DAY, HOUR, Window
from monitor.privacy import mask_beginning, mask_text
from monitor.privacy_length import cut
from monitor.standing.completeness import MOVED, UNREAD, gap_of, why_incomplete
from monitor.standing.facts import Presents, silent_among, standing_of, with_facts
from monitor.standing.judge import AccountPresent, present_of

LONGEST_RUN = 90 * DAY  # that is looked at
ERRORS_READ = 50
ERRORS_SHOWN = 3
ERROR_LENGTH = 200
TEXT_READ, MOST_CLEANED = 600, 5000
MEMBERS_SHOWN = 40


@dataclass(frozen=True, slots=True)
class MemberFacts:
    """Holds an alert of an incident in plain values. Names are clean and masked; rates are per cent.

    Attributes:
        alert: its key.
        flow: the key of its flow; None for an alert about something else.
        name: of what it is about.
        rule_name: of the rule that fired.
        reason: the rule's finding, in words, when it fired, or when it was over.
        rate: the success rate; None where the rule has none.
        runs: finished runs that were looked at.
        failed: how many of them failed.
        began_at: by Zoho's clock.
        is_firing: whether it still does.
        is_news: whether no mail has told of it yet.
        subject: what it is about, in a word, where that is no flow; `page` its page's path.
    """

    alert: int
    flow: int | None
    name: str
    rule_name: str
    reason: str
    rate: float | None
    runs: int
    failed: int
    began_at: datetime
    is_firing: bool = True
    is_news: bool = True
    subject: str = ""
    page: str = ""


@dataclass(frozen=True, slots=True)
class Retelling:
    """Says how a message that goes out late is written anew: for one reader, of all that did not arrive there.

    Attributes:
        kind: as which it is told.
        told_before: key of the newest `IncidentAlert` that its reader was told of; None for never.
        up_to: what joined after this one is told by a message to come.
        flapping: keys of the alerts of which it says that they flap.
        step: of an escalation that it is; None for none.
    """

    kind: str
    told_before: int | None
    up_to: int | None
    flapping: Collection[int] = ()
    step: Notice | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """Holds what a mail tells of an incident in plain values. Names and errors are clean and masked.

    Attributes:
        kind: of the notice: firing, update, repeat or resolved.
        incident: its key.
        account_name: whose.
        cause: what its alerts have in common, in words; "" where it has one alert.
        members: its alerts, those that fire first, the worst of them first.
        at: when the mail is written.
        began_at: by Zoho's clock; `noticed_at` when it was noticed.
        closed_at: when it was over; None while it is open.
        closed_how: recovered, ended or by_hand.
        closed_by: who closed it by hand.
        owner: who is on it; `owner_note` what they said to it.
        is_acknowledged: whether somebody said that they look after it.
        errors: (how often, text), the most frequent first.
        hours: the last 24 hours of its flows.
        changes: what was changed from a day before it began.
        problem: the key of the problem that its alerts share.
        as_of: start of the newest complete read of the account; None before the first.
        gap: why the figures may be too low; empty where nothing is missing.
        standing: how its one flow stands when the mail is written, as its page says it.
        flaps: names of the alerts of which it says that they fire and recover again and again.
        escalation: why the mail came, where it is a step of an escalation.
        tells_up_to: key of the newest `IncidentAlert` that it knows.
        knew_ended: how many alerts of the incident are over.
    """

    kind: str
    incident: int
    account_name: str
    cause: str
    members: tuple[MemberFacts, ...]
    at: datetime
    began_at: datetime
    noticed_at: datetime
    severity: str = "notify"
    closed_at: datetime | None = None
    closed_how: str = ""
    closed_by: str = ""
    owner: str = ""
    owner_note: str = ""
    is_acknowledged: bool = False
    errors: tuple[tuple[int, str], ...] = ()
    hours: tuple[ChartHour, ...] = ()
    changes: tuple[RecentChange, ...] = ()
    problem: int | None = None
    as_of: datetime | None = None
    gap: str = ""
    standing: str = ""
    flaps: tuple[str, ...] = ()
    escalation: str = ""
    tells_up_to: int | None = None
    knew_ended: int = 0

    @property
    def is_firing(self) -> bool:
        return self.closed_at is None

    @property
    def says_both(self) -> bool:
        """Says whether the first mail comes when it is over already."""
        return self.kind == Notice.Kind.FIRING and self.closed_at is not None

    @property
    def is_growth(self) -> bool:
        """Says whether it tells of alerts that joined: something of the incident was mailed before."""
        return self.kind == Notice.Kind.UPDATE and 0 < len(self.news) < len(self.firing)

    @property
    def is_gone_growth(self) -> bool:
        """Says whether it tells of alerts that joined and are over again, while others of the incident fire on."""
        return self.kind == Notice.Kind.UPDATE and self.is_firing and not self.news and bool(self.over_news)

    @property
    def firing(self) -> tuple[MemberFacts, ...]:
        return tuple(member for member in self.members if member.is_firing)

    @property
    def news(self) -> tuple[MemberFacts, ...]:
        return tuple(member for member in self.members if member.is_firing and member.is_news)

    @property
    def over_news(self) -> tuple[MemberFacts, ...]:
        return tuple(member for member in self.members if not member.is_firing and member.is_news)


def facts_of(notice: Notice, now: datetime, *, retelling: Retelling | None = None) -> Facts:
    """Loads what a mail tells of an incident.

    Args:
        notice: the reason of the mail.
        now: when it is written.
        retelling: how it is told where it goes out late.
    """
    incident = Incident.objects.select_related("account", "owner", "acknowledged_by").get(pk=notice.incident_id)
    joined = "incident__account", "alert__rule", "alert__flow__account", "alert__flow__progress"
    links = known = list(incident.members.select_related(*joined))
    if retelling is None:
        step = notice if notice.kind == Notice.Kind.ESCALATE else None
        told = Retelling(notice.kind, notice.told_before(), None, notice.flapping, step)
    else:
        told = retelling
        links = [link for link in known if told.up_to is None or link.pk <= told.up_to] or known
    members = _members(links, told.told_before, in_order=retelling is not None)
    flows = {link.alert.flow.pk: link.alert.flow for link in links if link.alert.flow is not None}
    only = next(iter(flows.values())) if len(flows) == 1 else None
    present = _present(incident, now)
    on_it = incident.owner or incident.acknowledged_by
    return Facts(
        kind=told.kind,
        incident=incident.pk,
        account_name=clean(incident.account.name),
        cause=clean(causes_in_words([incident])[incident.pk]) if len(members) > 1 else "",
        members=members,
        at=now,
        began_at=incident.began_at,
        noticed_at=incident.opened_at,
        severity=incident.severity,
        closed_at=incident.closed_at,
        closed_how=incident.closed_how,
        closed_by=_closed_by(incident),
        owner=_name(on_it),
        owner_note=mask_text(clean(incident.acknowledge_note), people=incident.people),
        is_acknowledged=incident.acknowledged_at is not None,
        errors=top_errors(flows, Window(incident.began_at - HOUR, now)) if incident.is_open else (),
        hours=last_day(flows, now),
        changes=changes_before(incident, flows, _rules(links), now),
        problem=_problem(links),
        as_of=as_of(incident.account_id),
        gap=_gap(only, present) if only is not None else clean(present.reason),
        standing=_standing(only, present, now) if only is not None else "",
        flaps=tuple(dict.fromkeys(_subject(link) for link in links if link.alert_id in told.flapping)),
        escalation=_escalation(told.step),
        tells_up_to=max((link.pk for link in links), default=None),
        knew_ended=sum(link.left_at is not None for link in known),
    )


def _rules(links: Sequence[IncidentAlert]) -> set[int]:
    """Returns the keys of the workflow rules that alerts are about."""
    return {int(link.alert.subject_key) for link in links if link.alert.subject_kind == "crm_rule"}


def _escalation(notice: Notice | None) -> str:
    """Says which step of which escalation a notice is, and why; "" where it is none."""
    if notice is None:
        return ""
    step = RunningStep.objects.select_related("escalation").get(notice=notice)
    minutes = f"{step.after_minutes} minute{'s' * (step.after_minutes != 1)}"
    return f"nobody acknowledged it within {minutes}: step {step.position} of “{clean(step.escalation.policy_name)}”"


def _members(links: Sequence[IncidentAlert], told_before: int | None, *, in_order: bool) -> tuple[MemberFacts, ...]:
    """Returns the alerts, those that fire first: the worst of them, or `in_order` in which they began."""
    edges = _edges(links)
    rows = []
    for link in links:
        edge = edges.get((link.alert_id, link.episode))
        alert = link.alert
        shown = edge or alert
        rows.append(
            MemberFacts(
                alert=alert.pk,
                flow=alert.flow_id,
                name=_subject(link),
                rule_name=clean(alert.rule.name),
                reason=mask_text(clean(shown.reason)),
                rate=shown.rate,
                runs=shown.runs,
                failed=edge.failed if edge is not None else 0,
                began_at=link.began_at,
                is_firing=link.left_at is None,
                is_news=told_before is None or link.pk > told_before,
                subject="" if alert.flow_id is not None else alert.subject_label,
                page="" if alert.flow_id is not None else alert.subject_url,
            )
        )
    if in_order:
        return tuple(sorted(rows, key=lambda row: (not row.is_firing, not row.is_news, row.began_at, row.name)))
    return tuple(sorted(rows, key=lambda row: (not row.is_firing, not row.is_news, -row.failed, row.name)))


def _subject(link: IncidentAlert) -> str:
    """Returns what an alert is about."""
    alert = link.alert
    name = link.incident.account.name if alert.subject_kind == "account" else alert.shown_name
    return clean(name) or f"alert {alert.pk}"


def _edges(links: Sequence[IncidentAlert]) -> dict[tuple[int, int], Transition]:
    """Returns the newest edge of each episode: that it fired, or that it is over."""
    kinds = ("firing", "resolved", "closed")
    found = Transition.objects.filter(alert__in=[link.alert_id for link in links], kind__in=kinds).order_by("at", "pk")
    return {(edge.alert_id, edge.episode): edge for edge in found}


def _problem(links: Sequence[IncidentAlert]) -> int | None:
    known = Counter(link.causes.get("problem") for link in links if link.causes.get("problem"))
    return known.most_common(1)[0][0] if known else None


def _name(person: User | None) -> str:
    return clean(person.get_username()) if person is not None else ""


def _closed_by(incident: Incident) -> str:
    if incident.closed_how != Incident.Closed.BY_HAND:
        return ""
    event = incident.events.filter(kind="closed").select_related("actor").last()
    return _name(event.actor) if event is not None else ""


def as_of(account_id: int) -> datetime | None:
    """Returns as of when the account is known, as its pages say it."""
    return _mirror_facts(account_id).as_of


def _mirror_facts(account_id: int, *, is_mirrored: bool = True) -> freshness.MirrorFacts:
    sync = SyncState.objects.filter(account=account_id).first()
    streams = {row.stream: row for row in StreamState.objects.filter(account=account_id)}
    unread = Flow.objects.filter(account=account_id, gone_at=None, progress__executions_read_at=None)
    return freshness.facts_of(sync, streams, is_mirrored=is_mirrored, is_reading=unread.exists())


def _present(incident: Incident, now: datetime) -> AccountPresent:
    """Says how far the account's present is known; the worker lives, for it writes this."""
    facts = _mirror_facts(incident.account_id, is_mirrored=incident.account.is_active)
    judged = freshness.judge_account(facts, freshness.Judged(freshness.OK), now)
    return present_of(judged, unread=facts.unread)


def _standing(flow: Flow, present: AccountPresent, now: datetime) -> str:
    row = with_facts(Flow.objects.select_related("progress").defer("raw"), now).get(pk=flow.pk)
    return standing_of(row, Presents({flow.account_id: present}, silent_among(now, [flow.pk]))).label


def _gap(flow: Flow, present: AccountPresent) -> str:
    """Says why the figures may be too low: the flow's own reason first, then that of its account."""
    sync = SyncState.objects.filter(account=flow.account_id)
    swept_at = sync.values_list("last_finished_at", flat=True).first()
    gap, own = gap_of(flow, swept_at), why_incomplete(flow, swept_at)
    if gap == UNREAD:
        return "the flow's history is not read to its end yet"
    if gap == MOVED:  # for want of a reading, of which the account says why
        return clean(present.reason or own)
    return clean(own or present.reason)


def top_errors(flows: Collection[int], window: Window) -> tuple[tuple[int, str], ...]:
    """Returns the most frequent errors of flows' failed runs in a window, without personal data.

    They are the runs that the rate counts as failed: none that a retry made good, and no retry's own.
    Texts that differ only in what is masked (an address, a record's id) count as one.
    """
    # Alerts count a run when it ended, which may be weeks after it started: a Delay step holds it.
    failed = Execution.objects.annotate(ended=Coalesce("completed_time", "started_time")).filter(
        flow__in=flows,
        status=Execution.Status.FAILED,
        chain_mark=None,
        started_time__gte=window.start - LONGEST_RUN,
        started_time__lt=window.end,
        ended__gte=window.start,
        ended__lt=window.end,
    )
    groups = (
        failed.order_by()
        .values("error_code", "error_message", "said_names")
        .annotate(times=Count("pk"))
        .order_by("-times")
    )
    counts: Counter[str] = Counter()
    columns = "error_code", "error_message", "said_names", "times"
    for code, message, names, count in groups.values_list(*columns)[:ERRORS_READ]:
        counts[shorten(error_line(code, message, names.splitlines()) or "no error text", ERROR_LENGTH)] += count
    return tuple((count, text) for text, count in counts.most_common(ERRORS_SHOWN))


def error_line(code: str, message: str, people: Sequence[str] = ()) -> str:
    """Returns an error as one line of a mail, masked; "" where Zoho gave none. `people`: names that stand in it."""
    parts = (
        mask_text(clean(code), people=people),
        mask_beginning(clean(cut(message, MOST_CLEANED)), TEXT_READ, people),
    )
    return ": ".join(part for part in parts if part)
