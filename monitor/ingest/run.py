"""Takes the lease, opens the clients, sweeps, and leaves a row of it: the way in for tasks and commands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from functools import partial

from monitor import vault
from monitor.connection import CALL_TOTAL, open_account, organisation
from monitor.ingest.base.calls import OutOfTime
from monitor.ingest.base.context import Context
from monitor.ingest.base.lease import LENGTH, TASK_LENGTH, Lease, LeaseLost
from monitor.ingest.base.mode import Patience
from monitor.ingest.base.result import Result
from monitor.ingest.lists import one_thing
from monitor.ingest.runs import read_runs
from monitor.ingest.sweep import sweep
from monitor.models import Flow, StageRun, ZohoAccount
from monitor.models.interrupted import after_interruption
from monitor.vault import VaultError
from monitor.zoho.errors import Wait, ZohoError

TASK_CALL_TOTAL = 12.0  # seconds; a task has a minute in all
AFTER_A_FAULT = timedelta(minutes=2)


class Busy(Exception):  # noqa: N818 - named for what happened
    """Says that another process holds the account's lease; `until` is when it ends at the latest, unless renewed."""

    def __init__(self, account: ZohoAccount, until: datetime | None) -> None:
        super().__init__(f"another process is reading {account}")
        self.until = until


def read_account(
    account: ZohoAccount,
    *,
    clock: Callable[[], datetime],
    patience: Patience,
    progress: Callable[[str, int, int], None] | None = None,
) -> Result:
    """Sweeps an account once.

    Args:
        account: a stored, active account.
        clock: returns the present.
        patience: what it is for, and what to do when it has to wait.
        progress: told (stream, done, of) as it goes.

    Raises:
        Busy: another sweep of this account runs.
        VaultError: its secrets cannot be read; nothing was written.
    """
    if locked := vault.trouble([vault.sealed(account, "client_secret")]):
        raise VaultError(locked)
    total = CALL_TOTAL if patience.mode.waits else TASK_CALL_TOTAL
    with _lease(account, clock, patience) as lease:
        run = StageRun.objects.create(stage="ingest", account=account, started_at=clock())
        with (
            _accounted_for(account, run, lease, clock),
            open_account(
                account,
                clock=clock,
                keep_alive=lambda: lease.keep(clock),
                try_refused=patience.mode.reads_everything,
                total=total,
            ) as clients,
        ):
            context = Context(account, clients, lease, clock, patience)
            if progress is not None:
                context.progress = progress
            try:
                result = sweep(context)
            except LeaseLost as lost:
                context.result.stopped = lost
                result = context.result
            _close(run, result, clock())
    return result


@contextmanager
def _accounted_for(account: ZohoAccount, run: StageRun, lease: Lease, clock: Callable[[], datetime]) -> Iterator[None]:
    """Leaves the end of a sweep that a fault of ours (or Ctrl-C) ends too, and has it not begun again at once."""
    try:
        yield
    except BaseException as error:
        after_interruption(error)
        now = clock()
        name = type(error).__name__
        StageRun.objects.filter(pk=run.pk).update(finished_at=now, outcome=StageRun.Outcome.FAILED, error=name)
        if isinstance(error, Exception):
            lease.due_no_sooner(now + AFTER_A_FAULT)
        raise


Reference = tuple[Flow, str]


def refresh(
    references: Iterable[Reference],
    *,
    clock: Callable[[], datetime],
    patience: Patience,
) -> int:
    """Reads single executions into the mirror, known ones and new ones: after a retry, or on a hint.

    Args:
        references: a flow and Zoho's id of one of its executions, each.
        clock: returns the present.
        patience: for a person or a hint, and what to do when it has to wait.

    Returns:
        How many were read; those of an account that is being swept are left to the sweep.
    """
    by_account: dict[ZohoAccount, list[Reference]] = {}
    for flow, execution_id in references:
        by_account.setdefault(flow.account, []).append((flow, execution_id))
    count = 0
    for account, members in by_account.items():
        try:
            with _lease(account, clock, patience) as lease:
                count += _refresh_some(account, members, lease, clock, patience)
        except (Busy, LeaseLost, OutOfTime, ZohoError, VaultError):
            continue  # a hint only: the next sweep reads it, and says what is wrong
    return count


def _refresh_some(
    account: ZohoAccount,
    members: list[Reference],
    lease: Lease,
    clock: Callable[[], datetime],
    patience: Patience,
) -> int:
    keep = lambda: lease.keep(clock)  # noqa: E731 - a name for the line below
    total = CALL_TOTAL if patience.mode.waits else TASK_CALL_TOTAL
    with open_account(account, priority=patience.mode.priority, clock=clock, keep_alive=keep, total=total) as clients:
        if clients.flow is None or organisation.is_foreign(account):
            return 0
        context = Context(account, clients, lease, clock, patience)
        for flow, execution_id in members:
            read_runs.read_one(context, clients.flow, flow, execution_id)
    return len(members)


def reread(
    account: ZohoAccount,
    things: Iterable[tuple[str, str]],
    *,
    clock: Callable[[], datetime],
    patience: Patience,
) -> int:
    """Reads single rules, connected workflows and flows into the mirror: after they were changed from here.

    Args:
        account: a stored account.
        things: "rule", "connected_workflow" or "flow", and Zoho's id, each.
        clock: returns the present.
        patience: for a person, and what to do when it has to wait.

    Returns:
        How many were read; where the account is being swept, or Zoho does not answer, they are left to the sweep.
    """
    total = CALL_TOTAL if patience.mode.waits else TASK_CALL_TOTAL
    count = 0
    with suppress(Busy, LeaseLost, OutOfTime, ZohoError, VaultError), _lease(account, clock, patience) as lease:
        keep = partial(lease.keep, clock)
        with open_account(
            account, priority=patience.mode.priority, clock=clock, keep_alive=keep, total=total
        ) as clients:
            if organisation.is_foreign(account):
                return 0
            context = Context(account, clients, lease, clock, patience)
            for kind, zoho_id in things:
                if kind == "flow" and clients.flow is not None:
                    one_thing.reread_flow(context, clients.flow, zoho_id)
                elif kind == "rule" and clients.crm is not None:
                    one_thing.reread_rule(context, clients.crm, zoho_id)
                elif kind == "connected_workflow" and clients.crm is not None:
                    one_thing.reread_connected(context, clients.crm, zoho_id)
                count += 1
    return count


@contextmanager
def _lease(account: ZohoAccount, clock: Callable[[], datetime], patience: Patience) -> Iterator[Lease]:
    lease = Lease.take(account, clock(), LENGTH if patience.mode.waits else TASK_LENGTH)
    if lease is None:
        raise Busy(account, Lease.held_until(account, clock()))
    try:
        yield lease
    except BaseException as error:
        after_interruption(error)
        raise
    finally:
        lease.release()


def _close(run: StageRun, result: Result, now: datetime) -> None:
    outcome = StageRun.Outcome.OK if result.complete else StageRun.Outcome.PARTIAL
    if result.stopped is not None and not isinstance(result.stopped, Wait | OutOfTime):
        outcome = StageRun.Outcome.FAILED
    StageRun.objects.filter(pk=run.pk).update(
        finished_at=now,
        outcome=outcome,
        error=str(result.stopped or next(iter([*result.missing, *result.unreadable]), ""))[:500],
        summary={
            "new": result.written.new,
            "changed": result.written.changed,
            "quarantined": result.written.quarantined,
            "flows_read": result.flows_read,
            "streams": {name: outcome.state for name, outcome in result.outcomes.items()},
        },
    )
