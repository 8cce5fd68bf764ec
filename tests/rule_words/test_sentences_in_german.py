"""Shows that a rule's sentence is shown in German, and that what it leaves out is found as in English."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from monitor import languages
from monitor.queries.rule_sentences import in_words
from monitor.rule_words.details import detail_words
from monitor.rule_words.say import say
from monitor.rule_words.unsaid import unsaid
from monitor.rule_words.vocabulary import ACTIONS, AFTER, COMPARATORS, TRIGGERS, action_name, trigger_name
from monitor.zoho.shapes.rule_definition import RuleAction, read_rule_definition
from tests.zoho.rule_documents import LOST_DEAL, rules


def in_german(raw: dict[str, Any]) -> str:
    with languages.speaking("de"):
        return say(read_rule_definition(raw)).text


def test_a_rule_is_said_in_german() -> None:
    assert in_german(LOST_DEAL) == (
        "Wenn ein Deal bei Stage den Wert Closed Lost bekommt und Amount ≥ 30.000 und Reason for Loss ist Price: "
        "Aufgabe 'Lost Deal - Feedback'; Tag setzen: 'Lost due to Pricing', 'Re-engagement pending'; "
        "E-Mail 'Deal Lost Alert'; nach 30 Arbeitstagen: Aufgabe 'Lost Deal - Feedback'"
    )


def test_what_the_sentence_leaves_out_does_not_go_by_the_language() -> None:
    in_english = in_words(LOST_DEAL)
    with languages.speaking("de"):
        assert in_words(LOST_DEAL).left_out == in_english.left_out
    assert in_english.lead.startswith("When ")


@pytest.mark.property
@given(raw=rules())
def test_any_rule_has_a_german_sentence_and_the_same_rest(raw: dict[str, Any]) -> None:
    definition = read_rule_definition(raw)
    in_english = say(definition).text, unsaid(definition)
    with languages.speaking("de"):
        assert say(definition).text.startswith("Wenn ")
        assert unsaid(definition) == in_english[1]
    assert say(definition).text == in_english[0]


@pytest.mark.parametrize("count", [1, 3])
def test_a_delay_has_its_german_number(count: int) -> None:
    action = {"type": "tasks", "name": "Call"}
    for period in AFTER:
        scheduled = [{"execute_after": {"unit": count, "period": period}, "actions": [action]}]
        raw = {"execute_when": {"type": "edit"}, "conditions": [{"scheduled_actions": scheduled}]}
        assert f"nach {count} " in in_german(raw)


def test_every_known_word_has_a_german_one() -> None:
    with languages.speaking("de"):
        for kind, words in TRIGGERS.items():
            assert trigger_name(kind) != words.name or words.name == "Retweet"
            assert languages.gettext(words.phrase) != words.phrase
        for kind, words in ACTIONS.items():
            assert action_name(kind) != words.name or words.name in {"Webhook", "Circuit", "Flow"}
        for words in COMPARATORS.values():
            assert languages.gettext(words) != words or len(words) == 1


def test_what_stands_below_an_action_is_german_too() -> None:
    known = {
        ("tasks", "1"): {"subject": "Call back", "due": "1 day"},
        ("email_notifications", "2"): {"template": "Lost", "ways": [["to", "users", 2]]},
        ("field_updates", "3"): {"field": "Amount", "value": 5},
    }
    with languages.speaking("de"):
        said = [detail_words(RuleAction(kind, "x", number), known) for kind, number in known]
    assert said == [
        "Betreff: 'Call back', fällig: 1 day",
        "Vorlage: 'Lost', an 2 Empfänger der Art 'users'",
        "setzt Amount auf 5",
    ]
