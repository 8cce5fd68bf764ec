"""Whom a request came from: trusted proxies are believed, nobody else is."""

from __future__ import annotations

import json

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from dashboard import client_address, environment
from dashboard.client_address import NOBODY, Trust, find_client, network_of, read_trust

LOCAL = read_trust("127.0.0.1, 10.0.0.0/8, fd00::/8")
entries = st.one_of(st.ip_addresses().map(str), st.text(max_size=12).map(lambda text: text.replace(",", "")))


@pytest.mark.parametrize(
    ("peer", "header", "trust", "expected"),
    [
        ("203.0.113.7", "", NOBODY, "203.0.113.7"),
        ("203.0.113.7", "198.51.100.1", NOBODY, "203.0.113.7"),
        ("127.0.0.1", "198.51.100.1", NOBODY, "127.0.0.1"),
        ("127.0.0.1", "198.51.100.1", LOCAL, "198.51.100.1"),
        ("127.0.0.1", "192.0.2.66, 198.51.100.1", LOCAL, "198.51.100.1"),
        ("127.0.0.1", "192.0.2.66, 198.51.100.1, 10.1.2.3", LOCAL, "198.51.100.1"),
        ("203.0.113.7", "198.51.100.1, 10.1.2.3", LOCAL, "203.0.113.7"),
        ("127.0.0.1", "", LOCAL, "127.0.0.1"),
        ("127.0.0.1", "10.0.0.9", LOCAL, "10.0.0.9"),
        ("127.0.0.1", "198.51.100.1, unknown", LOCAL, "127.0.0.1"),
        ("127.0.0.1:52110", "198.51.100.1:9000", LOCAL, "198.51.100.1"),
        ("::ffff:127.0.0.1", "[2001:db8::5]:443", LOCAL, "2001:db8::5"),
        ("fd00::1", "2001:DB8:0::5", LOCAL, "2001:db8::5"),
        ("fe80::1%eth0", "", NOBODY, "fe80::1"),
        ("", "198.51.100.1", LOCAL, ""),
        ("unix:", "198.51.100.1", LOCAL, ""),
        ("203.0.113.7", "198.51.100.1", Trust(count=1), "198.51.100.1"),
        ("203.0.113.7", "192.0.2.66, 198.51.100.1", Trust(count=1), "198.51.100.1"),
        ("203.0.113.7", "192.0.2.66, 198.51.100.1", Trust(count=2), "192.0.2.66"),
        ("203.0.113.7", "198.51.100.1", Trust(count=3), "198.51.100.1"),
        ("203.0.113.7", "", Trust(count=1), "203.0.113.7"),
        ("unix:", "198.51.100.1", Trust(count=1), "198.51.100.1"),
        ("203.0.113.7", "192.0.2.66, <b>", Trust(count=2), "203.0.113.7"),
        ("203.0.113.7", ", ,", Trust(count=2), "203.0.113.7"),
    ],
)
def test_the_client_is_found_as_far_as_trust_goes(peer: str, header: str, trust: Trust, expected: str) -> None:
    assert find_client(peer, header, trust) == expected


@given(header=st.lists(entries, max_size=6).map(", ".join))
def test_whoever_is_no_trusted_proxy_is_never_believed(header: str) -> None:
    assert find_client("203.0.113.7", header, NOBODY) == "203.0.113.7"
    assert find_client("203.0.113.7", header, LOCAL) == "203.0.113.7"


@given(forged=st.lists(entries, max_size=6).map(", ".join), count=st.integers(1, 3))
def test_what_a_client_writes_itself_stands_left_of_what_the_proxies_add(forged: str, count: int) -> None:
    hops = ["198.51.100.1", "192.0.2.5", "192.0.2.6"][:count]
    header = ", ".join([forged, *hops] if forged else hops)
    assert find_client("203.0.113.7", header, Trust(count=count)) == "198.51.100.1"
    local = ", ".join([forged, "198.51.100.1", *["10.0.0.1", "10.0.0.2"][: count - 1]])
    assert find_client("127.0.0.1", local, LOCAL) == "198.51.100.1"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("198.51.100.1", "198.51.100.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:198.51.100.1", "198.51.100.1"),
        ("", ""),
    ],
)
def test_limits_count_by_what_one_subscriber_has(address: str, expected: str) -> None:
    assert network_of(address) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", NOBODY),
        ("0", NOBODY),
        ("2", Trust(count=2)),
        ("127.0.0.1", read_trust("127.0.0.1/32")),
        ("10.0.0.0/8,fd00::/8", read_trust(" 10.0.0.0/8 , fd00::/8 ,")),
    ],
)
def test_the_setting_is_a_number_or_networks(text: str, expected: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUSTED_PROXIES", text)
    assert environment.trusted_proxies() == expected


@pytest.mark.parametrize(
    "text", ["99", "-1", "one", "10.0.0.1/8", "0.0.0.0/0", "::/0", "proxy.example.com", "1, 2", "²"]
)
def test_a_setting_that_is_neither_is_refused_in_one_line(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUSTED_PROXIES", text)
    with pytest.raises(ImproperlyConfigured, match=r"^TRUSTED_PROXIES [^\n]+$"):
        environment.trusted_proxies()


def test_a_request_is_asked_by_the_setting(settings) -> None:
    request = RequestFactory().get("/", REMOTE_ADDR="127.0.0.1", HTTP_X_FORWARDED_FOR="192.0.2.66, 198.51.100.1")
    assert client_address.of(request) == "127.0.0.1"
    assert not client_address.comes_from_a_trusted_proxy(request)
    settings.TRUSTED_PROXIES = LOCAL
    assert client_address.of(request) == "198.51.100.1"
    assert client_address.comes_from_a_trusted_proxy(request)


@pytest.mark.parametrize(
    ("trusted", "peer", "headers", "expected"),
    [
        ("", "203.0.113.7", {}, False),
        ("", "127.0.0.1", {"X-Forwarded-For": "198.51.100.1"}, True),
        ("", "93.184.216.34", {"X-Forwarded-For": "198.51.100.1"}, True),
        ("", "127.0.0.1", {"X-Real-IP": "198.51.100.1"}, True),
        ("", "127.0.0.1", {"Forwarded": "for=198.51.100.1"}, True),
        ("", "127.0.0.1", {"X-Forwarded-Proto": "https"}, True),
        ("127.0.0.1", "127.0.0.1", {"X-Forwarded-For": "198.51.100.1", "X-Forwarded-Proto": "https"}, False),
        ("127.0.0.1", "127.0.0.1", {"X-Forwarded-For": "198.51.100.1, 192.0.2.5"}, True),  # another proxy before it
        ("127.0.0.1", "127.0.0.1", {"X-Forwarded-For": "198.51.100.1, nonsense"}, True),
        ("127.0.0.1, 192.0.2.5", "127.0.0.1", {"X-Forwarded-For": "198.51.100.1, 192.0.2.5"}, False),
        ("127.0.0.1", "192.0.2.5", {"X-Forwarded-For": "198.51.100.1"}, True),
        ("1", "192.0.2.5", {"X-Forwarded-For": "198.51.100.1"}, False),
        ("1", "192.0.2.5", {"X-Forwarded-For": "198.51.100.1, 192.0.2.6"}, True),
        ("2", "192.0.2.5", {"X-Forwarded-For": "198.51.100.1, 192.0.2.6"}, False),
        ("2", "192.0.2.5", {"X-Forwarded-For": "198.51.100.1"}, False),
    ],
)
def test_an_address_that_may_be_a_proxys_is_known_as_such(
    trusted: str, peer: str, headers: dict[str, str], expected: bool, settings
) -> None:
    settings.TRUSTED_PROXIES = read_trust(trusted)
    request = RequestFactory().get("/", REMOTE_ADDR=peer, headers=headers)
    assert client_address.may_be_shared(request) is expected


@pytest.mark.parametrize(
    ("trusted", "url", "is_told"),
    [
        ("", "https://monitor.example.com", True),
        ("0", "https://monitor.example.com", True),
        ("127.0.0.1", "https://monitor.example.com", False),
        ("1", "https://monitor.example.com", False),
        ("", "http://localhost:8000", False),
    ],
)
def test_a_proxy_that_must_be_there_and_is_not_named_is_told(
    trusted: str, url: str, is_told: bool, db: None, settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.TRUSTED_PROXIES, settings.PUBLIC_URL = read_trust(trusted), url
    found = [check.id for check in run_checks(include_deployment_checks=True)]
    assert ("monitor.W001" in found) is is_told
    call_command("status")
    assert ("WARNING: TRUSTED_PROXIES does not name the proxy in front" in capsys.readouterr().out) is is_told
    call_command("status", "--json")
    assert bool(json.loads(capsys.readouterr().out)["warnings"]) is is_told
