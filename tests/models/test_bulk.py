"""Many rows at once, the same on both databases."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import DataError, IntegrityError, connection, transaction

from monitor.models import DayBucket, Execution, Flow, HourBucket
from monitor.models.bulk import among, delete, insert, insert_new, upsert
from tests import factories
from tests.bystander import own

pytestmark = pytest.mark.django_db


COLUMNS = (
    *("execution_id", "status", "started_time", "trigger_data", "duration_ms", "error_code", "error_message"),
    *("first_seen_at", "changed_at"),
)


def a_row(execution_id: str, **values: Any) -> tuple[Any, ...]:
    """Values of `COLUMNS`."""
    usual = {
        "execution_id": execution_id,
        "status": "success",
        "started_time": factories.NOON,
        "trigger_data": None,
        "duration_ms": None,
        "error_code": "",
        "error_message": "",
        "first_seen_at": factories.NOON,
        "changed_at": factories.NOON,
    }
    return tuple((usual | values)[name] for name in COLUMNS)


def of(flow: Flow) -> dict[str, Any]:
    return {"account_id": flow.account_id, "flow_id": flow.pk}


def test_what_goes_in_comes_out_as_the_orm_would_have_stored_it() -> None:
    flow = factories.make_flow()
    data = {"name": "Zoë\tTab\\n", "list": [1, 1.5, None, True], "quote": "'\""}
    at = datetime(2026, 3, 29, 1, 59, 59, 123456, tzinfo=UTC)

    rows = [a_row("1", trigger_data=data, started_time=at, duration_ms=1), a_row("2", duration_ms=-5)]
    insert(Execution, COLUMNS, rows, of(flow))

    first, second = own(Execution).order_by("execution_id")
    assert (first.trigger_data, first.started_time) == (data, at)
    assert (first.error_details, first.rerun_count, first.recheck_at) == ("", 0, None)  # defaults of what was not given
    assert (second.trigger_data, second.duration_ms, second.started_time) == (None, -5, factories.NOON)
    assert own(Execution).filter(trigger_data__isnull=True).count() == 1


def test_a_row_that_is_there_stops_the_plain_way_and_is_left_alone_by_the_careful_one() -> None:
    flow = factories.make_flow()
    insert(Execution, COLUMNS, [a_row("1")], of(flow))
    again = [a_row("1", status="failed"), a_row("2")]

    with pytest.raises(IntegrityError), transaction.atomic():
        insert(Execution, COLUMNS, again, of(flow))
    assert insert_new(Execution, COLUMNS, again, of(flow)) == 1

    assert dict(own(Execution).values_list("execution_id", "status")) == {"1": "success", "2": "success"}


def test_an_upsert_sets_what_is_there_and_inserts_the_rest() -> None:
    flow = factories.make_flow()
    HourBucket.objects.create(flow=flow, hour=factories.NOON, failed=7, durations=[1], errors={"data": 7})
    later = factories.NOON.replace(hour=13)

    upsert(
        HourBucket,
        ("flow_id", "hour", "succeeded", "durations", "errors"),
        [(flow.pk, hour, 2, [0, 3], {}) for hour in (factories.NOON, later)],
        ["flow_id", "hour"],
    )

    first, second = own(HourBucket).order_by("hour")
    assert (first.succeeded, first.durations, first.errors) == (2, [0, 3], {})
    assert (second.hour, second.succeeded, second.failed) == (later, 2, 0)


def test_a_day_is_stored_as_a_day() -> None:
    flow = factories.make_flow()
    upsert(DayBucket, ("flow_id", "day", "failed"), [(flow.pk, date(2026, 11, 22), 1)], ["flow_id", "day"])
    assert own(DayBucket).get(day=date(2026, 11, 22)).failed == 1


@pytest.mark.parametrize("values", [{"error_code": "x" * 201}, {"error_message": "a\0b"}])
def test_postgresql_says_which_values_it_does_not_take(values: dict[str, Any]) -> None:
    if connection.vendor != "postgresql":
        values = {"duration_ms": 2**63}  # SQLite keeps those and refuses this
    with pytest.raises((DataError, ValueError, OverflowError)), transaction.atomic():
        insert(Execution, COLUMNS, [a_row("1", **values)], of(factories.make_flow()))


@pytest.mark.parametrize("data", [{"half": "\ud800"}, {"large": float("inf"), "n": 2**70}])
def test_what_is_no_json_text_is_an_error_of_value_and_nothing_goes_in(data: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"Out of range|surrogates"), transaction.atomic():
        insert(Execution, COLUMNS, [a_row("1"), a_row("2", trigger_data=data)], of(factories.make_flow()))
    assert not own(Execution).exists()


def test_whole_numbers_of_any_length_go_in_and_come_out_with_every_digit() -> None:
    data = {"account": 2**64 - 1, "below": -(10**22), "long": 10**999 + 7, "é": ["ü", 1.5, True, None]}
    insert(Execution, COLUMNS, [a_row("1", trigger_data=data)], of(factories.make_flow()))
    assert own(Execution).get().trigger_data == data


def test_only_rows_that_the_condition_is_true_of_are_deleted() -> None:
    flow = factories.make_flow()
    keys = [factories.make_execution(flow, status).pk for status in ("failed", "success", "failed")]

    assert delete(Execution, keys[:2], "status = %s", "failed") == 1

    assert set(own(Execution).values_list("pk", flat=True)) == set(keys[1:])


def test_a_condition_has_one_parameter_however_many_values_there_are() -> None:
    condition, parameter = among("execution_id", [str(number) for number in range(50_000)])
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {Execution._meta.db_table} WHERE {condition}", [parameter])  # noqa: S608
        assert cursor.fetchone() == (0,)


def test_rows_of_different_lengths_are_a_fault_of_ours() -> None:
    with pytest.raises(ValueError, match="shorter"):
        insert(Execution, COLUMNS, [a_row("1"), a_row("2")[:-1]], of(factories.make_flow()))
