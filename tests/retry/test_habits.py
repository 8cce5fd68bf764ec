"""A Zoho with habits of its own: it repeats the old id, names what is no run, and keeps another time than we do."""

from __future__ import annotations

from datetime import timedelta

import pytest

from monitor.models import Execution, RetryAttempt, Role, User
from monitor.retry.facts import facts_for
from monitor.retry.requests import RetryRefused
from monitor.retry.safety import judge
from monitor.zoho.shapes.executions import RetryReply
from tests import factories
from tests.bystander import own
from tests.fake_zoho.retrying import FAULTS, TRANSIENT

DAYS = timedelta(days=3)


def row() -> RetryAttempt:
    return own(RetryAttempt).get()


def set_clock(desk, ahead: timedelta) -> None:
    """Zoho's clock, and with it every time that Zoho has told us."""
    desk.zoho.ahead = ahead
    run = desk.zoho.runs[desk.execution.execution_id]
    run.started, run.completed, run.first_failed = (at + ahead for at in (run.started, run.completed, run.completed))
    desk.execution.started_time, desk.execution.completed_time = run.started, run.completed
    desk.execution.first_failed_at = run.completed
    desk.execution.save()


def make_transient(desk) -> None:
    desk.zoho.runs[desk.execution.execution_id].error = TRANSIENT
    own(Execution).update(error_message=TRANSIENT[1], error_details=TRANSIENT[2])
    desk.execution.refresh_from_db()


# -- ids ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("luck", "end", "seconds"), [(True, "succeeded", 10), (False, "failed_again", 430)])
def test_where_the_answer_repeats_the_old_id_the_new_row_is_recognised(desk, luck, end, seconds) -> None:
    desk.zoho.dialect, desk.zoho.luck = "echo", luck
    desk.ask()
    desk.sweep_for(seconds, step=1)
    assert (row().state, row().new_execution_id, row().runs_in_place) == (end, "retried-1", False)


def test_a_row_that_runs_in_place_costs_one_read_a_look_once_it_runs(desk) -> None:
    desk.zoho.dialect, desk.zoho.takes = "same", timedelta(minutes=5)
    desk.ask()
    desk.sweep_for(60, step=1)
    assert desk.zoho.lists == 0
    assert row().checks == 14


def test_a_failure_anew_beside_a_new_row_decides_nothing_where_zoho_re_runs_by_itself(desk) -> None:
    make_transient(desk)
    desk.zoho.dialect, desk.zoho.takes = "echo", timedelta(minutes=1)
    desk.ask(accept_risk=True)
    desk.sweep()
    desk.clock.forward(seconds=1)
    desk.zoho.rerun_by_itself(desk.zoho.runs[desk.execution.execution_id], success=False)
    desk.sweep_for(30)
    assert row().state == "accepted"


def test_an_id_that_is_no_run_gives_way_to_the_only_new_run_when_no_other_can_come(desk) -> None:
    desk.zoho.dialect = "lies"
    desk.ask()
    desk.sweep_for(6 * 60, step=30)
    assert (row().state, row().new_execution_id) == ("accepted", "job-1")
    desk.sweep_for(5 * 60, step=30)
    assert (row().state, row().new_execution_id) == ("succeeded", "retried-1")


def test_the_flows_id_is_not_taken_for_a_runs(desk, monkeypatch) -> None:
    flow_id = desk.execution.flow.flow_id
    desk.zoho.dialect = "silent"
    real = desk.zoho.retry_execution

    def names_the_flow(*where: str) -> RetryReply:
        real(*where)
        return RetryReply(accepted=True, new_execution_id=flow_id, raw={})

    monkeypatch.setattr(desk.zoho, "retry_execution", names_the_flow)
    assert desk.send(desk.ask()).new_execution_id == ""
    desk.sweep_for(10, step=1)
    assert (row().state, row().new_execution_id) == ("succeeded", "retried-1")


def test_a_minute_of_looking_lists_runs_at_half_of_the_looks(desk) -> None:
    desk.zoho.dialect, desk.zoho.lag = "silent", timedelta(minutes=30)
    desk.ask()
    desk.sweep_for(59, step=1)
    assert (row().checks, desk.zoho.lists) == (13, 8)


# -- clocks ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ahead", [-DAYS, DAYS, timedelta(minutes=-10), timedelta(minutes=10)])
@pytest.mark.parametrize("dialect", ["new", "same", "silent", "echo"])
@pytest.mark.parametrize(("luck", "end"), [(True, "succeeded"), (False, "failed_again")])
def test_with_another_clock_at_zoho_an_accepted_retry_is_settled_as_fast(desk, ahead, dialect, luck, end) -> None:
    set_clock(desk, ahead)
    desk.zoho.dialect, desk.zoho.luck = dialect, luck
    desk.ask()
    desk.sweep_for(10, step=1)
    if not luck and dialect in ("silent", "echo"):
        assert (row().state, row().new_execution_id) == ("accepted", ""), "a failure is believed when no other can come"
        desk.sweep_for(7 * 60, step=10)
    assert (row().state, row().new_execution_id) == (end, "" if dialect == "same" else "retried-1")
    assert row().zoho_ahead == ahead


@pytest.mark.parametrize("ahead", [-DAYS, DAYS])
@pytest.mark.parametrize("dialect", ["new", "same"])
def test_with_another_clock_at_zoho_a_lost_answer_is_settled_by_reading(desk, ahead, dialect) -> None:
    set_clock(desk, ahead)
    desk.zoho.dialect, desk.zoho.luck = dialect, False
    desk.zoho.post_faults.append(FAULTS["ran_503"])
    desk.ask()
    desk.sweep_for(11 * 60, step=30)
    assert row().state == "failed_again"


def test_a_run_of_days_ago_with_the_same_trigger_data_tells_by_zohos_clock(desk) -> None:
    set_clock(desk, -DAYS)
    earlier = desk.zoho.time() - timedelta(minutes=1)
    factories.make_execution(desk.execution.flow, trigger_data=desk.execution.trigger_data, started_time=earlier)
    desk.zoho.dialect = "silent"
    desk.ask()
    desk.sweep_for(10, step=1)
    assert row().state == "accepted"


@pytest.mark.parametrize("dialect", ["new", "same"])
def test_a_zoho_that_sends_no_date_is_taken_to_have_our_time(desk, dialect) -> None:
    desk.zoho.tells_date, desk.zoho.dialect = False, dialect
    desk.ask()
    desk.sweep_for(10, step=1)
    assert (row().state, row().zoho_ahead) == ("succeeded", None)


def test_a_fresh_failure_that_looks_old_by_our_clock_is_not_sent_without_the_risk_accepted(desk) -> None:
    make_transient(desk)
    set_clock(desk, -DAYS)
    attempt = desk.send(desk.ask())
    assert (attempt.state, desk.zoho.posts) == ("cancelled", [])
    assert "Confirm the risk" in row().answer


def test_after_that_whoever_asks_again_is_asked_for_the_confirmation(desk) -> None:
    make_transient(desk)
    set_clock(desk, -DAYS)
    desk.send(desk.ask("form-1"))
    verdict = judge(facts_for(desk.execution, desk.clock()), desk.clock())
    assert (verdict.kind, verdict.code) == ("risky", "auto_rerun")
    with pytest.raises(RetryRefused, match="Confirm the risk"):
        desk.ask("form-2")
    assert desk.send(desk.ask("form-3", accept_risk=True)).state == "accepted"


def test_an_operator_may_not_send_what_turns_out_risky(desk) -> None:
    make_transient(desk)
    set_clock(desk, -DAYS)
    own(User).update(role=Role.OPERATOR)
    desk.user.refresh_from_db()
    assert desk.send(desk.ask()).state == "cancelled"
    assert desk.zoho.posts == []


def test_a_clock_that_was_put_right_is_believed_again(desk) -> None:
    make_transient(desk)
    set_clock(desk, -DAYS)
    desk.send(desk.ask("form-1"))
    set_clock(desk, timedelta(0))
    other = factories.make_execution(desk.execution.flow, "failed", execution_id="4711")
    desk.zoho.add(other)
    desk.send(desk.ask("form-2", execution=other))
    assert facts_for(desk.execution, desk.clock()).zoho_ahead == timedelta(0)


def test_a_failure_that_is_old_by_both_clocks_is_sent_as_safe(desk) -> None:
    make_transient(desk)
    set_clock(desk, -DAYS)
    desk.clock.forward(hours=26)
    assert desk.send(desk.ask()).state == "accepted"
