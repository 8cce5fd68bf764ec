"""Large bodies: how many may come at once, and that a callback's address is known before they do."""

from __future__ import annotations

import threading
from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.server.bodies import LargeBody, make_room_for
from dashboard.server.limits import ServerLimits
from dashboard.server.refusals import Refusal
from tests.dashboard.server.site import everything, serving, status

KIB = 1024
SMALL = {"in_memory": 4 * KIB, "large_bodies": 2, "large_bodies_bytes": 100 * KIB, "body_grace": 5.0, "body": 5.0}
KNOWN, UNKNOWN = "/hooks/flow/known", "/hooks/flow/unknown"
bodies = st.builds(
    LargeBody, st.integers(1, 60), st.booleans(), st.integers(0, 9).map(float), is_on_its_way=st.booleans()
)


@given(newcomer=bodies, held=st.lists(bodies, max_size=8))
def test_what_is_held_after_a_newcomer_came_is_within_the_budget(newcomer: LargeBody, held: list[LargeBody]) -> None:
    limits = ServerLimits(large_bodies=4, large_bodies_bytes=100)
    ended = make_room_for(newcomer, held, limits)
    same = [one for one in held if one.is_callback == newcomer.is_callback]
    if ended is None:
        stay = [one for one in same if not one.is_on_its_way]
        assert len(stay) >= 4 or sum(one.size for one in stay) + newcomer.size > 100
        return
    gone = [held[place] for place in ended]
    left = [one for place, one in enumerate(held) if place not in ended and one.is_callback == newcomer.is_callback]
    assert len(left) < 4
    assert sum(one.size for one in left) + newcomer.size <= 100
    assert all(one.is_on_its_way and one.is_callback == newcomer.is_callback for one in gone)
    assert all(one.began <= other.began for one in gone for other in left if other.is_on_its_way)


def start(path: str = "/echo", length: int = 50 * KIB, *, more: str = "", sent: int = 1) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {length}\r\n{more}\r\n"
    return head.encode() + b"a" * sent


CHUNKED = b"POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n" + (
    b"2000\r\n" + b"a" * 0x2000 + b"\r\n"
)


@pytest.mark.parametrize("first", [start(), CHUNKED], ids=["of a known length", "in chunks"])
@pytest.mark.parametrize(
    "limits",
    [{"large_bodies": 2}, {"large_bodies": 9, "large_bodies_bytes": 130 * KIB}],
    ids=["too many", "too many bytes"],
)
def test_the_large_body_that_waited_longest_gives_way_to_a_new_one(first: bytes, limits: dict[str, int]) -> None:
    with serving(**(SMALL | limits)) as site, ExitStack() as stack:
        clients = [stack.enter_context(client) for client in site.connect_bodies([first, start(), start()])]
        assert status(everything(clients[0])) == 429
        for client in clients[1:]:
            client.sendall(b"a" * (50 * KIB - 1))
            assert everything(client).endswith(f"{50 * KIB} {50 * KIB}".encode())


def test_small_bodies_and_those_of_another_kind_take_nobodys_place() -> None:
    with serving(**SMALL) as site, ExitStack() as stack:
        starts = [start(), start(), *[start(length=4 * KIB)] * 5, *[start(KNOWN)] * 2]
        clients = [stack.enter_context(client) for client in site.connect_bodies(starts)]
        clients[0].sendall(b"a" * (50 * KIB - 1))
        assert everything(clients[0]).endswith(f"{50 * KIB} {50 * KIB}".encode())


def test_where_large_ones_are_being_answered_a_newcomer_is_asked_to_come_again() -> None:
    with serving(**SMALL) as site, ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(site.connect(start("/hang", 8 * KIB, sent=8 * KIB)))
            assert site.hanging.acquire(timeout=5)
        refused = site.ask(start())
        assert status(refused) == 503
        assert b"Retry-After: 5" in refused
        site.go.set()


def door(path: str) -> Refusal | None:
    return Refusal(404, "unknown address") if path == UNKNOWN else None


@pytest.mark.parametrize("more", ["", "Expect: 100-continue\r\n"])
def test_the_body_of_an_unknown_sender_is_not_waited_for(more: str) -> None:
    with serving(refuse_address=door, **SMALL) as site, site.connect(start(UNKNOWN, more=more, sent=0)) as client:
        answer = everything(client)
    assert status(answer) == 404
    assert answer.endswith(b'{"status": "unknown address"}')


def test_a_known_sender_is_told_to_go_on_and_its_body_is_taken() -> None:
    with serving(refuse_address=door, **SMALL) as site:
        with site.connect(start(KNOWN, more="Expect: 100-continue\r\n", sent=0)) as client:
            assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
            client.sendall(b"a" * 50 * KIB)
            assert everything(client).endswith(f"{50 * KIB} {50 * KIB}".encode())
        assert site.ask(start(KNOWN, sent=50 * KIB)).endswith(f"{50 * KIB} {50 * KIB}".encode())


def test_nothing_more_is_read_while_somebody_looks_whether_the_address_is_known() -> None:
    asked, go = threading.Event(), threading.Event()

    def slow(path: str) -> Refusal | None:
        asked.set()
        go.wait(10)
        return None

    with serving(refuse_address=slow, **SMALL) as site, site.connect(start(KNOWN)) as client:
        assert asked.wait(5)
        client.sendall(b"a" * (50 * KIB - 1))
        assert site.get("/").endswith(b"hello"), "others are answered meanwhile"
        (channel,) = [one for one in list(site.listener.active_channels.values()) if one.addr == client.getsockname()]
        assert channel.request._body_length() == 1
        go.set()
        assert everything(client).endswith(f"{50 * KIB} {50 * KIB}".encode())


def test_a_small_callback_needs_no_look_before_it() -> None:
    with serving(refuse_address=door, **SMALL) as site:
        assert site.ask(start(UNKNOWN, 4 * KIB, sent=4 * KIB)).endswith(b"4096 4096")


def test_a_look_that_fails_is_a_503_and_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    def fails(path: str) -> Refusal | None:
        raise ValueError("nothing to see")

    with serving(refuse_address=fails, **SMALL) as site:
        assert status(site.ask(start(KNOWN))) == 503
    assert "could not be looked up" in caplog.text
    assert KNOWN not in caplog.text
