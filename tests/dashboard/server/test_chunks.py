from __future__ import annotations

import time
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from waitress.buffers import OverflowableBuffer

from dashboard.server.chunks import FREE_FRAME, LONGEST_LINE, ChunkedBody
from dashboard.server.connection import MOST_AT_ONCE
from dashboard.server.requests import ClientRequest
from tests.dashboard.server.site import QUICK, everything, serving, status
from tests.realprocess import wait_for

POST = b"POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"


def framed(piece: bytes, extension: bytes = b"") -> bytes:
    return f"{len(piece):X}".encode() + extension + b"\r\n" + piece + b"\r\n"


def read(*reads: bytes) -> tuple[ChunkedBody, int]:
    """What became of some reads, and how much of them was taken."""
    body = ChunkedBody(OverflowableBuffer(1 << 20))
    taken = 0
    for data in reads:
        taken += body.received(data)
    return body, taken


@given(
    pieces=st.lists(st.binary(min_size=1, max_size=40), max_size=8),
    extension=st.sampled_from([b"", b";a", b";a=b", b';a="b c";d']),
    trailer=st.sampled_from([b"", b"X-Sum: 1\r\n", b"A: b\r\nC: d\r\n"]),
    cuts=st.lists(st.integers(0, 400), max_size=12),
    behind=st.binary(max_size=30),
)
def test_a_body_in_chunks_is_read_whole_wherever_the_reads_cut_it(pieces, extension, trailer, cuts, behind):
    wire = b"".join(framed(piece, extension) for piece in pieces) + b"0\r\n" + trailer + b"\r\n" + behind
    places = sorted({0, len(wire), *(cut for cut in cuts if cut < len(wire))})
    body, taken = read(*(wire[begin:end] for begin, end in pairwise(places)))
    assert body.error is None
    assert body.completed
    assert body.getfile().read() == b"".join(pieces)
    assert wire[taken:] == behind


@pytest.mark.parametrize(
    "wire",
    [
        b"1;" + b"a" * LONGEST_LINE,
        b"1" * LONGEST_LINE,
        b"0\r\nX: " + b"a" * LONGEST_LINE,
        b"0\r\n" + b"X: a\r\n" * FREE_FRAME,
        framed(b"a") * FREE_FRAME,
        framed(b"a", b";a") * FREE_FRAME,
        b"\r\n",
        b"3\nabc\r\n",
        b"3\r\nabcd\r\n",
        b"3\r\nabc\n",
        b"-3\r\nabc\r\n",
        b"0x3\r\nabc\r\n",
        b" 3\r\nabc\r\n",
        b"3 \r\nabc\r\n",
        b"3;\x00\r\nabc\r\n",
        b"zz\r\n",
        b";a\r\n",
    ],
)
@pytest.mark.parametrize("size", [1, 7, 64 * 1024])
def test_what_is_mostly_frame_or_no_frame_is_refused(wire: bytes, size: int):
    body, _ = read(*(wire[place : place + size] for place in range(0, len(wire), size)))
    assert body.error is not None


def test_a_client_that_sends_a_few_letters_a_chunk_is_read():
    body, _ = read(framed(b"a") * 10_000, framed(b"abcde") * 100_000, b"0\r\n\r\n")
    assert body.completed
    assert len(body) == 510_000


@pytest.mark.parametrize("wire", [b"1;" + b"a" * 300_000, b"0\r\nX: " + b"a" * 300_000, framed(b"a") * 100_000])
def test_a_frame_without_an_end_is_answered_while_its_client_still_sends(wire: bytes):
    with serving() as site, site.connect(POST) as client:
        client.sendall(wire)
        assert status(everything(client)) == 400


def test_blank_lines_begin_no_request_and_no_new_wait():
    with serving() as site, site.connect() as client:
        began = time.monotonic()

        def is_cut() -> bool:
            try:
                client.sendall(b"\r\n\r\n")
            except OSError:
                return True
            return False

        wait_for("the end", is_cut, timeout=10, pace=0.02)
        assert time.monotonic() - began < QUICK.silent + 3


@pytest.fixture
def heads(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Each read that a request was begun or gone on with."""
    seen: list[bytes] = []
    inner = ClientRequest.received

    def received(request: ClientRequest, data: bytes) -> int:
        seen.append(data[:30])
        return inner(request, data)

    monkeypatch.setattr(ClientRequest, "received", received)
    return seen


def test_blank_lines_between_requests_cost_nothing(heads):
    blank = b"\r\n" * 20_000
    get = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    with serving() as site:
        answer = site.ask(blank + get + blank + b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert answer.count(b"hello") == 2
    assert len(heads) < 20


def test_of_a_read_full_of_requests_only_the_first_few_are_looked_at(heads):
    with serving() as site, site.connect(b"GET /hang HTTP/1.1\r\nHost: a\r\n\r\n" * 2_000) as client:
        site.go.set()
        assert everything(client).count(b"hello") == MOST_AT_ONCE
        wait_for("the end", partial(site.is_without, client.getsockname()), timeout=10, pace=0.02)
    assert len(heads) <= MOST_AT_ONCE


def test_what_cannot_be_read_is_not_repeated_in_the_answer(caplog: pytest.LogCaptureFixture):
    with serving() as site:
        for wire in (
            b"GET / HTTP/1.1\r\nBad Header: s3cret\r\n\r\n",
            b"s3cret\r\n\r\n",
            b"GET / HTTP/1.1\r\nX: " + b"s3cret" * 20_000,
            POST.replace(b"chunked", b"s3cret"),
            POST + b"s3cret\r\n",
        ):
            answer = site.ask(wire)
            assert status(answer) in (400, 431, 501), wire[:30]
            assert b"s3cret" not in answer
            assert b"X-Content-Type-Options: nosniff" in answer
    assert "s3cret" not in caplog.text
