"""What apprise makes of a message for each service, by the very code of the sending process; nothing leaves here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from monitor.notify.channels import child
from monitor.notify.channels.parcel import ChannelAnswer, Parcel
from monitor.notify.words import clean
from monitor.public_addresses import NO_PRIVATE_HOSTS
from tests.notify.channels.conftest import FIELDS

APPRISES = [service for service in FIELDS if service != "webhook"]
LINK = "https://monitor.example.com/incidents/7/"


class Raw:
    """The body of an answer, as `requests` reads it."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def read1(self, most: int) -> bytes:
        found, self.body = self.body[:most], self.body[most:]
        return found

    def close(self) -> None:
        """Nothing to close."""


class Wire:
    """Stands in the place of the network."""

    def __init__(self) -> None:
        self.status, self.body, self.error = 200, b"ok", None
        self.sent: list[Any] = []
        self.options: list[dict[str, Any]] = []

    def send(self, session: Any, request: Any, **options: Any) -> requests.Response:
        self.sent.append(request)
        self.options.append(options)
        if self.error is not None:
            raise self.error
        response = requests.Response()
        response.status_code, response.raw, response.request, response.url = (
            self.status, Raw(self.body), request, request.url,
        )  # fmt: skip
        return response

    @property
    def posted(self) -> Any:
        body = self.sent[-1].body
        return json.loads(body)


def take_the_place(patch: pytest.MonkeyPatch, wire: Wire) -> None:
    def send(session: Any, request: Any, **options: Any) -> requests.Response:
        return wire.send(session, request, **options)

    # An audit hook stays for ever: it is shown in a real process (test_send.py).
    patch.setattr(child.sys, "addaudithook", lambda hook: None)
    patch.setattr(requests.Session, "send", send)


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    mine = Wire()
    take_the_place(monkeypatch, mine)
    return mine


def parcel(service: str, title: str = "[Firing] Orders", lines: list[str] | None = None, **more: Any) -> Parcel:
    return Parcel(
        service,
        FIELDS[service],
        "msg_1",
        title,
        lines or ["Account Acme"],
        LINK,
        **({"key": "k/7", "source": "m"} | more),
    )


def hand_over(wire: Wire, sent: Parcel) -> ChannelAnswer:
    original, begin = requests.Session.send, requests.Session.__init__
    try:
        return child.answer_of(sent, NO_PRIVATE_HOSTS, 5.0)
    finally:
        requests.Session.send, requests.Session.__init__ = original, begin


@pytest.mark.parametrize("service", APPRISES)
def test_each_service_gets_title_text_and_link_over_https_without_redirects(wire: Wire, service: str) -> None:
    wire.body = b"ok" if service == "slack" else b'{"ok": true, "requestId": "1"}'
    wire.status = 202 if service in ("opsgenie", "pagerduty") else 200
    answer = hand_over(wire, parcel(service))
    assert answer.is_taken, answer
    posted = json.dumps(wire.posted)
    assert "[Firing] Orders" in posted.replace("\\\\", "")
    assert "Account Acme" in posted
    assert LINK in posted
    assert wire.sent[-1].url.startswith("https://")
    assert wire.options[-1]["allow_redirects"] is False
    assert wire.options[-1]["verify"] is True
    assert wire.options[-1]["proxies"] == {}


@pytest.mark.parametrize("service", APPRISES)
@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 410, 429, 500, 503])
def test_a_refusal_is_told_with_its_status_and_without_secrets(wire: Wire, service: str, status: int) -> None:
    wire.status = status
    wire.body = f"no such thing: {unquote(' '.join(FIELDS[service].values()))}".encode()
    answer = hand_over(wire, parcel(service))
    assert (answer.is_taken, answer.status) == (False, status)
    assert "no such thing" in answer.words
    assert "s3cr3t" not in answer.words
    assert len(wire.sent) == 1


@pytest.mark.parametrize("service", APPRISES)
def test_an_error_of_the_connection_is_told_without_the_address(wire: Wire, service: str) -> None:
    wire.error = requests.ConnectionError(f"aborted: {' '.join(FIELDS[service].values())}")
    answer = hand_over(wire, parcel(service))
    assert (answer.is_taken, answer.status, answer.may_have_arrived) == (False, None, True)
    assert "s3cr3t" not in f"{answer.words} {answer.fault}"


def test_recovery_resolves_the_incident_that_the_beginning_opened_in_pagerduty(wire: Wire) -> None:
    wire.status = 202
    hand_over(wire, parcel("pagerduty"))
    opened = wire.posted
    hand_over(wire, parcel("pagerduty", tone="success"))
    closed = wire.posted
    assert (opened["event_action"], closed["event_action"]) == ("trigger", "resolve")
    assert opened["dedup_key"] == closed["dedup_key"] == "k/7"


@pytest.mark.parametrize(("tone", "severity"), [("failure", "critical"), ("warning", "warning")])
def test_a_page_is_critical_in_pagerduty_and_a_notification_a_warning(wire: Wire, tone: str, severity: str) -> None:
    wire.status = 202
    hand_over(wire, parcel("pagerduty", tone=tone))
    assert wire.posted["payload"]["severity"] == severity


@pytest.mark.parametrize(("tone", "priority"), [("failure", "P2"), ("warning", "P3")])
def test_a_page_is_p2_in_opsgenie_and_a_notification_p3(wire: Wire, tone: str, priority: str) -> None:
    wire.status = 202
    hand_over(wire, parcel("opsgenie", tone=tone))
    assert wire.posted["priority"] == priority


@pytest.mark.parametrize("service", ["ntfy", "opsgenie"])
def test_no_netrc_of_the_machine_takes_the_place_of_a_channels_token(
    wire: Wire, service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    wire.status = 202 if service == "opsgenie" else 200
    hand_over(wire, parcel(service))
    assert not wire.sent[-1].headers["Authorization"].startswith("Basic ")


def test_recovery_closes_the_alert_that_the_beginning_opened_in_opsgenie(wire: Wire) -> None:
    wire.status, wire.body = 202, b'{"requestId": "1"}'
    hand_over(wire, parcel("opsgenie"))
    assert wire.posted["alias"] == "k/7"
    assert hand_over(wire, parcel("opsgenie", tone="success")).is_taken
    assert wire.sent[-1].url == "https://api.eu.opsgenie.com/v2/alerts/k%2F7/close?identifierType=alias"
    assert wire.sent[-1].headers["Authorization"] == f"GenieKey {FIELDS['opsgenie']['api_key']}"


def test_a_service_without_incidents_is_told_of_the_end_in_words(wire: Wire) -> None:
    assert hand_over(wire, parcel("slack", "[Recovered] Orders", tone="success")).is_taken
    assert "[Recovered] Orders" in json.dumps(wire.posted)


NASTY = (
    "<!channel> <users/all> {@participants} [bank](https://evil.example) <script>alert(1)</script> @everyone *b* `c`"
)


@pytest.mark.parametrize("service", APPRISES)
def test_a_name_calls_nobody_and_hides_no_address(wire: Wire, service: str) -> None:
    wire.status = 202 if service in ("opsgenie", "pagerduty") else 200
    hand_over(wire, parcel(service, NASTY, [NASTY]))
    posted = json.dumps(wire.posted, ensure_ascii=False)
    assert "](https://evil" not in posted
    assert "{@" not in posted
    assert "@everyone" not in posted
    if service in ("slack", "google_chat", "teams"):
        assert "<!channel>" not in posted
        assert "<users/all>" not in posted
    if service == "telegram":
        assert "<script>" not in posted


@given(title=st.text(max_size=60), line=st.text(max_size=200))
def test_any_unicode_reaches_each_service_as_json(title: str, line: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        mine = Wire()
        take_the_place(patch, mine)
        for service in APPRISES:
            mine.status = 202 if service in ("opsgenie", "pagerduty") else 200
            answer = hand_over(mine, parcel(service, f"T {clean(title)}", [f"L {clean(line)}"]))
            assert answer.status == mine.status
            assert isinstance(mine.posted, dict)
        assert len(mine.sent) == len(APPRISES)
