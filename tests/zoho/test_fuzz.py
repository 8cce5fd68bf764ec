"""Whatever Zoho answers, a method gives a value or one error of the tree, and the value can be stored."""

from __future__ import annotations

import copy
import dataclasses
import json
import random
from collections.abc import Callable
from datetime import date, datetime

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.zoho import CrmClient, FlowClient, ZohoError
from monitor.zoho.shapes.definitions import WebhookTrigger

from .helpers import crm_client, flow_client, sample

ODD: list[object] = [
    None, True, False, 0, -1, 2**31, 2**63, 2**80, -(2**70), 1.5, float("nan"), float("inf"), "", "x", "\0", "a\0b",
    "\ud800", "x" * 70, "x" * 50_000, "2025-99-99T00:00:00Z", "9" * 400, [], [None], [[]], [{}], {}, {"id": None},
    {"\0\ud800": "\0"}, {"error": {"code": "X"}}, {"status": "failure"}, {"data": []}, [1, "a", None, {}],
]  # fmt: skip

FlowCall = Callable[[FlowClient], object]
CrmCall = Callable[[CrmClient], object]
DAY = date(2026, 3, 1)
TRIGGER = WebhookTrigger(type="webhook")

FLOW: list[tuple[str, FlowCall]] = [
    ("flow-list", lambda flow: flow.list_flows()),
    ("flow-detail", lambda flow: flow.get_flow("7")),
    ("execution-list", lambda flow: flow.list_executions("7")),
    ("execution-detail", lambda flow: flow.get_execution("7", "1")),
    ("execution-stats", lambda flow: flow.execution_stats("7", "last_7_days")),
    ("execution-retry-new-id", lambda flow: flow.retry_execution("7", "1")),
    ("connection-list", lambda flow: flow.list_connections()),
    ("connection-list", lambda flow: flow.get_connection("7")),
    ("connection-test", lambda flow: flow.test_connection("7")),
    ("flow-error-not-found", lambda flow: flow.enable("7")),
    ("execution-list", lambda flow: flow.flow_history("7")),
    ("flow-written", lambda flow: flow.create_flow("x", TRIGGER, [])),
    ("flow-written", lambda flow: flow.update_flow("7", {})),
    ("trigger-list", lambda flow: flow.list_triggers()),
    ("trigger-list", lambda flow: flow.get_trigger("7")),
    ("trigger-test", lambda flow: flow.test_trigger("7")),
    ("action-list", lambda flow: flow.list_actions()),
    ("action-test", lambda flow: flow.test_action("7", {})),
    ("webhook-list", lambda flow: flow.list_webhooks()),
    ("webhook-created", lambda flow: flow.get_webhook("7")),
    ("webhook-logs", lambda flow: flow.webhook_logs("7")),
]
CRM: list[tuple[str, CrmCall]] = [
    ("crm-rules", lambda crm: crm.list_workflow_rules()),
    ("crm-rules", lambda crm: crm.get_workflow_rule("7")),
    ("crm-rule-usage", lambda crm: crm.rule_usage("7", DAY, DAY)),
    ("crm-org", lambda crm: crm.org()),
    ("crm-current-user", lambda crm: crm.current_user()),
    ("crm-error-range", lambda crm: crm.org()),
]


def spoiled(value: object, rng: random.Random) -> object:
    """`value` with a few of its nodes replaced, removed, doubled or given company."""
    value = copy.deepcopy(value)
    for _ in range(rng.randint(1, 4)):
        value = _spoil_one(value, rng)
    return value


def odd(rng: random.Random) -> object:
    return copy.deepcopy(rng.choice(ODD))


def _spoil_one(value: object, rng: random.Random) -> object:
    if isinstance(value, dict) and value and rng.random() < 0.85:
        key = rng.choice(sorted(value))
        what = rng.random()
        if what < 0.1:
            del value[key]
        elif what < 0.2:
            value[f"new_{rng.randint(0, 9)}"] = odd(rng)
        else:
            value[key] = _spoil_one(value[key], rng)
        return value
    if isinstance(value, list) and value and rng.random() < 0.85:
        at = rng.randrange(len(value))
        if rng.random() < 0.2:
            value.insert(at, odd(rng))
        else:
            value[at] = _spoil_one(value[at], rng)
        return value
    return odd(rng)


def storable(value: object) -> None:
    """Fail unless `value` is made of what both databases take."""
    if isinstance(value, str):
        assert "\0" not in value
        assert value.encode().decode() == value
        assert len(value) <= 20_000
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, int):
        assert -(2**63) <= value < 2**63
    elif isinstance(value, float):
        assert value == value and abs(value) != float("inf")  # noqa: PT018
    elif isinstance(value, datetime):
        assert value.utcoffset() is not None
        assert value.utcoffset().total_seconds() == 0  # type: ignore[union-attr]
    elif isinstance(value, dict):
        for key, item in value.items():
            storable(key)
            storable(item)
    elif isinstance(value, list | tuple):
        for item in value:
            storable(item)
    else:
        assert dataclasses.is_dataclass(value)
        for field in dataclasses.fields(value):
            storable(getattr(value, field.name))


def reply(body: object, status: int = 200) -> httpx.Response:
    return httpx.Response(status, content=json.dumps(body).encode(), headers={"content-type": "application/json"})


def tried(call: Callable[[], object]) -> None:
    try:
        found = call()
    except ZohoError as error:
        assert error.hint  # noqa: PT017
        storable(str(error))
        return
    storable(found)


@pytest.mark.parametrize(("case", "call"), FLOW)
@settings(max_examples=60)
@given(rng=st.randoms(use_true_random=False))
def test_a_spoiled_reply_of_flow_is_a_value_or_one_error_of_the_tree(case, call, rng):
    found = sample(case)
    flow, _ = flow_client(reply(spoiled(found.json, rng), found.status), repeats=1)
    tried(lambda: call(flow))


@pytest.mark.parametrize(("case", "call"), CRM)
@settings(max_examples=60)
@given(rng=st.randoms(use_true_random=False))
def test_a_spoiled_reply_of_crm_is_a_value_or_one_error_of_the_tree(case, call, rng):
    found = sample(case)
    crm, _ = crm_client(reply(spoiled(found.json, rng), found.status), repeats=1)
    tried(lambda: call(crm))
