from contextlib import suppress
from datetime import timedelta

import pytest

from monitor.models import AuditEntry, Execution, Organisation, RetryAttempt, Role, User, ZohoAccount
from monitor.retry.requests import RetryRefused
from monitor.zoho.errors import AnswerLost, BadAnswer, GrantRevoked, NotAvailable, TokenRefused, Wait
from tests import factories
from tests.bystander import own
from tests.fake_zoho.retrying import FAULTS, PROVEN, TRANSIENT, Crash, budget_spent, lost
from tests.retry.test_requests import make_attempt


def edges(attempt: RetryAttempt) -> list[str]:
    entries = own(AuditEntry).filter(object_type="retry", object_id=str(attempt.pk)).order_by("pk")
    return [entry.action.removeprefix("retry.") for entry in entries]


def test_a_retry_is_posted_once_after_its_intent_is_committed(desk, ada) -> None:
    attempt = desk.send(desk.ask())
    assert [post.attempt for post in desk.zoho.posts] == [attempt.pk]
    row = own(RetryAttempt).get()
    assert (row.state, row.fence, row.sends, row.sent_at) == ("accepted", 1, 1, desk.clock())
    assert row.new_execution_id == "retried-1"
    assert row.original_completed_time == desk.execution.completed_time
    assert edges(row) == ["requested", "sending", "accepted"]
    assert own(AuditEntry).get(action="retry.sending").actor == ada
    assert desk.zoho.opened == ["people"]


def test_sending_again_whatever_has_been_sent_does_nothing(desk) -> None:
    attempt = desk.ask()
    for _ in range(3):
        desk.send(attempt)
    assert len(desk.zoho.posts) == 1


def test_zohos_own_id_for_the_same_row_is_not_kept_as_a_new_one(desk) -> None:
    desk.zoho.dialect = "same"
    attempt = desk.send(desk.ask())
    assert (attempt.state, attempt.new_execution_id, attempt.runs_in_place) == ("accepted", "", True)


def test_an_id_that_belongs_to_another_retry_is_not_taken_twice(desk) -> None:
    other = factories.make_execution(desk.execution.flow, "failed")
    make_attempt(desk, state="failed_again", new_execution_id="retried-1")
    own(RetryAttempt).update(execution=other)
    attempt = desk.send(desk.ask())
    assert (attempt.state, attempt.new_execution_id) == ("accepted", "")
    assert "belongs to another retry" in own(AuditEntry).get(action="retry.accepted").detail["note"]


ENDS = {
    "plain": "accepted", "no_connection": "requested", "token": "accepted", "rate": "requested",
    "bare_429": "unknown", "refused": "rejected", "gone": "rejected", "plan": "rejected", "scope": "rejected",
    "act": "rejected", "other_401": "rejected", "in_a_200": "rejected",
}  # fmt: skip


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if "crash" not in name])
def test_each_answer_leads_to_the_state_it_proves(desk, name) -> None:
    desk.zoho.post_faults.append(FAULTS[name])
    attempt = desk.send(desk.ask())
    assert attempt.state == ENDS.get(name, "unknown")
    assert own(RetryAttempt).get().state == attempt.state
    assert len(desk.zoho.posts) == (2 if name == "token" else 1)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("in_a_200", "answered 200 NOT_ALLOWED"),
        ("ran_in_a_200", "Zoho's answer does not tell whether it ran: answered 200 DUPLICATE_DATA"),
        ("ran_503", "Zoho's answer does not tell whether it ran: answered 503 EXECUTION_FAILED"),
        ("lost_unread", "The answer was lost: the answer was lost"),
    ],
)
def test_it_is_told_whether_an_answer_came_and_what_it_said(desk, name: str, says: str) -> None:
    desk.zoho.post_faults.append(FAULTS[name])
    assert desk.send(desk.ask()).answer == says


@pytest.mark.parametrize("name", [name for name in FAULTS if name not in PROVEN and name != "plain"])
def test_without_proof_it_is_never_sent_again(desk, name) -> None:
    desk.zoho.post_faults.append(FAULTS[name])
    attempt = desk.ask()
    with suppress(Crash):
        desk.send(attempt)
    desk.sweep_for(600, step=60)
    desk.send(attempt)
    assert len(desk.zoho.posts) == 1


def test_a_refused_token_is_renewed_and_the_post_goes_once_more(desk) -> None:
    desk.zoho.post_faults.append(FAULTS["token"])
    attempt = desk.send(desk.ask())
    assert (desk.zoho.renewals, len(desk.zoho.posts)) == (1, 2)
    assert edges(attempt) == ["requested", "sending", "requested", "sending", "accepted"]


@pytest.mark.parametrize("first", ["token", "rate"])
@pytest.mark.parametrize("second", ["token", "rate"])
def test_a_second_refusal_for_now_is_final(desk, first, second) -> None:
    desk.zoho.post_faults.extend([FAULTS[first], FAULTS[second]])
    attempt = desk.ask()
    desk.sweep_for(120)
    attempt.refresh_from_db()
    assert (attempt.state, len(desk.zoho.posts)) == ("rejected", 2)


def test_a_token_that_cannot_be_renewed_leaves_the_wish_waiting(desk) -> None:
    desk.zoho.post_faults.append(FAULTS["token"])
    desk.zoho.renew_fault = Wait("throttled", retry_after=40)
    attempt = desk.send(desk.ask())
    assert (attempt.state, attempt.not_before) == ("requested", desk.clock() + timedelta(seconds=40))
    desk.zoho.renew_fault = None
    desk.sweep_for(60)
    attempt.refresh_from_db()
    assert (attempt.state, len(desk.zoho.posts)) == ("succeeded", 2)


def test_zohos_wait_is_obeyed_before_the_second_post(desk) -> None:
    desk.zoho.post_faults.append(FAULTS["rate"])
    desk.send(desk.ask())
    desk.sweep_for(19, step=19)
    assert len(desk.zoho.posts) == 1
    desk.clock.forward(seconds=1)
    desk.sweep()
    assert len(desk.zoho.posts) == 2


def test_no_connection_is_tried_three_times_and_then_called_off(desk) -> None:
    desk.zoho.post_faults.extend([FAULTS["no_connection"]] * 5)
    attempt = desk.ask()
    desk.sweep_for(300)
    attempt.refresh_from_db()
    assert (attempt.state, len(desk.zoho.posts)) == ("cancelled", 3)
    assert attempt.answer.startswith("Nothing was sent")


def test_our_own_limit_puts_it_off_without_counting_as_a_send(desk) -> None:
    attempt = desk.ask()
    desk.zoho.read_faults.append(lambda: budget_spent(desk.clock(), 30))
    desk.send(attempt)
    attempt.refresh_from_db()
    assert (attempt.state, attempt.sends, attempt.not_before) == ("requested", 0, desk.clock() + timedelta(seconds=30))
    desk.clock.forward(seconds=30)
    desk.zoho.post_faults.append(lost("held", lambda: budget_spent(desk.clock(), 25)))
    desk.send(attempt)
    attempt.refresh_from_db()
    assert (attempt.state, attempt.sends, attempt.not_before) == ("requested", 0, desk.clock() + timedelta(seconds=25))


def test_a_wish_that_could_not_be_sent_for_an_hour_is_called_off(desk) -> None:
    attempt = desk.ask()
    desk.zoho.read_faults.append(lambda: budget_spent(desk.clock(), 9000))
    desk.send(attempt)
    desk.clock.forward(hours=1)
    assert desk.send(attempt).state == "cancelled"
    assert desk.zoho.posts == []


@pytest.mark.parametrize("error", [AnswerLost("503", status=503), BadAnswer("HTML"), TokenRefused("twice", status=401)])
def test_what_cannot_be_looked_at_is_not_posted(desk, error) -> None:
    desk.zoho.read_faults.append(lambda: error)
    attempt = desk.send(desk.ask())
    assert (attempt.state, desk.zoho.posts) == ("requested", [])
    assert attempt.not_before > desk.clock()


def test_spent_credentials_call_it_off(desk) -> None:
    desk.zoho.read_faults.append(lambda: GrantRevoked("Zoho refused the refresh token", code="invalid_code"))
    attempt = desk.send(desk.ask())
    assert (attempt.state, desk.zoho.posts) == ("cancelled", [])
    assert "refresh token" in attempt.answer


def test_an_account_whose_plan_hides_single_executions_is_judged_by_the_mirror(desk) -> None:
    desk.zoho.read_faults.append(lambda: NotAvailable("no", status=403, code="NO_PERMISSION"))
    assert desk.send(desk.ask()).state == "accepted"


@pytest.mark.parametrize("status", ["success", "running", "queued"])
def test_what_zoho_no_longer_shows_as_failed_is_not_posted(desk, status) -> None:
    attempt = desk.ask()
    desk.zoho.runs[desk.execution.execution_id].status = status
    desk.send(attempt)
    attempt.refresh_from_db()
    assert (attempt.state, desk.zoho.posts) == ("cancelled", [])
    assert status in attempt.answer


def test_what_zoho_no_longer_has_is_not_posted(desk) -> None:
    attempt = desk.ask()
    desk.zoho.runs.clear()
    assert desk.send(attempt).state == "cancelled"


def test_a_run_of_an_earlier_retry_that_zoho_has_saved_meanwhile_stops_the_next_one(desk) -> None:
    desk.zoho.luck = False
    desk.ask("form-1")
    desk.sweep_for(30)
    assert own(RetryAttempt).get().state == "failed_again"
    desk.zoho.runs["retried-1"].status = "success"
    attempt = desk.send(desk.ask("form-2"))
    assert (attempt.state, len(desk.zoho.posts)) == ("cancelled", 1)


CHANGES = {
    "demoted": lambda: own(User).update(role=Role.VIEWER),
    "switched_off": lambda: own(User).update(is_active=False),
    "paused": lambda: own(ZohoAccount).update(is_active=False),
    "of_another_organisation": lambda: own(Organisation).update(other_at=factories.NOON, other_id="7002"),
    "without_flow": lambda: own(ZohoAccount).update(flow_url=""),
    "mirrored_as_success": lambda: own(Execution).update(status="success"),
    "now_risky": lambda: own(Execution).update(error_details=TRANSIENT[2]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_has_changed_since_the_click_calls_it_off(desk, change) -> None:
    attempt = desk.ask()
    CHANGES[change]()
    assert desk.send(attempt).state == "cancelled"
    assert desk.zoho.posts == []
    assert desk.zoho.reads == 0


def test_a_lost_right_to_accept_risk_calls_it_off(desk) -> None:
    own(Execution).update(error_details=TRANSIENT[2])
    attempt = desk.ask(accept_risk=True)
    own(User).update(role=Role.OPERATOR)
    assert desk.send(attempt).state == "cancelled"


def test_an_account_without_a_flow_client_calls_it_off(desk) -> None:
    desk.zoho.has_flow = False
    assert desk.send(desk.ask()).state == "cancelled"


def test_two_workers_that_both_looked_post_once(desk) -> None:
    attempt = desk.ask()
    desk.zoho.during_look = lambda: desk.send(attempt)
    desk.send(attempt)
    assert len(desk.zoho.posts) == 1
    assert own(RetryAttempt).get().state == "accepted"


def test_called_off_while_the_worker_looks_means_not_sent(desk, ada) -> None:
    from monitor.retry.requests import cancel

    attempt = desk.ask()
    desk.zoho.during_look = lambda: cancel(attempt, ada, desk.clock())
    desk.send(attempt)
    assert desk.zoho.posts == []
    assert own(RetryAttempt).get().state == "cancelled"


def test_a_process_that_slept_after_its_intent_does_not_post(desk) -> None:
    attempt = desk.ask()
    ticks = iter([0, 0, 0, 11, 11])

    def slow_clock():
        return desk.clock() + timedelta(seconds=next(ticks))

    from monitor.retry.send import send

    send(attempt.pk, open_account=desk.zoho.open_account, now_fn=slow_clock)
    attempt.refresh_from_db()
    assert (attempt.state, desk.zoho.posts) == ("requested", [])


@pytest.mark.parametrize(
    ("fault", "end"), [("plain", "accepted"), ("refused", "rejected"), ("no_connection", "unknown")]
)
def test_an_answer_after_the_lease_is_believed_where_zoho_gave_one(desk, fault, end) -> None:
    attempt = desk.ask()
    desk.zoho.post_faults.append(FAULTS[fault])

    def lease_ends():
        desk.clock.forward(seconds=61)
        desk.sweep()
        assert own(RetryAttempt).get().state == "unknown"

    desk.zoho.during_post = lease_ends
    desk.send(attempt)
    assert own(RetryAttempt).get().state == end
    desk.sweep_for(60)
    assert len(desk.zoho.posts) == 1


def test_a_crash_before_the_intent_leaves_a_wish_that_is_sent_later(desk) -> None:
    desk.zoho.read_faults.append(lambda: Crash("before the intent"))
    attempt = desk.ask()
    with pytest.raises(Crash):
        desk.send(attempt)
    attempt.refresh_from_db()
    assert attempt.state == "requested"
    desk.sweep_for(30)
    assert len(desk.zoho.posts) == 1


@pytest.mark.parametrize("name", ["lost_crash", "ran_crash"])
def test_a_crash_after_the_intent_ends_as_unknown_within_90_seconds(desk, name) -> None:
    desk.zoho.post_faults.append(FAULTS[name])
    desk.zoho.takes = timedelta(minutes=5)
    attempt = desk.ask()
    with pytest.raises(Crash):
        desk.send(attempt)
    attempt.refresh_from_db()
    assert attempt.state == "sending"
    desk.sweep_for(70)
    attempt.refresh_from_db()
    assert attempt.state == "unknown"


@pytest.mark.parametrize("accepted", [False, True])
def test_a_newer_failure_that_zoho_shows_is_what_a_click_is_judged_by(desk, accepted: bool) -> None:
    attempt = desk.ask(accept_risk=accepted)
    run = desk.zoho.runs[desk.execution.execution_id]
    desk.clock.forward(seconds=30)
    desk.zoho.rerun_by_itself(run, success=False)
    run.error = TRANSIENT
    desk.send(attempt)
    # It may be run again by Zoho now: without the confirmation nothing is sent.
    assert len(desk.zoho.posts) == int(accepted)
    assert own(RetryAttempt).get().state == ("accepted" if accepted else "cancelled")


def test_a_retry_of_the_run_that_a_retry_caused_counts_for_the_work(desk) -> None:
    first = desk.ask()
    again = factories.make_execution(desk.execution.flow, "failed")
    given = {"account": again.account, "requested_by": desk.user, "requested_at": desk.clock(), "reason": "by hand"}
    RetryAttempt.objects.create(execution=again, client_token="another", state="succeeded", **given)
    RetryAttempt.objects.filter(pk=first.pk).update(state="failed_again", new_execution_id=again.execution_id)
    with pytest.raises(RetryRefused) as refusal:
        desk.ask("form-2", accept_risk=True)
    assert refusal.value.code == "already_succeeded"


@pytest.mark.parametrize("what", ["the person", "the account", "the mirror"])
@pytest.mark.parametrize(("moment", "posts"), [("during_look", 0), ("during_post", 1)])
def test_what_changes_while_zoho_is_asked_keeps_the_post_from_leaving_after_it(
    desk, what: str, moment: str, posts: int
) -> None:
    """Also from going again with a new token, where Zoho refused the first one."""
    attempt = desk.ask()

    def change() -> None:
        if what == "the person":
            own(User).filter(pk=desk.user.pk).update(is_active=False)
        elif what == "the account":
            own(ZohoAccount).filter(pk=attempt.account_id).update(is_active=False)
        else:
            own(Execution).filter(pk=desk.execution.pk).update(status="success")

    desk.zoho.post_faults.append(FAULTS["token"])
    setattr(desk.zoho, moment, change)
    assert desk.send(attempt).state == "cancelled"
    assert len(desk.zoho.posts) == posts
