from __future__ import annotations

import socket
import threading
import time
from contextlib import ExitStack

import pytest

from dashboard.client_address import read_trust
from dashboard.server.application import KnownAnswer
from dashboard.server.pools import CALLBACK, PAGES, PROBE
from tests.dashboard.server.site import Site, everything, serving, status

POST = b"POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
CALL = b"POST /hooks/flow/hang HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
ONE_EACH = {PAGES: 1, CALLBACK: 1, PROBE: 1}


def drip(client: socket.socket) -> bytes:
    """Sends a letter every 50 ms until the server has had enough; its answer."""
    client.settimeout(0.05)
    for _ in range(200):
        try:
            client.sendall(b"a")
            first = client.recv(65536)
        except TimeoutError:
            continue
        except OSError:
            return b""
        client.settimeout(10)
        return first + everything(client) if first else b""
    raise AssertionError("ten seconds of dripping were put up with")


def test_a_silent_client_is_let_go():
    with serving() as site, site.connect() as client:
        assert everything(client) == b""


def test_a_dripping_head_is_told_that_it_took_too_long():
    with serving() as site, site.connect(b"GET / HTTP/1.1\r\nX: ") as client:
        assert status(drip(client)) == 408


def test_a_dripping_body_is_told_that_it_took_too_long():
    with serving() as site, site.connect(POST + b"Content-Length: 5000\r\n\r\n") as client:
        assert status(drip(client)) == 408


def test_a_body_in_chunks_that_drips_is_told_that_it_took_too_long():
    with serving() as site, site.connect(POST + b"Transfer-Encoding: chunked\r\n\r\nfff\r\n") as client:
        assert status(drip(client)) == 408


def test_a_steady_body_has_its_whole_time():
    with serving() as site, site.connect(POST + b"Content-Length: 8000\r\n\r\n") as client:
        for _ in range(8):
            client.sendall(b"a" * 1000)
            time.sleep(0.12)  # longer in all than the 0.6 s that a silent one has
        assert everything(client).endswith(b"8000 8000")


def test_a_slow_callback_is_told_so_in_its_own_words():
    with serving() as site, site.connect(CALL + b"Content-Length: 5000\r\n\r\n") as client:
        answer = everything(client)
    assert status(answer) == 408
    assert answer.endswith(b'{"status": "the request took too long"}')


def test_a_half_closed_client_gets_its_answer_and_one_without_its_body_none():
    with serving() as site:
        with site.connect(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n") as client:
            client.shutdown(socket.SHUT_WR)
            assert everything(client).endswith(b"hello")
        with site.connect(POST + b"Content-Length: 5\r\n\r\nab") as client:
            client.shutdown(socket.SHUT_WR)
            assert everything(client) == b""


def test_a_reader_that_takes_nothing_is_cut_off_and_holds_no_thread():
    with serving(ONE_EACH) as site, site.connect(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n", small=True) as client:
        began = time.monotonic()
        assert site.get("/").endswith(b"hello")
        assert time.monotonic() - began < 5
        until = time.monotonic() + 10
        while site.listener.active_channels and time.monotonic() < until:
            time.sleep(0.05)
        assert not site.listener.active_channels
        assert len(everything(client)) < 30_000_000


def test_a_reader_that_keeps_up_gets_all_of_it():
    with serving() as site:
        assert len(site.get("/big")) > 30_000_000


def test_an_answer_in_pieces_goes_out_as_it_is_made():
    with serving() as site, site.connect(b"GET /stream HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n") as client:
        assert site.hanging.acquire(timeout=5)
        begun = b""
        while b"first" not in begun:
            begun += client.recv(65536)
        assert b"last" not in begun
        site.go.set()
        assert b"last" in everything(client)


def hold_all_threads(site: Site) -> list[socket.socket]:
    """Clients that keep the only page thread and the only callback thread busy."""
    clients = [site.connect(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()) for path in ("/hang", "/hooks/hang")]
    for _ in clients:
        assert site.hanging.acquire(timeout=5)
    return clients


def test_both_probes_are_answered_while_every_thread_hangs():
    with serving(ONE_EACH) as site:
        clients = hold_all_threads(site)
        assert site.get("/healthz/live").endswith(b"ok\n")
        assert status(site.get("/healthz/ready")) == 200
        for client in clients:
            client.close()


def test_a_readiness_that_is_known_is_told_although_no_thread_is_free():
    with serving({PAGES: 1, CALLBACK: 1, PROBE: 0}) as site:
        site.front._ready = KnownAnswer(time.monotonic() + 3600, "503 Service Unavailable", [], b"known")
        assert status(site.get("/healthz/ready")) == 503
        assert site.get("/healthz/ready").endswith(b"known")


def test_callbacks_go_on_while_pages_hang_and_pages_while_callbacks_do():
    with serving(ONE_EACH) as site, site.connect(b"GET /hang HTTP/1.1\r\nHost: a\r\n\r\n"):
        assert site.hanging.acquire(timeout=5)
        assert site.get("/hooks/flow/x").endswith(b"hello")
    with serving(ONE_EACH) as site, site.connect(b"GET /hooks/hang HTTP/1.1\r\nHost: a\r\n\r\n"):
        assert site.hanging.acquire(timeout=5)
        assert site.get("/").endswith(b"hello")


def test_pages_and_callbacks_are_answered_while_200_slow_clients_hang():
    starts = [
        b"",
        b"GET / HT",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: ",
        POST + b"Content-Length: 5000\r\n\r\na",
        CALL + b"Content-Length: 5000\r\n\r\na",
        POST + b"Transfer-Encoding: chunked\r\n\r\nfff\r\na",
        b"POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n",
    ]
    with serving(ONE_EACH, silent=60, body=60, body_grace=60) as site:
        slow = [site.connect(starts[number % len(starts)]) for number in range(200)]
        for client in slow[::5]:
            client.shutdown(socket.SHUT_WR)
        for path in ("/", "/healthz/live", "/healthz/ready", "/hooks/flow/x"):
            assert status(site.get(path)) == 200
        assert site.ask(POST + b"Content-Length: 3\r\n\r\nabc").endswith(b"3 3")
        for client in slow:
            client.close()


def test_of_too_many_unfinished_requests_of_one_address_the_oldest_gives_way_with_429():
    with serving(per_address=4, silent=60, body=60, body_grace=60) as site:
        slow = site.connect_bodies([POST + b"Content-Length: 9\r\n\r\na"] * 5)
        assert status(everything(slow[0])) == 429
        assert site.ask(POST + b"Content-Length: 3\r\n\r\nabc").endswith(b"3 3")
        slow[4].sendall(b"b" * 8)
        assert status(slow[4].recv(65536)) == 200
        for client in slow:
            client.close()


def test_who_was_refused_for_another_can_read_why_while_still_more_come():
    with serving(per_address=2, silent=60, body=60, body_grace=60, linger=60) as site:
        slow = site.connect_bodies([POST + b"Content-Length: 9\r\n\r\na"] * 6)
        assert len(site.listener.active_channels) == 6
        assert [status(everything(client)) for client in slow[:4]] == [429] * 4
        for client in slow:
            client.close()


def test_behind_a_trusted_proxy_its_clients_are_counted_and_not_the_proxy():
    def from_client(number: int) -> bytes:
        return POST + f"X-Forwarded-For: 198.51.100.{number}\r\nContent-Length: 9\r\n\r\na".encode()

    with serving(trust=read_trust("127.0.0.1"), per_address=2, silent=60, body=60, body_grace=60) as site:
        clients = site.connect_bodies([from_client(number) for number in (0, 1, 2, 3, 9, 9, 9)])
        others, many = clients[:4], clients[4:]
        assert status(everything(many[0])) == 429
        many[0].close()
        for client in (*others, *many[1:]):
            client.sendall(b"b" * 8)
            assert status(client.recv(65536)) == 200
            client.close()


def test_who_is_no_trusted_proxy_counts_as_itself_whatever_it_forwards():
    with serving(per_address=2, silent=60, body=60, body_grace=60) as site:
        forwarded = [f"X-Forwarded-For: 198.51.100.{number}\r\nContent-Length: 9\r\n\r\na" for number in range(3)]
        slow = site.connect_bodies([POST + one.encode() for one in forwarded])
        assert status(everything(slow[0])) == 429
        for client in slow:
            client.close()


def test_a_complete_request_counts_for_the_client_that_a_trusted_proxy_names():
    def get(number: int) -> bytes:
        return f"GET /hang HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 198.51.100.{number}\r\n\r\n".encode()

    with serving(ONE_EACH, trust=read_trust("127.0.0.1"), waiting_tasks_per_address=1, idle=60) as site:
        clients = [site.connect(get(0))]
        assert site.hanging.acquire(timeout=5)
        clients += [site.connect(get(number)) for number in (1, 2, 3)]
        clients.append(site.connect(get(3)))
        assert status(clients[4].recv(65536)) == 429
        site.go.set()
        assert [status(client.recv(65536)) for client in clients[:4]] == [200, 200, 200, 200]
        for client in clients:
            client.close()


def test_where_all_places_are_taken_one_that_waits_gives_way():
    with serving(connections=3, silent=60) as site:
        silent = [site.connect() for _ in range(3)]
        assert site.get("/").endswith(b"hello")
        assert everything(silent[0]) == b""
        for client in silent:
            client.close()


def test_requests_that_find_no_thread_are_told_so_when_one_address_waits_with_too_many():
    with serving(ONE_EACH, waiting_tasks_per_address=2, idle=60) as site:
        waiting = [site.connect(b"GET /hang HTTP/1.1\r\nHost: a\r\n\r\n") for _ in range(1)]
        assert site.hanging.acquire(timeout=5)
        waiting += [site.connect(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n") for _ in range(3)]
        answer = everything(waiting[3])
        assert status(answer) == 429
        assert b"Retry-After: 2" in answer
        site.go.set()
        assert status(waiting[1].recv(65536)) == 200
        for client in waiting:
            client.close()


def test_an_end_finishes_what_is_under_way_and_tells_the_unfinished():
    with serving(silent=60, body=60, body_grace=60) as site:
        under_way = site.connect(b"GET /hang HTTP/1.1\r\nHost: a\r\n\r\n")
        assert site.hanging.acquire(timeout=5)
        unfinished = site.connect(POST + b"Content-Length: 9\r\n\r\na")
        silent = site.connect()
        assert site.get("/").endswith(b"hello")
        site.listener.stop()
        assert status(everything(unfinished)) == 503
        assert everything(silent) == b""
        threading.Timer(0.2, site.go.set).start()
        assert everything(under_way).endswith(b"hello")
        for client in (under_way, unfinished, silent):
            client.close()


@pytest.mark.parametrize("limits", [{"connections": 6}, {"per_address": 6}], ids=["all places", "places of an address"])
def test_readers_who_take_nothing_do_not_keep_others_out(limits: dict[str, int]):
    with serving(answer_grace=60.0, **limits) as site, ExitStack() as hanging:
        for count in range(1, 7):
            hanging.enter_context(site.connect(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n", small=True))
            site.wait_for_readers(count)
        for _ in range(4):
            assert site.get("/").endswith(b"hello")
