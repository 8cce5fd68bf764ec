"""Names of a run's own data are hidden in what is said of that run, wherever that is shown."""

from __future__ import annotations

import json
import time
from itertools import product
from string import ascii_lowercase
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.privacy import HIDDEN, mask_text, searchable
from monitor.privacy_people import LONGEST_NAME, MOST_SAID, hide_names, names_in, names_of

LAST = [f"{one}{other}" for one in "abcdef" for other in "ghijk"]
SAID = "Contact Quilla Zorn not found"


def shown(text: str, data: Any) -> str:
    return mask_text(text, people=names_in([mask_text(text)], data))


@pytest.mark.parametrize(
    "data",
    [
        {"Full_Name": "Quilla Zorn"},
        {"Last_Name": "Zorn", "First_Name": "Quilla"},
        {"name": "Quilla Zorn"},
        {"name": "Zorn, Quilla"},
        {"contact": "Quilla Zorn"},
        {"contact": {"first": {"name": "Quilla"}, "last": {"name": "Zorn"}}},
        {"field_7": "Quilla Zorn"},
        {"a": {"b": [{"c": [["deep", {"x9": "Quilla Zorn"}]]}]}},
        {"fields": [{"label": "Last name", "value": "Zorn"}, {"label": "First name", "value": "Quilla"}]},
        {"answers": [["Surname", "Zorn"], ["First name", "Quilla"]]},
        {"payload": json.dumps({"customer": {"Name": "Quilla Zorn"}})},
        {"full_name": "quilla zorn"},
        {"FULL_NAME": "QUILLA ZORN"},
        {"attendees": ["Ann Smith", "Quilla Zorn"]},
        [{"owner": {"name": "Quilla Zorn"}}],
        {"name": "  Quilla \n Zorn "},
    ],
)
def test_a_name_of_the_data_is_hidden_in_what_is_said(data: Any) -> None:
    text = shown(SAID, data)
    assert "quilla" not in text.lower()
    assert "zorn" not in text.lower()
    assert text.startswith("Contact [hidden]")
    assert text.endswith("not found")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no contact zorn", "no contact [hidden]"),
        ("QUILLA  ZORN?", "[hidden]?"),
        ("Quilla's record", "[hidden]'s record"),
        ("(Zorn)", "([hidden])"),
        ("quilla_zorn exists", "[hidden]_[hidden] exists"),
        ("Zornig and Zornow stay", "Zornig and Zornow stay"),
        ('{"message": "Quilla Zorn twice"}', '{"message": "[hidden] twice"}'),
        ("Mail zorn@example.com", "Mail [e-mail]"),
    ],
)
def test_however_it_is_written(text: str, expected: str) -> None:
    assert shown(text, {"name": "Quilla Zorn"}) == expected


@pytest.mark.parametrize(
    ("data", "text"),
    [({"name": "Zoë Łukasz"}, "Zoë Łukasz is gone"), ({"name": "山田太郎"}, "連絡先山田太郎が見つかりません"),
     ({"name": "Ольга Зорина"}, "Ольга Зорина: нет"), ({"vorname": "Jürgen"}, "Jürgen fehlt"),
     ({"name": "Ann-Marie O'Neil"}, "by Ann-Marie O'Neil."),
     ({"note": {"name": "Zo\u00eb"}}, '{"m": "Zo\\u00eb is gone"}')],
)  # fmt: skip
def test_names_in_other_letters_are_hidden_too(data: dict[str, Any], text: str) -> None:
    assert HIDDEN in shown(text, data)
    for name in names_of(data):
        assert name not in shown(text, data)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"name": "Contact"}, "Contact not found"),
        ({"name": "Lead"}, "Lead is a duplicate record"),
        ({"name": "Al"}, "Al dente"),
        ({"Deal_Stage": "Closed Won"}, "Closed Won is no stage"),
        ({"flow_name": "Lead Sync"}, "Lead Sync failed"),
        ({"event": "Contact Created"}, "Contact Created is unknown"),
        ({"subject": "Order Confirmation"}, "Order Confirmation is too long"),
        ({"amount": 7, "paid": True, "note": None}, "7 of True None"),
        ({"name": "2026-11-22"}, "on 2026-11-22"),
        ({"id": "12345000000567891"}, "id 12345000000567891 is unknown"),
        ({"comment": "please call me back soon"}, "please call me back soon"),
        ({"name": "x" * (LONGEST_NAME + 1)}, "y"),
        (None, "Contact Quilla Zorn"),
        ("Quilla", "Quilla"),
    ],
)
def test_what_is_no_name_stays_readable(data: Any, text: str) -> None:
    assert shown(text, data) == mask_text(text)


def test_names_that_were_found_stay_hidden_when_the_data_is_gone() -> None:
    known = names_in([SAID], {"name": "Quilla Zorn"})
    assert known == ["Quilla Zorn", "Quilla", "Zorn"]
    assert names_in([SAID], None, known) == known
    assert names_in(["Contact Zorn"], None, known) == ["Zorn"]
    assert names_in([], {"name": "Quilla Zorn"}, known) == []


def test_a_search_finds_no_name() -> None:
    assert searchable(SAID, people=["Quilla Zorn"]) == "contact [hidden] not found"


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=30),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
        max_leaves=15,
    ),
    st.text(max_size=80),
)
def test_any_data_and_any_text_are_borne(data: Any, text: str) -> None:
    names = names_in([text], data)
    assert names_in([hide_names(text, names, HIDDEN)], None, names) == []
    for name in names_of(data):
        assert "\n" not in name


def test_a_text_that_is_full_of_names_goes_as_a_whole() -> None:
    people = [f"{first}{last}" for first in ("Quil", "Zorn", "Marl", "Tess") for last in LAST]
    text = " and ".join(people)
    assert shown(text, {"rows": [{"name": person} for person in people[:MOST_SAID]]}).count(HIDDEN) == MOST_SAID
    assert shown(text, {"rows": [{"name": person} for person in people]}) == HIDDEN


@pytest.mark.parametrize("near", ["{}", "x{}x"], ids=["names", "parts of longer words"])
def test_a_run_with_thousands_of_names_and_a_text_full_of_them_costs_little(near: str) -> None:
    people = ["Zorn" + "".join(end) for end in product(ascii_lowercase, ascii_lowercase, "xyz")]
    text = " ".join(near.format(person) for person in people) * 10
    began = time.process_time()
    shown(text, {"rows": [{"name": person} for person in people]})
    assert time.process_time() - began < 5
