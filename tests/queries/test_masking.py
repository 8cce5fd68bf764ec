"""What a viewer sees of trigger data and error text holds no personal data and no secret."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.queries.masking import HIDDEN, is_private_key, mask, mask_text

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
spaces = st.sampled_from([" ", "\n", ", ", "; ", " <", " (", ":", '"'])


def structures(leaf: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """JSON that holds the leaf at some depth, as a value, a key, or within a string of JSON."""
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=3),
            st.dictionaries(st.one_of(words, leaf), inner, min_size=1, max_size=3),
            inner.map(lambda value: json.dumps({"payload": value})),
        ),
        max_leaves=4,
    )


def shown(value: Any) -> str:
    return json.dumps(mask(value), ensure_ascii=False)


@given(email=st.emails(), data=st.data())
def test_no_email_address_survives_in_any_structure(email: str, data: st.DataObject) -> None:
    before, after, gap = data.draw(words), data.draw(words), data.draw(spaces)
    value = data.draw(structures(st.sampled_from([email, f"{before} {email}{gap}{after}", f"{before}<{email}>"])))
    assert email not in shown(value)


@given(value=structures(st.one_of(words, st.integers(), st.floats(), st.none(), st.booleans())))
def test_masking_keeps_the_shape_and_never_fails(value: Any) -> None:
    masked = mask(value)
    if isinstance(value, dict | list):
        assert len(masked) == len(value)
    else:
        assert not isinstance(masked, dict | list)


@pytest.mark.parametrize(
    "phone",
    ["+49 151 12345678", "+1 (555) 010-9999", "(555) 010-9999", "0151 1234567", "0044 20 7946 0958", "4915112345678",
     "555-010-9999", "555.010.9999", "+4915112345678"],
)  # fmt: skip
def test_a_telephone_number_is_hidden_wherever_it_stands(phone: str) -> None:
    for value in (phone, f"Call {phone} now", [[phone]], {"note": f"tel {phone}"}, {phone: 1}, f'{{"x": "{phone}"}}'):
        assert phone not in shown(value)


@pytest.mark.parametrize("card", ["4111111111111111", "4111 1111 1111 1111", "5555-5555-5555-4444", "378282246310005"])
def test_a_card_number_is_hidden_wherever_it_stands(card: str) -> None:
    for value in (card, f"paid with {card}.", {"x": [card]}, {card: True}):
        assert card not in shown(value)


def test_a_card_number_that_came_as_a_number_is_hidden() -> None:
    assert mask({"reference": 4111111111111111}) == {"reference": "[card]"}


@pytest.mark.parametrize(
    "secret",
    ["1000.8cb99dxxxxxxxxxxxxx9be93.9b8xxxxxxxxxxxxxxxf", "Zoho-oauthtoken 1000.abcdef0123456789", "Bearer abc.def-123",
     "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "sk_live_abcdef0123456789",
     "d41d8cd98f00b204e9800998ecf8427e"],
)  # fmt: skip
def test_a_token_is_hidden_in_text(secret: str) -> None:
    assert secret not in mask_text(f"request with {secret} was refused")


@pytest.mark.parametrize(
    ("text", "leak"),
    [
        ("https://flow.zoho.com/hook?zapikey=1001.abc&isdebug=false", "1001.abc"),
        ("error: password: hunter2", "hunter2"),
        ('{"broken json", "password": "hunter2"', "hunter2"),
        ("First_Name=John&Last_Name=Doe", "Doe"),
        ("Duplicate contact, name: John Doe, skipped", "Doe"),
        ("login failed for token=a.b.c;retry", "a.b.c"),
    ],
)
def test_a_named_value_inside_a_text_is_hidden(text: str, leak: str) -> None:
    assert leak not in mask_text(text)


def test_an_iban_and_an_ip_address_are_hidden() -> None:
    assert mask_text("to DE89 3704 0044 0532 0130 00 from 203.0.113.77") == "to [account number] from [IP address]"


@pytest.mark.parametrize(
    "key",
    ["Email", "email_address", "E-Mail", "contactEmail", "useremail", "Phone", "mobile_no", "First_Name", "lastName",
     "full_name", "Name", "Street", "billing_address", "IBAN", "card_number", "cardNumber", "access_token", "zapikey",
     "client-secret", "PASSWORD", "téléphone", "ＥＭＡＩＬ", "ip", "IPAddress", "date_of_birth", "user.email"],
)  # fmt: skip
def test_a_key_of_personal_data_hides_whatever_stands_under_it(key: str) -> None:
    assert mask({key: {"a": ["Jo", 7]}, "other": "Jo"}) == {key: {"a": [HIDDEN, HIDDEN]}, "other": "Jo"}


@pytest.mark.parametrize("key", ["flow_name", "status", "Stage", "module", "filename", "panel", "company", "Amount"])
def test_a_harmless_key_hides_nothing(key: str) -> None:
    assert not is_private_key(key)
    assert mask({key: "New"}) == {key: "New"}


@pytest.mark.parametrize(
    "text",
    ["2025-01-22T09:15:33Z", "2025-01-22 09:15:33", "22.01.2025", "12345000000567891", "Failed to create contact",
     "1234.50", "HTTP 400", "v1.2.3", "at 5 @ noon", "12345000000567891 12345000000567890",
     "/api/v2/contacts/12345000000567890"],
)  # fmt: skip
def test_dates_ids_and_plain_words_stay_readable(text: str) -> None:
    assert mask_text(text) == text


def test_an_id_before_a_telephone_number_does_not_shield_it() -> None:
    assert mask_text("id 12345000000567890 0151 1234567") == "id 12345000000567890 [phone]"


def test_keys_that_look_alike_once_masked_do_not_swallow_each_other() -> None:
    assert list(mask({"a@example.com": 1, "b@example.com": 2}).values()) == [1, 2]


def test_empty_values_stay_visible_as_empty() -> None:
    value = {"email": None, "phone": "", "password": False}
    assert mask(value) == value


def test_a_definition_keeps_the_names_of_actions_but_not_of_people() -> None:
    definition = {
        "name": "Notify owner",
        "actions": [{"name": "Send mail", "to": ["jo@example.com"]}],
        "modified_by": {"name": "Jo Roe", "id": "1"},
    }
    masked = mask(definition, definition=True)
    assert masked["name"] == "Notify owner"
    assert masked["actions"][0]["name"] == "Send mail"
    assert "Jo" not in json.dumps(masked)
    assert "jo@" not in json.dumps(masked)


def test_deep_nesting_ends_hidden_and_not_in_an_error() -> None:
    value: Any = "jo@example.com"
    for _ in range(300):
        value = [value]
    assert "jo@" not in shown(value)


@pytest.mark.parametrize("piece", ["a", "1 ", "1", "a=", "token=", '"', "a@", "-eyJaaaaaaaa", "DE89 ", 'token: "', "+"])
def test_hostile_text_costs_linear_time(piece: str) -> None:
    """A quadratic pattern takes minutes on these; the bound is wide so that a busy machine passes."""
    started = time.process_time()
    mask_text(piece * (100_000 // len(piece)))
    assert time.process_time() - started < 5
