"""Shows the overview: totals, worst flows, open alerts, silent flows, broken connections."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from django.db.models import Case, QuerySet, When

from monitor.models import BROKEN, AccountDay, AccountHour, Connection, Correction, Flow
from monitor.periods import Window, last_days, slot_starts
from monitor.queries import counts, problems, retention
from monitor.queries.corrections import Marks, marks_of
from monitor.queries.counts import Counts, Piece
from monitor.queries.flows import standing_counts
from monitor.queries.freshness import Mirror
from monitor.queries.incidents import IncidentRow, first_open_incidents
from monitor.queries.problems import ProblemsInShort
from monitor.standing.facts import Presents, standing_of, with_facts
from monitor.standing.judge import FlowStanding
from monitor.standing.silence import SilentFlow, silent_flows

SILENT_SHOWN = 8
INCIDENTS_SHOWN = 8


@dataclass(frozen=True)
class PeriodFigures:
    """Holds the runs of a window in pieces, their sum, and the sum of the window of equal length before.

    Attributes:
        window: whole hours.
        end: the present: a chart of the window ends here.
        begins: where the slots of the window begin; the first may begin before it.
        pieces: counts of stretches that none of them cuts.
        totals: of the window.
        listed_from: runs that began before are counted and not listed any more; None where there are none.
        before: of the window of the same length before.
        corrections: why some of the runs are in no rate.
        marks: all that is left out of the rates of the two windows.
    """

    window: Window
    end: datetime
    begins: list[datetime]
    pieces: list[Piece]
    totals: Counts
    before: Counts
    listed_from: datetime | None
    corrections: list[Correction]
    marks: Marks


@dataclass(frozen=True)
class OverviewCards:
    """Holds what the cards of the overview list.

    Attributes:
        worst: flows with the most failures.
        incidents: that are open: as many as are shown.
        silent: flows that pause longer than they ever do.
        broken: connections that Zoho does not call active.
        standings: how many flows stand how, what is bad first.
        worst_standings: of the worst flows, by primary key.
        problems: that somebody has to look at, and open failures by age.
        open_incident_count: all that are open.
    """

    worst: list[FlowCounts]
    incidents: list[IncidentRow]
    silent: list[SilentFlow]
    broken: list[Connection]
    standings: list[StandingCount]
    worst_standings: dict[int, FlowStanding]
    problems: ProblemsInShort
    open_incident_count: int


@dataclass(frozen=True)
class StandingCount:
    """Holds how many flows have one standing; the list of flows with this filter has as many."""

    standing: FlowStanding
    flows: int


@dataclass(frozen=True)
class FlowCounts:
    """Holds a flow and its runs in a period."""

    flow: Flow
    counts: Counts


def period(
    now: datetime,
    days: int,
    *,
    slot_hours: int = 24,
    zone: tzinfo = UTC,
    account_id: int | None = None,
    flow_id: int | None = None,
    flows: Collection[int] | None = None,
) -> PeriodFigures:
    """Returns the runs of the last so many days.

    Two statements; a few more for a year, where slots cut hours, or where people left some of it out of the rates.

    Args:
        now: the present.
        days: how many times 24 hours.
        slot_hours: the length of a chart's slot.
        zone: by whose clock a slot begins.
        account_id: only of this account.
        flow_id: only of this flow.
        flows: only of these flows.
    """
    window = last_days(now, days)
    begins = slot_starts(window, slot_hours, zone)
    marks = marks_of(Window(window.before().start, window.end), account_id, flow_id)
    whose: dict[str, Any] = {"account_id": account_id, "flow_id": flow_id, "flows": flows, "marks": marks}
    found, before = counts.pieces_and_before(window, begins, **whose)
    totals = sum((piece.counts for piece in found), Counts())
    return PeriodFigures(
        window=window,
        end=now,
        begins=begins,
        pieces=found,
        totals=totals,
        before=before,
        listed_from=retention.listed_from(window.start, now, account_id=account_id, flow_id=flow_id),
        corrections=marks.beside(window) if totals.left_out else [],
        marks=marks,
    )


def cards(
    now: datetime,
    days: int,
    mirror: Mirror,
    zone: tzinfo = UTC,
    marks: Marks | None = None,
) -> OverviewCards:
    """Reads what the cards list.

    Args:
        now: the present.
        days: how far failures are counted back.
        mirror: as of now, with what `problems.to_count` and the menu count.
        zone: by whose clock today began.
        marks: what is left out of the rates of these days, where it is read already.
    """
    silent = silent_flows(now)
    silent_ids = frozenset(one.flow.pk for one in silent)
    worst = worst_flows(now, days, marks=marks)
    presents = Presents(mirror.presents, silent_ids)
    counted = standing_counts(mirror.presents, silent_ids, now)
    return OverviewCards(
        worst=worst,
        incidents=first_open_incidents(INCIDENTS_SHOWN) if mirror.counts["alerts"] else [],
        silent=silent[:SILENT_SHOWN],
        broken=list(broken_connections()),
        standings=[StandingCount(FlowStanding(code), flows) for code, flows in counted.items()],
        worst_standings={one.flow.pk: standing_of(one.flow, presents) for one in worst},
        problems=problems.in_short(mirror.counts, now, zone),
        open_incident_count=mirror.counts["alerts"],
    )


def why_unknown(start: datetime, *, is_read: bool, flow: Flow | None = None) -> str:
    """Says why there are no figures of a time that begins at `start`; empty where there are.

    Args:
        start: the beginning of the time.
        is_read: whether the first reading of history has come back so far.
        flow: only of this flow; None: of all flows.
    """
    if not is_read:
        return "the time before is not read yet"
    return "" if is_known_since(start, flow=flow) else "the time before is not known"


def is_known_since(start: datetime, *, flow: Flow | None = None) -> bool:
    """Returns whether runs that began at `start` would be counted here: else their number is not 0 but not known.

    Zoho forgets runs and goes on counting them: where its counters hold more than the mirror, the account's oldest
    bucket tells how far back the mirror reaches.

    Args:
        start: the beginning of a time, aware.
        flow: only of this flow; None: of all flows.
    """
    if flow is not None:
        return not flow.progress.baseline_total or _reaches_back(flow.account_id, start)
    forgotten = Flow.objects.filter(gone_at=None, progress__baseline_total__gt=0).order_by()
    return all(_reaches_back(account, start) for account in forgotten.values_list("account_id", flat=True).distinct())


def _reaches_back(account_id: int, start: datetime) -> bool:
    days = AccountDay.objects.filter(account=account_id, day__lte=start.date())
    return days.exists() or AccountHour.objects.filter(account=account_id, hour__lte=start).exists()


def worst_flows(now: datetime, days: int, *, limit: int = 8, marks: Marks | None = None) -> list[FlowCounts]:
    """Flows with the most failures in the period, worst first, with what their standing is by. Three statements."""
    window = last_days(now, days)
    most = counts.most_failed(window, limit)
    found = [row for row in counts.by_flow(window, marks=marks, among=most).items() if row[1].failed]
    worst = sorted(found, key=lambda row: (-row[1].failed, row[0]))[:limit]
    rows = Flow.objects.select_related("account", "progress").defer("raw", "account__client_secret")
    flows = with_facts(rows, now).in_bulk([flow for flow, _ in worst])
    return [FlowCounts(flows[flow], of_flow) for flow, of_flow in worst if flow in flows]


def broken_connections(limit: int = 8, accounts: Collection[int] | None = None) -> QuerySet[Connection]:
    """Connections that Zoho does not call active: those that it calls broken first, of each the longest so.

    Args:
        limit: how many at most.
        accounts: only of these; None for all.
    """
    rows = Connection.objects.filter(gone_at=None)
    if accounts is not None:
        rows = rows.filter(account__in=accounts)
    return (
        rows.exclude(status="active")
        .select_related("account")
        .defer("raw", "account__client_secret")
        .order_by(Case(When(status__in=BROKEN, then=0), default=1), "status_since", "pk")[:limit]
    )
