"""Runs the stages in order; it is the only place that knows more than one of them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django_q.conf import Conf
from django_q.models import OrmQ
from django_q.tasks import async_task

from monitor import audit, job_failures, sign_in
from monitor.alerting.evaluate import evaluate_account
from monitor.alerting.incidents import follow, remind
from monitor.alerting.load import accounts_counted_since, newest_count
from monitor.alerting.rules import ensure_default_rules
from monitor.connection import open_account, utc_now
from monitor.connection.connect import ConnectError, Wanted, connect
from monitor.due import SYNC_TASK, accounts_to_read, due_accounts
from monitor.edits.settle import sweep_edits
from monitor.edits.tell import ask_who_wanted
from monitor.hooks.endpoints import choose_module
from monitor.ingest import callbacks
from monitor.ingest.base.mode import Mode, Patience
from monitor.ingest.base.read_soon import want
from monitor.ingest.base.result import Result
from monitor.ingest.lists.one_channel import ByHandAnswer, ask_by_hand
from monitor.ingest.night.prune import prune
from monitor.ingest.night.remask import remask
from monitor.ingest.run import Busy, read_account, refresh, reread
from monitor.models import ApiCall, DirtyHour, Flow, StageRun, User, ZohoAccount, ages
from monitor.notify.channels.send import is_anything_to_notify, send_to_channels
from monitor.notify.digests import DigestReaders, write_digests
from monitor.notify.dispatch import dispatch_new, dispatch_occasions
from monitor.notify.outlived import outlived
from monitor.notify.send import send_due
from monitor.queries.digest import alive, digest_of
from monitor.queries.signs import worker_signs
from monitor.retry.run_batches import run_batches
from monitor.retry.run_policies import run_policies
from monitor.retry.settle import sweep as settle_sweep
from monitor.rollups.prune import prune_hours
from monitor.rollups.recount import rebuild_dirty
from monitor.triage.judge import judge_problems
from monitor.triage.take import by_earlier_successes, take
from monitor.triage.take_crm import take_crm

# A task may last 60 s (Q_CLUSTER timeout): the last call and a new token begin before this and end before that.
TASK_SECONDS = 25
TRIAGE_SECONDS = 8
RECOUNT_SECONDS = 4  # the next is not enqueued before this one has come to its end
HOURS_AT_ONCE = 1000  # counted between two looks at the clock
PRUNE_SECONDS = 5  # every 10 minutes; what is left then waits for the next time
DIGEST_READERS = DigestReaders(digest_of, alive)
logger = logging.getLogger(__name__)


def enqueue_due_accounts(now: datetime | None = None) -> int:
    """Queues a sync for each due account that does not already wait for one; a doubled one does no harm."""
    keys = accounts_to_read(now or utc_now())
    waiting = _waiting_syncs() if keys else set()
    for key in keys:
        if key not in waiting:
            async_task(SYNC_TASK, key)
    return len(set(keys) - waiting)


def _waiting_syncs() -> set[int]:
    """Returns accounts whose task stands in the queue and was not taken yet."""
    untaken = OrmQ.objects.filter(key=Conf.CLUSTER_NAME, lock__lte=timezone.now())
    tasks = [row.task for row in untaken]
    return {task["args"][0] for task in tasks if task.get("func") == SYNC_TASK and task.get("args")}


def sync_account(account_id: int) -> None:
    """Runs one bounded background sweep, and what follows from it."""
    account = ZohoAccount.objects.filter(pk=account_id, is_active=True).first()
    if account is None or account.pk not in due_accounts(utc_now()):
        return
    patience = Patience(Mode.TASK, pause=time.sleep, deadline=utc_now() + timedelta(seconds=TASK_SECONDS))
    try:
        read_account(account, clock=utc_now, patience=patience)
    except Busy:
        return
    judge()


def sync_now(
    account: ZohoAccount, *, patience: Patience, progress: Callable[[str, int, int], None] | None = None
) -> Result:
    """Reads everything for a person who asked, then counts it and evaluates the alert rules.

    Raises:
        Busy: another process reads this account.
    """
    result = read_account(account, clock=utc_now, patience=patience, progress=progress)
    judge()
    return result


def judge() -> None:
    """Counts what changed, evaluates the alert rules, and writes the mails that follow.

    An account whose evaluation fails is told of and pauses; it keeps no other's alerts back.
    """
    _count(TASK_SECONDS / 2, waits=True)
    _triage(TRIAGE_SECONDS)
    # Also accounts that are switched off: their open alerts end for want of data.
    _evaluate(ZohoAccount.objects.all())


def _evaluate(accounts: QuerySet[ZohoAccount]) -> None:
    """Evaluates the alert rules of some accounts, and writes the mails that follow."""
    for account in accounts.defer("client_secret"):
        with _not_in_the_way(f"judge:{account.pk}") as goes_on:
            if goes_on:
                with _stage("alerting", account) as summary:
                    summary["transitions"] = len(evaluate_account(account, utc_now()))
                    follow(account, utc_now())
                    remind(account, utc_now())
    with _stage("notify") as summary:
        summary["notices"] = dispatch_new(utc_now())
    if summary["notices"]:
        async_task("monitor.tasks.deliver")
        if is_anything_to_notify(utc_now()):
            async_task("monitor.tasks.notify_channels")


def recount() -> None:
    """Counts dirty hours for some seconds, also while a long sweep goes on, so that charts keep up with the rows.

    What changed is evaluated at once, so that nobody hears of it only after the sweep, unless so much is left to be
    counted that a history is being read. Where another process counts already nothing is left to do, and no worker
    waits for it.
    """
    before = newest_count()
    hours = _count(RECOUNT_SECONDS, waits=False)
    _triage(RECOUNT_SECONDS, waits=False)
    if hours and not DirtyHour.objects.exists():
        _evaluate(ZohoAccount.objects.filter(pk__in=accounts_counted_since(before)))


def _count(seconds: float, *, waits: bool) -> int:
    """Counts for a bounded time; a first reading of years goes on with the next count. Returns how many hours."""
    until = utc_now() + timedelta(seconds=seconds)
    with _stage("rollups") as summary:
        summary["hours"] = 0
        while (hours := rebuild_dirty(utc_now(), limit=HOURS_AT_ONCE, waits=waits)) and utc_now() < until:
            summary["hours"] += hours
    return summary["hours"] + hours


def _triage(seconds: float, *, waits: bool = True) -> None:
    """Enters the failures of counted hours into the ledger, for a bounded time, and judges their problems.

    What fails in it keeps no alerts back. What was entered and not judged is judged the next time.
    """
    until = utc_now() + timedelta(seconds=seconds)
    with _not_in_the_way("triage") as goes_on:
        if not goes_on:
            return
        with _stage("triage") as summary:
            summary |= {"hours": 0, "failures": 0}
            while (taken := take(utc_now(), waits=waits)).hours:
                summary["hours"] += taken.hours
                summary["failures"] += taken.failures
                if utc_now() >= until:
                    break
            by_earlier_successes(utc_now(), lambda: utc_now() < until)
            summary["crm"] = take_crm(utc_now(), waits=waits)
            summary["problems"] = judge_problems([], utc_now())


@contextmanager
def _not_in_the_way(name: str) -> Iterator[bool]:
    """Does a piece of work that may fail without the rest: it is told of, and pauses.

    Yields:
        Whether to do it: False while it pauses.
    """
    failing = {job.name for job in job_failures.failing()}
    if name in failing and name in job_failures.put_off(utc_now()):
        yield False
        return
    try:
        yield True
    except Exception as fault:
        logger.exception("%s could not be done", name)
        job_failures.failed(name, f"{type(fault).__name__}: {fault}", utc_now())
    else:
        if name in failing:
            job_failures.worked(name)


@contextmanager
def _stage(name: str, account: ZohoAccount | None = None) -> Iterator[dict[str, int]]:
    """Writes a row for one run of a stage, also when nothing changed: a quiet stage differs from a dead one."""
    started = utc_now()
    summary: dict[str, int] = {}
    outcome, error = StageRun.Outcome.FAILED, ""
    try:
        yield summary
        outcome = StageRun.Outcome.OK
    except Exception as failure:
        error = type(failure).__name__
        raise
    finally:
        StageRun.objects.create(
            stage=name,
            account=account,
            started_at=started,
            finished_at=utc_now(),
            outcome=outcome,
            error=error,
            summary=summary,
        )


def deliver() -> None:
    """Writes the mails of incidents, of people's acts and of the clock, and sends those that are due."""
    with _stage("delivery") as summary:
        # A first mail waits for more alerts of its cause, and so is often due between two judgements.
        summary["notices"] = dispatch_new(utc_now())
        with _not_in_the_way("digests") as goes_on:
            if goes_on and (digests := write_digests(utc_now(), DIGEST_READERS, worker_signs().booted_at)):
                summary["digests"] = digests
        summary["written"] = dispatch_occasions(utc_now())
        report = send_due(utc_now())
        summary.update({"sent": report.sent, "retried": report.retried, "dead": report.dead})


def notify_channels() -> None:
    """Sends the messages to channels that are due, apart from mails: a channel that hangs holds none of them up."""
    with _stage("channels") as summary:
        report = send_to_channels(utc_now())
        summary.update({"sent": report.sent, "retried": report.retried, "dead": report.dead})


def settle_retries() -> None:
    """Sends requested retries, settles open ones by reading, and lets the mirror see what became of them."""
    with _stage("retry") as summary:
        batches = run_batches(utc_now())
        policies = run_policies(utc_now())
        report = settle_sweep(utc_now, open_account=open_account)
        summary.update(report.summary() | {f"batch_{name}": count for name, count in batches.items() if count})
        summary.update({f"policy_{name}": count for name, count in policies.items() if count})
    if report.refs:
        refresh_executions(report.refs)


def settle_edits() -> None:
    """Sends people's changes, settles by reading those of unknown outcome, has the mirror read what was changed."""
    with _stage("edits") as summary:
        report = sweep_edits(utc_now, open_account=open_account)
        summary.update(report.summary())
        if told := ask_who_wanted(utc_now()):
            summary["told"] = told
    by_account: dict[int, list[tuple[str, str]]] = {}
    for account_id, kind, zoho_id in report.refs:
        by_account.setdefault(account_id, []).append((kind, zoho_id))
    for account in ZohoAccount.objects.filter(pk__in=by_account, is_active=True):
        patience = Patience(Mode.REFRESH, pause=time.sleep, deadline=utc_now() + timedelta(seconds=TASK_SECONDS))
        reread(account, by_account[account.pk], clock=utc_now, patience=patience)


def ask_channel(account: ZohoAccount, module: str, act: str, *, actor: User) -> ByHandAnswer:
    """Watches a module of CRM, renews its channel or stops it, because a person asked: one request to Zoho.

    Args:
        account: whose.
        module: its name in the API.
        act: of `WatchChannel.Act`.
        actor: who.

    Raises:
        EndpointRefused: it cannot be; nothing was asked.
    """
    choose_module(account, module, act, actor=actor, now=utc_now())
    return ask_by_hand(account, module, act, clock=utc_now, open_account=open_account)


def refresh_executions(references: Iterable[tuple[int, Iterable[str]]]) -> int:
    """Reads executions into the mirror, then counts and evaluates the alert rules.

    Args:
        references: the primary key of a Flow, and Zoho's ids of executions of it, each.
    """
    wanted = [(flow, execution_id) for flow, ids in references for execution_id in ids]
    flows = Flow.objects.select_related("account", "progress").in_bulk({flow for flow, _ in wanted})
    patience = Patience(Mode.REFRESH, pause=time.sleep, deadline=utc_now() + timedelta(seconds=TASK_SECONDS))
    known = [(flows[flow], execution_id) for flow, execution_id in wanted if flow in flows]
    count = refresh(known, clock=utc_now, patience=patience)
    judge()
    return count


def want_flow(flow: Flow, now: datetime) -> bool:
    """Makes a flow due that a person waits for: Zoho is asked for its executions with the next sweep.

    Returns:
        False where somebody asked less than 30 s ago.
    """
    return want(flow, now)


def take_hints() -> None:
    """Makes what callbacks hint at due, and reads single executions that they name; see `monitor.ingest.callbacks`."""
    with _stage("hints") as summary:
        taken = callbacks.take(utc_now())
        summary.update(taken.summary())
        read: set[str] = set()
        patience = Patience(Mode.HINT, pause=time.sleep, deadline=utc_now() + timedelta(seconds=TASK_SECONDS))
        for target, execution_id in taken.reads:
            flow = target.flow
            if flow is None or not flow.account.is_active:
                continue
            if refresh([(flow, execution_id)], clock=utc_now, patience=patience):
                read.add(execution_id)
        callbacks.settle_reads(taken, read, utc_now())
    if read:
        judge()


def housekeeping() -> None:
    """Deletes what nobody reads any more: old ledger rows and old runs, a few at a time."""
    now = utc_now()
    job_failures.forget_abandoned(now)
    audit.close_tallies(now)
    sign_in.forget(now)
    callbacks.prune(now)
    _prune(ApiCall.objects.filter(started_at__lt=now - timedelta(days=3)))
    _prune(StageRun.objects.filter(started_at__lt=now - timedelta(days=14)))
    # Sweeps come every few seconds: those that went well tell enough for three days.
    _prune(StageRun.objects.filter(started_at__lt=now - timedelta(days=3), outcome=StageRun.Outcome.OK))
    # The stages behind ingest run many times a minute; a day of them tells enough.
    _prune(StageRun.objects.filter(started_at__lt=now - timedelta(days=1)).exclude(stage="ingest"))
    for told in outlived(ages().rows_edge(now)):
        _prune(told)
    prune_mirror(utc_now)


def prune_mirror(clock: Callable[[], datetime]) -> None:
    """Deletes what has outlived its age in the mirror, for some seconds at most."""
    now = clock()
    with _stage("prune") as summary:
        # A time of its own for each: rows that are far behind must not keep the hours from their turn.
        until = now + timedelta(seconds=PRUNE_SECONDS)
        done = prune(ages(), now, lambda: clock() < until)
        until_hours = clock() + timedelta(seconds=PRUNE_SECONDS)
        hours = prune_hours(ages(), now, lambda: clock() < until_hours)
        until_masked = clock() + timedelta(seconds=PRUNE_SECONDS)
        masked = remask(lambda: clock() < until_masked)
        summary |= {"payloads": done.payloads, "rows": done.rows, "hours": hours, "masked": masked}


def _prune(rows: QuerySet[Any]) -> None:
    """Deletes up to some thousands of rows, in batches that never hold a page up."""
    for _ in range(10):
        keys = list(rows.values_list("pk", flat=True)[:1000])
        if not keys:
            return
        rows.model._default_manager.filter(pk__in=keys).delete()


def connect_account(*, actor: User, now: datetime, **wanted: Any) -> ZohoAccount:
    """Proves credentials, stores the account and gives it its default alert rules.

    Args:
        actor: who connects it, for the audit.
        now: the present.
        wanted: the fields of `monitor.connection.connect.Wanted`.

    Raises:
        ConnectError: one line saying what is wrong; nothing is stored.
    """
    return connect(Wanted(**wanted), actor=actor, clock=utc_now, now=now, also=ensure_default_rules)


__all__ = ["ConnectError", "connect_account", "due_accounts", "judge", "sync_account", "sync_now"]
