"""Reads what the tables know of executions that somebody wants to retry, many at once, for `safety.judge`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from monitor.models import Execution, Failure, RetryAttempt, zoho_ahead
from monitor.retry.pinned import PinnedWord
from monitor.retry.pins import words_on
from monitor.retry.read_runs import RunRead
from monitor.retry.safety import Earlier, FailedRun, RetryFacts
from monitor.zoho.reruns import clock_began

IDS_A_STATEMENT = 5000
LATER_RUN = "a later run"  # one that is no longer kept
T = TypeVar("T")
Run = Execution | RunRead


def facts_for(execution: Execution, now: datetime, *, besides: RetryAttempt | None = None) -> RetryFacts:
    """Returns what the tables know of an execution, for `judge`.

    Args:
        execution: a mirrored execution, fresh from the database.
        now: the present, for what carries no time.
        besides: an attempt to leave out: the one that is about to be sent.
    """
    return facts_of([execution], now, besides=besides)[execution.pk]


def facts_shown(
    execution: Execution, now: datetime, attempts: Sequence[RetryAttempt], parent: str, ahead: timedelta
) -> RetryFacts:
    """Returns what the tables know of an execution whose page has read some of it; that is not read again.

    Args:
        execution: with its entry of the ledger and the run that superseded it joined in.
        now: the present.
        attempts: all retries of it, the newest first, read at one moment.
        parent: Zoho's id of the execution whose retry it is; "" where it is none.
        ahead: Zoho's clock less ours, as a retry of its account saw it last.
    """
    failure: Failure | None = getattr(execution, "failure", None)
    superseded = {}
    if failure is not None and failure.fate == Failure.Fate.SUPERSEDED:
        later = failure.superseded_by
        superseded[execution.pk] = later.execution_id if later is not None else LATER_RUN
    found = facts_of(
        [execution],
        now,
        superseded=superseded,
        attempts={execution.pk: list(attempts)},
        parents={execution.pk: parent},
        ahead={execution.account_id: ahead},
    )
    return found[execution.pk]


def facts_of(
    executions: Collection[Run],
    now: datetime,
    *,
    besides: RetryAttempt | None = None,
    superseded: Mapping[int, str] | None = None,
    attempts: dict[int, list[RetryAttempt]] | None = None,
    parents: Mapping[int, str] | None = None,
    ahead: dict[int, timedelta] | None = None,
) -> dict[int, RetryFacts]:
    """Returns what the tables know of some executions, by their primary keys; few statements, however many they are.

    Args:
        executions: mirrored, fresh from the database, with their accounts and flows.
        now: the present, for what carries no time.
        besides: an attempt to leave out: the one that is about to be sent.
        superseded: Zoho's id of a later success for the same record, by primary key; None has it read.
        attempts: all retries of each, the newest first, read at one moment; None has them read.
        parents: Zoho's id of the execution whose retry each one is, by primary key; None has them read.
        ahead: Zoho's clock less ours by account; None has it read.
    """
    by_key = {execution.pk: execution for execution in executions}
    attempts = _attempts(list(by_key), besides) if attempts is None else attempts
    caused = _caused(executions, attempts)
    again = _retries_of(caused)
    parents = _parents(executions) if parents is None else parents
    superseded = _superseded(list(by_key)) if superseded is None else superseded
    if ahead is None:
        ahead = {account: zoho_ahead(account).first() or timedelta(0) for account in {e.account_id for e in executions}}
    said = words_on({execution.flow_id: execution.flow for execution in executions}.values(), ahead)
    return {
        pk: _facts(
            execution,
            attempts.get(pk, ()),
            caused,
            parents.get(pk, ""),
            superseded.get(pk, ""),
            now,
            ahead,
            said.get(execution.flow_id),
            again,
        )
        for pk, execution in by_key.items()
    }


def _attempts(keys: Sequence[int], besides: RetryAttempt | None) -> dict[int, list[RetryAttempt]]:
    """Reads the retries of some runs, the newest first."""
    # One statement, hence one moment: read in two, a retry could be seen neither open nor succeeded.
    found: dict[int, list[RetryAttempt]] = defaultdict(list)
    for some in _chunks(keys):
        for attempt in RetryAttempt.objects.filter(execution__id__among=some).order_by("-requested_at", "-pk"):
            if besides is None or attempt.pk != besides.pk:
                found[attempt.execution_id].append(attempt)
    return found


def _facts(
    execution: Run,
    attempts: Sequence[RetryAttempt],
    caused: dict[tuple[int, str], Execution],
    parent: str,
    superseded: str,
    now: datetime,
    ahead: dict[int, timedelta],
    pinned: PinnedWord | None,
    again: dict[int, list[RetryAttempt]],
) -> RetryFacts:
    runs = {
        one.new_execution_id: run
        for one in attempts
        if (run := caused.get((execution.account_id, one.new_execution_id))) is not None and run.pk != execution.pk
    }
    was_sent = any(one.sent_at for one in attempts)
    failed = [execution, *(run for run in runs.values() if run.is_failed)]
    account = execution.account
    return RetryFacts(
        status=execution.status,
        runs=tuple(_failed_run(run, now, was_sent=was_sent) for run in failed),
        earlier=tuple(
            Earlier(one.state, runs[one.new_execution_id].status if one.new_execution_id in runs else "")
            for one in attempts
        )
        # Whoever has retried a run that a retry caused, before anybody knew whose it was, has retried this work.
        + tuple(Earlier(one.state) for run in runs.values() for one in again.get(run.pk, [])),
        retry_of=parent,
        superseded_by=superseded,
        flow_gone=execution.flow.gone_at is not None,
        account_active=account.is_active,
        has_flow_api=bool(account.flow_url),
        zoho_ahead=ahead[execution.account_id],
        # Once it has run again, here or at Zoho, an earlier try may have done more than the last one.
        failed_action="" if was_sent or _has_run_again(execution) else execution.error_action_id,
        pinned=pinned,
    )


def _has_run_again(execution: Run) -> bool:
    first = execution.first_failed_at
    return execution.rerun_count > 0 or (first is not None and first != execution.completed_time)


def _failed_run(run: Run, now: datetime, *, was_sent: bool) -> FailedRun:
    began = clock_began(run.first_failed_at, run.completed_time, run.started_time, was_retried=was_sent)
    return FailedRun((run.error_code, run.error_message, run.error_details), began or now)


def _caused(executions: Collection[Run], attempts: dict[int, list[RetryAttempt]]) -> dict[tuple[int, str], Execution]:
    """Finds the runs that earlier retries caused, by account and Zoho's id."""
    ids: dict[int, list[str]] = defaultdict(list)
    for execution in executions:
        if found := attempts.get(execution.pk):
            ids[execution.account_id] += [one.new_execution_id for one in found if one.new_execution_id]
    return {
        (account, run.execution_id): run
        for account, wanted in ids.items()
        for some in _chunks(wanted)
        for run in Execution.objects.filter(account=account, execution_id__among=some)
    }


def _retries_of(caused: Mapping[tuple[int, str], Execution]) -> dict[int, list[RetryAttempt]]:
    """Finds the retries of runs that retries caused, by those runs' primary keys."""
    found: dict[int, list[RetryAttempt]] = defaultdict(list)
    for keys in _chunks([run.pk for run in caused.values()]):
        for attempt in RetryAttempt.objects.filter(execution__id__among=keys).order_by("pk"):
            found[attempt.execution_id].append(attempt)
    return found


def _parents(executions: Collection[Run]) -> dict[int, str]:
    """Finds Zoho's id of the execution whose retry each one is, by primary key."""
    keys = {(execution.account_id, execution.execution_id): execution.pk for execution in executions}
    ids: dict[int, list[str]] = defaultdict(list)
    for account, execution_id in keys:
        ids[account].append(execution_id)
    found: dict[int, str] = {}
    for account, wanted in ids.items():
        for some in _chunks(wanted):
            rows = RetryAttempt.objects.filter(account=account, new_execution_id__among=some).order_by("pk")
            for new, old, pk in rows.values_list("new_execution_id", "execution__execution_id", "execution_id"):
                if pk != keys[account, new]:
                    found[keys[account, new]] = old
    return found


def _superseded(keys: Sequence[int]) -> dict[int, str]:
    """Finds Zoho's id of a later success for the same record, by the primary key of what failed."""
    found: dict[int, str] = {}
    for some in _chunks(keys):
        rows = Failure.objects.filter(execution__id__among=some, fate=Failure.Fate.SUPERSEDED)
        found |= {pk: run or LATER_RUN for pk, run in rows.values_list("pk", "superseded_by__execution_id")}
    return found


def _chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), IDS_A_STATEMENT):
        yield items[start : start + IDS_A_STATEMENT]
