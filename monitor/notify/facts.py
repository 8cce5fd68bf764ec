"""Loads what a mail says of a transition, once for all its recipients."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count

from monitor import freshness
from monitor.models import Execution, Flow, StreamState, SyncState, Transition
from monitor.notify.words import clean, shorten
from monitor.periods import last_hours
from monitor.privacy import mask_beginning, mask_text
from monitor.privacy_length import cut
from monitor.standing.completeness import MOVED, UNREAD, gap_of, why_incomplete
from monitor.standing.facts import Presents, silent_among, standing_of, with_facts
from monitor.standing.judge import AccountPresent, present_of

ERRORS_READ = 50
ERRORS_SHOWN = 3
ERROR_LENGTH = 200
TEXT_READ, MOST_CLEANED = 600, 5000


@dataclass(frozen=True, slots=True)
class Facts:
    """Holds a transition in plain values. Names and errors are clean; rates are per cent, windows hours.

    Attributes:
        is_judged: whether the numbers brought the transition about; not so where a rule was switched off, a
            flow deleted, or no runs were left (see `reason`).
        fired_at: when the episode fired; the transition itself, or for a recovery an earlier one.
        errors: (how often, text), the most frequent first.
        as_of: start of the newest complete read of the account when the mail was written; None before the first.
        gap: why the figures may be too low; empty where nothing is missing.
        standing: how the flow stands when the mail is written, as its page says it.
    """

    kind: str
    alert: int
    episode: int
    flow: int
    flow_name: str
    account_name: str
    rule_name: str
    threshold: float
    recover_at: float
    window_hours: int
    rate: float | None
    first_attempt_rate: float | None
    runs: int
    failed: int
    reason: str
    is_judged: bool
    at: datetime
    fired_at: datetime
    errors: tuple[tuple[int, str], ...] = ()
    as_of: datetime | None = None
    gap: str = ""
    standing: str = ""

    @property
    def is_firing(self) -> bool:
        return self.kind == Transition.Kind.FIRING


def facts_of(transition: Transition) -> Facts:
    """Loads what a mail tells of a transition."""
    alert = transition.alert
    rule, flow = alert.rule, alert.watched_flow
    is_firing = transition.kind == Transition.Kind.FIRING
    present = _present(flow, transition.at)
    return Facts(
        kind=transition.kind,
        alert=alert.pk,
        episode=transition.episode,
        flow=flow.pk,
        flow_name=clean(flow.flow_name) or f"flow {flow.pk}",
        account_name=clean(rule.account.name),
        rule_name=clean(rule.name),
        threshold=rule.threshold,
        recover_at=rule.recover_at,
        window_hours=rule.window_hours,
        rate=transition.rate,
        first_attempt_rate=transition.first_attempt_rate,
        runs=transition.runs,
        failed=transition.failed,
        reason=clean(transition.reason),
        is_judged=transition.runs > 0 and transition.to_state != "no_data",
        at=transition.at,
        fired_at=transition.at if is_firing else _fired_at(transition),
        errors=top_errors(flow.pk, transition.at, rule.window_hours) if is_firing else (),
        as_of=as_of(flow.account_id),
        gap=_gap(flow, present),
        standing=_standing(flow, present, transition.at),
    )


def as_of(account_id: int) -> datetime | None:
    """Returns as of when the account is known, as its pages say it."""
    return _mirror_facts(account_id).as_of


def _mirror_facts(account_id: int, *, is_mirrored: bool = True) -> freshness.MirrorFacts:
    sync = SyncState.objects.filter(account=account_id).first()
    streams = {row.stream: row for row in StreamState.objects.filter(account=account_id)}
    unread = Flow.objects.filter(account=account_id, gone_at=None, progress__executions_read_at=None)
    return freshness.facts_of(sync, streams, is_mirrored=is_mirrored, is_reading=unread.exists())


def _present(flow: Flow, now: datetime) -> AccountPresent:
    """Says how far the account's present is known; the worker lives, for it writes this."""
    facts = _mirror_facts(flow.account_id, is_mirrored=flow.account.is_active)
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


def _fired_at(transition: Transition) -> datetime:
    fired = Transition.objects.filter(
        alert=transition.alert_id, episode=transition.episode, kind=Transition.Kind.FIRING
    ).first()
    return fired.at if fired else transition.at


def top_errors(flow: int, at: datetime, window_hours: int) -> tuple[tuple[int, str], ...]:
    """Returns the most frequent errors of a flow's failed runs in a window, without personal data.

    They are the runs that the rate counts as failed: none that a retry made good, and no retry's own.
    Texts that differ only in what is masked (an address, a record's id) count as one.
    """
    window = last_hours(at, window_hours)
    failed = Execution.objects.filter(
        flow=flow,
        status=Execution.Status.FAILED,
        chain_mark=None,
        started_time__gte=window.start,
        started_time__lt=window.end,
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
