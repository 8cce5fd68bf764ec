"""Stored sentences are said in the language that is spoken; unknown ones as they are stored."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from monitor import languages, sentences
from monitor.triage.life_cycle import REASONS, ProblemFacts, next_state

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def said(sentence: str, *forms: str) -> str:
    with languages.speaking("de"):
        return sentences.say(sentence, forms)


def test_a_sentence_with_its_number_is_said_in_german() -> None:
    assert said("It has come to 1,234 failures.", *REASONS) == "Es ist bei 1.234 Fehlern angekommen."


def test_in_english_it_stays_as_it_is_stored() -> None:
    assert sentences.say("It has come to 1,234 failures.", REASONS) == "It has come to 1,234 failures."


@pytest.mark.parametrize("sentence", ["", "Something of an older version.", "A week has gone by. Or so."])
def test_what_fits_no_form_is_said_as_it_is_stored(sentence: str) -> None:
    assert said(sentence, *REASONS) == sentence


@pytest.mark.parametrize("what", ["failed run", "failure"])
@pytest.mark.parametrize(
    "known",
    [
        {"state": "new", "failures": 3, "open": 0},
        {"state": "new", "failures": 0, "open": 0},
        {"state": "ongoing", "failures": 3000, "open": 3000, "by_hour": [1, 1], "this_hour": 1500},
        {"state": "escalating", "failures": 3, "open": 3},
        {"state": "new", "failures": 3, "open": 3},
        {"state": "resolved", "failures": 3, "open": 3, "open_again": 1},
        {"state": "resolved", "failures": 3000, "open": 3000, "open_again": 2000},
        {"state": "archived", "failures": 3, "open": 3, "archived_until": NOW},
        {"state": "archived", "failures": 3000, "open": 3, "archived_after": 2000},
    ],
)
def test_each_reason_why_a_problem_changes_by_itself_has_a_form(known: dict[str, object], what: str) -> None:
    facts = ProblemFacts(since=NOW - timedelta(days=8), first_seen_at=NOW - timedelta(days=8), what=what, **known)  # type: ignore[arg-type]
    change = next_state(facts, NOW)
    assert change is not None
    assert said(change.reason, *REASONS) != change.reason
