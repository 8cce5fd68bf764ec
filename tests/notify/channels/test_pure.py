"""What is decided of channels without a database or a network."""

from __future__ import annotations

import socket
import string
from datetime import timedelta
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.models import Channel
from monitor.notify.channels.answers import judge
from monitor.notify.channels.escape import harmless, markdown
from monitor.notify.channels.guard import Guard, HostRefused
from monitor.notify.channels.parcel import ChannelAnswer, Parcel
from monitor.notify.channels.routing import ChannelFacts, channels_for
from monitor.notify.channels.services import SERVICES, hint_of, secrets_in, without, wrong_with
from monitor.notify.smtp_answers import pause_after
from monitor.public_addresses import NO_PRIVATE_HOSTS, PrivateHosts
from tests.factories import NOON
from tests.notify.channels.conftest import FIELDS

SECOND = timedelta(seconds=1)


def test_each_service_that_a_channel_can_be_of_has_a_form() -> None:
    assert set(SERVICES) == set(Channel.Service.values) == set(FIELDS)


@pytest.mark.parametrize("service", FIELDS)
def test_a_form_takes_what_the_service_shows_to_people(service: str) -> None:
    assert wrong_with(SERVICES[service], FIELDS[service], NO_PRIVATE_HOSTS) == {}


@pytest.mark.parametrize("service", FIELDS)
@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/passwd", "exec:///bin/sh", "dbus://", "windows://", "syslog://", "json://127.0.0.1/",
        "https://user:pass@hooks.example.com/x", "http://hooks.example.com/x", "https://127.0.0.1/x",
        "https://169.254.169.254/latest/meta-data", "https://[::1]/", "https://2130706433/", "https://10.0.0.1/x",
        "https://hooks.example.com/x#y", "https://hooks.example.com/\x00", "https://hooks.example.com/a b",
        "https://chat.googleapis.com@evil.example/v1/spaces/a", "https://hooks.example.com:0/", "https:///x",
        "https://hooks.example.com:99999/", "https://ex\u00e4mple.com/", "",
    ],
)  # fmt: skip
def test_no_form_takes_another_scheme_a_private_host_or_another_servers_name(service: str, address: str) -> None:
    """Also where the field is no address: a token or a topic that looks like one is refused."""
    for field in SERVICES[service].fields:
        if field.choices or (not address and not field.is_required):
            continue
        assert field.name in wrong_with(SERVICES[service], FIELDS[service] | {field.name: address}, NO_PRIVATE_HOSTS)


def test_a_private_host_is_taken_where_the_operator_lists_it_also_without_tls() -> None:
    listed = PrivateHosts.read(["ntfy.internal", "10.1.0.0/16"])
    for url in ("http://ntfy.internal:8080/x", "https://10.1.2.3/x"):
        assert wrong_with(SERVICES["webhook"], {"url": url}, listed) == {}
    assert wrong_with(SERVICES["webhook"], {"url": "https://10.2.2.3/x"}, listed)
    assert wrong_with(SERVICES["webhook"], {"url": "http://other.internal/x"}, listed)


@pytest.mark.parametrize("entry", ["http://x", "a b", "10.0.0.0/99", "", "2130706433", "-x.example"])
def test_what_is_no_host_is_refused_in_the_list_of_private_hosts(entry: str) -> None:
    with pytest.raises(ValueError, match="is no host name, address or network"):
        PrivateHosts.read([entry])


@pytest.mark.parametrize("service", FIELDS)
def test_a_hint_shows_the_end_of_a_long_secret_and_nothing_more(service: str) -> None:
    hint = hint_of(SERVICES[service], FIELDS[service])
    assert hint
    assert "s3cr3t" not in hint
    assert all(secret not in hint for secret in secrets_in(SERVICES[service], FIELDS[service]))


@pytest.mark.parametrize("service", FIELDS)
def test_no_secret_stays_in_a_text_in_whatever_spelling(service: str) -> None:
    known = secrets_in(SERVICES[service], FIELDS[service], ["whsec_s3cr3t/Signing+="])
    values = list(FIELDS[service].values())
    spelled = [*values, *map(quote, values), *map(quote_plus, values), *(value.split("/")[-1] for value in values)]
    told = without(known, f"no answer: {' '.join(spelled)} whsec_s3cr3t/Signing+= whsec_s3cr3t%2FSigning%2B%3D")
    assert "s3cr3t" not in told


@pytest.mark.parametrize("service", ["slack", "teams", "google_chat"])
@pytest.mark.parametrize(
    "address",
    [
        "https://hooks.slack.com.evil.example/services/A/B/C",
        "https://hooks.slack.com/services/A/B/C?redirect=yes&verify=no",
        "https://hooks.slack.com/services/A/B/../C",
        "https://chat.googleapis.com/v1/spaces/A/messages?key=a&token=b&verify=no",
        "https://x.logic.azure.com.evil.example/workflows/a/triggers/manual/paths/invoke?sig=a",
        "https://x.logic.azure.com/workflows/a/triggers/manual/paths/invoke?sig=a&format=html",
        "https://x.logic.azure.evil/workflows/a/triggers/manual/paths/invoke?sig=a",
        "https://x.powerplatform.evil.example/workflows/a/triggers/manual/paths/invoke?sig=a",
        "https://api.appsplatform.us.evil.example/workflows/a/triggers/manual/paths/invoke?sig=a",
        "https://x.logic.azure.com:22/workflows/a/triggers/manual/paths/invoke?sig=a",
    ],
)
def test_an_address_that_only_looks_like_the_services_is_refused(service: str, address: str) -> None:
    assert "url" in wrong_with(SERVICES[service], {"url": address}, NO_PRIVATE_HOSTS)


@pytest.mark.parametrize(
    "host",
    [
        "prod-1.westeurope.logic.azure.com", "prod-1.usgovvirginia.logic.azure.us", "prod-1.chinaeast2.logic.azure.cn",
        "default0a.1b.environment.api.powerplatform.com", "0a.1b.environment.api.gov.powerplatform.microsoft.us",
        "0a.1b.environment.api.high.powerplatform.microsoft.us", "0a.1b.environment.api.appsplatform.us",
        "0a.1b.environment.api.powerplatform.partner.microsoftonline.cn",
    ],
)  # fmt: skip
def test_a_workflow_of_teams_may_be_in_each_cloud_of_microsoft(host: str) -> None:
    address = f"https://{host}:443/workflows/0a/triggers/manual/paths/invoke?api-version=1&sp=%2Frun&sv=1.0&sig=abc"
    assert wrong_with(SERVICES["teams"], {"url": address}, NO_PRIVATE_HOSTS) == {}


@given(st.text(alphabet=string.ascii_letters + string.digits + "_-", min_size=5, max_size=40), st.text(), st.text())
def test_whatever_stands_around_a_secret_it_is_hidden(secret: str, before: str, after: str) -> None:
    known = secrets_in(SERVICES["ntfy"], {"server": "https://ntfy.sh", "topic": "aaaaa", "token": secret})
    told = without(known, f"{before} {secret} {after}")
    assert secret not in told.replace("…", "")


def test_a_parcel_shows_no_secret_when_it_is_printed() -> None:
    parcel = Parcel("ntfy", FIELDS["ntfy"], signing=["whsec_s3cr3t"])
    assert "s3cr3t" not in repr(parcel)


# ---- which notice goes where


def facts(key: int = 1, **more: Any) -> ChannelFacts:
    return ChannelFacts(
        **({"key": key, "account": None, "severity": "notify", "has_incidents": False, "is_told": False} | more)
    )


@pytest.mark.parametrize(
    ("wanted", "severity", "goes"),
    [("page", "page", True), ("page", "notify", False), ("notify", "page", True), ("notify", "notify", True)],
)
def test_a_channel_gets_incidents_of_its_severity_and_of_a_higher_one(wanted: str, severity: str, goes: bool) -> None:
    found = channels_for([facts(severity=wanted)], account=7, severity=severity, kind="firing")
    assert found == ([1] if goes else [])


def test_a_channel_of_an_account_gets_nothing_of_another() -> None:
    known = [facts(1, account=7), facts(2, account=8), facts(3)]
    assert channels_for(known, account=7, severity="page", kind="update") == [1, 3]


def test_the_end_goes_where_the_beginning_went_whatever_was_changed_since() -> None:
    known = [facts(1, is_told=True, severity="page", account=9), facts(2)]
    assert channels_for(known, account=7, severity="notify", kind="resolved") == [1]


def test_a_pager_is_not_called_for_what_is_over_already() -> None:
    known = [facts(1, has_incidents=True), facts(2)]
    assert channels_for(known, account=7, severity="page", kind="firing", says_both=True) == [2]


# ---- what follows from an answer


@pytest.mark.parametrize(
    ("answer", "kind", "is_of_channel"),
    [
        (ChannelAnswer(is_taken=True, status=200), None, False),
        (ChannelAnswer(is_taken=True, status=204), None, False),
        (ChannelAnswer(is_taken=False, status=200, words="invalid_payload"), "poison", False),
        (ChannelAnswer(is_taken=False, status=302), "sender", True),
        (ChannelAnswer(is_taken=False, status=400), "poison", False),
        (ChannelAnswer(is_taken=False, status=401), "sender", True),
        (ChannelAnswer(is_taken=False, status=403), "sender", True),
        (ChannelAnswer(is_taken=False, status=404), "sender", True),
        (ChannelAnswer(is_taken=False, status=410), "permanent", True),
        (ChannelAnswer(is_taken=False, status=413), "poison", False),
        (ChannelAnswer(is_taken=False, status=408), "transient", False),
        (ChannelAnswer(is_taken=False, status=429), "transient", True),
        (ChannelAnswer(is_taken=False, status=500), "transient", True),
        (ChannelAnswer(is_taken=False, status=503, retry_after="5"), "transient", True),
        (ChannelAnswer(is_taken=False, fault="no connection"), "transient", True),
        (ChannelAnswer(is_taken=False, fault="no answer in time", may_have_arrived=True), "ambiguous", True),
        (ChannelAnswer(is_taken=False, fault="settings"), "sender", True),
    ],
)
def test_an_answer_says_whose_fault_a_failure_is(answer: ChannelAnswer, kind: str | None, is_of_channel: bool) -> None:
    outcome = judge(answer, NOON)
    assert (outcome.kind, outcome.is_of_channel) == (kind, is_of_channel)
    assert outcome.code


@pytest.mark.parametrize(
    ("said", "wait"),
    [
        ("0", 0), ("77", 77), (" 1799 ", 1799), ("3600", 1800),
        ("99999999999999999999", 1800), ("-5", None), ("soon", None), ("", None),
        ("Sun, 22 Nov 2026 12:01:30 GMT", 90), ("Sun, 22 Nov 2026 11:00:00 GMT", 0), ("٣", None),
    ],
)  # fmt: skip
def test_a_channel_waits_as_long_as_its_server_asks_within_half_an_hour(said: str, wait: int | None) -> None:
    outcome = judge(ChannelAnswer(is_taken=False, status=429, retry_after=said), NOON)
    assert outcome.wait == (None if wait is None else wait * SECOND)


def test_a_troubled_channel_is_left_alone_for_longer_each_time() -> None:
    pauses = [pause_after(failures).total_seconds() for failures in range(1, 20)]
    assert pauses[:4] == [15, 30, 60, 120]
    assert pauses == sorted(pauses)
    assert pauses[-1] == 1800


@given(st.text(), st.integers(100, 599))
def test_whatever_a_server_says_one_short_line_is_kept_of_it(words: str, status: int) -> None:
    reason = judge(ChannelAnswer(is_taken=False, status=status, words=words), NOON).reason
    assert len(reason) <= 280
    assert reason.isprintable() or not reason.isascii()
    assert "\n" not in reason
    assert "\x00" not in reason


def test_personal_data_in_a_servers_words_is_hidden() -> None:
    outcome = judge(ChannelAnswer(is_taken=False, status=400, words="no such user jane@example.com"), NOON)
    assert "jane@example.com" not in outcome.reason


# ---- which connections a sending process may make

PRIVATE = [
    "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.1", "224.0.0.1",
    "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1",
    "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1", "2002:7f00:1::", "100.100.100.200",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_no_private_address_is_connected_to_whatever_name_led_there(address: str) -> None:
    guard = Guard(NO_PRIVATE_HOSTS)
    guard("socket.getaddrinfo", ("hooks.example.com", 443, 0, 0, 0))
    with pytest.raises(HostRefused, match="no public address is known"):
        guard("socket.connect", (None, (address, 443)))


def test_a_name_that_resolves_publicly_first_and_privately_at_the_connection_is_refused() -> None:
    guard = Guard(NO_PRIVATE_HOSTS)
    guard("socket.getaddrinfo", ("rebind.example.com", 443, 0, 0, 0))
    guard("socket.connect", (None, ("93.184.216.34", 443)))
    with pytest.raises(HostRefused):
        guard("socket.connect", (None, ("10.0.0.1", 443)))


def test_a_listed_name_opens_its_own_address_and_not_that_of_a_redirect() -> None:
    guard = Guard(PrivateHosts.read(["ntfy.internal"]))
    guard("socket.getaddrinfo", (b"NTFY.internal", 80, 0, 0, 0))
    guard("socket.connect", (None, ("10.0.0.1", 80)))
    guard("socket.getaddrinfo", ("evil.example.com", 80, 0, 0, 0))
    with pytest.raises(HostRefused):
        guard("socket.connect", (None, ("10.0.0.1", 80)))


@pytest.mark.parametrize("place", ["/var/run/docker.sock", b"\x00abstract", ("hooks.example.com", 80), (), None])
def test_what_is_no_checked_address_is_not_connected_to(place: Any) -> None:
    with pytest.raises(HostRefused):
        Guard(NO_PRIVATE_HOSTS)("socket.connect", (socket.socket, place))


@pytest.mark.parametrize("event", ["subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork"])
def test_a_sending_process_starts_no_program(event: str) -> None:
    with pytest.raises(PermissionError):
        Guard(NO_PRIVATE_HOSTS)(event, ("/bin/sh",))


# ---- text that came from outside


@given(st.text())
def test_no_text_calls_a_person_or_hides_an_address_behind_other_words(text: str) -> None:
    shown = harmless(text)
    assert "](" not in shown
    assert "{@" not in shown
    assert "@all" not in shown


@given(st.text(alphabet=string.printable))
def test_markdown_of_a_text_reads_as_the_text(text: str) -> None:
    escaped = markdown(text)
    signs = iter(escaped)
    assert "".join(next(signs) if sign == "\\" else sign for sign in signs) == text
