"""Reads what the page of one flow shows: figures, what is not known of them, alerts, versions and newest runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from django.db.models import Count, Q, QuerySet

from monitor.models import ENDED, AlertState, Execution, Flow
from monitor.periods import PeriodChoice
from monitor.privacy import mask_text
from monitor.queries import backfill, counts, executions, holes, overview, policies, problems, versions
from monitor.queries.backfill import FlowHistory
from monitor.queries.counts import Detail
from monitor.queries.freshness import AccountFreshness
from monitor.queries.holes import Hole
from monitor.queries.incidents import with_acknowledgement
from monitor.queries.overview import PeriodFigures
from monitor.queries.problems import Ledger
from monitor.queries.versions import Versions
from monitor.standing.completeness import HOLE, gap_of, why_incomplete
from monitor.standing.completeness import UNREAD as NOT_READ
from monitor.standing.facts import Presents, silent_among, standing_of, with_facts
from monitor.standing.judge import UNREAD, AccountPresent, FlowStanding


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
class FlowPage:
    """Holds what the page of one flow shows of a time.

    Attributes:
        figures: the runs of the time, and of the time before it.
        before_unknown: why there are no figures of the time before; "" where there are.
        holes: stretches of the time that are not known.
        is_incomplete: runs are missing, and not because its history is still being read.
        gap: why runs may be missing of which no time is known; "" where none may be.
        details: run times and errors by the pieces of the figures.
        history: how far the first reading has come; None once it has ended.
        description: masked.
        standing: how it stands now.
        ledger: how its failed runs ended, whenever they failed.
    """

    figures: PeriodFigures
    before_unknown: str
    holes: list[Hole]
    is_incomplete: bool
    gap: str
    details: list[Detail]
    completeness: list[Mirrored]
    history: FlowHistory | None
    alerts: list[AlertState]
    versions: Versions
    executions: list[Execution]
    description: str
    standing: FlowStanding
    ledger: Ledger

    @property
    def is_unread(self) -> bool:
        """Returns whether nothing of it has been read yet."""
        return self.standing.code == UNREAD


def flows(now: datetime) -> QuerySet[Flow]:
    """Joins to flows what the page needs."""
    joined = Flow.objects.select_related(
        "account", "progress", "record_field__chosen_by", "retry_pin__by", "ownership__owner"
    )
    rows = joined.defer("account__client_secret").annotate(policy_on=policies.on_for("flow"))
    return with_facts(rows, now)


def page(
    flow: Flow, account: AccountFreshness | None, now: datetime, period: PeriodChoice, zone: tzinfo = UTC
) -> FlowPage:
    """Reads what is known of one flow, and what is not.

    Args:
        flow: from `flows(now)`.
        account: how fresh its account is.
        now: the present.
        period: how far the figures go back, and in which slots.
        zone: by whose clock a slot begins.
    """
    figures = overview.period(now, period.days, slot_hours=period.slot_hours, zone=zone, flow_id=flow.pk)
    before = figures.window.before().start
    is_read = not flow.is_reading_history or flow.covers(before)
    mirrored = completeness(flow)
    is_reading = flow.is_reading_history and bool(flow.progress.history_order)
    history = backfill.of_flow(flow, mirrored[0].mirrored, now) if is_reading else None
    return FlowPage(
        figures=figures,
        before_unknown=overview.why_unknown(before, is_read=is_read, flow=flow),
        holes=holes.of_flow(flow, account, figures.window.start, now),
        is_incomplete=bool(flow.progress.hole_reason) or (flow.progress.executions_read_at is None and history is None),
        gap=_gap(flow, account),
        details=counts.details(figures.window, figures.begins, flow_id=flow.pk),
        completeness=mirrored,
        history=history,
        alerts=list(open_alerts(flow)),
        versions=versions.of(flow),
        executions=list(executions.recent(flow.pk)),
        description=mask_text(flow.description, definition=True),
        standing=standing(flow, account, now),
        ledger=problems.ledger(Q(flow=flow)),
    )


def _gap(flow: Flow, account: AccountFreshness | None) -> str:
    """Says why a flow that was read to its end, and has no hole, is not complete all the same."""
    swept_at = account.swept_at if account is not None else None
    is_gone = flow.gone_at is not None
    return "" if is_gone or gap_of(flow, swept_at) in (HOLE, NOT_READ) else why_incomplete(flow, swept_at)


def standing(flow: Flow, account: AccountFreshness | None, now: datetime) -> FlowStanding:
    """Says how a flow stands. At most three statements.

    Args:
        flow: from `flows(now)`.
        account: how fresh its account is.
        now: the present.
    """
    present = account.present if account is not None else AccountPresent()
    return standing_of(flow, Presents({flow.account_id: present}, silent_among(now, [flow.pk])))


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
