"""Addresses that people give lead to public hosts only, however they are spelled and whatever a name says later."""

from __future__ import annotations

import ipaddress
import logging
import socket
import ssl
from collections.abc import Callable

import httpcore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.public_addresses import is_odd_number, may_be_asked, refusal_of
from monitor.zoho import Transport, custom_origins
from monitor.zoho.deadline_sockets import DeadlineBackend
from monitor.zoho.errors import NotSent, ZohoError
from monitor.zoho.protocol import Request
from tests.zoho.helpers import fuzzed, raw_server, says
from tests.zoho.test_tls import self_signed, server  # noqa: F401 - a fixture is found by its name

CLOSED_BLOCKS = (
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24"),
    *("192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4"),
    *("240.0.0.0/4", "255.255.255.255/32", "::/128", "::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48"),
    *("100::/64", "2001::/32", "2001:20::/28", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fc00::/7"),
    *("fe80::/10", "fec0::/10", "ff00::/8"),
)
PUBLIC = (
    "8.8.8.8",
    "136.143.190.1",
    "100.63.255.255",
    "100.128.0.1",
    "172.32.0.1",
    "223.255.255.254",
    "2600::1",
    "2a00::1",
)


def inside(block: str) -> st.SearchStrategy[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    network = ipaddress.ip_network(block)
    return st.ip_addresses(v=network.version, network=block)


def spellings(address: ipaddress.IPv4Address) -> st.SearchStrategy[str]:
    """The ways in which the C library reads an IPv4 address: one to four parts, each decimal, octal or hexadecimal."""
    number = int(address)
    parts = st.sampled_from([1, 2, 3, 4]).map(
        lambda count: [*address.packed[: count - 1], number & (1 << (8 * (5 - count))) - 1]
    )
    forms: list[Callable[[int], str]] = [str, hex, lambda n: f"0{n:o}", lambda n: f"0X{n:08X}", lambda n: f"00{n:o}"]
    return parts.flatmap(
        lambda values: st.tuples(*(st.sampled_from(forms).map(lambda form, v=value: form(v)) for value in values))
    ).map(".".join)


@fuzzed()
@given(st.sampled_from(CLOSED_BLOCKS).flatmap(inside), st.booleans())
def test_no_address_of_a_closed_block_is_asked(address, allow_loopback):
    if address == ipaddress.ip_address("::1"):
        allow_loopback = False
    assert not may_be_asked(address, allow_loopback=allow_loopback)
    assert refusal_of(str(address), allow_loopback=allow_loopback)


@pytest.mark.parametrize("block", CLOSED_BLOCKS)
def test_neither_end_of_a_closed_block_is_asked(block):
    network = ipaddress.ip_network(block)
    assert not may_be_asked(network[0], allow_loopback=True)
    assert not may_be_asked(network[-1], allow_loopback=True)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_asked(address):
    assert may_be_asked(ipaddress.ip_address(address), allow_loopback=False)
    assert refusal_of(address, allow_loopback=False) == ""


@pytest.mark.parametrize("address", ["127.0.0.1", "127.255.255.254", "::1"])
def test_this_machine_is_asked_where_the_setting_says_so_only(address):
    assert may_be_asked(ipaddress.ip_address(address), allow_loopback=True)
    assert not may_be_asked(ipaddress.ip_address(address), allow_loopback=False)
    assert "ALLOW_LOOPBACK" in refusal_of(address, allow_loopback=False)


@pytest.mark.parametrize(
    "address", ["::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "fe80::1%lo"]
)
def test_this_machine_in_another_address_is_never_asked(address):
    assert not may_be_asked(ipaddress.ip_address(address), allow_loopback=True)


@fuzzed()
@given(st.ip_addresses(v=4).flatmap(lambda address: st.tuples(st.just(address), spellings(address))))
def test_every_odd_spelling_of_an_address_is_refused_as_a_custom_url(pair):
    address, spelled = pair
    if spelled == str(address):
        return
    assert is_odd_number(spelled)
    for name in ("http", "https"):
        with pytest.raises(ValueError, match=r"^accounts URL: "):
            custom_origins(f"{name}://{spelled}", "https://flow.example.com", None)


@pytest.mark.parametrize(
    "host",
    [
        *("127.1", "0x7f.1", "0x7f000001", "2130706433", "0177.0.0.1", "017700000001", "127.0.0.1.", "0", "0x"),
        *("1.2.3.4.5", "①②⑦.⓪.⓪.①", "127。0。0。1", "１２７.0.0.1", "१२७.0.0.1", "[::ffff:7f00:1]", "[::]"),
        *("[64:ff9b::7f00:1]", "[fe80::1%25lo]", "localhost", "LOCALHOST", "[::1]", "127.0.0.1", "10.0.0.1"),
        *("169.254.169.254", "100.64.0.1", "192.168.1.1:8080"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", [0, 1, 2])
def test_no_custom_url_leads_inside(host, place):
    given_urls = ["https://accounts.example.com", "https://flow.example.com", "https://crm.example.com"]
    given_urls[place] = f"https://{host}"
    with pytest.raises(ValueError, match=r"^(accounts|flow|CRM) URL: "):
        custom_origins(*given_urls)


@pytest.mark.parametrize("port", [22, 25, 80, 1023])
def test_ports_of_other_services_are_refused(port):
    with pytest.raises(ValueError, match="the port is 443, or one from 1024 on"):
        custom_origins(f"https://accounts.example.com:{port}", "https://flow.example.com", None)


def names(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Lets every name have these addresses, in turn, the last one for ever; returns the names that were looked up."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def look_up(host: str, port: int, *args: object, **named: object) -> list[object]:
        if host[0].isdigit():  # an address, when its socket is made
            return real(host, port, *args, **named)  # type: ignore[arg-type]
        asked.append(host)
        return [(0, 0, 0, "", (address, port)) for address in answers[min(len(asked), len(answers)) - 1]]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


def no_socket(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    opened: list[object] = []
    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", lambda *args, **_named: opened.append(args))
    return opened


@pytest.mark.parametrize(
    "addresses",
    [
        ["10.0.0.1"],
        ["127.0.0.1"],
        ["::1"],
        ["169.254.169.254"],
        ["::ffff:10.0.0.1"],
        ["64:ff9b::a00:1"],
        ["fe80::1%eth0"],
        ["8.8.8.8", "10.0.0.1"],
        ["10.0.0.1", "8.8.8.8"],
        ["8.8.8.8", "2002:a00:1::"],
        [],
    ],
)
def test_a_name_with_any_private_address_is_not_connected_to(monkeypatch, addresses):
    names(monkeypatch, addresses)
    opened = no_socket(monkeypatch)
    with pytest.raises(httpcore.ConnectError, match=r"^no public address is known for zoho\.example\.com$"):
        DeadlineBackend(lambda: 0.0).connect_tcp("zoho.example.com", 443, 5.0)
    assert opened == []


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "::1", "10.1.2.3", "127.1", "0x7f.1", "2130706433", "0177.0.0.1", "①②⑦.⓪.⓪.①"]
)
def test_a_stored_address_is_checked_at_each_connection_too(monkeypatch, host):
    """The system's own look-up reads all of these as addresses."""
    opened = no_socket(monkeypatch)
    with pytest.raises(httpcore.ConnectError, match="no public address"):
        DeadlineBackend(lambda: 0.0).connect_tcp(host, 443, 5.0)
    assert opened == []


def test_the_very_address_that_was_checked_is_connected_to(monkeypatch):
    asked = names(monkeypatch, ["8.8.8.8"], ["127.0.0.1"])
    reached: list[str] = []
    monkeypatch.setattr(
        httpcore.SyncBackend, "connect_tcp", lambda self, host, *args, **named: reached.append(host) or object()
    )
    backend = DeadlineBackend(lambda: 0.0)
    backend.connect_tcp("rebinding.example.com", 443, 5.0)
    assert (asked, reached) == (["rebinding.example.com"], ["8.8.8.8"])
    with pytest.raises(httpcore.ConnectError, match="no public address"):
        backend.connect_tcp("rebinding.example.com", 443, 5.0)
    assert reached == ["8.8.8.8"]


def asked_of(origin: str, **options: object) -> ZohoError:
    with Transport(repeats=1, **options) as transport, pytest.raises(ZohoError) as error:  # type: ignore[arg-type]
        transport.request(Request("GET", f"{origin}/x"))
    return error.value


def test_the_host_header_keeps_the_name(monkeypatch):
    with raw_server(says(b"{}")) as listening, Transport(repeats=1, allow_loopback=True) as transport:
        port = listening.origin.rpartition(":")[2]
        names(monkeypatch, ["127.0.0.1"])
        assert transport.request(Request("GET", f"http://zoho.example.com:{port}/x")).status == 200
    assert f"\r\nHost: zoho.example.com:{port}\r\n".lower() in listening.requests[0].decode().lower()


def test_tls_asks_for_the_name(self_signed, monkeypatch):  # noqa: F811 - the fixture
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed)
    wanted: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: wanted.append(name)

    def talk(connection: socket.socket) -> None:
        context.wrap_socket(connection, server_side=True).close()

    with server(talk) as (origin, _):
        names(monkeypatch, ["127.0.0.1"])
        asked_of(origin.replace("localhost", "zoho.example.com"), allow_loopback=True)
    assert wanted == ["zoho.example.com"]


def test_a_private_name_and_one_that_does_not_exist_are_told_in_the_same_words(monkeypatch):
    names(monkeypatch, ["10.0.0.1"])
    private = asked_of("https://inside.example.com")

    def unknown(*_args: object, **_named: object) -> list[object]:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    missing = asked_of("https://inside.example.com")
    assert (type(private), str(private), private.hint) == (type(missing), str(missing), missing.hint)
    assert type(private) is NotSent
    assert "host name" in private.hint


@pytest.mark.parametrize(
    "problem",
    [
        httpcore.ConnectError("[Errno 111] Connection refused"),
        httpcore.ConnectError("[Errno 113] No route to host"),
        httpcore.ConnectTimeout("timed out"),
    ],
)
def test_refused_silent_and_unreachable_are_told_in_the_same_words_and_logged_in_their_own(
    monkeypatch, caplog, problem
):
    names(monkeypatch, ["8.8.8.8"])

    def fail(*_args: object, **_named: object) -> None:
        raise problem

    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", fail)
    with caplog.at_level(logging.INFO, "monitor.zoho.transport"):
        error = asked_of("https://zoho.example.com:8443")
    assert str(error) == "GET zoho.example.com:8443/x: no connection"
    assert error.hint == NotSent.default_hint
    assert str(problem) in caplog.text
