"""What only Zoho understands is passed back to the letter."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.zoho.shapes.channels import watch_channel

from .helpers import crm_client, fuzzed

TOKENS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=900)


def asked_for(token: object) -> tuple[str | None, str]:
    """What the client made of a page token, and what Zoho got when it was passed back."""
    first = httpx.Response(200, json={"data": [{"id": "1"}], "info": {"more_records": True, "next_page_token": token}})
    crm, script = crm_client(first, httpx.Response(204))
    found = crm.list_records("Leads", ["id"]).next_page_token
    crm.list_records("Leads", ["id"], page_token=found)
    query = parse_qs(urlsplit(script.paths[1]).query, keep_blank_values=True)
    return found, query.get("page_token", [""])[0]


@pytest.mark.parametrize("token", ["c8582xx9e7c7" * 60, " two  blanks ", "a+b/c==", "%2B&x=1#y", "ключ", "\ttab\n"])
def test_a_page_token_goes_back_as_it_came(token: str) -> None:
    assert asked_for(token) == (token, token)


@fuzzed()
@given(TOKENS)
def test_any_page_token_goes_back_as_it_came(token: str) -> None:
    assert asked_for(token) == (token, token)


def test_a_page_token_that_is_a_number_keeps_its_digits() -> None:
    assert asked_for(2**80) == (str(2**80), str(2**80))


def test_a_channel_keeps_its_secret_and_address_to_the_letter() -> None:
    secret, address = "s  " + "x" * 600, "https://monitor.example.com/" + "p" * 700
    channel = watch_channel({"channel_id": 10**20, "token": secret, "notify_url": address})
    assert (channel.channel_id, channel.token, channel.notify_url) == (str(10**20), secret, address)


def test_a_record_whose_id_is_a_long_number_is_asked_for_by_every_digit() -> None:
    number = "12345678901234567890123"
    crm, script = crm_client(httpx.Response(200, content=f'{{"data": [{{"id": {number}}}]}}'.encode()))
    assert crm.get_record("Leads", crm.list_records("Leads", ["id"]).items[0].id).id == number
    assert script.paths[1].endswith(f"/Leads/{number}")
