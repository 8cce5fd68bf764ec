from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.server.limits import WAITING, Phase, ServerLimits, SocketWait, gives_way, is_overdue
from dashboard.server.pools import CALLBACK, PAGES, PROBE, pool_for, refuse_task
from dashboard.server.requests import Head, refuse_head

LIMITS = ServerLimits()
STANDINGS = st.builds(
    SocketWait,
    phase=st.sampled_from(Phase),
    since=st.floats(0, 1e6),
    moved=st.integers(0, 10**9),
    began=st.floats(0, 1e6),
)


@pytest.mark.parametrize(
    ("phase", "moved", "lasts"),
    [
        (Phase.SILENT, 0, 10),
        (Phase.HEAD, 9_000, 10),
        (Phase.IDLE, 0, 75),
        (Phase.BODY, 0, 10),
        (Phase.BODY, 5 * 1024, 15),
        (Phase.BODY, 9 * 1024 * 1024, 30),
        (Phase.READING, 0, 30),
        (Phase.READING, 10 * 8192, 40),
        (Phase.LINGERING, 0, 3),
    ],
)
def test_each_wait_ends_after_its_time(phase: Phase, moved: int, lasts: int):
    standing = SocketWait(phase, 1000.0, moved)
    assert not is_overdue(standing, LIMITS, 1000.0 + lasts)
    assert is_overdue(standing, LIMITS, 1000.1 + lasts)


@given(st.floats(0, 1e6), st.integers(0, 10**9), st.floats(0, 1e6))
def test_what_waits_for_us_is_never_overdue(since: float, moved: int, waited: float):
    assert not is_overdue(SocketWait(Phase.SERVING, since, moved), LIMITS, since + waited)


@given(st.lists(STANDINGS))
def test_who_has_waited_longest_gives_way_and_never_who_is_being_answered(standings: list[SocketWait]):
    place = gives_way(standings)
    assert (place is None) == all(one.phase not in WAITING for one in standings)
    if place is not None:
        chosen = standings[place]
        assert chosen.phase in WAITING
        assert all(chosen.began <= one.began for one in standings if one.phase in WAITING)


def test_a_full_queue_says_503_and_one_address_that_fills_half_of_it_429():
    one, many = ["192.0.2.1"] * 128, [f"198.51.100.{number}" for number in range(128)]
    refused = refuse_task(one, "192.0.2.1", LIMITS)
    assert refused
    assert (refused.code, refused.retry_after) == (429, 2)
    assert refuse_task(one, "192.0.2.2", LIMITS) is None
    full = refuse_task(one + many, "192.0.2.2", LIMITS)
    assert full
    assert full.code == 503


@pytest.mark.parametrize(
    ("path", "method", "pool"),
    [
        ("/healthz/live", "GET", None),
        ("/healthz/live", "HEAD", None),
        ("/healthz/live", "POST", PAGES),
        ("/healthz/ready", "GET", PROBE),
        ("/hooks/flow/abc", "POST", CALLBACK),
        ("/", "GET", PAGES),
        ("/healthz/live/", "GET", PAGES),
    ],
)
def test_pages_callbacks_and_probes_have_threads_of_their_own(path: str, method: str, pool: str | None):
    assert pool_for(path, method) == pool


def head(**fields: object) -> Head:
    usual = {"path": "/", "version": "1.1", "content_type": "", "length": 0, "has_both_lengths": False}
    return Head(**(usual | fields))


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, None),
        ({"length": 1024 * 1024}, None),
        ({"length": 1024 * 1024 + 1}, 413),
        ({"path": "/hooks/flow/x", "length": 10 * 1024 * 1024 + 1}, None),
        ({"path": "/hooks/flow/x", "length": 10 * 1024 * 1024 + 2}, 413),
        ({"content_type": "multipart/form-data; boundary=x"}, 415),
        ({"content_type": " Multipart/Mixed"}, 415),
        ({"path": "/hooks/crm/1", "content_type": "multipart/form-data"}, None),
        ({"content_type": "application/x-www-form-urlencoded"}, None),
        ({"version": "2.0"}, 505),
        ({"version": ""}, 505),
        ({"path": "*"}, 400),
        ({"path": "/flows/\0"}, 400),
        ({"has_both_lengths": True}, 400),
    ],
)
def test_a_head_alone_says_what_is_refused(fields: dict[str, object], code: int | None):
    refused = refuse_head(head(**fields), LIMITS)
    assert (refused.code if refused else None) == code
