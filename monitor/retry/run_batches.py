"""Carries batches out: starts what is due, follows what was started, stops where half of a step fails.

It asks nothing of Zoho and may be run at any time, in any number of processes, and killed at any line. An item's retry
has a name of its own (`_token`): whoever starts the item again gets the same row back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, Q

from monitor.access import may
from monitor.models import Execution, FlowVersion, RetryAttempt, RetryBatch, RetryItem, zoho_ahead
from monitor.retry.batches import change
from monitor.retry.requests import RetryRefused, request_retry
from monitor.retry.steps import BatchFacts, NextStep, next_start, next_step

MOST_OPEN_OF_A_FLOW = 10  # executions of a flow that run at once (docs/reference/zoho-flow.md, "Plans and limits")
# An answer that was lost often shows within a minute what it was. After that it counts as failed and holds nothing up;
# what becomes known of it later is still noted.
WAITED_FOR = timedelta(minutes=1)
MOST_SKIPPED = 200  # items in one pass, which is one transaction
LOOKED_THROUGH = 200  # waiting items that are looked through for one whose flow has room
State, Item, Attempt = RetryBatch.State, RetryItem.State, RetryAttempt.State
_ENDS = {
    Attempt.SUCCEEDED: Item.SUCCEEDED,
    Attempt.FAILED_AGAIN: Item.FAILED,
    Attempt.REJECTED: Item.FAILED,
    Attempt.NOT_RUN: Item.FAILED,
    Attempt.CANCELLED: Item.SKIPPED,
}


def run_batches(now: datetime) -> dict[str, int]:
    """Takes every open batch as far as it can go now; returns how many items were started, ended and skipped."""
    done: Counter[str] = Counter()
    for batch in RetryBatch.objects.filter(state=State.QUEUED).order_by("requested_at", "pk"):
        # The database lets one batch of an account run; the next one waits for its turn.
        change(batch, [State.QUEUED], State.RUNNING, now=now, actor=None, started_at=batch.started_at or now)
    following = Q(state=State.RUNNING) | Q(items__state__in=(Item.STARTED, Item.UNKNOWN))
    for key in RetryBatch.objects.filter(following).distinct().order_by("pk").values_list("pk", flat=True):
        done.update(_run(key, now))
    return {name: done[name] for name in ("started", "ended", "skipped")}


@transaction.atomic
def _run(key: int, now: datetime) -> Counter[str]:
    """Takes one batch on; a batch that another process holds at this moment is left to it."""
    rows = RetryBatch.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk=key)
    batch = rows.select_related("account", "requested_by").first()
    done: Counter[str] = Counter()
    if batch is None:
        return done
    done += _follow(batch, now)
    if batch.state != State.RUNNING:
        return done
    if not may(batch.requested_by, "retry.bulk", batch.account):
        change(batch, [State.RUNNING], State.STOPPED, now=now, actor=None, state_reason=_LOST_RIGHT)
        return done
    if not batch.account.is_active:
        return done  # it waits, as everything else of a paused account does
    done_now = 0
    while True:
        step = next_step(_facts(batch), now)
        if step.do == "advance":
            RetryBatch.objects.filter(pk=batch.pk).update(step=batch.step + 1)
            batch.step += 1
        elif step.do != "start":
            break
        else:
            started, skipped = _start(batch, step, now)
            done.update(started=started, skipped=skipped)
            done_now += skipped
            if not skipped or done_now >= MOST_SKIPPED:
                break  # else others have their turn at once
    _end(batch, step, now)
    return done


_LOST_RIGHT = "The person who asked for it may no longer retry."


def _end(batch: RetryBatch, step: NextStep, now: datetime) -> None:
    if step.do == "stop":
        change(batch, [State.RUNNING], State.STOPPED, now=now, actor=None, state_reason=step.reason)
    elif step.do == "finish":
        change(batch, [State.RUNNING], State.FINISHED, now=now, actor=None, finished_at=now)


def _follow(batch: RetryBatch, now: datetime) -> Counter[str]:
    """Ends items by what became of their retries. An unknown outcome may still become known."""
    done: Counter[str] = Counter()
    items = RetryItem.objects.filter(batch=batch, state__in=(Item.STARTED, Item.UNKNOWN)).select_related("attempt")
    for item in items:
        attempt = item.attempt
        if attempt is None:
            continue
        state = _ENDS.get(Attempt(attempt.state))
        if state is None and attempt.state == Attempt.UNKNOWN and item.state == Item.STARTED:
            is_late = attempt.sent_at is not None and now >= attempt.sent_at + WAITED_FOR
            state = Item.UNKNOWN if is_late else None
        if state is None:
            continue
        ended = None if state == Item.UNKNOWN else attempt.settled_at or now
        code = "" if state == Item.SUCCEEDED else attempt.state
        RetryItem.objects.filter(pk=item.pk).update(state=state, code=code, note=attempt.answer[:300], ended_at=ended)
        done["skipped" if state == Item.SKIPPED else "ended"] += 1
    return done


def _facts(batch: RetryBatch) -> BatchFacts:
    in_step = Q(step=batch.step)
    counts = RetryItem.objects.filter(batch=batch).aggregate(
        waiting=Count("pk", filter=Q(state=Item.WAITING)),
        open=Count("pk", filter=Q(state=Item.STARTED)),
        started=Count("pk", filter=in_step & ~Q(state__in=(Item.WAITING, Item.SKIPPED))),
        succeeded=Count("pk", filter=in_step & Q(state=Item.SUCCEEDED)),
        failed=Count("pk", filter=in_step & Q(state__in=(Item.FAILED, Item.UNKNOWN))),
    )
    return BatchFacts(
        canary=batch.canary, step=batch.step, per_minute=batch.per_minute, next_start_at=batch.next_start_at, **counts
    )


def _start(batch: RetryBatch, step: NextStep, now: datetime) -> tuple[int, int]:
    """Starts the next items; returns how many were started, and how many were skipped instead."""
    started = skipped = 0
    for item in _next_items(batch, step.count):
        reason = _why_not(batch, item, now)
        if reason is None:
            reason = _ask(batch, item, now)
        if reason is not None:
            code, note = reason
            RetryItem.objects.filter(pk=item.pk).update(state=Item.SKIPPED, code=code, note=note[:300], ended_at=now)
            skipped += 1
        else:
            started += 1
    if started:
        following = next_start(batch.per_minute, batch.next_start_at, now, started)
        RetryBatch.objects.filter(pk=batch.pk).update(next_start_at=following)
        batch.next_start_at = following
    return started, skipped


def _next_items(batch: RetryBatch, count: int) -> Iterable[RetryItem]:
    """Returns the next waiting items whose flows have room for another run."""
    rows = RetryItem.objects.filter(batch=batch, state=Item.WAITING).order_by("position")
    waiting = list(rows.select_related("execution")[:LOOKED_THROUGH])
    of_flows = RetryAttempt.objects.filter(
        execution__flow__in={item.execution.flow_id for item in waiting},
        state__in=(Attempt.REQUESTED, Attempt.SENDING, Attempt.ACCEPTED),
    )
    busy = Counter(of_flows.order_by().values_list("execution__flow_id", flat=True))
    found: list[RetryItem] = []
    for item in waiting:
        if len(found) == count:
            break
        if busy[item.execution.flow_id] < MOST_OPEN_OF_A_FLOW:
            busy[item.execution.flow_id] += 1
            found.append(item)
    return found


def _why_not(batch: RetryBatch, item: RetryItem, now: datetime) -> tuple[str, str] | None:
    """Says what has happened since the preview that makes the retry wrong; None for nothing."""
    execution = Execution.objects.select_related("flow").get(pk=item.execution_id)
    ahead = zoho_ahead(batch.account_id).first() or timedelta(0)
    modified, since = execution.flow.modified_time, batch.requested_at
    is_changed = modified > since + ahead if modified is not None else _has_new_version(execution.flow_id, since)
    if is_changed:
        return "flow_changed", "The flow was changed after the preview."
    others = RetryAttempt.objects.filter(execution=execution, requested_at__gte=since)
    other = others.exclude(client_token=_token(item)).select_related("requested_by").first()
    if other is not None:
        return "retried_meanwhile", f"{other.requested_by.get_username()} has retried it since the preview."
    if hasattr(execution, "failure") and execution.failure.fate == "written_off":
        return "written_off", "It was written off."
    return None


def _has_new_version(flow: int, since: datetime) -> bool:
    return FlowVersion.objects.filter(flow=flow, first_seen_at__gt=since, number__gt=1).exists()


def _ask(batch: RetryBatch, item: RetryItem, now: datetime) -> tuple[str, str] | None:
    """Makes the retry of an item; returns why it cannot be, None where it is made."""
    try:
        attempt = request_retry(
            execution=item.execution,
            user=batch.requested_by,
            reason=batch.reason,
            client_token=_token(item),
            accept_risk=batch.accept_risk,
            now=now,
        )
    except RetryRefused as refusal:
        return refusal.code, refusal.message
    RetryItem.objects.filter(pk=item.pk).update(state=Item.STARTED, attempt=attempt, step=batch.step)
    return None


def _token(item: RetryItem) -> str:
    return f"batch-{item.batch_id}-item-{item.pk}"
