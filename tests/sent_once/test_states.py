"""What holds of the states of everything that is sent to Zoho once."""

from __future__ import annotations

from typing import Any

import pytest

from monitor.edits.transition import STATES as EDITS
from monitor.models import Edit, RetryAttempt
from monitor.models.sent_once import SentOnce
from monitor.retry.transition import STATES as RETRIES
from monitor.sent_once.states import WishStates

KINDS = [pytest.param(RETRIES, RetryAttempt, id="retry"), pytest.param(EDITS, Edit, id="edit")]


def test_whatever_is_sent_once_is_one_of_the_kinds_that_are_tested_here() -> None:
    assert set(SentOnce.__subclasses__()) == {RetryAttempt, Edit}


@pytest.mark.parametrize(("states", "model"), KINDS)
def test_what_may_have_left_never_waits_to_be_sent_again(states: WishStates[Any], model: Any) -> None:
    reached, ahead = set(), {model.UNKNOWN}
    while ahead:
        state = ahead.pop()
        reached.add(state)
        ahead |= states.edges[state] - reached
    assert not reached & {states.waiting, model.SENDING, model.CANCELLED}


@pytest.mark.parametrize(("states", "model"), KINDS)
def test_states_are_open_or_final_and_final_ones_lead_nowhere(states: WishStates[Any], model: Any) -> None:
    assert set(states.edges) == set(model.State.values) == {*model.OPEN_STATES, *model.FINAL_STATES}
    assert not set(model.OPEN_STATES) & set(model.FINAL_STATES)
    assert {state for state, following in states.edges.items() if not following} == set(model.FINAL_STATES)


@pytest.mark.parametrize(("states", "model"), KINDS)
def test_only_the_intent_leads_to_sending_and_only_from_waiting(states: WishStates[Any], model: Any) -> None:
    assert [state for state, following in states.edges.items() if model.SENDING in following] == [states.waiting]
    assert states.edges[states.waiting] == {model.SENDING, model.CANCELLED}
