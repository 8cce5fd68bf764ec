"""Steps of a flow that wait."""

from __future__ import annotations

from typing import Any

import pytest

from monitor.zoho.delays import may_wait

CREATE = {"action_id": "1", "app": "zoho_crm", "action": "create_record", "config": {"Delay": "2 days", "note": "wait"}}


def branch(*inner: Any) -> dict[str, Any]:
    return {"action_id": "2", "app": "custom", "action": "condition", "config": {"if_true": [], "if_false": [*inner]}}


@pytest.mark.parametrize(
    "step",
    [
        {"app": "custom", "action": "delay", "config": {"duration": 2, "unit": "days"}},
        {"app": "Flow Utilities", "action": "Delay until"},
        {"app": "custom", "action": "set_delay"},
        {"action_id": "9", "type": "delayFor", "config": {}},
        {"app": "delay", "action": "for"},
        {"action": "wait_for_approval", "app": "custom"},
    ],
)
def test_a_step_that_waits_is_found_in_branches_and_error_steps_too(step: dict[str, Any]) -> None:
    assert may_wait({"actions": [CREATE, step]})
    assert may_wait({"actions": [branch(CREATE, branch(step))]})
    assert may_wait({"actions": [CREATE | {"on_error": step}]})


@pytest.mark.parametrize(
    "definition",
    [
        {"actions": [CREATE, branch(CREATE)]},
        {"actions": [CREATE | {"config": {"type": "Waiting list", "app": "delay"}}]},
        {"actions": [{"app": "await_labs", "action": "find_waiter"}]},
        {"flow_name": "Delay alerts", "trigger": {"app": "delay"}, "actions": []},
        {},
        None,
        {"actions": "delay"},
    ],
)
def test_a_name_that_only_has_the_letters_a_value_or_another_place_is_no_such_step(definition: Any) -> None:
    assert not may_wait(definition)
