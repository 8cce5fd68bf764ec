"""Which record a run was about."""

from __future__ import annotations

from typing import Any

import pytest

from monitor.triage.records import find_path, record_of


def rows(**columns: list[Any]) -> list[dict[str, Any]]:
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


@pytest.mark.parametrize(
    ("samples", "path"),
    [
        (rows(id=["11", "12"], Email=["a@example.com", "b@example.com"]), "id"),
        (rows(Deal_Id=[11, 12], Name=["a", "b"]), "Deal_Id"),
        (rows(dealId=["x1", "x2"], id=["1", "2"]), "id"),
        (rows(data=[{"id": "1"}, {"id": "2"}]), "data.id"),
        (rows(invoice_id=["1", "2"], customer=[{"id": "7"}, {"id": "8"}]), "customer.id"),
        (rows(ID=["1", "2"]), "ID"),
        (rows(appointment_id=["1", "2"]), "appointment_id"),
        (rows(listingId=["1", "2"]), "listingId"),
    ],
)
def test_a_field_whose_name_says_id_is_found(samples: list[dict[str, Any]], path: str) -> None:
    assert find_path(samples) == path


@pytest.mark.parametrize(
    "samples",
    [
        [],
        [None, "text", 3],
        rows(First_Name=["John", "Ada"]),
        rows(event_id=["1", "2"], execution_id=["3", "4"]),
        rows(owner_id=["1", "2"], org_id=["3", "4"], user=[{"id": "5"}, {"id": "6"}]),
        rows(eventId=["1", "2"], ownerID=["3", "4"], Created_By=[{"id": "5"}, {"id": "6"}]),
        rows(id=["1", "1"]),  # one record, or what all of them share
        rows(id=[True, False]),
        rows(paid=["1", "2"], valid=["3", "4"]),
        [{"id": "1"}, {"id": "2"}, {}, {}],
        rows(id=[{"deep": 1}, {"deep": 2}]),
    ],
)
def test_what_may_be_shared_by_records_or_is_new_with_each_event_is_no_record(samples: list[Any]) -> None:
    assert find_path(samples) == ""


def test_a_number_and_its_text_are_one_record() -> None:
    assert record_of({"id": 4150908}, "id") == record_of({"id": " 4150908"}, "id") != ""
    assert record_of({"a": {"id": "x"}}, "a.id") == record_of({"id": "x"}, "id")


@pytest.mark.parametrize("data", [None, [], {}, {"id": None}, {"id": ""}, {"id": []}, {"id": True}, {"id": "9" * 500}])
def test_where_there_is_no_id_there_is_no_record(data: Any) -> None:
    assert record_of(data, "id") == ""


def test_two_records_differ() -> None:
    assert record_of({"id": "1"}, "id") != record_of({"id": "2"}, "id")
