import pytest
from django.db import transaction

from monitor.models import AuditEntry, RetryAttempt
from monitor.retry.transition import EDGES, amend, move
from tests.bystander import own
from tests.retry.test_requests import make_attempt

State = RetryAttempt.State
ALL = [(a, b) for a in State.values for b in State.values]


@pytest.mark.parametrize(("before", "after"), [edge for edge in ALL if edge[1] in EDGES[edge[0]]])
def test_an_edge_is_taken_with_its_audit_entry(desk, ada, before, after) -> None:
    attempt = make_attempt(desk, state=before)
    assert move(attempt, after, now=desk.clock(), actor=ada, note="why", answer="so")
    row = own(RetryAttempt).get()
    assert (row.state, row.answer, attempt.state) == (after, "so", after)
    entry = own(AuditEntry).get()
    assert (entry.action, entry.actor, entry.detail["from"], entry.detail["to"]) == (
        f"retry.{after}",
        ada,
        before,
        after,
    )
    assert (row.settled_at == desk.clock()) == (after in RetryAttempt.FINAL_STATES)


def test_any_other_edge_is_a_programming_error(desk) -> None:
    attempt = make_attempt(desk)
    for before, after in [edge for edge in ALL if edge[1] not in EDGES[edge[0]]]:
        attempt.state = before
        attempt.save(update_fields=["state"])
        with pytest.raises(ValueError, match=before):
            move(attempt, after, now=desk.clock(), actor=None)
        assert own(RetryAttempt).get().state == before
    assert not own(AuditEntry).exists()


def test_final_states_have_no_way_out_and_unknown_none_back_to_sending() -> None:
    assert all(not EDGES[state] for state in RetryAttempt.FINAL_STATES)
    assert not EDGES[State.UNKNOWN] & {State.REQUESTED, State.SENDING}
    assert set(EDGES) == set(State.values)


@pytest.mark.parametrize("changes", [{"state": "cancelled"}, {"fence": 1}])
def test_a_lost_race_changes_nothing_and_says_so(desk, changes) -> None:
    attempt = make_attempt(desk)
    own(RetryAttempt).update(**changes)
    row = own(RetryAttempt).values().get()
    assert move(attempt, State.SENDING, now=desk.clock(), actor=None, fence=7, answer="mine") is False
    assert amend(attempt, answer="mine") is False
    assert own(RetryAttempt).values().get() == row
    assert (attempt.state, attempt.answer) == ("requested", "")
    assert not own(AuditEntry).exists()


def test_only_one_of_two_claims_by_an_expected_value_wins(desk) -> None:
    attempt = make_attempt(desk, state="unknown")
    same = own(RetryAttempt).get()
    assert amend(attempt, expect={"checks": 0}, checks=1)
    assert not amend(same, expect={"checks": 0}, checks=1)


@pytest.mark.django_db(transaction=True)
def test_the_intent_cannot_be_hidden_in_a_transaction(desk) -> None:
    attempt = make_attempt(desk)
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        move(attempt, State.SENDING, now=desk.clock(), actor=None, durable=True)
    assert own(RetryAttempt).get().state == "requested"
