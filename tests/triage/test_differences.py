"""What the failed runs have in common that good ones do not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.triage.differences import ABSENT, FEWEST, MOST_TOLD, differences, fields_of
from tests.depth import tried


def runs(count: int, **fields: str) -> list[dict[tuple[str, ...], str]]:
    return [{(name,): value for name, value in fields.items()} for _ in range(count)]


def test_the_value_that_all_failed_runs_have_and_few_good_ones_is_told_with_its_counts() -> None:
    failed = runs(14, country="DE", size="big") + runs(1, country="FR", size="small")
    good = runs(60, country="FR", size="small") + runs(5, country="DE", size="big")
    first = differences(failed, good)[0]
    assert (first.value, first.failed, first.of_failed, first.good, first.of_good) == ("DE", 14, 15, 5, 65)
    assert first.lift == pytest.approx((14 / 15) / (5 / 65))


def test_what_is_missing_is_a_difference_too() -> None:
    found = differences(runs(20, name="x"), runs(40, name="x", tax="VAT 19"))
    assert [(one.field, one.value, one.good) for one in found] == [("tax", ABSENT, 0)]


def test_where_nothing_differs_or_too_few_can_tell_it_is_silent() -> None:
    assert differences(runs(50, country="DE"), runs(50, country="DE")) == []
    assert differences(runs(FEWEST - 1, country="DE"), runs(50, country="FR")) == []
    assert differences(runs(50, country="DE"), runs(FEWEST - 1, country="FR")) == []
    assert (
        differences(runs(6, country="DE") + runs(4, country="FR"), runs(50, country="DE") + runs(50, country="FR"))
        == []
    )


def test_ids_explain_nothing() -> None:
    failed = [{("id",): str(n)} for n in range(100)]
    good = [{("id",): str(n)} for n in range(100, 200)]
    assert differences(failed, good) == []


def test_the_most_telling_come_first_and_no_more_than_a_few() -> None:
    failed = [dict.fromkeys(((f"f{n}",) for n in range(20)), "bad") for _ in range(30)]
    good = [{(f"f{n}",): "bad" if run < n else "fine" for n in range(20)} for run in range(60)]
    found = differences(failed, good)
    assert [one.field for one in found][:2] == ["f0", "f1"]
    assert len(found) == MOST_TOLD


@pytest.mark.parametrize(
    ("data", "fields"),
    [
        (None, {}),
        ([1, 2], {}),
        ({"a": 1, "b": True, "c": None, "d": ""}, {("a",): "1", ("b",): "true", ("c",): "null", ("d",): "(empty)"}),
        ({"a": {"b": {"c": {"d": 1}}}, "list": [1]}, {}),
        ({"a": {"b": {"c": "x"}}}, {("a", "b", "c"): "x"}),
        ({"a.b": "x", "a": {"b": "y"}}, {("a.b",): "x", ("a", "b"): "y"}),
        ({"long": "y" * 500}, {("long",): "y" * 500}),
    ],
)
def test_a_run_is_described_by_plain_values(data: Any, fields: dict[tuple[str, ...], str]) -> None:
    assert fields_of(data) == {("trigger", *path): value for path, value in fields.items()}


def test_further_fields_stand_beside_them_and_empty_ones_are_left_out() -> None:
    assert fields_of({"a": "x"}, hour="9", version="") == {("hour",): "9", ("trigger", "a"): "x"}


@tried(quick=40, deep=1000)
@given(
    share=st.floats(0, 1), failed=st.integers(0, 60), good=st.integers(0, 60), seed=st.randoms(use_true_random=False)
)
def test_a_difference_is_never_told_the_wrong_way_round(share: float, failed: int, good: int, seed: Any) -> None:
    def some(count: int) -> list[dict[tuple[str, ...], str]]:
        return [{("country",): "DE" if seed.random() < share else "FR"} for _ in range(count)]

    for one in differences(some(failed), some(good)):
        assert one.failed / one.of_failed > one.good / one.of_good
        assert one.lift > 1
