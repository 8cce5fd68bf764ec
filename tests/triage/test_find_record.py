"""Which record a run was about."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from monitor.triage.find_record import find_path, record_of


def rows(**columns: list[Any]) -> list[dict[str, Any]]:
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


FEW, MANY = [str(n) for n in range(2)], [str(n) for n in range(10)]
NAMED = [{"id": one, "name": "x"} for one in MANY]  # another record that is referred to
WHOLE = [{"id": one, "amount": 5, "stage": "new"} for one in MANY]


@pytest.mark.parametrize(
    ("samples", "path"),
    [
        (rows(id=FEW, Email=["a@example.com", "b@example.com"]), "id"),
        (rows(dealId=["x1", "x2"], id=FEW), "id"),
        (rows(data=[{"id": "1"}, {"id": "2"}]), "data.id"),
        (rows(record_id=FEW), "record_id"),
        (rows(ID=FEW), "ID"),
        (rows(Deal_Id=[*range(10)], Name=MANY), "Deal_Id"),
        (rows(invoice_id=MANY, customer=NAMED), "invoice_id"),
        (rows(invoice_id=MANY, booking=WHOLE), "invoice_id"),
        (rows(id=MANY, invoice_id=MANY), "id"),
        (rows(appointment_id=MANY), "appointment_id"),
        (rows(listingId=MANY), "listingId"),
        (rows(deal=WHOLE), "deal.id"),
        (rows(data=[{"Contact_Id": one} for one in MANY]), "data.Contact_Id"),
        (rows(id=["1", "1", "2", "2", "3", "3"], n=[*range(6)]), "id"),  # a record is changed more than once
        (rows(Deal_Id=[*MANY, *MANY]), "Deal_Id"),  # the same data again is the same run again
    ],
)
def test_a_field_whose_name_says_id_is_found(samples: list[dict[str, Any]], path: str) -> None:
    assert find_path(samples) == path


@pytest.mark.parametrize(
    "samples",
    [
        [],
        [None, "text", 3],
        rows(First_Name=MANY),
        rows(event_id=MANY, execution_id=MANY),
        rows(owner_id=MANY, org_id=MANY, user=NAMED),
        rows(eventId=MANY, ownerID=MANY, Created_By=NAMED),
        rows(id=["1", "1"]),  # one record, or what all of them share
        rows(id=[True, False]),
        rows(paid=MANY, valid=MANY),
        [{"id": "1"}, {"id": "2"}, {}, {"n": 1}],
        rows(id=[{"deep": 1}, {"deep": 2}]),
        rows(Deal_Id=[11, 12]),  # too few to tell whether they are different in each run
        rows(Deal_Id=[1, 1, 1, 2, 3, 4, 5, 6, 7, 8], n=MANY),  # seven deals of ten orders
        rows(id=["DE", *["FR"] * 9], n=MANY),
        rows(deal_id=MANY, ticket_id=MANY),  # one is as good as the other
        rows(id=MANY, data=[{"id": one} for one in reversed(MANY)]),
        rows(Deal=NAMED, Contact=WHOLE, amount=MANY),  # what a record refers to is not the record
    ],
)
def test_what_may_be_shared_by_records_or_is_new_with_each_event_is_no_record(samples: list[Any]) -> None:
    assert find_path(samples) == ""


@pytest.mark.parametrize(
    "key",
    [
        "Deal_Owner", "Last_Modified_By", "Assigned_To", "dealOwner", "zoho_org", "crm_event", "salesRep", "Customers",
        "Account", "vendor", "lineItem", "product category", "billing-customer", "Trigger", "客户",
    ],
)  # fmt: skip
def test_a_word_anywhere_in_a_path_rules_it_out(key: str) -> None:
    """Also as a field of its own, in a wrapper, and beside other things of what it names."""
    assert find_path([{key: one} for one in WHOLE]) == ""
    assert find_path([{"data": {key: one}} for one in WHOLE]) == ""
    for name in (f"{key}_id", f"{key} Id", f"{key}Id"):
        assert find_path([{name: one} for one in MANY]) == ""


def test_a_number_and_its_text_are_one_record() -> None:
    assert record_of({"id": 4150908}, "id") == record_of({"id": " 4150908"}, "id") != ""


def test_an_id_of_another_field_is_another_record() -> None:
    assert "" != record_of({"a": {"id": "x"}}, "a.id") != record_of({"id": "x"}, "id") != ""


@pytest.mark.parametrize("data", [None, [], {}, {"id": None}, {"id": ""}, {"id": []}, {"id": True}, {"id": "9" * 500}])
def test_where_there_is_no_id_there_is_no_record(data: Any) -> None:
    assert record_of(data, "id") == ""


def test_a_short_id_cannot_be_found_from_its_digest_without_the_key(settings: Any) -> None:
    found = record_of({"id": "336"}, "id")
    plain = [hashlib.sha256(text).hexdigest() for text in (b"336", b"id\x00336", b"record\x00id\x00336")]
    assert found not in plain
    settings.SECRET_KEY = "another key of thirty-two characters or more"
    assert record_of({"id": "336"}, "id") not in ("", found)


def test_two_records_differ() -> None:
    assert record_of({"id": "1"}, "id") != record_of({"id": "2"}, "id")
