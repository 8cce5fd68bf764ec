"""A choice of runs goes out in a form and comes back as it was, or not at all."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.chosen_runs import ChoiceRefused, ChosenRuns, seal, unseal
from monitor.models import User

NOW = datetime(2026, 11, 22, 12, 0, 5, 123456, tzinfo=UTC)
KEYS = st.lists(st.integers(1, 2**63 - 1), unique=True, max_size=30)


@given(st.dictionaries(st.integers(1, 2**63 - 1), KEYS, max_size=3), st.none() | st.integers(1, 2**63 - 1))
def test_whatever_was_chosen_comes_back_in_its_order_with_the_time_it_was_seen(by_account, problem) -> None:
    person = User(pk=7)
    chosen = ChosenRuns(by_account, {"kind": "rows", "runs": 3}, problem)
    seen = {key: f"risk_{key % 3}" for key in chosen.keys}
    found = unseal(seal(chosen, person, NOW, seen), person)
    assert found.seen == seen
    assert unseal(seal(chosen, person, NOW), person).seen == {}
    assert (found.by_account, found.source, found.problem_id) == (by_account, chosen.source, problem)
    assert (found.token, found.seen_at) == (chosen.token, NOW)


@given(st.floats(0, 1, exclude_max=True), st.sampled_from("AZaz09-_:."))
def test_a_choice_that_was_changed_by_one_character_is_refused(place: float, other: str) -> None:
    person = User(pk=7)
    text = seal(ChosenRuns({1: [5, 3, 9]}), person, NOW)
    at = int(place * len(text))
    changed = text[:at] + other + text[at + 1 :]
    if changed != text:
        with pytest.raises(ChoiceRefused):
            unseal(changed, person)


@pytest.mark.parametrize("text", ["", "x", "a:b:c", ".eJw:1:2", "\0", "é" * 10_000])
def test_what_was_never_sealed_is_refused(text: str) -> None:
    with pytest.raises(ChoiceRefused, match="damaged"):
        unseal(text, User(pk=7))
