from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.hooks.body import LIMIT, Broken, TooLarge, read_body
from monitor.hooks.callback_ids import CallbackIds, NotReadable, find_ids, notification, parse


@pytest.mark.parametrize(
    "payload",
    [
        {"flow_id": "123", "execution_id": "456"},
        {"flow_id": 123, "execution_id": 456},
        {"flowId": "123", "executionId": "456"},
        {"event": "flow.failed", "data": {"flow_id": "123", "execution_id": "456"}},
        {"flow": {"flow_id": "123"}, "execution": {"execution_id": "456"}},
    ],
)
def test_ids_are_found_at_the_usual_places(payload: object):
    assert find_ids(parse(json.dumps(payload).encode())) == CallbackIds("123", "456")


def test_an_id_of_the_event_is_found():
    assert find_ids(parse(b'{"event_id": "e-1"}')).event_id == "e-1"


@pytest.mark.parametrize("value", [None, True, [1], {"a": 1}, "", "x" * 65, "a b", "<script>", "1\n", 1.5e300, "\x00"])
def test_what_is_no_id_is_left_out(value: object):
    found = find_ids(parse(json.dumps({"flow_id": value, "execution_id": "4"}).encode()))
    assert found == CallbackIds("", "4")


@pytest.mark.parametrize("body", [b"[]", b"null", b"7", b'"text"', b"\xef\xbb\xbf{}"])
def test_json_without_ids_names_nothing(body: bytes):
    assert find_ids(parse(body)) == CallbackIds()


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"a=b&c=d", b"[" * 100_000, b'{"a":' * 100_000, b"{}{}"])
def test_what_is_not_json_is_said_to_be_so(body: bytes):
    with pytest.raises(NotReadable, match="not JSON"):
        parse(body)


def test_a_number_of_any_length_is_text():
    digits = b"9" * 100_000
    assert find_ids(parse(b'{"flow_id": ' + digits + b"}")) == CallbackIds()


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes):
    try:
        payload = parse(body)
    except NotReadable:
        return
    said = notification(payload)
    assert isinstance(find_ids(payload), CallbackIds)
    assert said is None or said.token


def test_a_notification_says_its_channel_and_its_token_and_hides_it():
    said = notification(parse(b'{"channel_id": 1000000068001, "token": "abc", "ids": ["7"]}'))
    assert said is not None
    assert (said.channel_id, said.token) == ("1000000068001", "abc")
    assert "abc" not in repr(said)


@pytest.mark.parametrize("payload", [[], None, {}, {"token": ""}, {"token": 5}, {"token": ["a"]}])
def test_a_notification_without_a_token_is_none(payload: object):
    assert notification(payload) is None


def sender(size: int, piece: int = 1 << 20) -> Callable[[int], bytes]:
    """A body of so many bytes that comes in pieces."""
    left = [size]

    def read(most: int) -> bytes:
        given_now = min(most, left[0], piece)
        left[0] -= given_now
        return b"x" * given_now

    return read


@pytest.mark.parametrize("declared", [True, False])
def test_ten_mebibytes_pass_and_one_byte_more_does_not(declared: bool):
    assert len(read_body(sender(LIMIT), str(LIMIT) if declared else None)) == LIMIT
    with pytest.raises(TooLarge):
        read_body(sender(LIMIT + 1), str(LIMIT + 1) if declared else None)


def test_a_length_beyond_reason_is_refused_unread():
    def never(size: int) -> bytes:
        raise AssertionError("it was read")

    for length in (LIMIT + 1, 10**40):
        with pytest.raises(TooLarge):
            read_body(never, str(length))


def test_an_endless_body_is_not_read_for_ever():
    read = [0]

    def endless(size: int) -> bytes:
        read[0] += size
        return b"x" * size

    with pytest.raises(TooLarge):
        read_body(endless, None)
    assert read[0] == LIMIT + 1


def test_nothing_is_read_behind_the_end_of_a_body():
    """There stands the next request."""
    asked: list[int] = []

    def read(size: int) -> bytes:
        asked.append(size)
        return b"x" * min(size, 3)

    assert read_body(read, "5") == b"xxxxx"
    assert asked == [5, 2]


@pytest.mark.parametrize("length", ["-1", "1e3", "", "٣", "0x10", "1, 1"])
def test_a_length_that_is_none_is_broken(length: str):
    with pytest.raises(Broken):
        read_body(sender(3), length)


def test_a_sender_that_hangs_up_is_broken():
    def hangs_up(size: int) -> bytes:
        raise ConnectionResetError

    with pytest.raises(Broken):
        read_body(sender(3), "5")
    with pytest.raises(Broken):
        read_body(hangs_up, "5")
