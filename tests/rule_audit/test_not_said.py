"""What Zoho does not say is no finding and no pass: it is not checked."""

import pytest

from monitor.rule_audit.audit import audit
from monitor.zoho.shapes.rule_limits import rule_configuration
from tests.rule_audit.world import NOW, action, equal, facts, limits, rule

LATER = {"scheduled_actions": [{"execute_after": {"period": "days", "unit": 1}, "actions": [action("tasks", 2)]}]}
WHOLE = {"api_name": "create", "actions": ["tasks"], "scheduled_actions_supported": True}


def configured(*triggers, **more):
    return rule_configuration({"workflow_configurations": {"triggers": list(triggers), **more}})


def looked_at(*rules, **fields):
    report = audit(facts(*rules, **fields), NOW)
    return [finding.kind for finding in report.findings], [(gap.what, gap.why) for gap in report.not_checked]


def without(key):
    return {name: value for name, value in WHOLE.items() if name != key}


@pytest.mark.parametrize(
    ("triggers", "more", "why"),
    [
        ([without("actions")], {}, "Zoho's list does not say which actions it allows"),
        ([WHOLE | {"actions": None}], {}, "Zoho's list does not say which actions it allows"),
        ([WHOLE | {"actions": []}], {}, "Zoho's list does not say which actions it allows"),
        ([WHOLE | {"actions": ["webhooks", None]}], {}, "Zoho's list does not say which actions it allows"),
        ([without("scheduled_actions_supported")], {},
         "Zoho's list does not say whether it allows actions after a delay"),
        ([{"api_name": "edit"}, {"name": "?"}], {}, "a trigger of Zoho's list cannot be read"),
    ],
)  # fmt: skip
def test_what_a_list_of_triggers_does_not_say_is_not_checked(triggers, more, why):
    found, gaps = looked_at(rule(1, parts=LATER), configurations={"Deals": configured(*triggers, **more)})
    assert (found, gaps) == ([], [("what the trigger “Created” of Deals supports", why)])


@pytest.mark.parametrize("related", [None, [], [{"api_name": "Notes"}], [{"api_name": "Notes", "triggers": None}]])
def test_a_related_module_of_which_the_list_says_nothing_is_not_checked(related):
    one = rule(1, details={"trigger_module": {"api_name": "Notes"}})
    known = configured(WHOLE, related_triggers_details=related)
    why = "Zoho's list names no triggers of Notes"
    assert looked_at(one, configurations={"Deals": known}) == (
        [], [("what the trigger “Created” of Deals supports", why)],
    )  # fmt: skip
    gone = configured(WHOLE, related_triggers_details=[{"api_name": "Notes", "triggers": [{"api_name": "edit"}]}])
    assert looked_at(one, configurations={"Deals": gone}) == (["unsupported_action"], [])


def test_a_rule_without_a_module_or_trigger_or_kind_of_action_is_not_checked():
    ((_, gaps), (_, of_module), (_, of_kind)) = (
        looked_at(rule(1, "")), looked_at(rule(1, module="")),
        looked_at(rule(1, conditions=[(equal("Source", "a"), [{"id": "3"}])])),
    )  # fmt: skip
    assert ("what the trigger of Rule 1 supports", "which trigger it has was not said") in gaps
    assert ("what the trigger of Rule 1 supports", "which module it has was not said") in of_module
    assert ("what the trigger “Created” of Deals supports", "of which kind an action is was not said") in of_kind


def delayed(conditions, groups, actions=1):
    later = [
        {"execute_after": {"period": "days", "unit": unit}, "actions": [action("tasks", unit) for _ in range(actions)]}
        for unit in range(groups)
    ]
    parts = [(equal("Source", f"{place}"), [action("tasks", 70 + place)]) for place in range(conditions)]
    return rule(1, conditions=parts, parts={"scheduled_actions": later})


def test_delayed_actions_of_the_whole_rule_have_a_limit():
    report = audit(facts(delayed(2, 3)), NOW)
    assert [one.evidence for one in report.findings] == ["6 of 5 groups of delayed actions."]
    assert looked_at(delayed(2, 2)) == ([], [])
    assert looked_at(delayed(2, 3), limits=limits(scheduled_actions_per_rule_limit="20")) == ([], [])


def test_whether_groups_or_actions_are_counted_is_not_documented():
    found, gaps = looked_at(delayed(1, 2, actions=3))
    assert found == []
    why = "whether it counts groups or their actions is not documented"
    assert gaps == [("the limit of delayed actions of 1 rule", why)]


def test_a_number_that_comes_as_text_is_a_number():
    many = rule(1, conditions=[(equal("Source", "a"), [action("flow", place) for place in range(46)])])
    assert looked_at(many, limits=limits(total_actions_per_rule_limit="100")) == ([], [])
    assert looked_at(many, limits=limits(total_actions_per_rule_limit="50"))[0] == ["near_limit"]


@pytest.mark.parametrize("value", [None, "many", -1])
def test_a_limit_or_count_that_is_not_said_is_not_checked(value):
    many = rule(1, conditions=[(equal("Source", "a"), [action("flow", place) for place in range(46)])])
    why = "Zoho does not say how many there are or may be"
    named = "limits of the organisation: most workflow rules, most actions of a rule"
    unsaid = limits(total_actions_per_rule_limit=value, total_rules_limit=value)
    assert looked_at(many, limits=unsaid) == ([], [(named, why)])


def test_a_module_that_is_not_counted_is_not_checked():
    for modules in ({}, {"Leads": (1, 1)}, {"Deals": (None, 3)}, {"Deals": (3, None)}):
        found, gaps = looked_at(rule(1), modules=modules)
        assert (found, gaps) == ([], [("how many rules there are of Deals", "Zoho's counts of modules do not say it")])
    assert looked_at(rule(1), connected_limit=None)[1] == [("the limit of connected workflows", "it was not read yet")]


def test_a_rule_of_which_zoho_says_no_last_run_is_not_one_that_never_ran():
    quiet = {"last_run": None, "uses": ()}
    report = audit(facts(rule(1, **quiet), rule(2, **quiet, says_run=False)), NOW)
    assert [one.subjects[0].name for one in report.findings if one.kind == "never_fired"] == ["Rule 1"]
    (gap,) = [one for one in report.not_checked if "ever ran" in one.what]
    assert (gap.what, gap.why) == ("whether 1 active rule ever ran", "Zoho does not say when they ran last")


def test_rules_of_which_zoho_does_not_say_whether_they_are_on_are_said_to_be_unlooked_at():
    report = audit(facts(rule(1, active=None, last_run=None, uses=())), NOW)
    assert [one for one in report.findings if one.kind == "never_fired"] == []
    assert [one.why for one in report.not_checked] == ["Zoho does not say whether they are switched on"]
