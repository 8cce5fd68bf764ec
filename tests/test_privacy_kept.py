"""Secrets go out of definitions; that one was exchanged is still seen."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.privacy import MARK, SecretMask, is_secret_key, without_digests

MASK = SecretMask(b"a key of the tests")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "https://flow.zoho.com/60/flow/webhook/incoming?zapikey=1001.abc.def&isdebug=false",
            "https://flow.zoho.com/60/flow/webhook/incoming?zapikey=[secret]&isdebug=false",
        ),
        ("https://flow.zoho.com/webhook/12345/abcdef123456", "https://flow.zoho.com/webhook/12345/[secret]"),
        ("https://flow.zoho.com/webhook/12345/abcdef123456/", "https://flow.zoho.com/webhook/12345/[secret]/"),
        ("https://joe:hunter2@api.example.com/x", "https://[secret]@api.example.com/x"),
        ("Authorization: Bearer abcdef123456", "Authorization: Bearer [secret]"),
        ("Zoho-oauthtoken 1000.aa.bb", "Zoho-oauthtoken [secret]"),
        (f"token 1000.{'a1' * 16}.{'b2' * 16} end", "token [secret] end"),
        ('var password = "hunter2"; go()', 'var password = "[secret]"; go()'),
        (r'say "{\"token\": \"abc\", \"a\": 1}"', r'say "{\"token\": \"[secret]\", \"a\": 1}"'),
        (r'client_secret: "ab\"cd" and', 'client_secret: "[secret]" and'),
        ('{"api_key": "abc", "n": [1, "x"]}', '{"api_key": "[secret]", "n": [1, "x"]}'),
        ("next=%2Fx%3Fzapikey%3Dabc", "next=%2Fx%3Fzapikey%3D[secret]"),
        ("-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----", "[secret]"),
        ("aB3dE6gH9jK2mN5pQ8sT1vW4", "[secret]"),
    ],
)
def test_secrets_in_text_are_replaced_where_they_stand(text: str, shown: str) -> None:
    assert without_digests(MASK.text(text)) == shown


@pytest.mark.parametrize(
    "text",
    [
        "Lead to Campaign",
        "basic information of the lead",
        "3361265000006526160",
        "https://api.example.com/webhooks/incoming?isdebug=false&page=2",
        "${trigger.Email}",
        "tokens_used_today: 5",
        "",
    ],
)
def test_what_is_no_secret_stays_as_it_is(text: str) -> None:
    assert MASK.text(text) == text


def test_secrets_under_keys_go_whatever_they_look_like_and_the_shape_stays() -> None:
    given_config = {
        "headers": {"X-Api-Key": "abc", "Accept": "text/html"},
        "list": [{"name": "Authorization", "value": "abc"}, {"name": "Accept", "value": "text/html"}],
        "auth": {"user": "joe", "codes": [1, None, True, ""]},
        "flow_id": "aB3dE6gH9jK2mN5pQ8sT1vW4",
    }
    shown = json.loads(without_digests(json.dumps(MASK.hide(given_config))))
    assert shown == {
        "headers": {"X-Api-Key": "[secret]", "Accept": "text/html"},
        "list": [{"name": "Authorization", "value": "[secret]"}, {"name": "Accept", "value": "text/html"}],
        "auth": {"user": "[secret]", "codes": ["[secret]", None, True, ""]},
        "flow_id": "aB3dE6gH9jK2mN5pQ8sT1vW4",
    }


def test_another_secret_has_another_mark_and_the_same_one_the_same() -> None:
    assert MASK.hide({"token": "a"}) == MASK.hide({"token": "a"})
    assert MASK.hide({"token": "a"}) != MASK.hide({"token": "b"})


def test_the_marks_of_two_accounts_cannot_be_held_against_each_other() -> None:
    assert MASK.hide({"token": "a"}) != SecretMask(b"another key").hide({"token": "a"})


@pytest.mark.parametrize("key", ["password", "clientSecret", "X-API-KEY", "zapikey", "auth", "refresh_token", "Cookie"])
def test_names_of_secrets_are_known_in_any_spelling(key: str) -> None:
    assert is_secret_key(key)


@pytest.mark.parametrize("key", ["name", "token_type", "secretary", "flow_id", "authority", "pinned", "Email"])
def test_names_of_other_things_are_not_taken_for_secrets(key: str) -> None:
    assert not is_secret_key(key)


SECRET = "hunter2x"
around = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)),
    max_leaves=12,
)
holders: list[Any] = [
    {"password": SECRET},
    {"deep": [{"client_secret": [SECRET, {"x": SECRET}]}]},
    {"url": f"https://a.example/x?y=1&zapikey={SECRET}&z=2"},
    {"headers": [{"key": "X-Auth-Token", "value": SECRET}]},
    {"body": json.dumps({"inner": json.dumps({"api_key": SECRET})})},
    {f"https://joe:{SECRET}@a.example": 1},
]


@given(around, st.sampled_from(holders), st.text(max_size=10))
def test_a_secret_is_nowhere_in_what_is_kept(value: Any, holder: Any, key: str) -> None:
    kept = json.dumps(MASK.hide({"before": value, key + "_": holder, "list": [value, holder]}))
    assert SECRET not in kept


@given(st.one_of(around, st.sampled_from(holders)))
def test_masking_twice_is_masking_once(value: Any) -> None:
    once = MASK.hide(value)
    assert MASK.hide(once) == once


@given(st.text(alphabet="a=:\"'/ []{}\\secrt1@?&%3D-eyJ.", max_size=60))
def test_odd_text_is_masked_once_too(text: str) -> None:
    once = MASK.text(text)
    assert MASK.text(once) == once


@pytest.mark.parametrize(
    "text",
    ["a=" * 10_000, "token=" * 4000, "eyJ-" * 5000, "basic " * 4000, "/webhook/a" * 2000, "x://" * 5000, '"' * 20_000,
     "-----BEGIN PRIVATE KEY-----" * 800, "[secret:" * 2500, 'password="\\' * 2000, "zA9" * 7000],
)  # fmt: skip
def test_hostile_text_takes_no_more_than_its_length_deserves(text: str) -> None:
    started = time.process_time()
    MASK.text(text)
    assert time.process_time() - started < 0.5


def test_marks_look_as_pages_expect_them() -> None:
    assert MARK.fullmatch(MASK.hide({"token": "a"})["token"])
