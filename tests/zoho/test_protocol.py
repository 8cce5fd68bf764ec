"""Requests and answers, without I/O."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.zoho import BadAnswer
from monitor.zoho.errors import TornAnswer
from monitor.zoho.protocol import Headers, Request, build_url, form_body, json_body, redact, utc_text

from .helpers import TOKEN, answer, fuzzed


def test_an_address_is_built_from_quoted_parts():
    url = build_url("https://h", "api", "v1", "flows", "a/b c", params={"page": 1, "x": None, "on": True, "q": "ä&="})
    assert url == "https://h/api/v1/flows/a%2Fb%20c?page=1&on=true&q=%C3%A4%26%3D"


@pytest.mark.parametrize("segment", ["", " ", ".", ".."])
def test_a_part_that_would_change_the_path_is_refused(segment):
    with pytest.raises(ValueError, match="not a usable id"):
        build_url("https://h", "flows", segment)


def test_a_time_is_sent_as_utc_to_the_second():
    kolkata = timezone(timedelta(hours=5, minutes=30))
    assert utc_text(datetime(2026, 3, 1, 1, 2, 3, 999, tzinfo=kolkata)) == "2026-02-28T19:32:03Z"
    with pytest.raises(ValueError, match="without zone"):
        utc_text(datetime(2026, 3, 1))  # noqa: DTZ001


def test_bodies_leave_out_what_is_none():
    assert form_body({"a": "1&2", "b": None}) == b"a=1%262"
    assert json_body({"a": "ä"}) == b'{"a":"\\u00e4"}'


def test_nothing_secret_is_in_the_repr_of_a_request_or_answer():
    request = Request("GET", f"https://flow.zoho.com/x?token={TOKEN}", {"Authorization": TOKEN}, TOKEN.encode())
    reply = answer(body={"access_token": TOKEN}, headers={"set-cookie": TOKEN})
    for shown in (repr(request), request.where, repr(reply), repr(reply.headers)):
        assert TOKEN not in shown
    assert request.where == "GET flow.zoho.com/x"


def test_headers_are_found_in_any_case_and_joined():
    headers = Headers([("X-A", "1"), ("x-a", "2"), ("Date", "x")])
    assert headers["X-a"] == "1, 2"
    assert headers.get("nothing") is None
    assert dict(headers) == {"x-a": "1, 2", "date": "x"}
    assert len(headers) == 2


def test_the_servers_clock_is_read_as_utc():
    assert answer(headers={"date": "Sun, 01 Mar 2026 12:00:00 GMT"}).server_date == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert answer(headers={"date": "Sun, 01 Mar 2026 12:00:00 +0530"}).server_date == datetime(
        2026, 3, 1, 6, 30, tzinfo=UTC
    )
    for bad in ("", "yesterday", "Sun, 99 Mar 2026 12:00:00 GMT"):
        assert answer(headers={"date": bad}).server_date is None


def test_json_is_read_with_a_bom_and_without_a_type():
    assert answer(body=b'\xef\xbb\xbf{"a": 1}').json == {"a": 1}
    assert answer(body=b'{"a": 1}', headers={"content-type": ""}).json == {"a": 1}
    assert answer(204).json is None


def test_numbers_that_no_type_holds_keep_every_digit():
    body = b'{"a": NaN, "b": -Infinity, "c": 1e999, "d": 9223372036854775808, "e": ' + b"9" * 5000 + b', "f": 1.5}'
    found = {"a": "NaN", "b": "-Infinity", "c": "1e999", "d": 9223372036854775808, "e": "9" * 5000, "f": 1.5}
    assert answer(body=body).json == found


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", TornAnswer),
        (b'{"a": 1', TornAnswer),
        (b'{"a": "\xff"}', TornAnswer),
        ('{"a": 1}'.encode("utf-16"), TornAnswer),
        (b"<!DOCTYPE html><html></html>", BadAnswer),
        (b"  \n<html>", BadAnswer),
        (b"[" * 100_000, BadAnswer),
    ],
)
def test_what_is_not_json_is_a_bad_answer(body, kind):
    with pytest.raises(kind) as error:
        _ = answer(body=body).json
    assert type(error.value) is kind


def test_another_type_than_json_is_a_bad_answer_and_json_in_it_is_called_json():
    with pytest.raises(BadAnswer, match="JSON that calls itself text/plain"):
        _ = answer(body=b'{"a": 1}', headers={"content-type": "text/plain"}).json
    with pytest.raises(BadAnswer, match="JSON that calls itself text/html"):
        _ = answer(body=b"{}", headers={"content-type": "text/html"}).json
    with pytest.raises(BadAnswer, match="an HTML page instead of JSON"):
        _ = answer(body=b"hello", headers={"content-type": "text/html"}).json


@fuzzed()
@given(st.binary(max_size=200))
def test_any_body_is_json_or_a_bad_answer(body):
    reply = answer(body=body)
    try:
        found = reply.json
    except BadAnswer:
        assert reply.any_json is None
    else:
        assert reply.any_json == found


@pytest.mark.parametrize(
    "told",
    [
        f"bad token {TOKEN}",
        f"Authorization: Zoho-oauthtoken {TOKEN}",
        "refresh_token=hunter2secret",
        '"client_secret": "hunter2secret"',
        "see https://x/?zapikey=hunter2secret&y=1",
        "plain hunter2secret",
    ],
)
def test_a_message_of_zohos_loses_its_secrets(told):
    shown = redact(told, "hunter2secret")
    assert "hunter2" not in shown
    assert "f00d" not in shown
    assert "hunter2" not in redact(told.replace("plain hunter2secret", ""))


def test_a_message_is_one_short_line():
    assert redact("a\nb\0 " + "x" * 999) == "a b " + "x" * 296
