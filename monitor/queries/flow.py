"""Reads what the pages of one flow show: how it stands, what is not known of it, its figures, runs and alerts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any, NamedTuple

from django.db.models import Count, Q, QuerySet

from monitor.models import ENDED, AlertState, Execution, Flow
from monitor.models.asking import Asking, answered, ask
from monitor.models.prepared import Prepared, PreparedAt
from monitor.periods import PeriodChoice, Window, last_days, slot_starts
from monitor.privacy import mask_text
from monitor.queries import backfill, counts, holes, overview, problems
from monitor.queries.backfill import FlowHistory
from monitor.queries.corrections import ask_marks_of
from monitor.queries.counts import Counts, Piece
from monitor.queries.freshness import AccountFreshness
from monitor.queries.holes import Hole
from monitor.queries.incidents import with_acknowledgement
from monitor.queries.overview import PeriodFigures
from monitor.queries.problems import Ledger
from monitor.standing.completeness import HOLE, gap_of, why_incomplete
from monitor.standing.completeness import UNREAD as NOT_READ
from monitor.standing.facts import Presents, facts_between, moments_of, standing_of
from monitor.standing.judge import UNREAD, AccountPresent, FlowStanding

STRIP = 50  # runs


@dataclass(frozen=True)
class Mirrored:
    """Sets what Zoho counts of a flow beside what is mirrored, for one result.

    `counter` = `baseline` + `mirrored` + `pruned` + `quarantined` where the mirror is complete (baseline: what Zoho had
    forgotten at the first complete read). `missing` is None while Zoho's counter or the baseline is unknown.
    """

    label: str
    counter: int | None
    baseline: int | None
    mirrored: int
    pruned: int
    quarantined: int = 0

    @property
    def before(self) -> int | None:
        """Returns what the counter knows and the mirror rightly does not hold."""
        return None if self.baseline is None else self.baseline + self.pruned

    @property
    def missing(self) -> int | None:
        if self.counter is None or self.baseline is None:
            return None
        return self.counter - self.baseline - self.mirrored - self.pruned - self.quarantined


@dataclass(frozen=True)
class FlowState:
    """Holds what stands at the head of each page of a flow.

    Attributes:
        standing: how it stands now.
        holes: stretches of the time that are not known.
        is_incomplete: runs are missing, and not because its history is still being read.
        gap: why runs may be missing of which no time is known; "" where none may be.
        history: how far the first reading has come; None once it has ended.
    """

    standing: FlowStanding
    holes: list[Hole]
    is_incomplete: bool
    gap: str
    history: FlowHistory | None

    @property
    def is_unread(self) -> bool:
        """Returns whether nothing of it has been read yet."""
        return self.standing.code == UNREAD


class PastRun(NamedTuple):
    """Holds a run of the strip; `duration_ms` is None where it has not ended, or Zoho does not say."""

    pk: int
    status: str
    started: datetime
    duration_ms: int | None


def flows(now: datetime) -> PreparedAt[Flow]:
    """Joins to a flow what each of its pages needs."""
    return _OF_PAGE.at(*moments_of(now))


def _of_page(pk: int, start: datetime, end: datetime, stuck_before: datetime) -> QuerySet[Flow]:
    rows = Flow.objects.filter(pk=pk).order_by().select_related("account", "progress", "ownership__owner")
    return facts_between(rows.defer("raw", "account__client_secret"), start, end, stuck_before)


_OF_PAGE = Prepared(_of_page, int, datetime, datetime, datetime)


def state(
    flow: Flow, account: AccountFreshness | None, now: datetime, start: datetime, silent: frozenset[int]
) -> FlowState:
    """Says how a flow stands, and what of it is not known. No statement; two while its history is read.

    Args:
        flow: from `flows(now)`.
        account: how fresh its account is.
        now: the present.
        start: since when holes matter.
        silent: primary keys of silent flows.
    """
    is_reading = flow.is_reading_history and bool(flow.progress.history_order)
    history = backfill.of_flow(flow, completeness(flow)[0].mirrored, now) if is_reading else None
    present = account.present if account is not None else AccountPresent()
    return FlowState(
        standing=standing_of(flow, Presents({flow.account_id: present}, silent)),
        holes=holes.of_flow(flow, account, start, now),
        is_incomplete=bool(flow.progress.hole_reason) or (flow.progress.executions_read_at is None and history is None),
        gap=_gap(flow, account),
        history=history,
    )


@dataclass(frozen=True)
class ComparedFigures:
    """Holds the figures of a time, and those of the time before in pieces, with where their slots begin."""

    figures: PeriodFigures
    pieces: list[Piece]
    begins: list[datetime]


def figures(flow: Flow, now: datetime, period: PeriodChoice, zone: tzinfo = UTC) -> ComparedFigures:
    """Counts the runs of a flow in a time and in the time before. Two statements; a few more for a year.

    Args:
        flow: any.
        now: the present.
        period: how far the figures go back, and in which slots.
        zone: by whose clock a slot begins.
    """
    return answered(ask_figures(flow, now, period, zone))


def ask_figures(flow: Flow, now: datetime, period: PeriodChoice, zone: tzinfo = UTC) -> Asking[ComparedFigures]:
    """Asks for what `figures` returns."""
    window = last_days(now, period.days)
    before = window.before()
    marks = yield from ask_marks_of(Window(before.start, window.end), flow_id=flow.pk)
    begins, earlier = (slot_starts(one, period.slot_hours, zone) for one in (window, before))
    found, pieces = counts.pieces_of_both(window, begins, earlier, flow_id=flow.pk, marks=marks)
    summed = sum((piece.counts for piece in pieces), Counts())
    figures = overview.figures_of(now, window, begins, found, summed, marks, flow_id=flow.pk)
    return ComparedFigures(figures, pieces, earlier)


def before_unknown(flow: Flow, found: PeriodFigures) -> str:
    """Says why there are no figures of the time before; "" where there are. At most two statements."""
    start = found.window.before().start
    return overview.why_unknown(start, is_read=not flow.is_reading_history or flow.covers(start), flow=flow)


def strip(flow_id: int) -> list[PastRun]:
    """Returns a flow's newest runs, the oldest of them first. One statement."""
    return answered(ask_strip(flow_id))


def ask_strip(flow_id: int) -> Asking[list[PastRun]]:
    """Asks for what `strip` returns."""
    return [PastRun(*row) for row in (yield from ask(_STRIP.question(flow_id)))][::-1]


def _newest(flow_id: int) -> QuerySet[Execution, Any]:
    runs = Execution.objects.filter(flow=flow_id, started_time__isnull=False).order_by("-started_time", "-id")
    return runs.values_list("pk", "status", "started_time", "duration_ms")[:STRIP]


_STRIP = Prepared(_newest, int)


def ledger(flow: Flow) -> Ledger:
    """Returns how its failed runs ended, whenever they failed. One statement."""
    return problems.ledger(Q(flow=flow))


def description(flow: Flow) -> str:
    """Returns what Zoho says of it, masked."""
    return mask_text(flow.description, definition=True)


def _gap(flow: Flow, account: AccountFreshness | None) -> str:
    """Says why a flow that was read to its end, and has no hole, is not complete all the same."""
    swept_at = account.swept_at if account is not None else None
    is_gone = flow.gone_at is not None
    return "" if is_gone or gap_of(flow, swept_at) in (HOLE, NOT_READ) else why_incomplete(flow, swept_at)


def completeness(flow: Flow) -> list[Mirrored]:
    """Sets Zoho's counters beside ours: all, successes, failures. Two statements."""
    ours = Execution.objects.filter(flow=flow).aggregate(
        total=Count("id"),
        success=Count("id", filter=Q(status="success")),
        failed=Count("id", filter=Q(status="failed")),
        ended=Count("id", filter=ENDED),
    )
    past = flow.progress
    counted = flow.counted(every=ours["total"], ended=ours["ended"])
    every, good, bad = flow.tally(flow.quarantined.filter(left_at=None).values_list("status", flat=True))
    return [
        Mirrored("All runs", flow.execution_count, past.baseline_total, counted, past.pruned, every),
        Mirrored("Success", flow.success_count, past.baseline_success, ours["success"], past.pruned_success, good),
        Mirrored("Failed", flow.failure_count, past.baseline_failed, ours["failed"], past.pruned_failed, bad),
    ]


def open_alerts(flow: Flow) -> QuerySet[AlertState]:
    """Finds the flow's open incidents, newest first."""
    rows = flow.alert_states.filter(is_open=True)  # each knows its flow already
    return with_acknowledgement(rows.select_related("rule")).order_by("-since")
