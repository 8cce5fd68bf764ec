"""Gathers the state of everything as plain data, which `manage.py status --json` prints."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Count, Q
from django_q.models import OrmQ

from monitor import checks
from monitor.models import ENDED, Execution, Flow, ZohoAccount
from monitor.queries import backfill
from monitor.queries.accounts import BudgetUse, accounts, budgets, token_health
from monitor.queries.channels import ChannelCounts
from monitor.queries.flows import standings
from monitor.queries.freshness import AccountFreshness, mirror
from monitor.queries.health import channel_report, readiness
from monitor.queries.health import stamp as _time
from monitor.queries.incidents import open_now
from monitor.queries.quarantine import open_quarantine, quarantined_runs, unknown_statuses
from monitor.queries.retention import Kept, kept
from monitor.standing.completeness import UNREAD, gap_of, why_incomplete
from monitor.standing.facts import with_facts
from monitor.standing.judge import GONE, WORDS

STATUSES = ("success", "failed")
RUN_PARTS = (
    *("zoho_counts", "before_our_time", "counted", "removed", "quarantined", "holes", "unread", "newer"),
    "without_counter",
)


def status(now: datetime, name: str | None = None) -> dict[str, Any]:
    """Per account the data's age, completeness, budget, token and open incidents; the queue and the worker.

    `open_alerts` are incidents, as the menu counts them under that name.

    `ready`, `problems` and the worker's state are those of `/healthz/ready`: the same judgement.

    Args:
        now: the present; ages are in seconds.
        name: only this account.
    """
    fresh = mirror(now)
    rows = accounts().prefetch_related("budgets")
    if name is not None:
        rows = rows.filter(name=name)
    found = [_account(row, fresh.of(row.pk), now) for row in rows]
    ready, signs = readiness(now, fresh), fresh.signs
    return {
        "generated_at": _time(now),
        "ready": ready.is_ready,
        "problems": ready.problems,
        "warnings": [trouble] if (trouble := checks.proxy_trouble()) else [],
        "accounts": found,
        "open_alerts": sum(account["open_alerts"] for account in found),
        "mail": ready.mail,
        "channels": _channels(ready.channels),
        "queue": {"length": OrmQ.objects.count()},
        "failing_jobs": [
            {
                "name": job.name,
                "failures": job.failures,
                "since": _time(job.since),
                "next_try_at": _time(job.next_try_at),
                "error": job.error,
            }
            for job in fresh.failing
        ],
        "worker": ready.worker | {name: _age(signs[name], now) for name in ("supervisor", "canary") if name in signs},
    }


def _channels(counts: ChannelCounts | None) -> dict[str, Any]:
    """Returns what `/healthz/ready` says of channels, and by name those that are broken."""
    if counts is None:
        return {}
    broken = [
        {
            "name": one.channel.name,
            "refuses": one.is_refusing,
            "since": _time(one.since),
            "reason": one.reason,
            "waiting": one.waiting,
        }
        for one in counts.broken
    ]
    return channel_report(counts) | {"broken": broken}


def _account(account: ZohoAccount, fresh: AccountFreshness | None, now: datetime) -> dict[str, Any]:
    swept_at = fresh.swept_at if fresh else None
    rows = Flow.objects.filter(account=account, gone_at=None).select_related("progress").defer("raw")
    here = list(with_facts(rows, now))
    flows = _flows(account, here, swept_at, now)
    totals, aside = _totals(flows), open_quarantine(account)
    stand = standings(here, {account.pk: fresh.present} if fresh else {}, now)
    for row, flow in zip(here, flows, strict=True):
        flow["standing"] = stand[row.pk].code
    return {
        "name": account.name,
        "data_center": account.data_center,
        "organisation": _organisation(account),
        "is_active": account.is_active,
        "state": fresh.state if fresh else "never",
        "reason": fresh.reason if fresh else "",
        "since": _time(fresh.since if fresh else None),
        "as_of": _time(fresh.as_of if fresh else None),
        "data_age_seconds": _age(fresh.as_of if fresh else None, now),
        "complete": bool(fresh and fresh.is_complete),
        "last_sync_finished_at": _time(swept_at),
        "next_due_at": _time(fresh.due_at if fresh else None),
        "streams": {
            s.stream: {
                "state": s.state,
                "reason": s.reason,
                "as_of": _time(s.as_of),
                "quarantined": aside.get(s.stream, 0),
                "complete": not s.is_missing,
            }
            for s in (fresh.streams if fresh else [])
        },
        "runs": _runs(flows) | {"unknown_statuses": unknown_statuses(account)},
        "completeness": totals | {"flows": flows},
        "standings": {code: sum(one.code == code for one in stand.values()) for code in WORDS if code != GONE},
        "retention": retention_report(kept(account, now)),
        "quarantined": sum(aside.values()),
        "quarantine": aside,
        "token": token_health(account, now).state,
        "api_budget": {use.product: _budget(use) for use in budgets(account, now)},
        "history": backfill.as_data(backfill.of_account(account, now)),
        "open_alerts": open_now().filter(account=account).count(),
    }


def _organisation(account: ZohoAccount) -> dict[str, Any] | None:
    """Returns whose account it is; `answers_for` is another organisation that its grant answers for, or None."""
    row = getattr(account, "organisation", None)
    if row is None:
        return None
    other = {"id": row.other_id, "name": row.other_name, "kind": row.other_kind, "since": _time(row.other_at)}
    return {
        "id": row.shown_id,
        "name": row.name,
        "kind": row.kind,
        "seen_at": _time(row.seen_at),
        "answers_for": other if row.other_at is not None else None,
    }


def retention_report(found: Kept) -> dict[str, Any]:
    """Returns what is kept how long, and how far pruning has come."""
    return {
        "payload_days": found.ages.payload,
        "rows_days": found.ages.rows,
        "hours_days": found.ages.hours,
        "days_days": found.ages.days,
        "payloads_removed": found.payloads_removed,
        "rows_removed": found.rows_removed,
        "oldest_row": _time(found.oldest_row),
        "oldest_hour": _time(found.oldest_hour),
        "looked_at": _time(found.looked_at),
        "behind": found.is_behind,
    }


def _budget(use: BudgetUse) -> dict[str, Any]:
    """Returns one product's calls beside its limits; a limit of null is not known, or there is none a minute."""
    return {
        "per_minute": {"used": use.last_minute, "limit": use.limits.per_minute},
        "per_day": {
            "used": use.last_day,
            "limit": use.limits.per_day,
            "kept_for_people": use.reserve,
            "remaining_by_zoho": use.remaining_seen,
        },
        "at_once": use.limits.at_once,
        "limits_from": use.limits.source,
        "blocked_until": _time(use.blocked_until),
        "blocked_reason": use.blocked_reason,
    }


def _flows(
    account: ZohoAccount, flows: Iterable[Flow], swept_at: datetime | None, now: datetime
) -> list[dict[str, Any]]:
    """Per flow and status: counter = baseline + mirrored + pruned + quarantined, and what is missing of it."""
    mirrored: dict[Any, Any] = {
        row["flow"]: row
        for row in Execution.objects.filter(account=account)
        .values("flow")
        .annotate(
            total=Count("pk"),
            success=Count("pk", filter=Q(status="success")),
            failed=Count("pk", filter=Q(status="failed")),
            ended=Count("pk", filter=ENDED),
        )
    }
    aside = quarantined_runs(account)
    return [_flow(flow, mirrored.get(flow.pk, {}), aside.get(flow.pk, []), swept_at, now) for flow in flows]


def _flow(
    flow: Flow, mirrored: dict[str, int], aside: list[str], swept_at: datetime | None, now: datetime
) -> dict[str, Any]:
    past = flow.progress
    counters = {
        "total": (flow.execution_count, past.baseline_total, past.pruned),
        "success": (flow.success_count, past.baseline_success, past.pruned_success),
        "failed": (flow.failure_count, past.baseline_failed, past.pruned_failed),
    }
    rows = {name: mirrored.get(name, 0) for name in counters}
    rows["total"] = flow.counted(every=rows["total"], ended=mirrored.get("ended", 0))
    lost = dict(zip(counters, flow.tally(aside), strict=True))
    counts = {name: _count(*values, rows[name], lost[name]) for name, values in counters.items()}
    reason = why_incomplete(flow, swept_at)
    if gap_of(flow, swept_at) == UNREAD and flow.progress.history_order:
        reason = backfill.words(backfill.of_flow(flow, mirrored.get("total", 0), now))
    return {
        "flow_id": flow.flow_id,
        "flow_name": flow.shown_name,
        "complete": not reason,
        "reason": reason,
        "read_at": _time(flow.progress.executions_read_at),
        **counts,
    }


def _count(
    counter: int | None, baseline: int | None, pruned: int, mirrored: int, quarantined: int
) -> dict[str, int | None]:
    known = counter is not None and baseline is not None
    apart = counter - baseline - mirrored - pruned - quarantined if known else None  # type: ignore[operator]
    return {
        "counter": counter,
        "baseline": baseline,
        "mirrored": mirrored,
        "pruned": pruned,
        "quarantined": quarantined,
        # Below zero, rows were mirrored that came after Zoho's counters were last read: none is missing.
        "missing": None if apart is None else max(apart, 0),
        "newer": None if apart is None else max(-apart, 0),
    }


def _runs(flows: list[dict[str, Any]]) -> dict[str, int]:
    """Sums up what became of every run that Zoho counts, each in one place.

    *zoho_counts = before_our_time + counted + removed + quarantined + holes + unread − newer − without_counter*.
    """
    sums = dict.fromkeys(RUN_PARTS, 0)
    for flow in flows:
        total = flow["total"]
        sums["counted"] += total["mirrored"]
        sums["removed"] += total["pruned"]
        sums["quarantined"] += total["quarantined"]
        known = total["mirrored"] + total["pruned"] + total["quarantined"]
        if total["counter"] is None:
            sums["without_counter"] += known
            continue
        sums["zoho_counts"] += total["counter"]
        sums["before_our_time"] += total["baseline"] or 0
        apart = total["counter"] - (total["baseline"] or 0) - known
        # What a first reading has not come to yet is no hole.
        sums["holes" if total["baseline"] is not None else "unread"] += max(apart, 0)
        sums["newer"] += max(-apart, 0)
    return sums


def _totals(flows: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        name: {
            part: sum(flow[name][part] or 0 for flow in flows)
            for part in ("counter", "baseline", "mirrored", "pruned", "quarantined", "missing", "newer")
        }
        for name in ("total", *STATUSES)
    }


def _age(at: datetime | None, now: datetime) -> float | None:
    return round((now - at).total_seconds(), 1) if at is not None else None
