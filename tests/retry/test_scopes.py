"""Which runs and retries a question about one retry looks at: those of others beside them change nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.models import DirtyHour, Execution, RetryAttempt, User, ZohoAccount
from monitor.retry import ask_zoho, settle
from monitor.retry.effects import mark_hours
from monitor.retry.facts import facts_for
from monitor.retry.lost_answer import payload_hash
from monitor.retry.timing import SKEW
from tests import factories
from tests.bystander import own
from tests.fake_zoho import RetryingZoho

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def attempt_of(execution: Execution, user: User, token: str, **fields: Any) -> RetryAttempt:
    known = {"requested_at": factories.NOON, "reason": "try", "not_before": factories.NOON, "state": "succeeded"}
    return RetryAttempt.objects.create(
        account=execution.account, execution=execution, requested_by=user, client_token=token, **known | fields
    )


def tells_apart(failed: Execution, now: datetime) -> bool:
    return ask_zoho._tells_runs_apart(failed, payload_hash(failed.trigger_data), now)


def alike(failed: Execution, now: datetime, **fields: Any) -> Execution:
    """An older run with the same trigger data."""
    known = {"trigger_data": failed.trigger_data, "started_time": now - 3 * HOUR}
    return factories.make_execution(failed.flow, **known | fields)


def test_an_older_run_of_the_flow_with_the_same_data_makes_data_no_mark(failed: Execution, now: datetime) -> None:
    assert tells_apart(failed, now), "the run itself is no other"
    alike(failed, now)
    assert not tells_apart(failed, now)


def test_a_run_of_another_flow_with_the_same_data_is_no_hindrance(failed: Execution, now: datetime) -> None:
    factories.make_execution(
        factories.make_flow(failed.account), trigger_data=failed.trigger_data, started_time=now - 3 * HOUR
    )
    assert tells_apart(failed, now)


def test_a_run_that_begins_about_when_the_retry_was_sent_is_what_is_looked_for(
    failed: Execution, now: datetime
) -> None:
    alike(failed, now, started_time=now - SKEW)
    alike(failed, now, started_time=now + timedelta(seconds=3))
    assert tells_apart(failed, now)
    alike(failed, now, started_time=now - SKEW - timedelta(seconds=1))
    assert not tells_apart(failed, now)


def test_what_earlier_retries_of_the_same_run_caused_is_no_hindrance_and_of_another_run_it_is(
    failed: Execution, now: datetime, otto: User
) -> None:
    caused = alike(failed, now)
    attempt = attempt_of(failed, otto, "own", new_execution_id=caused.execution_id)
    assert tells_apart(failed, now)
    attempt.delete()
    other = factories.make_execution(failed.flow, "failed", trigger_data={"Deal": 8})
    attempt_of(other, otto, "other", new_execution_id=caused.execution_id)
    assert not tells_apart(failed, now)


def test_runs_without_data_do_not_take_the_place_of_those_that_are_compared(
    failed: Execution, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ask_zoho, "ALIKE", 1)
    alike(failed, now)
    alike(failed, now, trigger_data=None, started_time=now - 2 * HOUR)
    assert not tells_apart(failed, now)


@pytest.mark.parametrize(("same_account", "is_taken"), [(True, True), (False, False)])
def test_a_run_that_another_retry_of_the_account_has_claimed_is_no_candidate(
    zoho: RetryingZoho, failed: Execution, otto: User, now: datetime, same_account: bool, is_taken: bool
) -> None:
    run = zoho.run_naturally(failed.trigger_data)
    attempt = attempt_of(failed, otto, "asks", state="unknown", sent_at=now)
    flow = failed.flow if same_account else factories.make_flow()
    claimer = factories.make_execution(flow, "failed")
    attempt_of(claimer, otto, "claims", new_execution_id=run.execution_id)

    candidates = ask_zoho._candidates(attempt, zoho, now)

    assert candidates is not None
    assert [seen.execution_id for seen in candidates] == ([] if is_taken else [run.execution_id])


def test_the_hours_of_a_retry_are_those_of_its_run_and_of_the_one_it_caused_in_the_same_flow(
    failed: Execution, otto: User, now: datetime
) -> None:
    caused = factories.make_execution(failed.flow, started_time=now - 5 * HOUR)
    factories.make_execution(failed.flow, started_time=now - 9 * HOUR)
    attempt = attempt_of(failed, otto, "one", new_execution_id=caused.execution_id)
    DirtyHour.objects.all().delete()

    mark_hours(attempt)

    assert {row.hour for row in own(DirtyHour).filter(flow=failed.flow)} == {
        at.replace(minute=0) for at in (failed.started_time, caused.started_time) if at is not None
    }


def test_a_run_of_another_flow_that_bears_the_named_id_makes_no_hour_count_again(
    failed: Execution, otto: User, now: datetime
) -> None:
    stray = factories.make_execution(factories.make_flow(failed.account), started_time=now - 5 * HOUR)
    attempt = attempt_of(failed, otto, "one", new_execution_id=stray.execution_id)
    DirtyHour.objects.all().delete()

    mark_hours(attempt)

    assert own(DirtyHour).count() == 1


def test_a_run_that_was_caused_is_one_of_the_same_account(failed: Execution, otto: User, now: datetime) -> None:
    caused = factories.make_execution(failed.flow, "success")
    factories.make_execution(failed.flow, "failed")
    factories.make_execution(factories.make_flow(), "failed", execution_id=caused.execution_id)
    attempt_of(failed, otto, "one", new_execution_id=caused.execution_id)

    facts = facts_for(failed, now)

    assert len(facts.runs) == 1, "only the original has failed"
    assert [one.run_status for one in facts.earlier] == ["success"]


def test_a_run_that_zoho_ran_again_in_place_is_no_retry_of_itself(failed: Execution, otto: User, now: datetime) -> None:
    attempt_of(failed, otto, "one", new_execution_id=failed.execution_id)
    assert facts_for(failed, now).retry_of == ""
    other = factories.make_execution(failed.flow, "failed")
    attempt_of(other, otto, "two", new_execution_id="12345")
    assert facts_for(failed, now).retry_of == ""


def test_zohos_clock_is_the_one_that_the_accounts_newest_look_saw(failed: Execution, otto: User, now: datetime) -> None:
    attempt_of(failed, otto, "looked", zoho_ahead=timedelta(seconds=40))
    attempt_of(failed, otto, "did not look")
    stranger = factories.make_execution(factories.make_flow(), "failed")
    attempt_of(stranger, otto, "elsewhere", zoho_ahead=timedelta(hours=3))
    assert facts_for(failed, now).zoho_ahead == timedelta(seconds=40)


def test_a_sweep_asks_about_what_is_due_and_nothing_beside_it(failed: Execution, otto: User, now: datetime) -> None:
    second = timedelta(seconds=1)

    def attempt(state: str, **fields: Any) -> int:
        run = factories.make_execution(fields.pop("flow", failed.flow), "failed")
        return attempt_of(run, otto, f"{RetryAttempt.objects.count()}", **{"state": state, **fields}).pk

    off = factories.make_flow()
    ZohoAccount.objects.filter(pk=off.account_id).update(is_active=False)
    attempt("succeeded", next_check_at=now - second)
    attempt("unknown", next_check_at=now - second, flow=off)
    attempt("accepted", next_check_at=now + second)
    attempt("requested", not_before=now + second)
    later = attempt("unknown", next_check_at=now)
    first = attempt("accepted", next_check_at=now - second)
    wish = attempt("requested", not_before=now)

    assert settle._asking(now, 10) == [wish, first, later]
    assert settle._asking(now, 2) == [wish, first]
    assert settle._asking(now, 1) == [wish]


def test_a_run_that_another_executions_retry_caused_is_not_looked_at_before_sending(
    desk: Any, zoho: RetryingZoho, failed: Execution, otto: User
) -> None:
    other = factories.make_execution(failed.flow, "failed")
    fine = zoho.run_naturally({"Deal": 9})
    attempt_of(other, otto, "other", new_execution_id=fine.execution_id)

    assert desk.send(desk.ask()).state == "accepted"
    assert len(zoho.posts) == 1
