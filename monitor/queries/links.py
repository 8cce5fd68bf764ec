"""Builds the addresses behind numbers: a count that is a link opens exactly the runs that it counts."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import urlencode

from monitor.models.addresses import address_of_list
from monitor.periods import Window
from monitor.queries.executions import EVER_FAILED


def runs(
    window: Window,
    status: str = "",
    *,
    flow_id: int | None = None,
    account_id: int | None = None,
    listed_from: datetime | None = None,
) -> str:
    """Returns the address of the list of the runs that began in a window; empty where no list can show all of them.

    Args:
        window: as it was counted. Its ends are written in UTC: a wall time may come twice.
        status: as the list's filter names it.
        flow_id: only of this flow.
        account_id: only of this account.
        listed_from: runs that began before are counted and no longer listed, because they are pruned.
    """
    if listed_from is not None and window.start < listed_from:
        return ""
    wanted = f"{f'account={account_id:d}&' if account_id else ''}{f'flow={flow_id:d}&' if flow_id else ''}"
    return f"{address_of_list('executions')}?{wanted}{_within(status, window.start, window.end)}"


@lru_cache(maxsize=1024)
def _within(status: str, start: datetime, end: datetime) -> str:
    """Says a status and a time in an address: a page has hundreds of links of few of them."""
    wanted = {"status": status} if status else {}
    return urlencode(wanted | {"start": _text(start), "end": _text(end)})


def failures(
    *,
    outcome: str = "",
    problem_id: int | None = None,
    batch_id: int | None = None,
    record_of: int | str | None = None,
    flow_id: int | None = None,
    account_id: int | None = None,
    failed_from: datetime | None = None,
    failed_before: datetime | None = None,
) -> str:
    """Returns the address of the list of the runs that the ledger of failures counts.

    Args:
        outcome: one of `Failure.Fate`; empty for all.
        problem_id: only of this problem.
        batch_id: only what is in this batch of retries.
        record_of: only about the record of this run, by its primary key; "none" for what has no known record.
        flow_id: only of this flow.
        account_id: only of this account.
        failed_from: failed at or after; in whole seconds.
        failed_before: failed before; in whole seconds.
    """
    wanted: dict[str, object] = {"problem": problem_id, "batch": batch_id, "record": record_of, "outcome": outcome}
    wanted |= {"failed_from": failed_from and _text(failed_from)}
    wanted |= {"failed_before": failed_before and _text(failed_before)}
    if not any(wanted.values()):
        wanted["outcome"] = EVER_FAILED  # else it would be the list of all runs
    wanted |= {"account": account_id, "flow": flow_id}
    return f"{address_of_list('executions')}?{urlencode({name: value for name, value in wanted.items() if value})}"


def problems_since(first_seen: datetime) -> str:
    """Returns the address of the list of the unresolved problems that were seen first at a time or later."""
    return f"{address_of_list('problems')}?{urlencode({'seen_from': _text(first_seen)})}"


def _text(at: datetime) -> str:
    local = at.astimezone(UTC)
    return f"{local:%Y-%m-%dT%H:%M:%SZ}" if local.second else f"{local:%Y-%m-%dT%H:%MZ}"
