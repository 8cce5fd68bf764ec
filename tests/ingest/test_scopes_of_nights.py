"""Which flows, runs and records the night and the counting are about: those of others beside them change nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection

from monitor.ingest.base.context import Context
from monitor.ingest.lists import webhook_failures
from monitor.ingest.night import checks, prune, statistics
from monitor.ingest.runs import counters, read_runs
from monitor.models import (
    Ages,
    Execution,
    Failure,
    FailureGroup,
    Flow,
    HourBucket,
    Problem,
    PrunedHour,
    Quarantine,
    Retention,
    RetryAttempt,
    RetryBatch,
    RetryItem,
    User,
)
from monitor.models import ZohoAccount as Account
from tests.bystander import Bystander
from tests.factories import NOON, make_account, make_execution, make_flow, make_rule, make_webhook_failure
from tests.ingest.by_hand import Walks

pytestmark = pytest.mark.django_db
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def test_the_night_takes_the_accounts_living_flows_whose_history_is_read_one_after_the_other(
    context: Context, now: datetime
) -> None:
    read = {"history_read_at": now}
    make_flow(**read)
    make_flow(context.account)
    make_flow(context.account, gone_at=now, **read)
    first, second = make_flow(context.account, **read), make_flow(context.account, **read)
    make_flow(**read)
    night = checks.Night(context, SimpleNamespace(), 0, {})  # type: ignore[arg-type]

    def after(at: dict[str, Any], job: checks.Job = checks.RECENT) -> Flow | None:
        return night._flow(job, at)

    assert after({"after": 0}) == first
    assert after({"after": first.pk}) == second
    assert after({"after": first.pk, "until": now.isoformat()}) == first
    assert after({"after": second.pk}) is None
    assert after({"after": 0, "share": second.pk % checks.FULL.shares}, checks.FULL) == second


def test_what_is_held_against_the_statistics_are_the_flows_own_listed_runs_of_the_period(
    account: Account, now: datetime
) -> None:
    flow = make_flow(account)
    make_execution(flow, started_time=now - DAY)
    before = statistics._candidates(flow, now)
    assert {counts.total for name, counts in before.items() if name != statistics.LIFE} == {1}

    make_execution(flow, started_time=now - DAY, unlisted_at=now)
    make_execution(make_flow(account), started_time=now - DAY)
    make_execution(flow, started_time=now + HOUR)
    make_execution(flow, started_time=now - 60 * DAY, completed_time=now)
    assert statistics._candidates(flow, now) == before


def test_a_run_is_linked_where_a_retry_of_its_own_account_names_it(account: Account, otto: User) -> None:
    flow, elsewhere = make_flow(account), make_flow()
    plain, retried, caused, namesake = (make_execution(flow, "failed") for _ in range(4))

    def retry(run: Execution, new: str) -> None:
        RetryAttempt.objects.create(
            account=run.account, execution=run, requested_by=otto, requested_at=NOON, reason="try",
            client_token=f"{run.pk}", state="succeeded", not_before=NOON, new_execution_id=new,
        )  # fmt: skip

    retry(retried, caused.execution_id)
    retry(make_execution(elsewhere, "failed"), namesake.execution_id)
    rows = [(run.pk, run.execution_id) for run in (plain, retried, caused, namesake)]
    assert prune._linked(account.pk, rows) == {retried.pk, caused.pk}


def test_a_run_is_linked_while_it_is_open_and_for_good_in_a_batch(account: Account, otto: User) -> None:
    flow = make_flow(account)
    runs = {name: make_execution(flow, "failed") for name in ("open", "written_off", "waiting", "started", "skipped")}
    problem = Problem.objects.create(
        account=account, title="Tax", remedy="value", first_seen_at=NOON, last_seen_at=NOON, state_since=NOON
    )
    group = FailureGroup.objects.create(
        account=account, fingerprint="f", version=1, problem=problem, template="Tax", remedy="value", first_seen_at=NOON
    )
    batch = RetryBatch.objects.create(
        account=account, requested_by=otto, requested_at=NOON, reason="again", client_token="b", per_minute=1,
        seen_at=NOON, state="stopped", state_since=NOON,
    )  # fmt: skip
    for place, (name, run) in enumerate(runs.items()):
        about = {"account": account, "flow": flow, "group": group, "failed_at": NOON, "fate_at": NOON}
        Failure.objects.create(execution=run, fate="open" if name == "open" else "written_off", **about)
        if name in RetryItem.State.values:
            RetryItem.objects.create(batch=batch, execution=run, position=place, state=name)
    rows = [(run.pk, run.execution_id) for run in runs.values()]
    assert prune._linked(account.pk, rows) == {runs[name].pk for name in ("open", "waiting", "started", "skipped")}


def put_aside(account: Account, seen: datetime, number: int = 0) -> Quarantine:
    return Quarantine.objects.create(
        account=account, stream="flows", fingerprint=f"{number:064}", reason="odd", raw_text="{}",
        first_seen_at=seen, seen_at=seen,
    )  # fmt: skip


def texts() -> dict[int, str]:
    return dict(Quarantine.objects.values_list("pk", "raw_text"))


def test_old_records_of_the_account_are_emptied_and_no_younger_or_others(account: Account, now: datetime) -> None:
    old = put_aside(account, now - DAY)
    put_aside(account, now, 1)
    put_aside(make_account(), now - DAY)
    before = texts()
    prune._empty_quarantine(account.pk, now)
    assert texts() == before | {old.pk: ""}


def test_a_record_that_comes_again_while_old_ones_are_emptied_is_kept(account: Account, now: datetime) -> None:
    put_aside(account, now - DAY)
    before = texts()

    def comes_again(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if sql.startswith("UPDATE") and not changed:
            changed.append(sql)
            Quarantine.objects.filter(account=account).update(seen_at=now)
        return execute(sql, *rest)

    changed: list[str] = []
    with connection.execute_wrapper(comes_again):
        prune._empty_quarantine(account.pk, now)
    assert texts() == before


def test_that_one_account_is_behind_makes_no_other_one_so(
    account: Account, now: datetime, monkeypatch: pytest.MonkeyPatch, bystander: Bystander
) -> None:
    bystander.go()
    behind = make_account()
    monkeypatch.setattr(prune, "_payloads", lambda place, edge, now, go_on: (0, place.account_id != behind.pk))
    prune.prune(Ages(payload=30, rows=180, hours=400), now, lambda: True)
    assert dict(Retention.objects.values_list("account", "is_behind")) == {account.pk: False, behind.pk: True}


def test_marks_of_closed_hours_go_where_they_are_old_the_accounts_and_without_a_bucket(
    account: Account, now: datetime
) -> None:
    flow, other = make_flow(account), make_flow()

    def closed(of: Flow, hour: datetime) -> int:
        return PrunedHour.objects.create(flow=of, hour=hour).pk

    gone = closed(flow, now - HOUR)
    kept = {closed(flow, now), closed(other, now - HOUR), closed(flow, now - 2 * HOUR)}
    HourBucket.objects.create(flow=flow, hour=now - 2 * HOUR)
    HourBucket.objects.create(flow=other, hour=now - HOUR - HOUR)
    HourBucket.objects.create(flow=make_flow(account), hour=now - HOUR)
    kept |= set(PrunedHour.objects.exclude(flow__in=[flow, other]).values_list("pk", flat=True))

    prune._forget_closed(account.pk, now)

    assert set(PrunedHour.objects.values_list("pk", flat=True)) == kept
    assert gone not in kept


def test_the_mirrors_rows_of_a_flow_are_counted_without_those_of_another(account: Account) -> None:
    flow = make_flow(account)
    make_execution(flow)
    make_execution(flow, "failed")
    make_execution(make_flow(account))
    rows = counters.mirrored(flow)
    assert (rows.total, rows.success, rows.failed) == (2, 1, 1)


def test_failures_of_webhooks_are_joined_to_the_rule_of_their_own_account(account: Account) -> None:
    other = make_account()
    elsewhere = make_rule(other, rule_id="1001")
    rule, former = make_rule(account, rule_id="1001"), make_rule(account, rule_id="1002")
    only_there = make_rule(other, rule_id="1003")
    loose = make_webhook_failure(account, rule_zoho_id="1001")
    joined = make_webhook_failure(account, rule_zoho_id="1001", rule=former)
    unknown = make_webhook_failure(account, rule_zoho_id=only_there.rule_id)
    theirs = make_webhook_failure(other, rule_zoho_id=elsewhere.rule_id)

    webhook_failures._link(account)

    for failure, then in ((loose, rule), (joined, former), (unknown, None), (theirs, None)):
        failure.refresh_from_db()
        assert failure.rule == then


def test_failed_runs_that_zoho_may_run_again_are_the_flows_own_of_the_last_hours(
    account: Account, walks: None, now: datetime
) -> None:
    flow = make_flow(account)
    reading: Any = SimpleNamespace(flow=flow, started=now)
    make_execution(flow, started_time=now - 3 * HOUR)
    make_execution(flow, "failed", started_time=now - read_runs.OVER_AFTER - SECOND)
    make_execution(make_flow(account), "failed", started_time=now - 2 * HOUR)
    assert read_runs._read_reruns(reading).pages == 0
    make_execution(flow, "failed", started_time=now - MINUTE)
    with pytest.raises(Walks) as caught:
        read_runs._read_reruns(reading)
    assert caught.value.since == now - MINUTE - SECOND
