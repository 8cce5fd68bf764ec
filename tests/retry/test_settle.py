from datetime import timedelta

import pytest

from monitor.models import AuditEntry, DirtyHour, Execution, RetryAttempt, ZohoAccount
from monitor.retry import settle
from monitor.retry.ask_zoho import PAGES, PER_PAGE
from monitor.zoho.errors import AnswerLost
from tests import factories
from tests.bystander import own
from tests.fake_zoho import Run
from tests.fake_zoho.retrying import FAULTS, PERMANENT, TRANSIENT, Crash, budget_spent


def state() -> str:
    return own(RetryAttempt).get().state


@pytest.mark.parametrize(
    ("dialect", "luck", "end"),
    [
        ("new", True, "succeeded"),
        ("new", False, "failed_again"),
        ("same", True, "succeeded"),
        ("same", False, "failed_again"),
        ("silent", True, "succeeded"),
    ],
)
def test_an_accepted_retry_is_settled_within_seconds(desk, dialect, luck, end) -> None:
    desk.zoho.dialect, desk.zoho.luck = dialect, luck
    desk.ask()
    desk.sweep_for(10, step=1)
    row = own(RetryAttempt).get()
    assert (row.state, row.new_execution_id) == (end, "" if dialect == "same" else "retried-1")
    assert row.settled_at - row.sent_at <= timedelta(seconds=5)
    assert row.next_check_at is None


@pytest.mark.parametrize("dialect", ["new", "same"])
@pytest.mark.parametrize(("luck", "end"), [(True, "succeeded"), (False, "failed_again")])
def test_a_lost_answer_is_settled_by_reading(desk, dialect, luck, end) -> None:
    desk.zoho.dialect, desk.zoho.luck = dialect, luck
    desk.zoho.post_faults.append(FAULTS["ran_503"])
    desk.ask()
    desk.sweep_for(11 * 60, step=30)
    row = own(RetryAttempt).get()
    assert (row.state, row.new_execution_id) == (end, "" if dialect == "same" else "retried-1")
    assert len(desk.zoho.posts) == 1


@pytest.mark.parametrize("name", ["lost_503", "lost_unread"])
def test_a_lost_answer_without_a_trace_stays_unknown_and_the_owner_is_told_after_15_minutes(desk, name) -> None:
    desk.zoho.post_faults.append(FAULTS[name])
    desk.ask()
    desk.sweep_for(14 * 60 + 50, step=10)
    assert own(RetryAttempt).get().owner_told_at is None
    reports = desk.sweep_for(20)
    row = own(RetryAttempt).get()
    assert (row.state, row.owner_told_at - row.sent_at) == ("unknown", timedelta(minutes=15))
    assert sum(report.told for report in reports) == 1
    desk.sweep_for(3600, step=300)
    assert own(AuditEntry).filter(action="retry.owner_told").count() == 1
    assert state() == "unknown"


def test_an_owner_whose_sender_died_long_ago_is_told_with_the_sweep_that_finds_it_dead(desk) -> None:
    desk.zoho.post_faults.append(FAULTS["ran_crash"])
    attempt = desk.ask()
    with pytest.raises(Crash):
        desk.send(attempt)
    desk.clock.forward(hours=1)
    report = desk.sweep()
    assert (report.expired, report.told) == (1, 1)
    row = own(RetryAttempt).get()
    assert (row.state, row.owner_told_at) == ("unknown", desk.clock())


def test_without_trigger_data_an_unknown_outcome_stays_unknown(desk) -> None:
    own(Execution).update(trigger_data=None)
    desk.zoho.runs[desk.execution.execution_id].payload = None
    desk.zoho.post_faults.append(FAULTS["ran_503"])
    desk.ask()
    desk.sweep_for(20 * 60, step=60)
    assert state() == "unknown"


def test_two_runs_with_the_same_trigger_data_decide_nothing(desk) -> None:
    desk.zoho.post_faults.append(FAULTS["ran_503"])
    desk.ask()
    desk.sweep()
    desk.clock.forward(minutes=2)
    desk.zoho.run_naturally(desk.execution.trigger_data)
    desk.sweep_for(20 * 60, step=60)
    assert state() == "unknown"


def test_a_flow_that_starts_every_run_alike_decides_nothing(desk) -> None:
    factories.make_execution(desk.execution.flow, trigger_data=desk.execution.trigger_data)
    desk.zoho.post_faults.append(FAULTS["lost_503"])
    desk.ask()
    desk.sweep()
    desk.zoho.run_naturally(desk.execution.trigger_data)
    desk.sweep_for(20 * 60, step=60)
    assert state() == "unknown"


def test_a_run_that_another_retry_claims_is_no_evidence(desk) -> None:
    desk.zoho.post_faults.append(FAULTS["lost_503"])
    desk.ask()
    desk.sweep()
    run = desk.zoho.run_naturally(desk.execution.trigger_data)
    other = factories.make_execution(desk.execution.flow, "failed")
    RetryAttempt.objects.create(
        account=other.account, execution=other, requested_by=desk.user, requested_at=desk.clock(), reason="x",
        client_token="other", state="succeeded", new_execution_id=run.execution_id,
    )  # fmt: skip
    desk.sweep_for(20 * 60, step=60)
    assert RetryAttempt.objects.get(execution=desk.execution).state == "unknown"


def test_what_another_retry_claims_does_not_make_our_own_run_ambiguous(desk) -> None:
    desk.zoho.post_faults.append(FAULTS["ran_503"])
    desk.ask()
    desk.sweep()
    run = desk.zoho.run_naturally(desk.execution.trigger_data)
    other = factories.make_execution(desk.execution.flow, "failed")
    RetryAttempt.objects.create(
        account=other.account, execution=other, requested_by=desk.user, requested_at=desk.clock(), reason="x",
        client_token="other", state="succeeded", new_execution_id=run.execution_id,
    )  # fmt: skip
    desk.sweep_for(11 * 60, step=30)
    assert RetryAttempt.objects.get(execution=desk.execution).new_execution_id == "retried-1"


def test_a_busy_flow_whose_runs_cannot_all_be_read_decides_nothing(desk) -> None:
    desk.zoho.post_faults.append(FAULTS["ran_503"])
    desk.ask()
    desk.sweep()
    for number in range(PAGES * PER_PAGE):
        desk.zoho.runs[f"busy-{number}"] = Run(
            desk.clock(), "success", f"busy-{number}", payload={"n": number}, completed=desk.clock()
        )
    desk.sweep_for(20 * 60, step=60)
    assert state() == "unknown"


def test_zohos_own_failed_re_run_is_not_taken_for_ours(desk) -> None:
    original = desk.zoho.runs[desk.execution.execution_id]
    original.error = TRANSIENT
    own(Execution).update(error_details=TRANSIENT[2])
    desk.zoho.post_faults.append(FAULTS["ran_503"])
    desk.zoho.takes = timedelta(hours=1)
    desk.ask(accept_risk=True)
    desk.sweep()
    desk.clock.forward(seconds=20)
    desk.zoho.rerun_by_itself(original, success=False)
    desk.sweep_for(300, step=20)
    assert state() == "unknown"


def test_zohos_own_successful_re_run_settles_it(desk) -> None:
    desk.zoho.post_faults.append(FAULTS["lost_503"])
    desk.ask()
    desk.sweep()
    desk.zoho.rerun_by_itself(desk.zoho.runs[desk.execution.execution_id], success=True)
    desk.sweep_for(30)
    assert state() == "succeeded"


def test_a_failure_just_before_the_click_is_not_taken_for_the_retrys(desk) -> None:
    just_now = desk.clock() - timedelta(seconds=1)
    own(Execution).update(completed_time=just_now)
    desk.zoho.runs[desk.execution.execution_id].completed = just_now
    desk.zoho.dialect, desk.zoho.takes = "same", timedelta(hours=2)
    desk.zoho.post_faults.append(FAULTS["lost_503"])
    desk.ask()
    desk.sweep_for(300, step=20)
    assert state() == "unknown"


@pytest.mark.parametrize("dialect", ["new", "same", "silent"])
def test_a_run_that_takes_long_is_waited_for(desk, dialect) -> None:
    desk.zoho.dialect, desk.zoho.takes = dialect, timedelta(minutes=40)
    desk.ask()
    desk.sweep_for(39 * 60, step=60)
    assert state() == "accepted"
    desk.sweep_for(20 * 60, step=60)
    assert state() == "succeeded"


def test_what_zoho_took_but_never_shows_becomes_unknown_and_the_owner_is_told(desk) -> None:
    desk.zoho.lag = timedelta(days=1)
    desk.ask()
    desk.sweep_for(16 * 60, step=30)
    row = own(RetryAttempt).get()
    assert row.state == "unknown"
    assert row.owner_told_at - row.sent_at <= timedelta(minutes=16)


def test_a_named_run_that_shows_late_still_settles_it(desk) -> None:
    desk.zoho.lag = timedelta(minutes=30)
    desk.ask()
    desk.sweep_for(50 * 60, step=60)
    assert state() == "succeeded"


def test_settling_marks_the_hours_and_names_the_rows_to_read_again(desk) -> None:
    mirrored = factories.make_execution(
        desk.execution.flow, "running", execution_id="retried-1", started_time=desk.clock()
    )
    desk.ask()
    reports = desk.sweep_for(10, step=1)
    hours = set(DirtyHour.objects.values_list("flow", "hour"))
    flow = desk.execution.flow_id
    assert hours == {
        (flow, one.started_time.replace(minute=0, second=0, microsecond=0)) for one in (desk.execution, mirrored)
    }
    expected = [(flow, (desk.execution.execution_id, "retried-1"))]
    assert [report.refs for report in reports if report.refs] == [expected, expected]
    assert sum(report.settled for report in reports) == 1


def test_learning_the_new_id_marks_the_hours_at_once(desk) -> None:
    desk.ask()
    desk.sweep()
    assert state() == "accepted"
    assert DirtyHour.objects.filter(flow=desk.execution.flow).exists()


@pytest.mark.parametrize("dialect", ["silent", "lies"])
def test_a_run_of_the_flows_own_that_shows_first_is_not_taken_for_the_retrys(desk, dialect) -> None:
    """It has the same trigger data, began in the same second and failed; the run that was caused shows later."""
    desk.zoho.dialect, desk.zoho.lag = dialect, timedelta(seconds=45)
    desk.zoho.run_naturally(desk.execution.trigger_data, "failed")
    desk.ask()
    desk.sweep_for(15 * 60, step=5)
    assert state() == "unknown", "two fit: a person decides"


def test_a_run_that_still_runs_when_no_other_can_come_is_kept_and_followed(desk) -> None:
    desk.zoho.dialect, desk.zoho.takes = "silent", timedelta(minutes=12)
    desk.ask()
    desk.sweep_for(7 * 60, step=5)
    assert own(RetryAttempt).get().new_execution_id == "", "another may still show"
    desk.sweep_for(60, step=5)
    row = own(RetryAttempt).get()
    assert (row.state, row.new_execution_id) == ("accepted", "retried-1")
    desk.sweep_for(10 * 60, step=5)
    assert state() == "succeeded"


def test_zoho_out_of_reach_is_asked_again_later(desk) -> None:
    desk.ask()
    desk.sweep()
    desk.zoho.read_faults.extend([lambda: AnswerLost("503", status=503)] * 3)
    desk.sweep_for(10, step=1)
    assert state() == "accepted"
    desk.sweep_for(20)
    assert state() == "succeeded"


def test_our_own_limit_puts_the_next_look_off(desk) -> None:
    desk.ask()
    desk.sweep()
    desk.zoho.read_faults.append(lambda: budget_spent(desk.clock(), 40))
    desk.sweep_for(2, step=2)
    assert own(RetryAttempt).get().next_check_at == desk.clock() + timedelta(seconds=40)


def test_a_paused_account_is_not_asked(desk) -> None:
    desk.ask()
    desk.sweep()
    own(ZohoAccount).update(is_active=False)
    reads = desk.zoho.reads
    desk.sweep_for(60)
    assert (desk.zoho.reads, state()) == (reads, "accepted")


def test_only_one_of_two_sweeps_looks(desk) -> None:
    desk.ask()
    desk.sweep()
    desk.clock.forward(seconds=5)
    reads = desk.zoho.reads
    desk.zoho.during_look = desk.sweep
    desk.sweep()
    assert desk.zoho.reads == reads + 1


def test_a_fault_of_ours_with_one_attempt_does_not_stop_the_others(desk, monkeypatch) -> None:
    first = desk.ask("form-1")
    other = factories.make_execution(desk.execution.flow, "failed")
    desk.zoho.add(other, PERMANENT)
    second = desk.ask("form-2", execution=other)
    real = settle.send

    def broken(attempt_id, **rest):
        if attempt_id == first.pk:
            raise RuntimeError("ours")
        return real(attempt_id, **rest)

    monkeypatch.setattr(settle, "send", broken)
    report = desk.sweep()
    second.refresh_from_db()
    assert (report.errors, report.sent, second.state) == (1, 1, "accepted")


def test_the_limit_bounds_how_many_are_asked_about_and_wishes_come_first(desk) -> None:
    desk.ask("form-1")
    desk.sweep()
    for number in range(3):
        other = factories.make_execution(desk.execution.flow, "failed")
        desk.zoho.add(other)
        desk.ask(f"more-{number}", execution=other)
    desk.clock.forward(seconds=5)
    report = settle.sweep(desk.clock, open_account=desk.zoho.open_account, limit=3)
    assert (report.sent, report.checked) == (3, 0)


def test_a_sweep_that_has_taken_long_takes_up_no_more(desk) -> None:
    for number in range(3):
        other = factories.make_execution(desk.execution.flow, "failed")
        desk.zoho.add(other)
        desk.ask(f"form-{number}", execution=other)
    desk.zoho.during_look = lambda: desk.clock.forward(seconds=5)
    assert desk.sweep().sent == 1


def test_a_slow_look_puts_the_post_off(desk) -> None:
    attempt = desk.ask()
    desk.zoho.during_look = lambda: desk.clock.forward(seconds=9)
    desk.sweep()
    assert desk.zoho.posts == []
    desk.sweep_for(20)
    attempt.refresh_from_db()
    assert len(desk.zoho.posts) == 1


def test_a_quiet_sweep_reports_nothing_and_asks_nothing(desk, django_assert_num_queries) -> None:
    with django_assert_num_queries(3):
        report = desk.sweep()
    assert set(report.summary().values()) == {0}
    assert desk.zoho.reads == 0
