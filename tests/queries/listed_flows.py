"""The list of flows as a page has it: all that a filter lets through, in order, with their figures."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from monitor.queries import flows
from monitor.queries.flows import FlowFilter
from monitor.standing.facts import Presents, silent_among
from monitor.standing.judge import AccountPresent


def listed(wanted: FlowFilter, now: datetime, accounts: Mapping[int, AccountPresent] | None = None) -> list[Any]:
    sums = flows.week_sums(now)
    presents = Presents(accounts or {}, silent_among(now))
    return flows.rows(flows.in_order(wanted, sums, presents, now), sums, now)
