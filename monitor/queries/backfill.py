"""Shows how far the first reading of history has come, for pages, `status` and `backfill status`. Read-only."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, Sum

from monitor.connection.backfill_budget import PAGE, ends_at, expected_runs, spent
from monitor.connection.limits import CallLimits
from monitor.models import Execution, Flow, FlowProgress, Product, SyncState, ZohoAccount
from monitor.models.asking import Asking, answered, ask, ask_count, ask_first, in_step, over_all
from monitor.queries.accounts import ask_budget_use


@dataclass(frozen=True)
class FlowHistory:
    """Holds one flow whose history is being read.

    `at_most` is Zoho's counter, which is for the flow's life while its history is not; `about` is what its present
    pace makes of 90 days; both None where Zoho does not count. All runs since `back_to` are mirrored (None: not known).
    """

    flow: Flow
    runs: int
    at_most: int | None
    about: int | None
    back_to: datetime | None
    calls: int

    @property
    def is_begun(self) -> bool:
        return bool(self.flow.progress.history_order)

    @property
    def calls_left(self) -> int:
        """Returns the calls left, at least one: to see that there is nothing older."""
        return max(1, -(-max(0, (self.about or 0) - self.runs) // PAGE))


@dataclass(frozen=True)
class History:
    """Holds the first readings of one account; `flows` are those still open, the one known the least far back first.

    `back_to` holds for all of them together. `ends_at` is None while it is paused, and where nothing is left.
    """

    account_id: int
    name: str
    is_paused: bool
    flows_all: int
    calls: int
    ends_at: datetime | None
    flows: list[FlowHistory] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        return bool(self.flows)

    @property
    def flows_done(self) -> int:
        return self.flows_all - len(self.flows)

    @property
    def runs(self) -> int:
        return sum(flow.runs for flow in self.flows)

    @property
    def at_most(self) -> int | None:
        counts = [flow.at_most for flow in self.flows]
        return None if None in counts else sum(count or 0 for count in counts)

    @property
    def about(self) -> int | None:
        counts = [flow.about for flow in self.flows]
        return None if None in counts else sum(count or 0 for count in counts)

    @property
    def back_to(self) -> datetime | None:
        dates = [flow.back_to for flow in self.flows]
        return None if None in dates else max((at for at in dates if at), default=None)


def of_account(account: ZohoAccount, now: datetime) -> History:
    """Returns the first readings of one account. Three statements; one where all is read."""
    return answered(ask_of_account(account, now))


def ask_of_account(account: ZohoAccount, now: datetime) -> Asking[History]:
    """Asks for what `of_account` returns."""
    living = Flow.objects.filter(account=account, gone_at=None)
    unread = living.filter(progress__executions_read_at=None).select_related("progress").defer("raw", "description")
    every = FlowProgress.objects.filter(flow__account=account)
    counted, open_flows, calls = yield from in_step(
        ask_count(living), ask(unread), ask(over_all(every, calls=Sum("history_calls")))
    )
    spent_calls = sum(int(n or 0) for (n,) in calls)
    if not open_flows:
        return History(account.pk, account.name, account.backfill_paused, counted, spent_calls, None)
    rows = Execution.objects.filter(flow__in=open_flows).order_by().values_list("flow").annotate(Count("pk"))
    several, by_hour, use = yield from in_step(
        ask(rows),
        ask_first(SyncState.objects.filter(account=account).values_list("history_calls", flat=True)),
        ask_budget_use(account, Product.FLOW, now),
    )
    mirrored = dict(several)
    flows = sorted((of_flow(flow, mirrored.get(flow.pk, 0), now) for flow in open_flows), key=_least_known_first)
    return History(
        account_id=account.pk,
        name=account.name,
        is_paused=account.backfill_paused,
        flows_all=counted,
        calls=spent_calls,
        ends_at=None if account.backfill_paused else _ends_at(use.limits, by_hour or {}, flows, now),
        flows=flows,
    )


def of_flow(flow: Flow, runs: int, now: datetime) -> FlowHistory:
    """Returns one flow's first reading, with the runs mirrored of it."""
    return FlowHistory(
        flow=flow,
        runs=runs,
        at_most=None if flow.execution_count is None else max(flow.execution_count, runs),
        about=expected_runs(flow.execution_count, runs, flow.progress.covered_from, now),
        back_to=flow.progress.covered_from,
        calls=flow.progress.history_calls,
    )


def words(one: FlowHistory | History) -> str:
    """`history is being read, 400 of about 9,000 runs (Zoho counted 12,000 in all), back to 2026-11-01 09:30 UTC`."""
    said = "history is being read"
    if isinstance(one, History):
        said = "the reading of history is paused" if one.is_paused else said
        said += f", {one.flows_done:,} of {one.flows_all:,} flows complete"
    said += f", {one.runs:,}"
    if one.about is not None:
        said += f" of about {one.about:,}"
    said += " runs" + (" of the others" if isinstance(one, History) and one.flows_done else "")
    if one.at_most is not None and one.about is not None and one.at_most > one.about:
        said += f" (Zoho counted {one.at_most:,} in all)"
    return said + (f", back to {one.back_to:%Y-%m-%d %H:%M} UTC" if one.back_to else "")


def as_data(one: History) -> dict[str, Any]:
    """Returns the same as plain data, for `--json`; times in ISO 8601."""
    return {
        "open": one.is_open,
        "paused": one.is_paused,
        "flows": {"done": one.flows_done, "all": one.flows_all},
        "runs": {"read": one.runs, "about": one.about, "at_most": one.at_most} if one.is_open else None,
        "back_to": _time(one.back_to),
        "calls": one.calls,
        "ends_at": _time(one.ends_at),
        "open_flows": [
            {
                "flow_id": flow.flow.flow_id,
                "flow_name": flow.flow.shown_name,
                "newest_page_read": flow.is_begun,
                "runs": {"read": flow.runs, "about": flow.about, "at_most": flow.at_most},
                "back_to": _time(flow.back_to),
                "calls": flow.calls,
            }
            for flow in one.flows
        ],
    }


def _ends_at(limits: CallLimits, by_hour: dict[str, int], flows: list[FlowHistory], now: datetime) -> datetime:
    return ends_at(limits, sum(flow.calls_left for flow in flows), spent_day=spent(by_hour, now), now=now)


def _least_known_first(one: FlowHistory) -> tuple[bool, float, int]:
    return (one.back_to is not None, -one.back_to.timestamp() if one.back_to else 0.0, one.flow.pk)


def _time(at: datetime | None) -> str | None:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at is not None else None
