"""Carries batches out: starts what is due, follows what was started, stops where half of a step fails.

It asks nothing of Zoho and may be run at any time, in any number of processes, and killed at any line. An item's retry
has a name of its own (`_token`): whoever starts the item again gets the same row back.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction

from monitor.access import may
from monitor.models import ITEM_TOKEN, RetryAttempt, RetryBatch, RetryItem
from monitor.retry.batch_facts import facts_of_batch
from monitor.retry.batches import call_back, change, put_back, skip_the_rest
from monitor.retry.requests import RetryRefused, request_retry
from monitor.retry.room import MOST_OPEN_OF_A_FLOW, busy_flows, must_wait
from monitor.retry.since_preview import why_not
from monitor.retry.steps import NextStep, next_start, next_step

log = logging.getLogger(__name__)
MOST_SKIPPED = 200  # items in one pass, which is one transaction
MOST_UNSENT = 10  # wishes of an account's batches that wait to be sent: a person's own click comes soon after
LOOKED_THROUGH = 200  # waiting items that are looked through for one whose flow has room
State, Item, Attempt = RetryBatch.State, RetryItem.State, RetryAttempt.State
# An answer that was lost often shows within a minute what it was, and a run takes five minutes at most. After that it
# counts as failed and holds nothing up; what becomes known of it later is still noted.
WAITED_FOR = {Attempt.UNKNOWN: timedelta(minutes=1), Attempt.ACCEPTED: timedelta(minutes=15)}
_ENDS = {
    Attempt.SUCCEEDED: Item.SUCCEEDED,
    Attempt.FAILED_AGAIN: Item.FAILED,
    Attempt.REJECTED: Item.FAILED,
    Attempt.NOT_RUN: Item.FAILED,
    Attempt.CANCELLED: Item.SKIPPED,
}


class _HeldUpError(Exception):
    """Says why nothing of the account can be sent, whichever item comes next."""


def run_batches(now: datetime) -> dict[str, int]:
    """Takes every open batch as far as it can go now.

    A fault of ours with one batch is logged and counted, and keeps no other waiting.

    Returns:
        How many items were started, ended and skipped, and how many batches could not be gone on with.
    """
    done: Counter[str] = Counter()
    for batch in RetryBatch.objects.filter(state=State.QUEUED).order_by("requested_at", "pk"):
        # The database lets one batch of an account run; the next one waits for its turn.
        change(batch, [State.QUEUED], State.RUNNING, now=now, actor=None, started_at=batch.started_at or now)
    for key in sorted({*_running(), *_on_their_way()}):
        try:
            done.update(_run(key, now))
        except Exception:
            log.exception("batch %s could not be gone on with", key)
            done["errors"] += 1
    return {name: done[name] for name in ("started", "ended", "skipped", "errors")}


def _running() -> Iterable[int]:
    return RetryBatch.objects.filter(state=State.RUNNING).values_list("pk", flat=True)


def _on_their_way() -> Iterable[int]:
    """Returns the batches with an item whose retry may have come to an end since it was looked at."""
    items = RetryItem.objects.filter(state__in=(Item.STARTED, Item.UNKNOWN))
    news = items.exclude(state=Item.UNKNOWN, attempt__state=Attempt.UNKNOWN)
    return news.order_by().values_list("batch_id", flat=True).distinct()


@transaction.atomic
def _run(key: int, now: datetime) -> Counter[str]:
    """Takes one batch on; a batch that another process holds at this moment is left to it."""
    rows = RetryBatch.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk=key)
    batch = rows.select_related("account", "requested_by").first()
    done: Counter[str] = Counter()
    if batch is None:
        return done
    held_up = _wait_again(batch)
    done += _follow(batch, now)
    if batch.state != State.RUNNING:
        # Also what came back to be sent again after the batch was suspended or cancelled.
        call_back(batch, now)
        if batch.state == State.CANCELLED:
            skip_the_rest(batch, now)
        return done
    if not may(batch.requested_by, "retry.bulk", batch.account):
        _stop(batch, _LOST_RIGHT, now)
        return done
    if held_up:
        _stop(batch, held_up, now)
        return done
    if must_wait(batch.account_id, now):
        call_back(batch, now)
        return done
    done_now = 0
    while True:
        step = next_step(facts_of_batch(batch), now)
        if step.do == "advance":
            RetryBatch.objects.filter(pk=batch.pk).update(step=batch.step + 1)
            batch.step += 1
        elif step.do != "start":
            break
        else:
            try:
                started, skipped = _start(batch, step, now)
            except _HeldUpError as reason:
                _stop(batch, str(reason), now)
                return done
            done.update(started=started, skipped=skipped)
            done_now += skipped
            if not skipped or done_now >= MOST_SKIPPED:
                break  # else others have their turn at once
    _end(batch, step, now)
    return done


def _stop(batch: RetryBatch, reason: str, now: datetime) -> None:
    change(batch, [State.RUNNING], State.STOPPED, now=now, actor=None, state_reason=reason[:300])
    call_back(batch, now)


_LOST_RIGHT = "The person who asked for it may no longer retry."


def _end(batch: RetryBatch, step: NextStep, now: datetime) -> None:
    if step.do == "stop":
        _stop(batch, step.reason, now)
    elif step.do == "finish":
        change(batch, [State.RUNNING], State.FINISHED, now=now, actor=None, finished_at=now)


def _wait_again(batch: RetryBatch) -> str:
    """Has items wait again whose retries were called off for what says nothing of their runs.

    Returns:
        Why nothing more can be sent until a person has seen to it; "" for nothing.
    """
    unsent = RetryItem.objects.filter(batch=batch, state=Item.STARTED, attempt__state=Attempt.CANCELLED)
    reason = ""
    for item in unsent.filter(attempt__code__in=RetryAttempt.HELD_UP).select_related("attempt").order_by("pk"):
        if item.attempt is not None and item.attempt.code in RetryAttempt.NOT_CONNECTED:
            reason = reason or item.attempt.answer
        put_back(item)
    return reason


def _follow(batch: RetryBatch, now: datetime) -> Counter[str]:
    """Ends items by what became of their retries. An unknown outcome may still become known."""
    done: Counter[str] = Counter()
    items = RetryItem.objects.filter(batch=batch, state__in=(Item.STARTED, Item.UNKNOWN)).select_related("attempt")
    for item in items.order_by("pk"):
        state = _end_of(item, now)
        if state is None or state == item.state:
            continue
        attempt = item.attempt
        ended = None if state == Item.UNKNOWN else (attempt.settled_at if attempt is not None else None) or now
        code, note = ("lost", "") if attempt is None else (attempt.code or attempt.state, attempt.answer[:300])
        code = "" if state == Item.SUCCEEDED else code
        RetryItem.objects.filter(pk=item.pk).update(state=state, code=code, note=note, ended_at=ended)
        done["skipped" if state == Item.SKIPPED else "ended"] += 1
    return done


def _end_of(item: RetryItem, now: datetime) -> str | None:
    """Returns the state of an item by its retry's, None while that is on its way."""
    attempt = item.attempt
    if attempt is None:
        return Item.FAILED
    state = _ENDS.get(Attempt(attempt.state))
    if state is None and attempt.sent_at is not None and attempt.state in WAITED_FOR:
        is_late = now >= attempt.sent_at + WAITED_FOR[Attempt(attempt.state)]
        return Item.UNKNOWN if is_late else None
    return state


def _start(batch: RetryBatch, step: NextStep, now: datetime) -> tuple[int, int]:
    """Starts the next items; returns how many were started, and how many were skipped instead."""
    started = skipped = 0
    for item in _next_items(batch, step.count):
        reason = why_not(item, now)
        if reason is None:
            reason = _ask(batch, item, now)
        if reason is not None:
            code, note = reason
            if code in RetryAttempt.HELD_UP:
                raise _HeldUpError(note)
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
    """Returns the next waiting items whose flows have room for another run, while not too many wishes are unsent."""
    opened = RetryAttempt.objects.filter(account=batch.account_id)
    unsent = opened.filter(state=Attempt.REQUESTED, item__isnull=False).count()
    busy = busy_flows(batch.account_id)
    full = [flow for flow, runs in busy.items() if runs >= MOST_OPEN_OF_A_FLOW]
    rows = RetryItem.objects.filter(batch=batch, state=Item.WAITING).exclude(execution__flow__in=full)
    found: list[RetryItem] = []
    for item in rows.select_related("execution", "batch__requested_by", "batch__account").order_by("position")[
        :LOOKED_THROUGH
    ]:
        if len(found) >= min(count, MOST_UNSENT - unsent):
            break
        if busy[item.execution.flow_id] < MOST_OPEN_OF_A_FLOW:
            busy[item.execution.flow_id] += 1
            found.append(item)
    return found


def _ask(batch: RetryBatch, item: RetryItem, now: datetime) -> tuple[str, str] | None:
    """Makes the retry of an item; returns why it cannot be, None where it is made."""
    try:
        attempt = request_retry(
            execution=item.execution,
            user=batch.requested_by,
            reason=batch.reason,
            client_token=token_of(item),
            accept_risk=batch.accept_risk,
            now=now,
            is_item=True,
            # Where nothing was shown, nothing was accepted.
            accepted=item.verdict or "nothing",
        )
    except RetryRefused as refusal:
        return refusal.code, refusal.message
    RetryItem.objects.filter(pk=item.pk).update(state=Item.STARTED, attempt=attempt, step=batch.step)
    return None


def token_of(item: RetryItem) -> str:
    """Names the wish of an item: the same again, unless it was called back before it was sent."""
    return f"{ITEM_TOKEN}{item.batch_id}-item-{item.pk}-{item.tries}"
