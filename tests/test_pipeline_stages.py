"""What the stages around a sweep take, leave, and write down of themselves."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from django.core.mail import EmailMessage
from django_q.models import OrmQ

from monitor import job_failures, pipeline
from monitor.due import is_anything_due, is_anything_to_count
from monitor.ingest import callbacks
from monitor.models import (
    ApiBudget,
    ApiCall,
    AuditEntry,
    AuditTally,
    DirtyHour,
    Flow,
    PushEvent,
    SignInCount,
    StageRun,
    SyncState,
    User,
    WorkerBeat,
    ZohoAccount,
)
from monitor.notify.digests import DigestReaders
from monitor.triage import acts
from tests import factories
from tests.bystander import Bystander

pytestmark = pytest.mark.django_db
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.fixture(autouse=True)
def stopped(now: datetime) -> Any:
    """The clock stands at the tests' present."""
    with time_machine.travel(now, tick=False):
        yield


def sync_of(account: ZohoAccount, **fields: Any) -> None:
    SyncState.objects.filter(account=account).update(**fields)


@pytest.mark.parametrize(
    ("fields", "due"),
    [
        ({"next_due_at": None}, True),
        ({"next_due_at": factories.NOON}, True),
        ({"next_due_at": factories.NOON + MINUTE}, False),
        ({"next_due_at": factories.NOON, "lease_until": factories.NOON}, True),
        ({"next_due_at": factories.NOON, "lease_until": factories.NOON + MINUTE}, False),
    ],
)
def test_an_account_is_due_at_its_time_while_nobody_reads_it(
    account: ZohoAccount, now: datetime, fields: dict[str, Any], due: bool
) -> None:
    sync_of(account, **fields)
    assert (account.pk in pipeline.due_accounts(now)) is due
    assert is_anything_due(now) is (pipeline.due_accounts(now) != [])


def test_an_account_never_read_is_due_and_one_that_is_switched_off_is_not(account: ZohoAccount, now: datetime) -> None:
    off = factories.make_account(is_active=False)
    SyncState.objects.filter(account__in=(account, off)).delete()
    found = pipeline.due_accounts(now)
    assert account.pk in found
    assert off.pk not in found


def test_the_account_that_is_due_longest_is_first(account: ZohoAccount, now: datetime) -> None:
    other = factories.make_account()
    sync_of(account, next_due_at=now - MINUTE)
    sync_of(other, next_due_at=now - 2 * MINUTE)
    assert [key for key in pipeline.due_accounts(now) if key in (account.pk, other.pk)] == [other.pk, account.pk]


def test_a_task_that_waits_for_another_account_or_does_something_else_keeps_nobody_from_the_queue(
    account: ZohoAccount, now: datetime
) -> None:
    pipeline.async_task("monitor.tasks.other", account.pk)
    pipeline.async_task(pipeline.SYNC_TASK, account.pk + 1)
    pipeline.async_task(pipeline.SYNC_TASK)
    OrmQ.objects.update(lock=now - MINUTE)
    elsewhere = OrmQ.objects.filter(pk=OrmQ.objects.latest("pk").pk)
    pipeline.async_task(pipeline.SYNC_TASK, account.pk)
    OrmQ.objects.filter(pk=OrmQ.objects.latest("pk").pk).update(key="another cluster", lock=now - MINUTE)
    assert elsewhere.exists()
    assert pipeline.enqueue_due_accounts(now) == 1
    assert pipeline._waiting_syncs() == {account.pk, account.pk + 1}


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was read and judged, instead of doing it."""
    done: list[str] = []
    monkeypatch.setattr(pipeline, "judge", lambda: done.append("judge"))
    monkeypatch.setattr(
        pipeline, "read_account", lambda account, **how: done.append(f"read {account.name} {how['patience'].mode.name}")
    )
    return done


def test_one_account_is_read_in_the_background_and_then_all_is_judged(judged: list[str], account: ZohoAccount) -> None:
    factories.make_account("Other")
    pipeline.sync_account(account.pk)
    assert judged == [f"read {account.name} TASK", "judge"]


@pytest.mark.parametrize("why", ["switched off", "not due", "unknown", "busy"])
def test_an_account_that_is_not_to_be_read_is_left_alone(
    judged: list[str], account: ZohoAccount, now: datetime, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    factories.make_account("Other")
    key = account.pk
    if why == "switched off":
        ZohoAccount.objects.filter(pk=key).update(is_active=False)
    elif why == "not due":
        sync_of(account, next_due_at=now + MINUTE)
    elif why == "unknown":
        key += 1000
    else:

        def busy(*args: Any, **how: Any) -> None:
            raise pipeline.Busy(account, now)

        monkeypatch.setattr(pipeline, "read_account", busy)
    pipeline.sync_account(key)
    assert judged == []


def test_every_account_is_judged_also_one_that_is_switched_off_and_each_stage_leaves_a_row(
    all_are_judged: None, account: ZohoAccount, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    off = factories.make_account(is_active=False)
    judged: list[int] = []
    monkeypatch.setattr(pipeline, "evaluate_account", lambda one, at: judged.append(one.pk) or [])
    pipeline.judge()
    assert sorted(judged) == list(ZohoAccount.objects.order_by("pk").values_list("pk", flat=True))
    assert {account.pk, off.pk} <= set(judged)
    rows = list(
        StageRun.objects.filter(started_at=now).order_by("pk").values_list("stage", "account", "outcome", "summary")
    )
    assert rows[0] == ("rollups", None, "ok", {"hours": 0})
    assert rows[1] == ("triage", None, "ok", {"hours": 0, "failures": 0, "crm": 0, "problems": 0})
    assert rows[2:-1] == [("alerting", key, "ok", {"transitions": 0}) for key in judged]
    assert rows[-1] == ("notify", None, "ok", {"notices": 0})
    assert not OrmQ.objects.exists()


def test_mails_are_sent_for_where_there_are_notices(
    all_are_judged: None, account: ZohoAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "dispatch_new", lambda now: 2)
    pipeline.judge()
    assert [row.task["func"] for row in OrmQ.objects.all()] == ["monitor.tasks.deliver"]


def test_what_a_person_did_is_written_and_sent_by_the_next_delivery(
    account: ZohoAccount, otto: User, ada: User, now: datetime, mailoutbox: list[EmailMessage]
) -> None:
    problem = factories.make_failure(factories.make_execution(factories.make_flow(account), "failed")).group.problem
    acts.assign(problem, otto, ada, now)
    pipeline.deliver()
    assert [mail.subject for mail in mailoutbox] == ["[Yours] It failed"]
    pipeline.deliver()
    told = [row.summary for row in StageRun.objects.filter(stage="delivery").order_by("pk")]
    assert told == [
        {"notices": 0, "written": 1, "sent": 1, "retried": 0, "dead": 0},
        {"notices": 0, "written": 0, "sent": 0, "retried": 0, "dead": 0},
    ]


class TestDigests:
    @pytest.fixture
    def ada(self, account: ZohoAccount, now: datetime) -> User:
        """An admin who asked for a daily "I am alive" at noon, of a worker that was started 50 seconds ago."""
        booted_at = now - timedelta(seconds=50)
        WorkerBeat.objects.create(
            name="supervisor", beat_at=now, detail={"booted_at": booted_at.isoformat(), "locked": ""}
        )
        wants = {"digest_hour": 12, "unwanted_mails": ["digest_daily", "digest_weekly"]}
        return factories.make_user("ada", "admin", date_joined=now - 9 * DAY, **wants)

    def test_a_delivery_sends_what_is_due_by_the_clock_once_the_worker_has_run_for_a_minute(
        self, ada: User, now: datetime, mailoutbox: list[EmailMessage]
    ) -> None:
        for seconds in (0, 5, 10, 15, 3600):
            with time_machine.travel(now + timedelta(seconds=seconds), tick=False):
                pipeline.deliver()
            assert len(mailoutbox) == (seconds >= 10)
        (mail,) = mailoutbox
        assert mail.subject.startswith("[I am alive]")
        assert mail.to == ["ada@example.com"]
        assert "List-Unsubscribe" in mail.extra_headers

    def test_one_that_cannot_be_read_keeps_no_other_mail_back_and_pauses(
        self,
        ada: User,
        otto: User,
        account: ZohoAccount,
        now: datetime,
        monkeypatch: pytest.MonkeyPatch,
        mailoutbox: Any,
    ) -> None:
        asked: list[int] = []

        def broken(*_: Any) -> Any:
            asked.append(1)
            raise LookupError("secret")

        monkeypatch.setattr(pipeline, "DIGEST_READERS", DigestReaders(broken, broken))
        failed = factories.make_execution(factories.make_flow(account), "failed")
        acts.assign(factories.make_failure(failed).group.problem, otto, ada, now)
        for seconds in (60, 61):
            with time_machine.travel(now + timedelta(seconds=seconds), tick=False):
                pipeline.deliver()
        assert [mail.subject for mail in mailoutbox] == ["[Yours] It failed"]
        assert len(asked) == 1
        (job,) = job_failures.failing()
        assert (job.name, "secret" in job.error) == ("digests", False)


def test_a_stage_that_fails_leaves_a_row_that_says_so(account: ZohoAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(now: datetime) -> None:
        raise LookupError("secret")

    monkeypatch.setattr(pipeline, "send_due", broken)
    with pytest.raises(LookupError):
        pipeline.deliver()
    row = StageRun.objects.get(stage="delivery")
    assert (row.outcome, row.error, row.summary, row.account) == (
        "failed",
        "LookupError",
        {"notices": 0, "written": 0},
        None,
    )


def test_counting_ends_with_its_time_and_a_recount_waits_for_nobody(
    monkeypatch: pytest.MonkeyPatch, now: datetime
) -> None:
    asked: list[bool] = []
    with time_machine.travel(now, tick=False) as clock:

        def count(at: datetime, *, limit: int, waits: bool) -> int:
            asked.append(waits)
            clock.shift(1)
            return 7

        monkeypatch.setattr(pipeline, "rebuild_dirty", count)
        pipeline.recount()
    assert asked == [False] * pipeline.RECOUNT_SECONDS
    assert StageRun.objects.get(stage="rollups").summary == {"hours": 7 * (pipeline.RECOUNT_SECONDS - 1)}


def test_a_recount_evaluates_the_accounts_of_which_counts_changed_and_no_others(
    account: ZohoAccount, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[int] = []
    monkeypatch.setattr(pipeline, "evaluate_account", lambda one, at: judged.append(one.pk) or [])
    other = factories.make_flow(factories.make_account())
    factories.count_again(other)
    pipeline.recount()
    assert judged == []
    run = factories.make_execution(factories.make_flow(account), started_time=now)
    DirtyHour.objects.mark([(run.flow_id, now)])
    pipeline.recount()
    assert judged == [account.pk]


def test_a_recount_that_leaves_hours_behind_leaves_the_evaluation_to_the_sweep(
    account: ZohoAccount, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[int] = []
    monkeypatch.setattr(pipeline, "evaluate_account", lambda one, at: judged.append(one.pk) or [])
    monkeypatch.setattr(pipeline, "RECOUNT_SECONDS", -60)  # over at once, whatever the clock does
    monkeypatch.setattr(pipeline, "HOURS_AT_ONCE", 1)
    flow = factories.make_flow(account)
    for hours in (1, 2):
        run = factories.make_execution(flow, started_time=now - timedelta(hours=hours))
        DirtyHour.objects.mark([(run.flow_id, run.started_time)])
    pipeline.recount()
    assert judged == []
    pipeline.recount()
    assert judged == [account.pk]


def test_hours_are_to_be_counted_while_some_are_dirty(now: datetime) -> None:
    DirtyHour.objects.all().delete()
    assert not is_anything_to_count(now)
    DirtyHour.objects.mark([(factories.make_flow().pk, now)])
    assert is_anything_to_count(now)


def test_named_executions_are_read_of_the_flows_that_are_known(
    judged: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    flow, other = factories.make_flow(), factories.make_flow()
    asked: list[tuple[Flow, str]] = []
    monkeypatch.setattr(pipeline, "refresh", lambda known, **how: asked.extend(known) or len(known))
    count = pipeline.refresh_executions([(flow.pk, ["a", "b"]), (10**6, ["c"])])
    assert (count, asked) == (2, [(flow, "a"), (flow, "b")])
    assert other not in {one for one, _ in asked}
    assert judged == ["judge"]


def test_of_hinted_runs_those_of_active_accounts_are_read_in_the_background(
    judged: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    flow, gone, off = (factories.make_flow() for _ in range(3))
    off.account.is_active = False
    settled: list[Any] = []
    reads = [(SimpleNamespace(flow=one), f"run {place}") for place, one in enumerate((flow, gone, off, None))]
    taken = SimpleNamespace(reads=reads, summary=lambda: {"hints": 4})
    asked: list[tuple[Any, ...]] = []

    def refresh(known: list[Any], **how: Any) -> int:
        asked.append((*known[0], how["patience"].mode.name))
        return int(known[0][0] is flow)

    monkeypatch.setattr(callbacks, "take", lambda now: taken)
    monkeypatch.setattr(callbacks, "settle_reads", lambda *what: settled.append(what[:2]))
    monkeypatch.setattr(pipeline, "refresh", refresh)
    pipeline.take_hints()
    assert asked == [(flow, "run 0", "HINT"), (gone, "run 1", "HINT")]
    assert settled == [(taken, {"run 0"})]
    assert judged == ["judge"]
    assert StageRun.objects.get(stage="hints").summary == {"hints": 4}


def test_where_no_hinted_run_was_read_nothing_is_judged(judged: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callbacks, "take", callbacks.Taken)
    pipeline.take_hints()
    assert judged == []


def test_housekeeping_takes_old_ledger_rows_and_runs_by_their_ages(
    nobody_else: None, account: ZohoAccount, now: datetime
) -> None:
    def call(age: timedelta) -> ApiCall:
        return ApiCall.objects.create(account=account, product="flow", method="GET", path="/", started_at=now - age)

    def ran(stage: str, outcome: str, age: timedelta) -> StageRun:
        return StageRun.objects.create(stage=stage, outcome=outcome, started_at=now - age, finished_at=now - age)

    second = timedelta(seconds=1)
    calls = [call(3 * DAY), call(3 * DAY + second)]
    runs = {
        ran("ingest", "ok", 3 * DAY): True,
        ran("ingest", "ok", 3 * DAY + second): False,
        ran("ingest", "failed", 14 * DAY): True,
        ran("ingest", "failed", 14 * DAY + second): False,
        ran("notify", "ok", DAY): True,
        ran("notify", "ok", DAY + second): False,
        ran("notify", "failed", DAY + second): False,
    }
    old_hint = PushEvent.objects.create(account=account, digest="d", received_at=now - 8 * DAY)
    SignInCount.objects.create(key="old", at=now - 2 * DAY)
    AuditTally.objects.create(hour=now - 2 * DAY, action="sign_in.failed", times=7, told=1)
    pipeline.housekeeping()
    assert not SignInCount.objects.exists()
    assert AuditEntry.objects.get(action="sign_in.failed").detail["times"] == 7
    assert list(ApiCall.objects.filter(pk__in=[one.pk for one in calls])) == calls[:1]
    assert {run: StageRun.objects.filter(pk=run.pk).exists() for run in runs} == runs
    assert not PushEvent.objects.filter(pk=old_hint.pk).exists()
    assert StageRun.objects.get(stage="prune").summary.keys() == {"payloads", "rows", "hours", "masked"}


def test_a_person_who_waits_makes_one_flow_due(account: ZohoAccount, now: datetime) -> None:
    flow, other = factories.make_flow(account), factories.make_flow(account)
    assert pipeline.want_flow(flow, now)
    assert not pipeline.want_flow(Flow.objects.get(pk=flow.pk), now + timedelta(seconds=29))
    assert Flow.objects.get(pk=flow.pk).progress.wanted_at == now
    assert Flow.objects.get(pk=other.pk).progress.wanted_at is None


def test_another_accounts_blocked_products_keep_none_of_ones_own_from_being_due(
    account: ZohoAccount, now: datetime
) -> None:
    ApiBudget.objects.filter(account=factories.make_account()).update(blocked_until=now + MINUTE)
    assert account.pk in pipeline.due_accounts(now)
    ApiBudget.objects.filter(account=account).update(blocked_until=now + MINUTE)
    assert account.pk not in pipeline.due_accounts(now)
    ApiBudget.objects.filter(account=account, product="crm").update(blocked_until=now)
    assert account.pk in pipeline.due_accounts(now)


def test_triage_that_fails_keeps_no_alert_back_and_is_told(
    account: ZohoAccount, monkeypatch: pytest.MonkeyPatch, now: datetime, bystander: Bystander
) -> None:
    bystander.go()  # every account is judged

    def fall(*args: object, **options: object) -> None:
        raise ValueError("unreadable")

    judged: list[ZohoAccount] = []
    monkeypatch.setattr(pipeline, "evaluate_account", lambda account, at: judged.append(account) or [])
    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "take", fall)
        pipeline.judge()
    assert StageRun.objects.filter(stage="triage", outcome="failed").exists()
    assert account in judged
    assert [job.name for job in job_failures.failing()] == ["triage"]
    pipeline.judge()
    assert StageRun.objects.filter(stage="triage").count() == 1, "it pauses"
    with time_machine.travel(now + timedelta(minutes=11), tick=False):
        pipeline.judge()
    assert job_failures.failing() == []
