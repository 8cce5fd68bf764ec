"""Shows that no word that Zoho may send makes a sentence that cannot be read back, or a page fail."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.queries.rule_sentences import in_words, rules_within
from monitor.rule_words import unsaid as module
from monitor.rule_words.read_back import SentenceError, read_back
from monitor.rule_words.say import criteria_words, fields_of, say
from monitor.rule_words.unsaid import NOT_READ, same_meaning, unsaid
from monitor.zoho.shapes.rule_definition import read_criteria, read_rule_definition, rule_definition_json
from tests.zoho.helpers import fuzzed
from tests.zoho.rule_documents import COMPARATORS, FIELDS, LISTS, SPANS

PIECES = (
    *(
        "Zoho's word",
        "Zoho",
        "'",
        '"',
        "\\",
        "\n",
        "(",
        ")",
        "[",
        "]",
        " and ",
        " or ",
        " ",
        "  ",
        ", ",
        ": ",
        "; ",
        ".",
    ),
    *("is", "is not", "becomes", "changes", "contains", "does", "the field ", "related to a", ", related to a Deal"),
    *("after 3 days", "later: ", "today", " + 3", "now", "1. if ", "for every record", "yes", "no", "empty", "just "),
    *("Deal", "a Deal", " of ", "a record of ", "tag ", "task", "nothing", "(nothing)", "(no value)", "each time"),
    *(
        "all at once",
        "Amount",
        "Name",
        "5",
        "-5",
        "1,000",
        "05",
        "x",
        "é",
        "日",
        "٣",
        "_",
        "__s",
        "${TODAY}",
        "${FOO}+3",
    ),
    *("all_at_once", "each_time", "Zoho's word 'x'", "(joined in a way that is not known)", "with", "not"),
)
odd = st.lists(st.sampled_from(PIECES), max_size=4).map("".join) | st.text(max_size=6)
comparators = st.sampled_from(COMPARATORS + LISTS + SPANS) | odd
VALUES = odd | st.lists(odd, max_size=3) | st.none() | st.booleans() | st.integers(-9, 9_999)
comparison = st.fixed_dictionaries(
    {
        "field": odd.map(lambda name: {"api_name": name}) | st.sampled_from(FIELDS),
        "comparator": comparators | st.none(),
    },
    optional={"value": VALUES, "type": st.sampled_from(["value", "field"])},
)
trees = st.recursive(
    comparison,
    lambda inner: st.fixed_dictionaries(
        {"group": st.lists(inner, min_size=1, max_size=3)},
        optional={"group_operator": st.sampled_from(["AND", "OR", "and", "or", "Or", None]) | odd},
    ),
    max_leaves=5,
)


@st.composite
def odd_rules(draw: st.DrawFn) -> dict[str, Any]:
    """Makes a rule whose words are any texts."""
    tags = [{"name": draw(odd)}]
    actions = [
        {"type": draw(odd | st.just("tasks")), "name": draw(odd)},
        {
            "type": "add_tags",
            "details": {"tags": tags, draw(st.sampled_from(["over_write", "overwrite"])): draw(VALUES)},
        },
    ]
    unit = draw(st.integers(0, 99) | st.integers(0, 99).map(str) | odd | st.none())
    group = {"execute_after": {"period": draw(odd | st.just("days")), "unit": unit}, "actions": actions}
    related = {"module": {"api_name": draw(odd)}, "module_selection": draw(odd), "criteria": draw(trees)}
    details = {
        "trigger_module": {"api_name": draw(odd)},
        draw(odd): draw(VALUES | odd),
        "criteria": draw(trees | st.none()),
    }
    condition = {
        "sequence_number": draw(st.integers(-1, 9) | st.just("2")),
        "criteria_details": {"criteria": draw(trees), "relational_criteria": draw(st.none() | st.just(related))},
        "instant_actions": {"actions": actions},
        "scheduled_actions": [group],
    }
    return {
        "module": {"api_name": draw(odd | st.just("Deals"))},
        "execute_when": {
            "type": draw(odd | st.sampled_from(["edit", "field_update", "date_or_datetime"])),
            "details": details,
        },
        "conditions": [condition, *draw(st.lists(st.just({"sequence_number": 1}), max_size=2))],
    }


@fuzzed()
@given(odd_rules())
def test_any_word_of_a_rule_is_said_and_read_back_or_the_difference_is_named(raw):
    definition = read_rule_definition(raw)
    back = rule_definition_json(read_back(say(definition).text, fields_of(definition)))
    left = unsaid(definition)
    assert NOT_READ not in {item.why for item in left}
    assert left or same_meaning(back) == same_meaning(raw)
    assert in_words(raw).text


def rule(**condition: Any) -> dict[str, Any]:
    tasks = {"instant_actions": {"actions": [{"type": "tasks", "name": "T"}]}}
    return {
        "module": {"api_name": "Deals"},
        "execute_when": {"type": "edit"},
        "conditions": [{"sequence_number": 1, **tasks, **condition}],
    }


def of(criteria: dict[str, Any]) -> dict[str, Any]:
    return rule(criteria_details={"criteria": criteria})


def compared(comparator: Any, value: Any = "x", field: str = "Amount") -> dict[str, Any]:
    return {"field": {"api_name": field}, "comparator": comparator, "value": value}


def read(raw: dict[str, Any]) -> dict[str, Any]:
    definition = read_rule_definition(raw)
    return rule_definition_json(read_back(say(definition).text, fields_of(definition)))


@pytest.mark.parametrize(
    ("criteria", "words"),
    [
        (compared("age_in_days", "5"), "Amount Zoho's word 'age_in_days' 5"),
        (compared("sounds_like", "x Zoho"), "Amount Zoho's word 'sounds_like' x Zoho"),
        (compared("is_empty", None, "Phone"), "Phone is empty"),
        (compared("empty", "", "Phone"), "Phone is empty"),
        (compared("not_empty", None, "Phone"), "Phone is filled"),
        (compared("is_not_empty", None, "Phone"), "Phone is filled"),
        (compared("is_empty", "x", "Phone"), "Phone Zoho's word 'is_empty' x"),
        (compared("equals", "Won"), "Amount is Won"),
        (compared("isn't", "Won"), "Amount is not Won"),
        (compared(None, "Won"), "Amount is compared, in a way that is not known, with Won"),
        (compared("", "Won"), "Amount is compared, in a way that is not known, with Won"),
    ],
)
def test_a_comparator_that_is_no_documented_one_is_said_and_comes_back(criteria, words):
    raw = of(criteria)
    assert criteria_words(read_criteria(criteria)) == words
    assert unsaid(read_rule_definition(raw)) == []
    assert same_meaning(read(raw)) == same_meaning(raw)
    assert words in in_words(raw).text


@pytest.mark.parametrize(
    ("operator", "words"),
    [
        ("and", "Amount is x and Phone is y"),
        ("or", "(Amount is x or Phone is y)"),
        ("Or", "(Amount is x or Phone is y)"),
        ("XOR", "(Amount is x Zoho's word 'XOR' Phone is y)"),
        (None, "(Amount is x (joined in a way that is not known) Phone is y)"),
    ],
)
def test_an_operator_in_small_letters_or_none_is_said_and_comes_back(operator, words):
    group = {"group_operator": operator, "group": [compared("equal"), compared("equal", "y", "Phone")]}
    raw = of(group)
    assert criteria_words(read_criteria(group)) == words
    assert unsaid(read_rule_definition(raw)) == []
    assert in_words(raw).left_out == ()


@pytest.mark.parametrize(
    "criteria",
    [
        compared("greater_than", {"api_name": "Research_and_Cost"}) | {"type": "field"},
        {"group_operator": "AND", "group": [
            compared("greater_than", {"api_name": "Cost"}) | {"type": "field"}, compared("equal", "y", "Phone")]},
        compared("in", ["x", "related to a Deal"]),
    ],
)  # fmt: skip
def test_a_field_or_value_before_the_rest_of_the_sentence_ends_where_it_ends(criteria):
    raw = of(criteria)
    assert unsaid(read_rule_definition(raw)) == []


def test_a_key_of_a_trigger_that_is_a_phrase_of_the_sentence_is_no_phrase():
    raw = rule()
    raw["execute_when"]["details"] = {"each_time": "x", "all_at_once": 3, "repeat": True}
    assert unsaid(read_rule_definition(raw)) == []


def test_where_words_cannot_be_read_back_the_part_is_named_and_nothing_fails(monkeypatch):
    """Reading back is a check of ours: it must not cost a page."""
    said = module.say

    def garbled(definition):
        found = said(definition)
        return type(found)(found.lead.replace("Amount", "¬"), found.branches)

    monkeypatch.setattr(module, "say", garbled)
    raw = of(compared("equal"))
    assert [(item.path, item.why) for item in unsaid(read_rule_definition(raw))] == [("$.conditions[0]", NOT_READ)]
    shown = in_words(raw)
    assert shown.left_out == ("conditions",)
    assert '"comparator": "equal"' in shown.json
    assert [one.left_out for one in rules_within({"a": [raw]})] == [("conditions",)]
    raw["execute_when"] = {"type": "field_update", "details": {"criteria": compared("equal")}}
    assert in_words(raw).left_out == ("execute when", "conditions")


@pytest.mark.parametrize("key", ["over_write", "overwrite"])
@pytest.mark.parametrize(("flag", "words"), [(True, "replace all tags with 'P'"), ("true", "replace all tags with 'P'"),
                                             (False, "tag 'P'")])  # fmt: skip
def test_an_action_that_takes_all_other_tags_away_is_said_so_in_both_documented_spellings(key, flag, words):
    action = {"type": "add_tags", "module": "Deals", "details": {"tags": [{"name": "P"}], key: flag}}
    raw = rule(instant_actions={"actions": [action]})
    assert say(read_rule_definition(raw)).text == f"When a Deal is edited: {words}"
    assert unsaid(read_rule_definition(raw)) == []
    assert say(read_rule_definition(raw)).branches[0].steps[0].details == ("",)


@pytest.mark.parametrize("unit", [30, "30", 30.0])
def test_a_delay_whose_number_is_written_as_a_text_is_said(unit):
    later = {"execute_after": {"period": "business_days", "unit": unit}, "actions": [{"type": "tasks", "name": "F"}]}
    raw = rule(scheduled_actions=[later])
    definition = read_rule_definition(raw)
    assert say(definition).text == "When a Deal is edited: task 'T'; after 30 business days: task 'F'"
    assert unsaid(definition) == []
    assert rule_definition_json(definition) == raw, "it comes back as it was written"


@pytest.mark.parametrize("unit", ["3 weeks", "soon", "", None, "03", "1.5", True])
def test_a_delay_that_is_no_number_is_not_said_to_be_one(unit):
    later = {"execute_after": {"period": "days", "unit": unit}, "actions": [{"type": "tasks", "name": "F"}]}
    definition = read_rule_definition(rule(scheduled_actions=[later]))
    assert "after some days" in say(definition).text
    assert rule_definition_json(definition)["conditions"][0]["scheduled_actions"] == [later]


@pytest.mark.parametrize("places", [(2, 1), ("2", "1"), (7, 3)])
def test_conditions_are_said_in_zohos_order_whatever_the_order_of_the_list(places):
    raw = rule(sequence_number=places[0], instant_actions={"actions": [{"type": "tasks", "name": "U"}]})
    raw["conditions"] += of(compared("greater_than", "3"))["conditions"]
    raw["conditions"][1]["sequence_number"] = places[1]
    definition = read_rule_definition(raw)
    first, second = min(map(int, places)), max(map(int, places))
    assert say(definition).text == (
        f"When a Deal is edited:\n{first}. if Amount > 3: task 'T'\n{second}. for every other record: task 'U'"
    )
    assert unsaid(definition) == []
    assert rule_definition_json(definition) == raw


def test_conditions_of_which_one_has_no_place_are_said_as_they_stand():
    raw = rule(sequence_number=2)
    raw["conditions"].append({"instant_actions": {"actions": []}})
    assert say(read_rule_definition(raw)).text.split("\n")[1:] == [
        "2. for every record: task 'T'",
        "2. for every other record: nothing",
    ]


@pytest.mark.parametrize(
    ("details", "words", "left"),
    [
        ({"execute_before": {"unit": 3, "period": "days"}}, "execute before: 3 days", set()),
        ({"execute_after": {"unit": "1", "period": "hours"}}, "execute after: 1 hour", set()),
        (
            {"execute_before": {"unit": 3, "period": "days", "at": "9"}},
            "at a time that is not said here",
            {"execute_before"},
        ),
        ({"offset": {"unit": 3, "period": "moons"}}, "at a time that is not said here", {"offset"}),
        ({"Odd Key": "before"}, "at a time that is not said here", {"Odd Key"}),
        ({"times": [1, 2], "more": [3]}, "at a time that is not said here", {"times", "more"}),
    ],
)
def test_a_date_trigger_says_when_or_that_it_does_not_say(details, words, left):
    raw = rule()
    raw["execute_when"] = {"type": "date_or_datetime", "details": {"field": {"api_name": "Closing_Date"}, **details}}
    definition = read_rule_definition(raw)
    assert say(definition).text == f"When a Deal reaches a date (field: the field 'Closing_Date', {words}): task 'T'"
    paths = {item.path.removeprefix("$.execute_when.details.").partition(".")[0] for item in unsaid(definition)}
    assert paths == left


def test_what_means_another_thing_does_not_become_the_same():
    action = {"type": "add_tags", "details": {"tags": [{"name": "P"}], "overwrite": True}}
    raws = [of(compared("equals", "${EMPTY}x")), of(compared("is_empty", "x")), of(compared("empty", None)),
            of(compared("not_empty", None)), rule(instant_actions={"actions": [action]}),
            rule(instant_actions={"actions": [copy.deepcopy(action) | {"module": "Leads"}]})]  # fmt: skip
    assert len({str(same_meaning(raw)) for raw in raws}) == len(raws)
    with pytest.raises(SentenceError):
        read_back("When a Deal is edited and Amount: nothing")


@pytest.mark.parametrize("odd", [["add_tags"], {"a": 1}, [], True], ids=repr)
def test_a_type_or_period_of_any_form_is_no_error(odd):
    action = {"type": odd, "details": {"tags": [{"name": "P"}]}}
    when = {"type": "date_or_datetime", "details": {"execute_before": {"unit": 3, "period": odd}}}
    rule = {"module": {"api_name": "Deals"}, "execute_when": when}
    found = read_rule_definition({**rule, "conditions": [{"instant_actions": {"actions": [action]}}]})
    assert say(found).text
    assert unsaid(found)
