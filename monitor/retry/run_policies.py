"""Asks for the retries that policies want. It asks nothing of Zoho; any number of processes may run it at any time.

A policy's row is locked while it has its turn, so that what it may send in a day is never counted twice; each try of a
run has a name of its own, so that whoever asks for it again gets the same row back.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from monitor.models import POLICY_TOKEN, Failure, RetryAttempt, RetryItem, RetryPolicy, counted_in_a_day, zoho_ahead
from monitor.retry.facts import facts_of
from monitor.retry.policies import NO_TRY, switch_off, why_off
from monitor.retry.policy import DAY, HELD_UP_PAUSE, due_at, room
from monitor.retry.requests import RetryRefused, request_retry
from monitor.retry.room import MOST_OPEN_OF_A_FLOW, busy_flows, must_wait
from monitor.retry.safety import judge

log = logging.getLogger(__name__)
MOST_UNSENT = 5  # wishes of a policy that wait to be sent: people's own and batches' come soon after
AT_ONCE, MOST_LOOKED_AT = (
    200,
    1000,
)  # failures judged together, and in one turn: the oldest first, the next turn goes on there
# Large, and nothing is judged by them.
NOT_READ = ("execution__trigger_data", "execution__search_text", "execution__flow__raw")
State = RetryAttempt.State


def run_policies(now: datetime) -> dict[str, int]:
    """Has each policy ask for what is due now.

    A fault of ours with one policy is logged and counted, and keeps no other waiting.

    Returns:
        How many retries were asked for, and how many policies could not be gone on with.
    """
    done: Counter[str] = Counter()
    for key in RetryPolicy.objects.filter(is_on=True).order_by("pk").values_list("pk", flat=True):
        try:
            done["asked"] += _run(key, now)
        except Exception:
            log.exception("retry policy %s could not be gone on with", key)
            done["errors"] += 1
    return {name: done[name] for name in ("asked", "errors")}


@transaction.atomic
def _run(key: int, now: datetime) -> int:
    """Gives one policy its turn; one that another process holds at this moment is left to it."""
    rows = RetryPolicy.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk=key, is_on=True)
    policy = rows.select_related("account", "set_by", "problem").first()
    if policy is None:
        return 0
    if reason := why_off(policy):
        switch_off(policy, None, now, reason=reason)
        return 0
    if must_wait(policy.account_id, now) or _was_held_up(policy, now):
        return 0
    own = RetryAttempt.objects.filter(policy=policy)
    asked = own.filter(counted_in_a_day(now)).values_list("requested_at", flat=True)
    unsent = own.filter(state=State.REQUESTED).count()
    most = min(room(policy.per_day, list(asked), now), MOST_UNSENT - unsent)
    busy = busy_flows(policy.account_id)
    found = 0
    for failure, tried in _due(policy, now) if most > 0 else ():
        if found >= most:
            break
        if busy[failure.flow_id] < MOST_OPEN_OF_A_FLOW:
            asked_for = _ask(policy, failure, tried, now)
            busy[failure.flow_id] += asked_for
            found += asked_for
    return found


def _tries(policy: RetryPolicy) -> QuerySet[RetryAttempt]:
    """Returns what counts as a try of a run: what was sent, and what was called off for the run's own sake.

    So nothing is asked for ever.
    """
    return RetryAttempt.objects.filter(policy=policy).exclude(state=State.CANCELLED, code__in=NO_TRY)


def _was_held_up(policy: RetryPolicy, now: datetime) -> bool:
    """Returns whether what it asked for just now could not be sent for want of a connection, by no fault of a run."""
    held_up = RetryAttempt.objects.filter(policy=policy, state=State.CANCELLED, code__in=RetryAttempt.NOT_CONNECTED)
    return held_up.filter(requested_at__gt=now - DAY, settled_at__gt=now - HELD_UP_PAUSE).exists()


def _due(policy: RetryPolicy, now: datetime) -> Iterator[tuple[Failure, int]]:
    """Yields the failures whose next try is due and safe, with how often it was tried; the oldest first."""
    wait = timedelta(minutes=policy.wait_minutes)
    # When a run failed is said by Zoho's clock, all else by ours.
    ahead = zoho_ahead(policy.account_id).first() or timedelta(0)
    rows = _candidates(policy, ahead, now - wait)
    after = (policy.looked_to, policy.looked_to_run)
    for _ in range(0, MOST_LOOKED_AT, AT_ONCE):
        failures = list(_after(rows, *after)[:AT_ONCE])
        ended: dict[int, list[datetime]] = defaultdict(list)
        tries = _tries(policy).filter(execution__id__among=[one.pk for one in failures])
        for attempt in tries.order_by("requested_at", "pk"):
            ended[attempt.execution_id].append(attempt.settled_at or attempt.requested_at)
        due = []
        for failure in failures:
            at = due_at(wait, policy.tries, failure.failed_at - ahead, ended[failure.pk])
            if at is not None and at <= now:
                due.append(failure)
        # Judged together: while Zoho may still run a storm's failures again, each turn would ask for each one.
        facts = facts_of([failure.execution for failure in due], now)
        yield from ((one, len(ended[one.pk])) for one in due if judge(facts[one.pk], now).cannot_run_twice)
        if len(failures) < AT_ONCE:
            _go_on_after(policy, None, 0)
            return
        after = (failures[-1].failed_at, failures[-1].pk)
    # What is not safe yet is looked at anew once those behind it have been: many of them must not keep these waiting.
    _go_on_after(policy, *after)


def _after(rows: QuerySet[Failure], at: datetime | None, key: int) -> QuerySet[Failure]:
    return rows if at is None else rows.filter(Q(failed_at__gt=at) | Q(failed_at=at, pk__gt=key), failed_at__gte=at)


def _go_on_after(policy: RetryPolicy, at: datetime | None, key: int) -> None:
    if (policy.looked_to, policy.looked_to_run) != (at, key):
        RetryPolicy.objects.filter(pk=policy.pk).update(looked_to=at, looked_to_run=key)


def _candidates(policy: RetryPolicy, ahead: timedelta, failed_before: datetime) -> QuerySet[Failure]:
    """Returns open failures from its time that nobody but the policy itself has tried to retry, and no batch holds.

    What a person has taken in hand is theirs, whatever came of it.
    """
    since = policy.on_since or failed_before
    attempts = RetryAttempt.objects.filter(execution=OuterRef("pk"))
    # What another policy asked for and nobody sent was never tried.
    others = attempts.exclude(policy=policy, policy__isnull=False).exclude(state=State.CANCELLED, policy__isnull=False)
    held = RetryItem.objects.filter(execution=OuterRef("pk"), state=RetryItem.State.WAITING)
    rows = Failure.objects.filter(
        account=policy.account_id,
        fate=Failure.Fate.OPEN,
        failed_at__gte=since + ahead,
        failed_at__lte=failed_before + ahead,
        flow__gone_at=None,
    )
    if policy.flow_id is not None:
        rows = rows.filter(flow=policy.flow_id)
    else:
        rows = rows.filter(group__problem=policy.problem_id)
    # One that has had all its tries must not stand in the way of those behind it.
    done = _tries(policy).filter(execution=OuterRef("pk")).order_by("pk").values("pk")[policy.tries - 1 : policy.tries]
    rows = rows.filter(~Exists(others), ~Exists(attempts.filter(state__in=RetryAttempt.OPEN_STATES)), ~Exists(held))
    rows = rows.filter(~Exists(done)).select_related("execution__account", "execution__flow")
    return rows.defer(*NOT_READ).order_by("failed_at", "pk")


def _ask(policy: RetryPolicy, failure: Failure, tried: int, now: datetime) -> int:
    """Asks for the retry of one run, if it is still safe by now."""
    number = RetryAttempt.objects.filter(policy=policy, execution=failure.pk).count()
    try:
        request_retry(
            execution=failure.execution,
            user=policy.set_by,
            reason=f"Policy “{policy.name}”: retry {tried + 1} of {policy.tries}",
            client_token=f"{POLICY_TOKEN}{policy.pk}-{failure.pk}-{number}",
            accept_risk=False,
            now=now,
            policy=policy,
        )
    except RetryRefused:
        return 0
    return 1
