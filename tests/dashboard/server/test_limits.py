from __future__ import annotations

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from dashboard.server.limits import THEIRS, Phase, ServerLimits, SocketWait, give_way, is_overdue
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


@given(st.lists(STANDINGS), st.integers(1, 20))
def test_who_has_waited_longest_gives_way_and_never_who_is_being_answered(waits: list[SocketWait], count: int):
    places = give_way(waits, count)
    waiting = sorted((one.phase is Phase.READING, one.began) for one in waits if one.phase in THEIRS)
    assert len(set(places)) == len(places) == min(count, len(waiting))
    chosen = [waits[place] for place in places]
    assert all(one.phase in THEIRS for one in chosen)
    assert sorted((one.phase is Phase.READING, one.began) for one in chosen) == waiting[:count]


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
    ("path", "pool"),
    [
        ("/healthz/ready", PROBE),
        ("/healthz/ready/", PAGES),
        ("/hooks/flow/abc", CALLBACK),
        ("/", PAGES),
        ("/healthz/live/", PAGES),
    ],
)
def test_pages_callbacks_and_probes_have_threads_of_their_own(path: str, pool: str):
    assert pool_for(path) == pool


def test_few_probes_of_one_address_wait_for_the_one_thread_that_looks():
    flood = ["192.0.2.1"] * LIMITS.waiting_probes_per_address
    refused = refuse_task(flood, "192.0.2.1", LIMITS, PROBE)
    assert refused
    assert refused.code == 429
    assert refuse_task(flood, "192.0.2.2", LIMITS, PROBE) is None
    assert refuse_task(flood, "192.0.2.1", LIMITS) is None


def head(**fields: object) -> Head:
    usual = {"path": "/", "version": "1.1", "method": "GET", "content_type": "", "length": 0, "has_both_lengths": False}
    return Head(**(usual | fields))


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, None),
        ({"length": 1024 * 1024}, None),
        ({"length": 1024 * 1024 + 1}, 413),
        ({"path": "/hooks/flow/x", "length": 10 * 1024 * 1024}, None),
        ({"path": "/hooks/flow/x", "length": 10 * 1024 * 1024 + 1}, 413),
        ({"content_type": "multipart/form-data; boundary=x"}, 415),
        ({"content_type": " Multipart/Mixed"}, 415),
        ({"path": "/hooks/crm/1", "content_type": "multipart/form-data"}, None),
        ({"content_type": "application/x-www-form-urlencoded"}, None),
        ({"content_type": "text/plain; charset*=zlib''%20"}, 400),
        ({"path": "/hooks/crm/1", "content_type": "text/plain; x*0*=utf-8''%00"}, 400),
        ({"path": "/hooks/crm/1", "content_type": "application/json; charset=ISO-8859-1"}, None),
        ({"path": "/hooks/crm/1", "content_type": "application/json; charset=zlib"}, 400),
        ({"method": "PROPFIND"}, 501),
        ({"method": "F" * 60_000}, 501),
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


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "", "text/plain; a=b"])
@pytest.mark.parametrize(
    "charset", ["zlib", '"idna"', "rot13", "utf-16", "unicode_escape", "latin-1", "x", "\u00fc", "'hex'", "", "utf-8 x"]
)
def test_a_charset_that_http_does_not_know_is_a_400(kind: str, charset: str):
    for name in ("charset", "Charset", "CHARSET ", "charset*", "charset*0"):
        refused = refuse_head(head(content_type=f"{kind}; {name}={charset}"), LIMITS)
        assert refused
        assert refused.code == 400


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", '"utf-8"', "utf8", " utf-8 ; a=b", "us-ascii"])
def test_utf_8_is_read_however_it_is_spelled(charset: str):
    assert refuse_head(head(content_type=f"text/plain; charset={charset}"), LIMITS) is None


@given(st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60))
def test_no_content_type_that_is_let_past_makes_django_fail(content_type: str):
    if refuse_head(head(content_type=content_type), LIMITS) is None:
        environ = RequestFactory().get("/?a=b%ff").environ | {"CONTENT_TYPE": content_type}
        assert WSGIRequest(environ).GET["a"]


@given(st.lists(st.sampled_from(["charset", "*", "=", ";", "utf-8", "zlib", "rot13", "''", '"', " ", "0", "a"])))
def test_no_charset_of_pythons_own_gets_past_however_it_is_put_together(pieces: list[str]):
    content_type = "text/plain;" + "".join(pieces)
    if refuse_head(head(content_type=content_type), LIMITS) is None:
        environ = RequestFactory().get("/?a=b%ff").environ | {"CONTENT_TYPE": content_type}
        assert WSGIRequest(environ).GET["a"]
