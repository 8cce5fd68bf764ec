"""Stored row and reply: what is written."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.ingest.base.retry_times import hole_recheck
from monitor.ingest.lists.rule_usage import usage_is_due
from monitor.ingest.runs.counters import Balance, Baseline, Counters, Rows, balance, baseline_of, hole_text, were_reset
from monitor.ingest.runs.merge import COPIED, GIVE_UP_AFTER, NEW_COLUMNS, Stored, merge, new_values, recheck_at
from monitor.zoho.shapes.executions import ExecutionRow, execution_row

START = "2026-11-22T11:00:00Z"


def reply(status: str = "success", ended: str | None = "2026-11-22T11:00:02Z", **fields: Any) -> ExecutionRow:
    record = {
        "execution_id": "1",
        "status": status,
        "started_time": START,
        "completed_time": ended,
        "duration_ms": 2000,
    }
    return execution_row(record | fields)


FAILED = {"error": {"code": "ACTION_FAILED", "message": "no", "details": "why", "action_id": "7"}}


def stored(row: ExecutionRow, now: datetime) -> Stored:
    values = dict(zip(NEW_COLUMNS, new_values(row, now), strict=True))
    copied = {name: values[name] for name in COPIED}
    return Stored(row.status, str(values["first_status"]), 0, values["first_failed_at"], copied)  # type: ignore[arg-type]


def test_the_same_answer_again_changes_nothing(now: datetime) -> None:
    row = reply(trigger_data={"n": 1, "list": [1.5, None, True]})

    assert merge(stored(row, now), row, now) == {}


def test_a_final_row_never_goes_back_to_running(now: datetime) -> None:
    assert merge(stored(reply("success"), now), reply("running", None), now) == {}
    assert merge(stored(reply("failed"), now), reply("running", None), now) == {}


def test_a_failed_run_that_succeeds_later_keeps_what_it_was_first(now: datetime) -> None:
    have = stored(reply("failed", **FAILED), now)

    changes = merge(have, reply("success", "2026-11-22T11:05:02Z"), now)

    assert changes["status"] == "success"
    assert changes["rerun_count"] == 1
    assert changes["error_code"] == changes["error_message"] == changes["error_details"] == ""
    assert "first_status" not in changes
    assert "first_failed_at" not in changes


def test_a_success_that_carries_an_error_is_settled_at_once(now: datetime) -> None:
    have = stored(reply("failed", **FAILED), now)
    odd = reply("success", "2026-11-22T11:05:02Z", error={"code": "PARTLY"})

    assert merge(have, odd, now)["error_code"] == "PARTLY"


@pytest.mark.parametrize("ended", ["2026-11-22T11:00:01Z", "2026-11-22T11:00:02Z"])
def test_an_older_failure_does_not_undo_a_success(now: datetime, ended: str) -> None:
    assert merge(stored(reply("success"), now), reply("failed", ended, **FAILED), now) == {}


def test_a_shorter_answer_erases_nothing(now: datetime) -> None:
    have = stored(reply(trigger_data={"a": 1}), now)

    assert merge(have, reply(duration_ms=None), now) == {}


def test_true_is_not_the_number_one(now: datetime) -> None:
    have = stored(reply(trigger_data={"a": True}), now)

    assert merge(have, reply(trigger_data={"a": 1}), now) == {"trigger_data": {"a": 1}}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


def as_postgres_gives_it_back(value: Any) -> Any:
    """jsonb holds numbers as numeric: what is whole comes back without a point or an exponent."""
    if isinstance(value, dict):
        return {key: as_postgres_gives_it_back(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_postgres_gives_it_back(item) for item in value]
    if isinstance(value, float) and abs(value) >= 1e16:
        return int(f"{value!r}".split("e")[0].replace(".", "")) * 10 ** (
            int(f"{value!r}".split("e")[1]) - len(f"{value!r}".split("e")[0].partition(".")[2])
        )
    return value


@given(JSON)
def test_json_that_a_database_wrote_in_its_own_way_is_the_same(value: Any) -> None:
    now = datetime.fromisoformat("2026-11-22T12:00:00+00:00")
    row = reply(trigger_data={"v": value})
    have = stored(row, now)
    back = dict(have.values) | {"trigger_data": as_postgres_gives_it_back(row.trigger_data)}

    assert merge(Stored("success", "success", 0, None, back), row, now) == {}


def test_a_row_is_asked_for_soon_while_young_then_seldom_and_at_last_never(now: datetime) -> None:
    waits = [
        (recheck_at("running", now - timedelta(seconds=age), now) or now) - now for age in (5, 60, 600, 36_000, 250_000)
    ]

    assert [wait.total_seconds() for wait in waits] == [60, 60, 600, 21_600, 21_600]
    assert recheck_at("running", now - GIVE_UP_AFTER - timedelta(seconds=1), now) is None
    assert recheck_at("success", now, now) is None
    assert recheck_at("running", None, now) == now + timedelta(hours=6)


COUNTS = st.integers(0, 10**6)


@given(COUNTS, COUNTS, COUNTS, COUNTS)
def test_the_baseline_makes_the_balance_even(good: int, bad: int, rows_good: int, rows_bad: int) -> None:
    counters = Counters(good + bad, good, bad)
    rows = Rows(rows_good + rows_bad, rows_good, rows_bad)

    found = balance(counters, baseline_of(counters, rows), rows)

    assert found is not None
    assert found.even


def test_a_balance_speaks_of_what_is_missing_here() -> None:
    base = Baseline(10, 8, 2)

    assert balance(Counters(16, 12, 4), base, Rows(5, 4, 1)) == Balance(1, 0, 1)
    assert not Balance(0, 1, -1).accounted, "a failed run has succeeded and was not seen"
    assert Balance(-2, -1, -1).accounted, "runs came after the counters were read"
    assert balance(Counters(None, 12, 4), base, Rows(5, 4, 1)) is None
    assert hole_text(Balance(2, 1, 1)) == "Zoho counts 2 more runs than it lists"
    assert hole_text(Balance(0, 1, -1)) == "Zoho counts +1 successes and -1 failures against what it lists"


def test_only_failures_may_fall_without_a_reset() -> None:
    read = Counters(100, 90, 10)

    assert were_reset(Counters(50, 90, 10), read)
    assert were_reset(Counters(100, 5, 0), read)
    assert not were_reset(Counters(100, 95, 5), read)
    assert not were_reset(Counters(None, None, None), read)


def test_a_usage_report_is_due_when_the_rule_ran_or_a_day_went_by(now: datetime) -> None:
    ran = now - timedelta(hours=3)

    assert usage_is_due(ran, None, None, now)
    assert usage_is_due(ran, ran - timedelta(hours=1), now, now)
    assert usage_is_due(ran, ran, now - timedelta(hours=24), now)
    assert not usage_is_due(ran, ran, now - timedelta(hours=23), now)


def test_a_hole_is_looked_at_after_five_minutes_doubling_to_six_hours(now: datetime) -> None:
    minutes = [(hole_recheck(tries, now) - now).total_seconds() / 60 for tries in (0, 1, 2, 6, 7, 100)]

    assert minutes == [5, 10, 20, 320, 360, 360]
