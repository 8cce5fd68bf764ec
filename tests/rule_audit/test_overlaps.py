"""Rules are called the same, or to write the same field, only where they really are and do."""

import pytest

from monitor.rule_audit.audit import audit
from tests.rule_audit.world import NOW, action, equal, facts, rule

X, Y, X_OR_Y = equal("Stage", "X"), equal("Stage", "Y"), equal("Stage", ["X", "Y"], "in")
M1, M2 = action("email_notifications", 1), action("email_notifications", 2)
SETS = action("field_updates", 502)
ANY_AMOUNT = equal("Amount", "${ANYVALUE}")


def found(one, two):
    report = audit(facts(rule(1, **one), rule(2, **two)), NOW)
    return [(finding.kind, finding.evidence) for finding in report.findings if finding.kind in ("duplicate", "overlap")]


def kinds(one, two):
    return [kind for kind, _ in found(one, two)]


def conditions(*pairs):
    return {"conditions": [(criteria, [act]) for criteria, act in pairs]}


@pytest.mark.parametrize(
    "other",
    [
        conditions((X, M2), (Y, M1)),
        conditions((X, M1), (X_OR_Y, M2)),
        conditions((X, M1), (Y, M2), (Y, M1)),
        conditions((X, M1)),
        conditions((Y, M2), (X, M1), (X, M2)),
    ],
)
def test_rules_whose_conditions_do_other_things_are_no_duplicates(other):
    assert kinds(conditions((X, M1), (Y, M2)), other) == []
    assert kinds(other, conditions((X, M1), (Y, M2))) == []


def test_conditions_of_a_duplicate_may_stand_in_another_order_where_no_record_passes_two():
    assert kinds(conditions((X, M1), (Y, M2)), conditions((Y, M2), (X, M1))) == ["duplicate"]
    assert kinds(conditions((X, M1), (X_OR_Y, M2)), conditions((X_OR_Y, M2), (X, M1))) == []
    assert kinds(conditions((X, M1), (X_OR_Y, M2)), conditions((X, M1), (X_OR_Y, M2))) == ["duplicate"]
    assert kinds(conditions((None, M1), (None, M2)), conditions((None, M2), (None, M1))) == []


def later(unit, **more):
    return {
        "parts": {"scheduled_actions": [{"execute_after": {"period": "days", "unit": unit, **more}, "actions": [M2]}]}
    }


def test_what_is_done_after_another_delay_is_not_the_same():
    one = conditions((X, M1)) | later(3)
    assert kinds(one, conditions((X, M1)) | later(3)) == ["duplicate"]
    assert kinds(one, conditions((X, M1)) | later(4)) == []
    assert kinds(one, conditions((X, M1)) | later(3, after="Closing_Date")) == []


def test_actions_that_do_not_say_what_they_do_are_not_the_same():
    one, two = action("flow", 1), action("flow", 2)
    assert kinds(conditions((X, one)), conditions((X, {**two, "name": one["name"]}))) == []
    tags = action("add_tags", 1, tags=[{"name": "A"}])
    assert kinds(conditions((X, tags)), conditions((X, {**tags, "id": "2"}))) == ["duplicate"]


def test_an_overlap_of_one_condition_is_not_said_of_the_whole_rule():
    one = conditions((X, SETS), (equal("Source", "a"), M1))
    ((kind, seen),) = found(one, conditions((X_OR_Y, SETS), (equal("Source", "b"), M1)))
    assert (kind, seen.endswith("for every record that passes a condition of Rule 1 and none before it.")) == (
        "overlap",
        True,
    )


def watching(*parts, operator="OR", trigger="field_update", **details):
    criteria = parts[0] if len(parts) == 1 else {"group_operator": operator, "group": list(parts)}
    return {"trigger": trigger, "details": {"criteria": criteria, **details}} | conditions((None, SETS))


def apart(one, two):
    """The same triggers of rules that do the same, and of rules that write the same field beside other things."""
    wider = two | {"conditions": [(None, [SETS, M1])]}
    return kinds(one, two) == [] and kinds(one, wider) == []


@pytest.mark.parametrize("trigger", ["field_update", "section_update", "scheduled_call_field_update"])
def test_triggers_that_watch_other_fields_do_not_overlap(trigger):
    one = watching(X, ANY_AMOUNT, trigger=trigger)
    assert apart(one, watching(X, trigger=trigger))
    assert apart(watching(X, trigger=trigger), one)
    assert apart(watching(X, ANY_AMOUNT, operator="AND", trigger=trigger), watching(X, trigger=trigger))
    assert kinds(one, watching(ANY_AMOUNT, X, trigger=trigger)) == ["duplicate"]


def test_whether_all_fields_or_one_must_change_counts():
    one = watching(X, ANY_AMOUNT, match_all=True)
    assert apart(one, watching(X, ANY_AMOUNT, match_all=False))
    assert kinds(one, one) == ["duplicate"]


def test_how_often_a_rule_may_run_counts_for_duplicates_alone():
    one, two = watching(X, repeat=True), watching(X, repeat=False)
    assert kinds(one, two) == ["overlap"]
    assert kinds(one, one) == ["duplicate"]


def test_records_of_other_modules_start_other_rules():
    of_notes = {"details": {"trigger_module": {"api_name": "Notes"}}} | conditions((None, SETS))
    configured = facts(rule(1, **of_notes), rule(2, **conditions((None, SETS))))
    findings = audit(configured, NOW).findings
    assert [finding.kind for finding in findings] == ["unsupported_action"]


def test_what_is_implied_of_the_trigger_still_counts():
    one, two = watching(X), watching(X_OR_Y)
    ((kind, seen),) = found(one, two)
    assert (kind, seen.endswith("of Deals, for every record that passes the criteria of Rule 1.")) == ("overlap", True)
