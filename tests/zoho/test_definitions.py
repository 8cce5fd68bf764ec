"""Triggers and actions: typed, and nothing lost on the way back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from monitor.zoho import clean
from monitor.zoho.shapes import definitions as shapes

from .helpers import fuzzed, sample
from .test_clean import ANY_JSON

TRIGGERS: list[dict[str, object]] = sample("trigger-kinds").json  # type: ignore[assignment]
ACTIONS: list[dict[str, object]] = sample("action-kinds").json  # type: ignore[assignment]
NAMES = (
    "type",
    "app",
    "module",
    "event",
    "filter",
    "poll_interval",
    "schedule",
    "method",
    "headers",
    "config",
    "action",
)


def test_every_kind_of_trigger_has_its_class():
    kinds = [type(shapes.read_trigger(raw)) for raw in TRIGGERS]
    assert kinds == [
        shapes.WebhookTrigger,
        shapes.PollingTrigger,
        shapes.ScheduleTrigger,
        shapes.ManualTrigger,
        shapes.CustomWebhookTrigger,
    ]
    polling = shapes.read_trigger(TRIGGERS[1])
    assert isinstance(polling, shapes.PollingTrigger)
    assert polling.poll_interval == 15


def test_every_kind_of_action_has_its_class():
    kinds = [type(shapes.read_config(action)) for action in shapes.read_actions(ACTIONS)]
    assert kinds == [
        shapes.OtherConfig,
        shapes.RecordConfig,
        shapes.EmailConfig,
        shapes.HttpRequestConfig,
        shapes.CustomFunctionConfig,
        shapes.ConditionConfig,
        shapes.OtherConfig,
    ]


def test_reading_and_writing_back_loses_nothing():
    assert [shapes.read_trigger(raw).as_json() for raw in TRIGGERS] == TRIGGERS
    actions = shapes.read_actions(ACTIONS)
    assert [action.as_json() for action in actions] == ACTIONS
    assert [shapes.read_config(action).as_json() for action in actions] == [raw["config"] for raw in ACTIONS]


def test_what_to_do_on_an_error_is_kept():
    assert shapes.read_actions(ACTIONS)[-1].on_error == ACTIONS[-1]["on_error"]


def test_the_actions_of_branches_are_found_too():
    found = [action.action for action in shapes.all_actions(shapes.read_actions(ACTIONS))]
    assert found[5:8] == ["condition", "update_record", "send_message"]
    assert len(found) == len(ACTIONS) + 2


def test_an_unknown_kind_and_unknown_fields_are_kept():
    raw = {"type": "telepathy", "app": 5, "distance": {"km": 3}}
    trigger = shapes.read_trigger(raw)
    assert type(trigger) is shapes.Trigger
    assert trigger.app is None
    assert trigger.extra == {"app": 5, "distance": {"km": 3}}
    assert trigger.as_json() == raw


def test_an_address_that_starts_flows_is_not_in_a_repr():
    assert "abcdef123456" not in repr(shapes.read_trigger(TRIGGERS[4]))
    assert "api.example.com" not in repr(shapes.read_config(shapes.read_actions(ACTIONS)[3]))


@fuzzed(40)
@given(st.dictionaries(st.sampled_from(NAMES), ANY_JSON), ANY_JSON)
def test_any_json_is_read_and_written_back_clean(raw, value):
    for given_raw in (raw, {**raw, "type": "polling"}, {**raw, "action": "condition", "config": value}):
        assert shapes.read_trigger(given_raw).as_json() == clean.mapping(given_raw)
        action = shapes.read_action(given_raw)
        assert action.as_json() == clean.mapping(given_raw)
        assert len(shapes.all_actions([action])) >= 1
