"""What a mail says, and that nothing untrusted gets out of its place."""

from __future__ import annotations

import email
import email.policy
from datetime import datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.models import AlertRule, AlertState, Delivery, Flow, FlowProgress, StreamState, SyncState, Transition
from monitor.notify.compose import Rendered
from monitor.notify.facts import Facts, error_line, facts_of, top_errors
from monitor.notify.kinds import alert as rendering
from monitor.notify.kinds.alert import render
from monitor.notify.message import build, message_id
from monitor.notify.words import clean, per_cent, shorten, span
from monitor.queries import freshness
from tests import factories
from tests.bystander import own
from tests.depth import tried
from tests.notify.conftest import make_transition

HEADERS = [
    *("Auto-Submitted", "Content-Type", "Date", "From", "In-Reply-To", "List-Id", "MIME-Version", "Message-ID"),
    *("References", "Subject", "To", "X-Auto-Response-Suppress"),
]


@pytest.fixture(autouse=True)
def public_url(settings: Any) -> None:
    settings.PUBLIC_URL = "https://monitor.example.com"


def facts(**fields: Any) -> Facts:
    known: dict[str, Any] = {
        "kind": "firing",
        "alert": 3,
        "episode": 1,
        "flow": 7,
        "flow_name": "Lead sync",
        "account_name": "Acme",
        "rule_name": "Success rate below 95 %",
        "threshold": 95.0,
        "recover_at": 95.0,
        "window_hours": 168,
        "rate": 75.0,
        "first_attempt_rate": 70.0,
        "runs": 40,
        "failed": 10,
        "reason": "30 of 40 runs succeeded",
        "is_judged": True,
        "at": factories.NOON,
        "fired_at": factories.NOON,
        "errors": ((8, "ACTION_FAILED: Failed to create contact"),),
    }
    return Facts(**(known | fields))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"as_of": factories.NOON - timedelta(minutes=2)}, "Data as of: 22 Nov 2026, 11:58 UTC; complete"),
        (
            {"as_of": factories.NOON, "gap": "31 runs are missing"},
            "Data as of: 22 Nov 2026, 12:00 UTC; incomplete: 31 runs are missing",
        ),
        (
            {"gap": "the flow's history is not read to its end yet"},
            "Data as of: the account has not been read completely yet; incomplete: the flow's history is not read",
        ),
    ],
)
def test_a_mail_says_how_old_and_how_complete_its_figures_are(fields: dict[str, Any], said: str) -> None:
    mail = render(facts(**fields), "UTC")
    assert said in mail.text
    assert said.partition(": ")[2].partition(";")[0].replace("'", "&#x27;") in mail.html


def test_the_age_in_a_mail_is_that_of_the_accounts_pages(alert: AlertState, now: datetime) -> None:
    transition = make_transition(alert)
    account = alert.flow.account
    assert facts_of(transition).as_of is None
    SyncState.objects.filter(account=account).update(last_complete_at=now)
    StreamState.objects.create(account=account, stream="flows", state="ok", last_read_at=now - timedelta(minutes=3))
    own(FlowProgress).update(executions_read_at=now, hole_reason="31 runs\nare missing")
    transition.refresh_from_db()
    told = facts_of(Transition.objects.get(pk=transition.pk))
    assert told.as_of == freshness.mirror(now).accounts[0].as_of == now - timedelta(minutes=3)
    assert told.gap == "31 runs are missing"


def message_of(rendered: Rendered, flow_name: str = "") -> Any:
    """The message as a reader's program would parse it."""
    alert = AlertState(pk=3, rule=AlertRule(pk=1), flow=Flow(pk=7, flow_name=flow_name))
    transition = Transition(pk=5, alert=alert, kind="firing", episode=1)
    delivery = Delivery(
        transition=transition,
        address="ada@example.com",
        message_id=message_id(transition, "ada@example.com"),
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        created_at=factories.NOON,
    )
    raw = build(delivery).message().as_bytes(linesep="\r\n")
    return email.message_from_bytes(raw, policy=email.policy.default)


class Addresses(HTMLParser):
    """What an HTML mail would fetch or open."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.tags: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name == "href" and tag == "a":
                self.links.append(value or "")
            elif name in ("src", "href", "background", "srcset") or "url(" in (value or ""):
                self.fetched.append(value or "")


def test_a_firing_mail_says_what_fired_the_numbers_and_where_to_look() -> None:
    mail = render(facts(), "UTC")
    assert mail.subject == "[Firing] Lead sync: 75.0 % of 40 runs succeeded, below 95 %"
    for told in (
        "Success rate: 75.0 % of 40 runs (10 failed)",
        "At the first attempt: 70.0 %",
        "Window: 7 d",
        "Threshold: 95 %, recovers at 95 %",
        "Since: 22 Nov 2026, 12:00 UTC",
        "8 x ACTION_FAILED: Failed to create contact",
        "The alert: https://monitor.example.com/alerts/3/",
        "What fails, by cause: https://monitor.example.com/problems/?flow=7",
        "The flow: https://monitor.example.com/flows/7/",
        "No more alert mails: https://monitor.example.com/profile/",
    ):
        assert told in mail.text
    assert Addresses(mail.html).links == [
        f"https://monitor.example.com/{path}" for path in ("alerts/3/", "problems/?flow=7", "flows/7/", "profile/")
    ]


def test_a_recovery_says_how_long_it_took() -> None:
    later = factories.NOON + timedelta(minutes=90)
    mail = render(facts(kind="resolved", rate=97.5, at=later, errors=()), "UTC")
    assert mail.subject == "[Recovered] Lead sync: 97.5 % of 40 runs succeeded"
    assert "Ended: 22 Nov 2026, 13:30 UTC, after 1 h 30 min" in mail.text


def test_what_ended_without_the_numbers_says_why_instead_of_claiming_a_recovery() -> None:
    mail = render(facts(kind="resolved", is_judged=False, reason="the rule is switched off"), "UTC")
    assert mail.subject == "[Closed] Lead sync: the rule is switched off"
    assert "Reason: the rule is switched off" in mail.text
    assert "75.0 %" not in mail.text


def test_the_html_fetches_nothing_and_its_styles_are_inline() -> None:
    html = render(facts(), "UTC").html
    found = Addresses(html)
    assert found.fetched == []
    assert found.tags.isdisjoint({"img", "link", "script", "style", "iframe"})
    assert "font-size: 28px" in html


def test_untrusted_names_are_escaped_in_html_and_plain_in_text() -> None:
    mail = render(facts(flow_name="<img src=x onerror=alert(1)> & Co"), "UTC")
    assert "<img" not in mail.html
    assert "&lt;img src=x" in mail.html
    assert "<img src=x onerror=alert(1)> & Co" in mail.text


def test_a_template_that_fails_gives_a_plain_mail_and_a_log_line(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*args: Any) -> str:
        raise ValueError("broken")

    monkeypatch.setattr(rendering, "render_to_string", broken)
    mail = render(facts(), "UTC")
    assert (mail.subject, mail.html) == ("Alert 3 is firing", "")
    assert "https://monitor.example.com/" in mail.text
    assert "could not be rendered" in caplog.text


names = st.text(st.characters(exclude_categories=()), max_size=300)


@tried(40, 150)
@example("x\r\nBcc: eve@example.com\r\n\r\nbody")
@example("a\u2028Bcc: eve@example.com\u2029b\x85c\x0b\x0c\x00d")
@example("\u202eevil\ud800")
@example("A" * 2000)
@example("=?utf-8?q?x=0ABcc:_eve=40example.com?=")
@given(names)
def test_no_flow_name_adds_or_changes_a_header_or_makes_the_subject_long(name: str) -> None:
    mail = render(facts(flow_name=clean(name) or "flow 7", account_name=clean(name), reason=clean(name)), "UTC")
    assert len(mail.subject) <= 120
    assert mail.subject == clean(mail.subject)
    message = message_of(mail)
    assert sorted(message.keys()) == HEADERS
    assert [str(address) for address in message["To"].addresses] == ["ada@example.com"]
    assert message["Message-ID"] == message_of(render(facts(), "UTC"))["Message-ID"]
    assert "\n" not in message["Subject"]
    assert message.get_body(("html",)) is not None
    assert max(map(len, message.as_bytes().splitlines())) <= 998


def test_headers_thread_sort_and_keep_machines_from_answering() -> None:
    message = message_of(render(facts(), "UTC"))
    assert message["In-Reply-To"] == message["References"] == "<alert3.1@monitor.example.com>"
    assert message["Message-ID"].startswith("<alert3.1.firing.")
    assert message["Message-ID"].endswith("@monitor.example.com>")
    assert "ada" not in message["Message-ID"]
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert "<alerts.monitor.example.com>" in message["List-Id"]
    assert message["Date"].datetime == factories.NOON


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("http://127.0.0.1:8000", "127.0.0.1"),
        ("http://[::1]:8000", "[IPv6:::1]"),
        ("https://bücher.example", "xn--bcher-kva.example"),
    ],
)
def test_the_domain_of_an_id_is_ascii_whatever_the_public_address(settings: Any, url: str, domain: str) -> None:
    settings.PUBLIC_URL = url
    alert = AlertState(pk=3)
    assert message_id(Transition(alert=alert, kind="firing", episode=1), "a@example.com").endswith(f"@{domain}>")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Contact jane.doe+x@example.co.uk refused", "Contact [e-mail] refused"),
        ("call +49 (0)171 234-5678 now", "call [phone] now"),
        ("record 4876876000000333044 is locked", "record [number] is locked"),
        ("Bearer 1000.abcdef0123456789abcdef.0123", "Bearer [secret]"),
        ("access_token=abc123&x=1", "access_token=[hidden]"),
        ('{"password": "hunter2"}', '{"password": "[hidden]"}'),
        ("name: John Doe", "name: [hidden]"),
        ("pin=1234", "pin=[hidden]"),
        ("GET https://hooks.example.com/services/T0/B0?key=1 failed", "GET https://hooks.example.com/… failed"),
        ("key sk_live_4eC39HqLyjWDarjtT1zdp7dc", "key [secret]"),
        ("from 203.0.113.9", "from [IP address]"),
        ("Rate limit 429: 100 calls in 60 s", "Rate limit 429: 100 calls in 60 s"),
        ("Internationalisation_of_everything", "Internationalisation_of_everything"),
    ],
)
def test_error_texts_are_mailed_without_personal_data(text: str, masked: str) -> None:
    assert error_line("", text) == masked
    assert error_line(text, "") == masked


@given(names)
def test_clean_text_is_one_line_and_cleaning_it_again_changes_nothing(text: str) -> None:
    cleaned = clean(text)
    assert len(cleaned.splitlines()) <= 1
    assert cleaned.encode("utf-8").decode("utf-8") == cleaned
    assert clean(cleaned) == cleaned


@given(names, st.integers(1, 100))
def test_shortened_text_is_never_longer(text: str, length: int) -> None:
    assert len(shorten(text, length)) <= length


def test_numbers_are_told_as_on_the_pages() -> None:
    assert [per_cent(rate) for rate in (None, 0.0, 94.99, 99.99, 95.3, 100.0)] == [
        "–",
        "0.0 %",
        "94.9 %",
        "99.9 %",
        "95.3 %",
        "100 %",
    ]
    assert [span(seconds) for seconds in (0, 60, 5400, 604_800, 100_000)] == [
        "less than a minute",
        "1 min",
        "1 h 30 min",
        "7 d",
        "1 d 3 h",
    ]


@pytest.mark.django_db
def test_the_most_frequent_errors_of_the_window_are_told_masked_and_counted_together(
    alert: AlertState, now: datetime
) -> None:
    for name, times in (("jane@example.com", 2), ("john@example.com", 3)):
        for _ in range(times):
            factories.make_execution(alert.flow, "failed", error_message=f"No contact {name}")
    factories.make_execution(alert.flow, "failed", error_code="", error_message="")
    factories.make_execution(alert.flow, "failed", started_time=now - timedelta(days=9))
    factories.make_execution(factories.make_flow(), "failed", error_message="elsewhere")
    assert top_errors(alert.flow.pk, now, 168) == ((5, "ACTION_FAILED: No contact [e-mail]"), (1, "no error text"))


@pytest.mark.django_db
def test_a_recovery_knows_when_its_episode_fired(alert: AlertState, now: datetime) -> None:
    make_transition(alert)
    found = facts_of(make_transition(alert, "resolved"))
    assert (found.fired_at, found.at, found.errors) == (now, now + timedelta(minutes=90), ())
    assert found.is_judged
    over = facts_of(make_transition(alert, "resolved", episode=2, to_state="no_data"))
    assert not over.is_judged
