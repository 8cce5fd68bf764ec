"""Whatever Zoho answers, a method gives a value or one error of the tree, and the value can be stored."""

from __future__ import annotations

import copy
import dataclasses
import json
import random
from collections.abc import Callable
from datetime import date, datetime, timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.zoho import ZohoError

from .endpoints import CRM, FLOW
from .helpers import SAMPLES, crm_client, flow_client, fuzzed, sample

ODD: list[object] = [
    None, True, False, 0, -1, 2**31, 2**63, 2**80, -(2**70), 1.5, float("nan"), float("inf"), "", "x", "\0", "a\0b",
    "\ud800", "x" * 70, "x" * 50_000, "2025-99-99T00:00:00Z", "9" * 400, [], [None], [[]], [{}], {}, {"id": None},
    {"\0\ud800": "\0"}, {"error": {"code": "X"}}, {"status": "failure"}, {"data": []}, [1, "a", None, {}],
]  # fmt: skip


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


def storable(value: object, *, in_json: bool = False) -> None:
    """Fail unless `value` is made of what both databases take; a column of JSON takes longer numbers than others."""
    if isinstance(value, str):
        assert "\0" not in value
        assert value.encode().decode() == value
        assert len(value) <= 20_000
    elif isinstance(value, datetime):
        assert value.utcoffset() == timedelta(0)
    elif isinstance(value, bool | date | bytes) or value is None:
        return
    elif isinstance(value, int):
        assert abs(value) < 10**1000 if in_json else -(2**63) <= value < 2**63
    elif isinstance(value, float):
        assert value == value and abs(value) != float("inf")  # noqa: PT018
    elif isinstance(value, dict):
        for key, item in value.items():
            storable(key)
            storable(item, in_json=True)
    elif isinstance(value, list | tuple):
        for item in value:
            storable(item, in_json=in_json)
    else:
        assert dataclasses.is_dataclass(value)
        for field in dataclasses.fields(value):
            storable(getattr(value, field.name))


def reply(body: object, status: int = 200) -> httpx.Response:
    return httpx.Response(status, content=json.dumps(body).encode(), headers={"content-type": "application/json"})


def assert_a_value_or_one_error(call: Callable[[], object]) -> None:
    try:
        found = call()
    except ZohoError as error:
        assert error.hint  # noqa: PT017
        storable(str(error))
        return
    storable(found)


@pytest.mark.parametrize("endpoint", [row for row in [*FLOW, *CRM] if row.name != "bulk_read_result"], ids=str)
@fuzzed(10)
@given(rng=st.randoms(use_true_random=False))
def test_a_spoiled_reply_is_a_value_or_one_error_of_the_tree(endpoint, rng):
    found = sample(endpoint.sample)
    make = flow_client if endpoint in FLOW else crm_client
    client, _ = make(reply(spoiled(found.json, rng), found.status), repeats=1)
    assert_a_value_or_one_error(lambda: endpoint.call(client))


@pytest.mark.parametrize("case", sorted(folder.name for folder in SAMPLES.glob("*-error-*")))
@fuzzed(10)
@given(rng=st.randoms(use_true_random=False))
def test_a_spoiled_error_is_still_one_error_of_the_tree(case, rng):
    found = sample(case)
    flow, _ = flow_client(reply(spoiled(found.json, rng), found.status), repeats=1)
    with pytest.raises(ZohoError) as error:
        flow.list_flows()
    storable(str(error.value))


@fuzzed(200)
@given(status=st.sampled_from([200, 204, 207, 400, 401, 404, 429, 500]), body=st.binary(max_size=300))
def test_any_bytes_are_a_value_or_one_error_of_the_tree(status, body):
    crm, _ = crm_client(httpx.Response(status, content=body), repeats=1)
    assert_a_value_or_one_error(crm.list_workflow_rules)
