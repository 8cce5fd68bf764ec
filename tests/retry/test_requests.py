from datetime import timedelta

import pytest

from monitor.models import AuditEntry, DirtyHour, Execution, RetryAttempt, ZohoAccount
from monitor.retry.facts import facts_for
from monitor.retry.requests import RetryRefused, cancel, resolve_not_run, resolve_ran_as
from monitor.retry.run_batches import run_batches
from monitor.retry.safety import judge
from tests import factories
from tests.bystander import own
from tests.fake_zoho.retrying import TRANSIENT
from tests.retry.floor import states


def refusal(call, *args, **kwargs) -> str:
    before = list(own(RetryAttempt).values())
    with pytest.raises(RetryRefused) as caught:
        call(*args, **kwargs)
    assert list(own(RetryAttempt).values()) == before, "a refusal has changed something"
    assert caught.value.message
    return caught.value.code


def make_risky(execution) -> None:
    execution.error_code, execution.error_message, execution.error_details = TRANSIENT
    execution.save()


def test_an_operator_asks_for_a_retry_and_it_is_written_down_with_an_audit_entry(desk, otto, now) -> None:
    attempt = desk.ask(user=otto)
    assert (attempt.state, attempt.requested_by, attempt.requested_at) == ("requested", otto, now)
    entry = own(AuditEntry).get()
    assert (entry.action, entry.actor, entry.account) == ("retry.requested", otto, desk.execution.account)
    assert entry.detail["reason"] == "the address is corrected"


def test_a_viewer_cannot_retry(desk, vera) -> None:
    assert refusal(desk.ask, user=vera) == "not_permitted"


def test_a_person_who_was_switched_off_cannot_retry(desk, otto) -> None:
    otto.is_active = False
    assert refusal(desk.ask, user=otto) == "not_permitted"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"reason": "  \n"}, "reason_missing"),
        ({"reason": "\0"}, "reason_missing"),
        ({"reason": "x" * 501}, "reason_long"),
        ({"token": ""}, "bad_token"),
        ({"token": "x" * 65}, "bad_token"),
    ],
)
def test_an_unusable_form_is_refused(desk, changes, code) -> None:
    assert refusal(desk.ask, **changes) == code


def test_the_same_form_posted_twice_is_one_row(desk) -> None:
    assert desk.ask("form-1").pk == desk.ask("form-1").pk
    assert own(AuditEntry).count() == 1


def test_the_same_form_posted_after_the_retry_has_ended_is_still_that_row(desk) -> None:
    first = desk.ask("form-1")
    desk.sweep_for(60)
    assert desk.ask("form-1").pk == first.pk
    assert len(desk.zoho.posts) == 1


def test_a_form_of_somebody_else_or_for_another_execution_is_refused(desk, otto) -> None:
    desk.ask("form-1")
    other = factories.make_execution(desk.execution.flow, "failed")
    assert refusal(desk.ask, "form-1", user=otto) == "token_used"
    assert refusal(desk.ask, "form-1", execution=other) == "token_used"


def test_a_second_retry_is_refused_while_one_is_open(desk) -> None:
    desk.ask("form-1")
    assert refusal(desk.ask, "form-2") == "open_retry"


def test_the_database_refuses_a_second_open_retry_that_the_facts_did_not_show(desk, monkeypatch) -> None:
    seen = facts_for(desk.execution, desk.clock())
    desk.ask("form-1")
    monkeypatch.setattr("monitor.retry.requests.facts_for", lambda *_: seen)
    assert refusal(desk.ask, "form-2") == "open_retry"


@pytest.mark.parametrize("dialect", ["new", "same", "silent"])
def test_what_has_been_retried_with_success_cannot_be_retried_again(desk, dialect) -> None:
    desk.zoho.dialect = dialect
    desk.ask("form-1")
    desk.sweep_for(120)
    assert own(RetryAttempt).get().state == "succeeded"
    assert refusal(desk.ask, "form-2") == "already_succeeded"


def test_a_retry_whose_own_run_zoho_has_meanwhile_saved_counts_as_success(desk) -> None:
    run = factories.make_execution(desk.execution.flow, "success")
    make_attempt(desk, state="failed_again", new_execution_id=run.execution_id)
    assert refusal(desk.ask, "form-2") == "already_succeeded"


def test_a_retrys_own_row_is_not_retried_but_the_original_is(desk) -> None:
    run = factories.make_execution(desk.execution.flow, "failed")
    make_attempt(desk, state="failed_again", new_execution_id=run.execution_id)
    assert refusal(desk.ask, "form-2", execution=run) == "retry_row"
    assert desk.ask("form-3").state == "requested"


def test_the_same_id_in_another_account_is_no_retrys_row(desk) -> None:
    other = factories.make_execution(factories.make_flow(), "failed")
    make_attempt(desk, state="failed_again", new_execution_id=other.execution_id)
    assert judge(facts_for(other, desk.clock()), desk.clock()).kind == "safe"


def test_a_paused_account_and_a_deleted_flow_refuse(desk) -> None:
    own(ZohoAccount).update(is_active=False)
    desk.execution.flow.gone_at = desk.clock()
    desk.execution.flow.save()
    assert refusal(desk.ask) == "flow_gone"
    verdict = judge(facts_for(own(Execution).get(), desk.clock()), desk.clock())
    assert len(verdict.reasons) == 2


def test_a_risky_retry_needs_both_the_right_and_the_confirmation(desk, otto) -> None:
    make_risky(desk.execution)
    assert refusal(desk.ask, user=otto, accept_risk=True) == "risk_not_permitted"
    assert refusal(desk.ask, accept_risk=False) == "risk_not_accepted"
    attempt = desk.ask(accept_risk=True)
    assert attempt.accept_risk
    assert own(AuditEntry).get().detail["verdict"] == "risky"


def test_a_failure_of_the_retrys_own_run_starts_zohos_schedule_anew(desk) -> None:
    hours = timedelta(hours=1)
    desk.execution.first_failed_at = desk.clock() - 30 * hours
    make_risky(desk.execution)
    run = factories.make_execution(
        desk.execution.flow, "failed", error_details=TRANSIENT[2], first_failed_at=desk.clock() - hours
    )
    assert judge(facts_for(desk.execution, desk.clock()), desk.clock()).kind == "safe"
    make_attempt(desk, state="failed_again", new_execution_id=run.execution_id)
    assert judge(facts_for(desk.execution, desk.clock()), desk.clock()).kind == "risky"


def test_after_a_retry_in_place_the_newer_failure_counts(desk) -> None:
    hours = timedelta(hours=1)
    desk.execution.first_failed_at = desk.clock() - 30 * hours
    desk.execution.completed_time = desk.clock() - hours
    make_risky(desk.execution)
    assert judge(facts_for(desk.execution, desk.clock()), desk.clock()).kind == "safe"
    make_attempt(desk, state="failed_again", sent_at=desk.clock() - hours)
    assert judge(facts_for(desk.execution, desk.clock()), desk.clock()).kind == "risky"


def test_a_retry_is_called_off_before_it_is_sent(desk, otto) -> None:
    attempt = cancel(desk.ask(), otto, desk.clock())
    assert attempt.state == "cancelled"
    assert own(AuditEntry).filter(action="retry.cancelled", actor=otto).count() == 1
    desk.sweep_for(30)
    assert desk.zoho.posts == []


def test_an_operator_calls_off_no_item_of_an_admins_batch_one_by_one(floor, otto, ada) -> None:
    batch = floor.ask(floor.fail(1))
    run_batches(floor.clock())
    attempt = own(RetryAttempt).get()
    assert refusal(cancel, attempt, otto, floor.clock()) == "not_permitted"
    assert cancel(attempt, ada, floor.clock()).state == "cancelled"
    floor.work(10)
    assert states(batch) == {"skipped": 1}


def test_a_viewer_cannot_call_off(desk, vera) -> None:
    assert refusal(cancel, desk.ask(), vera, desk.clock()) == "not_permitted"


@pytest.mark.parametrize("state", [s for s in RetryAttempt.State.values if s != "requested"])
def test_what_has_been_sent_or_is_over_cannot_be_called_off(desk, state) -> None:
    assert refusal(cancel, make_attempt(desk, state=state), desk.user, desk.clock()) == "too_late"


def test_an_admin_closes_an_unknown_outcome_with_a_reason_and_the_next_one_is_risky(desk, ada) -> None:
    attempt = make_attempt(desk, state="unknown", sent_at=desk.clock() - timedelta(minutes=15))
    closed = resolve_not_run(attempt, ada, "no trace in Zoho's history", desk.clock())
    assert closed.state == "not_run"
    entry = own(AuditEntry).get(action="retry.not_run")
    assert (entry.actor, entry.detail["note"]) == (ada, "no trace in Zoho's history")
    assert refusal(desk.ask, "form-2") == "risk_not_accepted"


def test_closing_by_hand_is_refused_to_operators_without_reason_too_early_and_in_other_states(desk, otto, ada) -> None:
    attempt = make_attempt(desk, state="unknown", sent_at=desk.clock() - timedelta(minutes=14))
    assert refusal(resolve_not_run, attempt, otto, "no trace", desk.clock()) == "not_permitted"
    assert refusal(resolve_not_run, attempt, ada, " ", desk.clock()) == "reason_missing"
    assert refusal(resolve_not_run, attempt, ada, "no trace", desk.clock()) == "too_early"
    for state in set(RetryAttempt.State.values) - {"unknown"}:
        own(RetryAttempt).update(state=state)
        assert refusal(resolve_not_run, attempt, ada, "no trace", desk.clock()) == "not_unknown"


SENT = timedelta(minutes=15)


def unknown(desk, **fields) -> RetryAttempt:
    return make_attempt(desk, state="unknown", sent_at=desk.clock() - SENT, **fields)


def later_run(desk, status: str = "success", *, after: timedelta = timedelta(seconds=3), **fields) -> Execution:
    """A run of the flow that began so long after the retry was sent."""
    began = desk.clock() - SENT + after
    given = {"started_time": began, "trigger_data": desk.execution.trigger_data} | fields
    return factories.make_execution(given.pop("flow", desk.execution.flow), status, **given)


@pytest.mark.parametrize(
    ("status", "state"), [("success", "succeeded"), ("failed", "failed_again"), ("running", "accepted")]
)
def test_an_admin_names_the_run_that_an_unknown_retry_caused_and_its_end_is_that_of_the_retry(
    desk, ada, status: str, state: str
) -> None:
    attempt, run = unknown(desk), later_run(desk, status)
    settled = resolve_ran_as(attempt, run.execution_id, ada, "its note names the same order", desk.clock())
    assert (settled.state, settled.new_execution_id, settled.runs_in_place) == (state, run.execution_id, False)
    assert settled.answer == f"Settled by ada: it ran as {run.execution_id}."
    assert (settled.settled_at is None) == (state == "accepted")
    assert (settled.next_check_at is not None) == (state == "accepted")
    entry = own(AuditEntry).get(action=f"retry.{state}")
    assert (entry.actor, entry.detail["note"]) == (
        ada, f"it ran as {run.execution_id}: its note names the same order",
    )  # fmt: skip
    hours = {(run.flow_id, run.started_time.replace(minute=0, second=0)) for run in (run, desk.execution)}
    assert {(mark.flow_id, mark.hour) for mark in own(DirtyHour)} == hours


def test_what_a_person_settled_as_succeeded_cannot_be_retried_again(desk, ada) -> None:
    resolve_ran_as(unknown(desk), later_run(desk).execution_id, ada, "I saw it", desk.clock())
    assert refusal(desk.ask, "form-2") == "already_succeeded"


@pytest.mark.parametrize(
    ("ended", "status", "state"),
    [(None, "success", "succeeded"), (60, "failed", "failed_again"), (None, "running", "accepted"),
     (-60, "failed", "not_run_again"), (None, "failed", "not_run_again")],
)  # fmt: skip
def test_the_original_may_have_run_again_in_its_own_row(desk, ada, ended, status: str, state: str) -> None:
    attempt, original = unknown(desk), desk.execution
    original.status = status
    if ended is not None:
        original.completed_time = attempt.sent_at + timedelta(seconds=ended)
    original.save()
    if state == "not_run_again":
        assert refusal(resolve_ran_as, attempt, original.execution_id, ada, "I saw it", desk.clock()) == state
    else:
        settled = resolve_ran_as(attempt, original.execution_id, ada, "I saw it", desk.clock())
        assert (settled.state, settled.new_execution_id, settled.runs_in_place) == (state, "", True)


def test_no_run_is_named_that_cannot_be_the_one(desk, otto, ada, now) -> None:
    attempt = unknown(desk)

    def named(run: Execution | str, person=ada, reason: str = "I saw it") -> str:
        execution_id = run if isinstance(run, str) else run.execution_id
        return refusal(resolve_ran_as, attempt, execution_id, person, reason, desk.clock())

    fine = later_run(desk)
    assert named(fine, otto) == "not_permitted"
    assert named(fine, reason=" ") == "reason_missing"
    assert named("404") == "no_such_run"
    assert named("") == "no_such_run"
    assert named(later_run(desk, flow=factories.make_flow(attempt.account))) == "no_such_run"
    assert named(later_run(desk, flow=factories.make_flow())) == "no_such_run"
    assert named(later_run(desk, after=timedelta(seconds=-6))) == "run_too_old"
    nowhen = later_run(desk)
    Execution.objects.filter(pk=nowhen.pk).update(started_time=None)
    assert named(nowhen) == "run_too_old"
    other = factories.make_execution(desk.execution.flow, "failed")
    make_attempt(desk, execution=other, state="succeeded", new_execution_id=fine.execution_id)
    assert named(fine) == "run_claimed"
    RetryAttempt.objects.filter(pk=attempt.pk).update(state="accepted")
    assert named(fine) == "not_unknown"


def test_a_run_is_too_old_by_the_clock_of_zoho(desk, ada) -> None:
    attempt = unknown(desk, zoho_ahead=timedelta(hours=3))
    ours = later_run(desk, after=timedelta(hours=2))
    assert refusal(resolve_ran_as, attempt, ours.execution_id, ada, "I saw it", desk.clock()) == "run_too_old"
    zohos = later_run(desk, after=timedelta(hours=3, seconds=-4))
    assert resolve_ran_as(attempt, zohos.execution_id, ada, "I saw it", desk.clock()).state == "succeeded"


def make_attempt(desk, **fields) -> RetryAttempt:
    fields = {
        "requested_at": desk.clock(),
        "reason": "made",
        "client_token": f"made-{own(RetryAttempt).count()}",
        "execution": desk.execution,
    } | fields
    return RetryAttempt.objects.create(account=desk.execution.account, requested_by=desk.user, **fields)


def test_a_risk_that_came_up_after_it_was_shown_is_accepted_by_nobody(desk, ada) -> None:
    make_risky(desk.execution)
    factories.make_failure(desk.execution, fate="superseded")
    shown = "auto_rerun"
    assert refusal(desk.ask, user=ada, accept_risk=True, accepted=shown) == "new_risk"
    assert desk.ask(user=ada, accept_risk=True, accepted=f"superseded {shown}").state == "requested"


def test_a_risk_that_comes_up_before_it_is_sent_is_accepted_by_nobody(desk, ada) -> None:
    make_risky(desk.execution)
    attempt = desk.ask(user=ada, accept_risk=True, accepted="auto_rerun")
    factories.make_failure(desk.execution, fate="superseded")
    attempt = desk.send(attempt)
    assert (attempt.state, attempt.code, desk.zoho.posts) == ("cancelled", "new_risk", [])
