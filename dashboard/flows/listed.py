"""Finds what a page of the list of flows shows: what is of all flows is remembered, the rows of the page are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboard import remembered
from dashboard.flows.rows import FlowRow
from monitor.models.asking import answered, in_step
from monitor.ownership import ownership_of
from monitor.periods import Window, last_days
from monitor.queries import flows as queries
from monitor.queries.counts import Counts
from monitor.queries.freshness import Mirror
from monitor.standing.completeness import gap_of
from monitor.standing.facts import Presents, ask_silent_among, standing_of

SILENT_FLOWS = "silent flows"


@dataclass(frozen=True)
class FlowFigures:
    """Holds what the list is sorted by and its standings follow from, of all flows.

    Attributes:
        window: of which the runs are counted.
        sums: the runs of each flow that had any, by primary key.
        presents: how far the present of each account is known, and which flows are silent.
    """

    window: Window
    sums: Mapping[int, Counts]
    presents: Presents


def figures(now: datetime, mirror: Mirror) -> FlowFigures:
    """Reads what is the same for everybody who looks at flows. Two statements in a few seconds.

    Args:
        now: the present.
        mirror: as of now.
    """
    window = last_days(now, queries.LIST_DAYS)
    sums, still = remembered.of_several(
        {("flow sums", window): lambda: queries.ask_week_sums(now), SILENT_FLOWS: lambda: ask_silent_among(now)}
    )
    return FlowFigures(window, sums, Presents(mirror.presents, still))


def in_order(wanted: queries.FlowFilter, of_all: FlowFigures, now: datetime) -> Sequence[int]:
    """Finds the primary keys of all flows of a list, in its order. One statement in a few seconds."""
    # Where no standing is asked for, it is not gone by.
    presents = (
        tuple(sorted((key, one.code) for key, one in of_all.presents.accounts.items())) if wanted.standing else ()
    )
    key = ("flows in order", wanted, of_all.window, presents)
    return remembered.of(key, lambda: queries.in_order(wanted, of_all.sums, of_all.presents, now))


def rows(keys: Sequence[int], of_all: FlowFigures, mirror: Mirror, now: datetime) -> list[FlowRow]:
    """Reads the flows of a page. One statement; two where one has tags.

    Args:
        keys: their primary keys, in order.
        of_all: from `figures`.
        mirror: as of now.
        now: the present.
    """
    daily, flows = answered(in_step(queries.ask_daily_results(keys, now), queries.ask_rows(keys, of_all.sums, now)))
    found: list[FlowRow] = []
    for flow in flows:
        account = mirror.of(flow.account_id)
        gap = gap_of(flow, account.swept_at if account else None)
        standing = standing_of(flow, of_all.presents)
        found.append((flow, standing, daily.get(flow.pk), account, gap, ownership_of(flow)))
    return found
