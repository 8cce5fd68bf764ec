"""Numbers of JSON keep every digit, from the wire to the page."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from monitor.exact_numbers import ExactNumber, decoder, read_fraction, read_whole
from monitor.models import Execution, User
from monitor.privacy import mask
from monitor.retry.lost_answer import payload_hash
from monitor.zoho import clean
from monitor.zoho.protocol import parse_json
from tests.factories import make_execution, make_flow

EXACT = [
    "18446744073709551615", "-9223372036854775809", "12345678901234567890123", "3.14159265358979323846",
    "123456789.123456789", "1e400", "1e22",
    "20000000000000000.0", "-1.5E-400", "0.1000000000000000055511151231257827", "9007199254740993.0",
]  # fmt: skip
NUMBER = st.from_regex(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,4})?", fullmatch=True)


@given(NUMBER)
def test_any_number_is_the_one_that_was_written(digits: str) -> None:
    for text in (digits, f'{{"at": [{digits}]}}'):
        read = parse_json(text.encode())
        value = read["at"][0] if isinstance(read, dict) else read
        assert Decimal(str(value)) == Decimal(digits)
    assert json.loads(json.dumps(clean.json_value(value)), parse_float=str) in (value, str(value))


@pytest.mark.parametrize("digits", EXACT)
def test_every_digit_is_there_after_cleaning_and_masking(digits: str) -> None:
    data = clean.mapping(parse_json(f'{{"order": {{"number": {digits}}}}}'.encode()))
    assert digits in json.dumps(data)
    assert digits in json.dumps(mask(data))
    inside = json.dumps({"payload": f'{{"number": {digits}, "Email": "x@example.com"}}'})
    shown = json.dumps(mask(json.loads(inside)))
    assert digits in shown
    assert "x@example.com" not in shown


@pytest.mark.parametrize("digits", EXACT)
def test_a_page_shows_the_number_of_the_trigger_data_as_it_came(digits: str, vera: User, client: Client) -> None:
    data = clean.mapping(parse_json(f'{{"number": {digits}}}'.encode()))
    run = make_execution(make_flow(), Execution.Status.FAILED, trigger_data=data)
    client.force_login(vera)
    assert digits in client.get(f"/executions/{run.pk}/").content.decode()


@pytest.mark.parametrize(
    "digits", [*EXACT, "0.1", "12.50", "1e5", "1e15", "5e-324", "1E-7", "9999999999999998.0", "0.0"]
)
@pytest.mark.django_db
def test_what_is_stored_is_what_came_and_counts_as_the_same_work(digits: str) -> None:
    data = clean.mapping(parse_json(f'{{"number": {digits}, "rows": [{digits}]}}'.encode()))
    run = make_execution(make_flow(), Execution.Status.FAILED, trigger_data=data)
    run.refresh_from_db()
    assert run.trigger_data == data
    assert payload_hash(run.trigger_data) == payload_hash(data)


def test_a_number_that_is_longer_than_anything_is_shown_as_cut() -> None:
    assert read_whole("9" * 1_000) == 10**1_000 - 1
    assert read_whole("9" * 1_001) == "9" * 1_001
    assert read_whole("9" * 30_000) == "9" * 19_999 + "…"
    assert read_fraction("0." + "1" * 30_000) == "0." + "1" * 19_997 + "…"


def test_a_float_that_is_the_number_stays_one() -> None:
    for digits, value in (("0.1", 0.1), ("12.50", 12.5), ("1e5", 100_000.0), ("0e9", 0.0), ("5e-324", 5e-324)):
        assert type(read_fraction(digits)) is float
        assert read_fraction(digits) == value
    assert type(read_fraction("1e-324")) is type(read_fraction("1e" + "9" * 40)) is ExactNumber


def test_what_json_does_not_know_stays_text() -> None:
    assert decoder().decode("[NaN, Infinity, -Infinity]") == ["NaN", "Infinity", "-Infinity"]
