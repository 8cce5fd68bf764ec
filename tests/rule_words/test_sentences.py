"""Shows that rules are said in sentences that people read, and that these can be read back to the same JSON."""

from __future__ import annotations

import copy
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.rule_words import vocabulary
from monitor.rule_words.names import ambiguous, label, quote
from monitor.rule_words.read_back import SentenceError, read_back
from monitor.rule_words.say import criteria_words, fields_of, say
from monitor.rule_words.unsaid import same_meaning, unsaid
from monitor.zoho import clean
from monitor.zoho.shapes.rule_definition import read_criteria, read_rule_definition, rule_definition_json
from tests.zoho import rule_documents
from tests.zoho.helpers import fuzzed
from tests.zoho.rule_documents import LOST_DEAL, VP_ALERT, rules
from tests.zoho.test_rule_definition import KEYS, ODD


def sentence(raw: dict[str, Any]) -> str:
    return say(read_rule_definition(raw)).text


def of_criteria(raw: dict[str, Any]) -> str:
    return criteria_words(read_criteria(raw))


def one(field: str, comparator: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"field": {"api_name": field}, "comparator": comparator, "value": value, **more}


def without_ids(value: Any) -> Any:
    """The same without what a sentence never says: ids."""
    if isinstance(value, dict):
        return {key: without_ids(item) for key, item in value.items() if key != "id"}
    return [without_ids(item) for item in value] if isinstance(value, list) else value


def test_the_documents_rule_is_said_as_people_say_it():
    assert sentence(LOST_DEAL) == (
        "When a Deal's Stage becomes Closed Lost and Amount ≥ 30,000 and Reason for Loss is Price: "
        "task 'Lost Deal - Feedback'; tag 'Lost due to Pricing', 'Re-engagement pending'; mail 'Deal Lost Alert'; "
        "after 30 business days: task 'Lost Deal - Feedback'"
    )


def test_of_the_documents_rule_only_ids_and_colours_are_not_said():
    left = unsaid(read_rule_definition(LOST_DEAL))
    assert {item.why for item in left} == {"ids are not said", "colours are not said"}
    assert "$.conditions[0].instant_actions.actions[1].details.tags[0].color_code" in {item.path for item in left}


def test_a_part_of_a_rule_is_said_as_far_as_it_goes():
    words = sentence(VP_ALERT)
    assert words.endswith("and Amount > 300,000 and Stage is Negotiation/Review: replace all tags with 'Priority'")
    left = {item.path for item in unsaid(read_rule_definition(VP_ALERT))}
    assert "$.conditions[0].instant_actions.actions[0].details.module.api_name" in left
    assert not any("write" in path for path in left), "both spellings of the flag are said"


@pytest.mark.parametrize("kind", rule_documents.TRIGGERS)
def test_every_documented_trigger_has_words_and_comes_back(kind):
    raw = {"module": {"api_name": "Leads"}, "execute_when": {"type": kind}, "conditions": [{"sequence_number": 1}]}
    words = sentence(raw)
    assert kind not in words or "_" not in kind
    assert vocabulary.ZOHOS_WORD not in words
    assert read_back(words).trigger.type == kind
    assert "_" not in vocabulary.trigger_name(kind)


@pytest.mark.parametrize("kind", rule_documents.ACTIONS)
def test_every_documented_action_has_words_and_comes_back(kind):
    actions = {"instant_actions": {"actions": [{"type": kind, "name": "It's 5; after 3 days: x"}]}}
    words = sentence({"module": {"api_name": "Leads"}, "execute_when": {"type": "edit"}, "conditions": [actions]})
    assert "_" not in words
    assert vocabulary.ZOHOS_WORD not in words
    (action,) = read_back(words).actions
    assert (action.type, action.name) == (kind, "It's 5; after 3 days: x")
    assert "_" not in vocabulary.action_name(kind)


@pytest.mark.parametrize("period", rule_documents.PERIODS)
@pytest.mark.parametrize("unit", [0, 1, 30])
def test_every_documented_delay_has_words_and_comes_back(period, unit):
    group = {"execute_after": {"period": period, "unit": unit}, "actions": [{"type": "tasks", "name": "Call"}]}
    raw = {"execute_when": {"type": "create"}, "conditions": [{"scheduled_actions": [group]}]}
    words = sentence(raw)
    assert "_" not in words
    (back,) = read_back(words).conditions[0].scheduled
    assert (back.delay.period, back.delay.unit) == (period, unit)


def test_one_day_is_no_days():
    group = {"execute_after": {"period": "business_days", "unit": 1}, "actions": [{"type": "tasks"}]}
    assert "after 1 business day: task" in sentence({"conditions": [{"scheduled_actions": [group]}]})


def test_no_two_words_are_the_same():
    for phrases in (
        [words.phrase for words in vocabulary.TRIGGERS.values()],
        [words.name for words in vocabulary.TRIGGERS.values()],
        [words.phrase for words in vocabulary.ACTIONS.values()],
        [words.name for words in vocabulary.ACTIONS.values()],
        list(vocabulary.COMPARATORS.values()),
        list(vocabulary.VALUES.values()),
        list(vocabulary.MODULES.values()),
    ):
        assert len(set(phrases)) == len(phrases)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (one("Amount", "greater_equal", "30000"), "Amount ≥ 30,000"),
        (one("Amount", "less_than", "-1234.50"), "Amount < -1,234.50"),
        (one("Amount", "equal", "30000"), "Amount is 30000"),
        (one("Phone", "equal", "${EMPTY}"), "Phone is empty"),
        (one("Phone", "equal", "${NOTEMPTY}"), "Phone is filled"),
        (one("Phone", "not_equal", "${EMPTY}"), "Phone is not empty"),
        (one("Due_Date", "less_equal", "${TODAY}+3"), "Due Date ≤ today + 3"),
        (one("Due_Date", "equal", "${NEXTFY}"), "Due Date is Zoho's word 'NEXTFY'"),
        (one("Email_Opt_Out", "equal", value=True), "Email Opt Out is yes"),
        (one("Stage", "equal", "yes"), "Stage is 'yes'"),
        (one("Stage", "equal", "not sold"), "Stage is 'not sold'"),
        (one("Stage", "equal", "Research and Development"), "Stage is 'Research and Development'"),
        (one("Stage", "in", ["Closed Lost", "a, b"]), "Stage is one of Closed Lost, 'a, b'"),
        (one("Stage", "in", "Closed Lost"), "Stage is one of just Closed Lost"),
        (one("Amount", "between", ["1000", "2000"]), "Amount is between 1,000 and 2,000"),
        (one("Amount", "greater_than", {"api_name": "Cost"}, type="field"), "Amount > the field Cost"),
        (one("Owner", "equal", {"name": "North", "id": "7"}), "Owner is 'North'"),
        (one("is", "equal", "x"), "'is' is x"),
        (one("Name", "sounds_like", "x"), "Name Zoho's word 'sounds_like' x"),
        ({"group_operator": "OR", "group": [one("A", "equal", "x"), one("B", "equal", "y")]}, "(A is x or B is y)"),
        ({"group_operator": "AND", "group": []}, "(nothing)"),
        ({"odd": 1}, "(criteria that cannot be said)"),
    ],
)
def test_criteria_are_said_plainly_and_quoted_where_they_could_be_misread(raw, words):
    assert of_criteria(raw) == words


def test_two_fields_with_one_label_are_said_by_their_names():
    fields = {"Reason_For_Loss__s", "Reason_For_Loss", "Stage"}
    assert ambiguous(fields) == fields - {"Stage"}
    pair = [one("Reason_For_Loss__s", "equal", "Price"), one("Reason_For_Loss", "equal", "Price")]
    raw = {
        "module": {"api_name": "Deals"},
        "execute_when": {"type": "edit"},
        "conditions": [{"criteria_details": {"criteria": {"group_operator": "AND", "group": pair}}}],
    }
    assert "'Reason_For_Loss__s' is Price and 'Reason_For_Loss' is Price" in sentence(raw)
    assert same_meaning(rule_definition_json(read_back(sentence(raw)))) == same_meaning(
        raw | {"conditions": [raw["conditions"][0] | {"sequence_number": 1}]}
    )


def test_a_label_without_the_list_of_fields_is_read_letter_by_letter():
    words = "When a Deal's Reason for Loss becomes Price: nothing"
    assert read_back(words).trigger.criteria.field == "Reason_for_Loss"
    assert read_back(words, {"Reason_For_Loss__s"}).trigger.criteria.field == "Reason_For_Loss__s"


def test_several_conditions_stand_on_lines_of_their_own():
    raw = copy.deepcopy(LOST_DEAL)
    raw["conditions"] = [raw["conditions"][0], {"sequence_number": 2, "instant_actions": {"actions": []}}]
    lines = sentence(raw).split("\n")
    assert lines[0] == "When a Deal's Stage becomes Closed Lost:"
    assert lines[1].startswith("1. if Amount ≥ 30,000 and Reason for Loss is Price: task")
    assert lines[2] == "2. for every other record: nothing"


def test_a_note_on_a_deal_is_said_as_such():
    raw = {"module": {"api_name": "Deals"}, "execute_when": {"type": "create"}}
    raw["execute_when"]["details"] = {"trigger_module": {"api_name": "Notes"}, "repeat": True, "unit": 3, "on": "x"}
    assert sentence(raw) == "When a Note of a Deal is created (each time, unit: 3, on: 'x')"
    assert same_meaning(rule_definition_json(read_back(sentence(raw)))) == same_meaning(raw)


def test_related_records_are_said():
    inner = {"module": {"api_name": "Contacts"}, "module_selection": "any", "criteria": one("Stage", "equal", "x")}
    raw = {"module": {"api_name": "Deals"}, "execute_when": {"type": "edit"}}
    raw["conditions"] = [{"sequence_number": 1, "criteria_details": {"relational_criteria": inner}}]
    assert sentence(raw) == "When a Deal is edited, related to a Contact ('any') where (Stage is x): nothing"
    assert same_meaning(rule_definition_json(read_back(sentence(raw)))) == same_meaning(raw)


@fuzzed()
@given(rules())
@example(LOST_DEAL)
def test_every_documented_rule_comes_back_from_its_sentence_as_the_same_json(raw):
    raw = without_ids(raw)
    words = sentence(raw)
    definition = read_rule_definition(raw)
    left = unsaid(definition)
    assert {item.why for item in left} <= {"how a group of one is joined is not said", "colours are not said"}
    if not left:
        back = rule_definition_json(read_back(words, fields_of(definition)))
        assert same_meaning(back) == same_meaning(raw)


@fuzzed()
@given(st.dictionaries(st.sampled_from(KEYS), ODD, max_size=8))
def test_the_sentence_of_an_odd_rule_can_be_read_or_the_differences_are_named(raw):
    definition = read_rule_definition(raw)
    back = rule_definition_json(read_back(say(definition).text, fields_of(definition)))
    if same_meaning(back) != same_meaning(raw):
        assert unsaid(definition)


@given(st.text())
def test_any_text_can_stand_in_quotes(text):
    raw = {"execute_when": {"type": "edit"}, "conditions": [{"instant_actions": {"actions": [{"type": text}]}}]}
    raw["conditions"][0]["instant_actions"]["actions"][0]["name"] = text
    (action,) = read_back(sentence(raw)).actions
    assert (action.type, action.name) == (clean.text(text), clean.text(text))
    assert quote(text).endswith("'")


@given(st.text(max_size=80))
def test_what_is_no_sentence_is_refused_with_the_place_where_that_shows(text):
    whole = f"When a Deal is created and {text}"
    with suppress(SentenceError):
        assert read_back(whole).module == "Deals"
    with pytest.raises(SentenceError, match="from its character"):
        read_back(f"{text}\nWhen")


def test_labels_drop_the_suffixes_of_systems_and_put_small_words_small():
    assert [label(name) for name in ("Reason_For_Loss__s", "Deal_Name", "To", "Lead_Source__c")] == [
        "Reason for Loss",
        "Deal Name",
        "To",
        "Lead Source",
    ]
