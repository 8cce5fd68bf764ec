"""Signatures over raw bytes. The six kinds of cases are those of Standard Webhooks; the vectors are our own."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.hooks.signature import REFUSED, Signed, names, sign, verify

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
AT = str(int(NOW.timestamp()))
RAW_KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(RAW_KEY).decode()
OTHER = "whsec_" + base64.b64encode(bytes(range(32, 64))).decode()
BODY = b'{"flow_id":"12345000000123456","execution_id":"12345000000567891","status":"failed"}'


def standard(event_id: str = "evt_1", at: str = AT, body: bytes = BODY, key: bytes = RAW_KEY) -> dict[str, str]:
    message = f"{event_id}.{at}.".encode() + body
    signature = base64.b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode()
    return {"webhook-id": event_id, "webhook-timestamp": at, "webhook-signature": f"v1,{signature}"}


def simple(body: bytes = BODY, secret: str = SECRET) -> bytes:
    return hmac.new(secret.encode(), body, hashlib.sha256).digest()


def test_a_valid_standard_signature_passes_and_its_id_is_signed():
    assert verify(standard(), BODY, [SECRET], NOW) == Signed(ok=True, event_id="evt_1")


def test_one_of_several_signatures_is_enough():
    headers = standard()
    wrong = base64.b64encode(bytes(32)).decode()
    headers["webhook-signature"] = f"v1,{wrong} v1a,{wrong} {headers['webhook-signature']} v1,short"
    assert verify(headers, BODY, [SECRET], NOW).ok


def test_a_tampered_body_is_refused():
    assert verify(standard(), BODY + b" ", [SECRET], NOW) == REFUSED


@pytest.mark.parametrize("header", ["webhook-id", "webhook-timestamp"])
def test_a_tampered_header_is_refused(header: str):
    headers = standard()
    headers[header] = "evt_2" if header == "webhook-id" else str(int(AT) + 1)
    assert not verify(headers, BODY, [SECRET], NOW).ok


def test_a_wrong_secret_is_refused():
    assert not verify(standard(), BODY, [OTHER], NOW).ok


@pytest.mark.parametrize(("seconds", "passes"), [(-301, False), (-300, True), (0, True), (300, True), (301, False)])
def test_a_time_may_be_five_minutes_away_and_no_more(seconds: int, passes: bool):
    headers = standard(at=str(int(AT) + seconds))
    assert verify(headers, BODY, [SECRET], NOW).ok is passes


@pytest.mark.parametrize("header", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_header_is_refused(header: str):
    headers = standard()
    del headers[header]
    assert not verify(headers, BODY, [SECRET], NOW).ok


def test_a_secret_that_is_no_base64_signs_as_text():
    headers = standard(key=b"an-ordinary-text-secret")
    assert verify(headers, BODY, ["an-ordinary-text-secret"], NOW).ok


@pytest.mark.parametrize("header", ["x-zoho-signature", "x-webhook-signature"])
@pytest.mark.parametrize("prefix", ["", "sha256=", "SHA256="])
@pytest.mark.parametrize(
    "encode",
    [
        lambda digest: digest.hex(),
        lambda digest: digest.hex().upper(),
        lambda digest: base64.b64encode(digest).decode(),
        lambda digest: base64.urlsafe_b64encode(digest).decode(),
        lambda digest: base64.b64encode(digest).decode().rstrip("="),
    ],
)
def test_both_headers_pass_as_hex_or_base64_with_or_without_their_prefix(header: str, prefix: str, encode):
    assert verify({header: prefix + encode(simple())}, BODY, [SECRET], NOW).ok


def test_both_secrets_are_valid_during_a_rotation():
    for secret in (SECRET, OTHER):
        assert verify({"x-zoho-signature": simple(secret=secret).hex()}, BODY, [SECRET, OTHER], NOW).ok


def test_without_a_secret_nothing_passes():
    assert not verify({"x-zoho-signature": simple().hex()}, BODY, [], NOW).ok


def test_every_signature_that_is_there_has_to_be_right():
    right, wrong = simple().hex(), simple(secret=OTHER).hex()
    assert verify({"x-zoho-signature": right, "x-webhook-signature": right}, BODY, [SECRET], NOW).ok
    assert not verify({"x-zoho-signature": right, "x-webhook-signature": wrong}, BODY, [SECRET], NOW).ok
    assert not verify(standard() | {"x-webhook-signature": wrong}, BODY, [SECRET], NOW).ok
    assert not verify(standard(key=b"x") | {"x-webhook-signature": right}, BODY, [SECRET], NOW).ok


@pytest.mark.parametrize(
    "body",
    [
        b'{"execution_id":"12345000000567891","flow_id":"12345000000123456","status":"failed"}',
        BODY.replace(b":", b": "),
        BODY.replace(b"{", b"{ "),
        BODY + b"\n",
    ],
)
def test_the_same_json_in_other_bytes_is_another_body(body: bytes):
    assert not verify({"x-zoho-signature": simple().hex()}, body, [SECRET], NOW).ok


@pytest.mark.parametrize(("seconds", "passes"), [(0, True), (299, True), (-301, False), (301, False)])
@pytest.mark.parametrize("factor", [1, 1000])
def test_a_signed_time_beside_the_simple_signature_is_looked_at(seconds: int, passes: bool, factor: int):
    at = str((int(AT) + seconds) * factor)
    headers = {"x-zoho-signature": simple(at.encode() + b"." + BODY).hex(), "x-zoho-timestamp": at}
    assert verify(headers, BODY, [SECRET], NOW).ok is passes


def test_a_time_that_is_not_signed_says_nothing():
    old = str(int((NOW - timedelta(days=9)).timestamp()))
    assert verify({"x-zoho-signature": simple().hex(), "x-zoho-timestamp": old}, BODY, [SECRET], NOW).ok
    assert not verify({"x-zoho-signature": "0" * 64, "x-zoho-timestamp": AT}, BODY, [SECRET], NOW).ok


def test_a_header_that_came_twice_is_refused():
    value = simple().hex()
    assert not verify({"x-zoho-signature": f"{value},{value}"}, BODY, [SECRET], NOW).ok


def test_more_signatures_than_anybody_needs_are_refused_unread():
    headers = standard()
    headers["webhook-signature"] = " ".join([headers["webhook-signature"]] * 11)
    assert not verify(headers, BODY, [SECRET], NOW).ok


@given(st.integers(min_value=0, max_value=len(BODY) * 8 - 1))
def test_every_flipped_bit_of_the_body_is_refused(bit: int):
    changed = bytearray(BODY)
    changed[bit // 8] ^= 1 << bit % 8
    assert not verify({"x-zoho-signature": simple().hex()}, bytes(changed), [SECRET], NOW).ok
    assert not verify(standard(), bytes(changed), [SECRET], NOW).ok


def test_every_flipped_bit_of_the_signature_is_refused():
    for bit in range(256):
        changed = bytearray(simple())
        changed[bit // 8] ^= 1 << bit % 8
        assert not verify({"x-zoho-signature": changed.hex()}, BODY, [SECRET], NOW).ok


def test_each_signature_has_one_base64_spelling():
    text = base64.b64encode(simple()).decode()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    spellings = [text[:42] + last + "=" for last in alphabet]
    passing = [one for one in spellings if verify({"x-zoho-signature": one}, BODY, [SECRET], NOW).ok]
    assert passing == [text]


LATIN = st.text(st.characters(max_codepoint=255), max_size=90)


@given(
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            ("x-zoho-signature", "x-webhook-signature", "x-zoho-timestamp", *standard()),
            LATIN | st.sampled_from(["é" * 64, "0" * 64, "v1,", "٣" * 64, "sha256=", ""]),
        ),
    )
)
def test_whatever_the_headers_hold_is_refused_and_never_an_error(headers: dict[str, str]):
    assert not verify(headers, BODY, [SECRET], NOW).ok


def test_a_request_without_any_signature_is_known_before_its_body_is_read():
    assert not names({"x-zoho-timestamp": AT, "x-zoho-signature": ""})
    assert names({"x-webhook-signature": "anything"})
    assert names(standard())


def test_what_the_help_tells_people_to_compute_is_what_is_accepted():
    assert verify({"x-webhook-signature": sign(SECRET, BODY)}, BODY, [SECRET], NOW).ok
