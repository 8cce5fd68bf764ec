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

from monitor.models import AlertState, Delivery, FlowProgress, Incident, Notice, StreamState, SyncState
from monitor.notify.chart import ChartHour
from monitor.notify.compose import Rendered
from monitor.notify.facts import Facts, MemberFacts, error_line, facts_of, top_errors
from monitor.notify.kinds import alert as rendering
from monitor.notify.kinds.alert import render
from monitor.notify.links import read_acknowledge, read_unsubscribe
from monitor.notify.message import build, message_id
from monitor.notify.recent_changes import RecentChange
from monitor.notify.words import clean, shorten
from monitor.periods import Window
from monitor.queries import freshness
from tests import factories
from tests.bystander import own
from tests.depth import tried
from tests.notify.conftest import make_transition

HEADERS = [
    *("Auto-Submitted", "Content-Type", "Date", "From", "In-Reply-To", "List-Id", "List-Unsubscribe"),
    *("List-Unsubscribe-Post", "MIME-Version", "Message-ID", "References", "Subject", "To"),
    "X-Auto-Response-Suppress",
]
WEEK = timedelta(days=7)


@pytest.fixture(autouse=True)
def public_url(settings: Any) -> None:
    settings.PUBLIC_URL = "https://monitor.example.com"


def member(**fields: Any) -> MemberFacts:
    known: dict[str, Any] = {
        "alert": 3,
        "flow": 7,
        "name": "Lead sync",
        "rule_name": "Success rate below 95 %",
        "reason": "30 of 40 runs succeeded",
        "rate": 75.0,
        "runs": 40,
        "failed": 10,
        "began_at": factories.NOON,
    }
    return MemberFacts(**(known | fields))


def facts(**fields: Any) -> Facts:
    known: dict[str, Any] = {
        "kind": "firing",
        "incident": 5,
        "account_name": "Acme",
        "cause": "",
        "members": (member(),),
        "at": factories.NOON,
        "began_at": factories.NOON - timedelta(minutes=5),
        "noticed_at": factories.NOON,
        "problem": 9,
        "errors": ((8, "ACTION_FAILED: Failed to create contact"),),
    }
    return Facts(**(known | fields))


def storm(**fields: Any) -> Facts:
    """An incident of fifty flows."""
    members = tuple(member(alert=n, flow=n, name=f"Flow {n}", failed=99 - n) for n in range(1, 51))
    return facts(**({"cause": "the sign-in to zoho crm does not work", "members": members} | fields))


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
    notice = make_transition(alert)
    account = alert.rule.account
    assert facts_of(notice, now).as_of is None
    SyncState.objects.filter(account=account).update(last_complete_at=now)
    StreamState.objects.create(account=account, stream="flows", state="ok", last_read_at=now - timedelta(minutes=3))
    own(FlowProgress).update(executions_read_at=now, hole_reason="31 runs\nare missing")
    told = facts_of(notice, now)
    assert told.as_of == freshness.mirror(now).accounts[0].as_of == now - timedelta(minutes=3)
    assert told.gap == "31 runs are missing"


def delivery_of(rendered: Rendered) -> Delivery:
    notice = Notice(pk=5, incident=Incident(pk=5), kind="firing", seq=1)
    return Delivery(
        notice=notice,
        recipient_id=2,
        address="ada@example.com",
        message_id=message_id(notice, "ada@example.com"),
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        created_at=factories.NOON,
    )


def message_of(rendered: Rendered) -> Any:
    """The message as a reader's program would parse it."""
    raw = build(delivery_of(rendered)).message().as_bytes(linesep="\r\n")
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


def test_a_firing_mail_says_what_fired_since_when_who_is_on_it_and_where_to_look() -> None:
    mail = render(facts(), "UTC")
    assert mail.subject == "[Firing] Lead sync: 30 of 40 runs succeeded"
    for told in (
        "Firing: Lead sync: 30 of 40 runs succeeded",
        "Began: 22 Nov 2026, 11:55 UTC",
        "Noticed: 22 Nov 2026, 12:00 UTC",
        "On it: nobody yet",
        "Lead sync: 30 of 40 runs succeeded\n    success rate: 75.0 %\n",
        "8 x ACTION_FAILED: Failed to create contact",
        "The incident: https://monitor.example.com/incidents/5/",
        "Acknowledge: https://monitor.example.com/by-mail/acknowledge/-/",
        "The problem: https://monitor.example.com/problems/9/",
        "Open failures, to look at and retry: https://monitor.example.com/executions/?problem=9&outcome=open",
        "The flow: https://monitor.example.com/flows/7/",
        "No more alert mails: https://monitor.example.com/by-mail/unsubscribe/-/",
    ):
        assert told in mail.text
    assert Addresses(mail.html).links == [
        f"https://monitor.example.com/{path}"
        for path in (
            *("incidents/5/", "by-mail/acknowledge/-/", "problems/9/", "problems/?flow=7"),
            *("executions/?problem=9&outcome=open", "flows/7/", "by-mail/unsubscribe/-/", "profile/"),
        )
    ]


def test_a_mail_of_many_flows_names_their_cause_the_worst_and_how_many_more() -> None:
    mail = render(storm(), "UTC")
    assert mail.subject == "[Firing] 50 flows: the sign-in to zoho crm does not work"
    assert "Cause: the sign-in to zoho crm does not work" in mail.text
    assert "  Flow 40: " in mail.text
    assert "  Flow 41: " not in mail.text
    assert "and 10 more" in mail.text
    assert "and 10 more" in mail.html


def test_two_rules_that_find_the_same_of_one_flow_are_named_by_the_flow() -> None:
    both = (member(rule_name="Success rate below 95 %"), member(alert=12, rule_name="Failing now"))
    subject = render(facts(members=both), "UTC").subject
    assert subject == render(facts(members=both[:1]), "UTC").subject
    assert subject.startswith(f"[Firing] {both[0].name}: ")


def test_a_mail_of_alerts_that_joined_tells_how_many_and_a_reminder_that_it_still_fires() -> None:
    members = (member(alert=1, name="New one"), member(alert=2, name="Old one", is_news=False))
    joined = render(facts(kind="update", members=members, cause="one problem"), "UTC")
    assert joined.subject == "[More alerts] 1 more: one problem"
    assert render(storm(kind="repeat"), "UTC").subject.startswith("[Still firing] 50 flows: ")


def test_who_is_on_it_and_what_they_said_is_told_and_they_need_not_acknowledge_again() -> None:
    mail = render(facts(owner="otto", owner_note="the tax is gone", is_acknowledged=True), "UTC")
    assert "On it: otto (acknowledged): the tax is gone" in mail.text
    assert "/by-mail/acknowledge/" not in mail.text + mail.html


def test_what_changed_and_the_last_day_are_told_in_words_too() -> None:
    hours = tuple(
        ChartHour(factories.NOON - timedelta(hours=n), good, bad) for n, good, bad in ((2, 4, 0), (1, 1, 3), (0, 0, 2))
    )
    changes = (RecentChange(factories.NOON - timedelta(hours=3), "the flow Lead sync was changed (version 4)"),)
    mail = render(facts(hours=hours, changes=changes), "Europe/Berlin")
    assert "Last 24 hours: 10 runs, 5 failed (12:00: 3 of 4 failed; 13:00: 2 of 2 failed)" in mail.text
    assert "22 Nov 2026, 10:00 CET: the flow Lead sync was changed (version 4)" in mail.text
    assert 'aria-label="10 runs, 5 failed (12:00: 3 of 4 failed; 13:00: 2 of 2 failed)"' in mail.html
    assert mail.html.count("&nbsp;") + mail.html.count("\u00a0") >= 3


def test_a_recovery_says_how_long_it_took() -> None:
    over = {"kind": "resolved", "closed_at": factories.NOON + timedelta(minutes=85), "closed_how": "recovered"}
    mail = render(facts(**over, members=(member(is_firing=False, reason="40 of 40 runs succeeded"),)), "UTC")
    assert mail.subject == "[Recovered] Lead sync: 40 of 40 runs succeeded"
    assert "Ended: 22 Nov 2026, 13:25 UTC, after 1 h 30 min" in mail.text
    assert "/by-mail/acknowledge/" not in mail.text


@pytest.mark.parametrize(
    ("how", "stamp"), [("ended", "[Closed]"), ("by_hand", "[Closed]"), ("recovered", "[Recovered]")]
)
def test_what_ended_otherwise_says_why_instead_of_claiming_a_recovery(how: str, stamp: str) -> None:
    members = (member(is_firing=False, reason="the rule is switched off"),)
    mail = render(facts(kind="resolved", closed_at=factories.NOON, closed_how=how, members=members), "UTC")
    assert mail.subject == f"{stamp} Lead sync: the rule is switched off"


def test_who_closed_it_by_hand_is_told() -> None:
    over = {"kind": "resolved", "closed_at": factories.NOON, "closed_how": "by_hand", "closed_by": "ada"}
    assert "On it: closed by ada" in render(facts(**over), "UTC").text


def test_the_html_fetches_nothing_and_its_styles_are_inline() -> None:
    html = render(facts(), "UTC").html
    found = Addresses(html)
    assert found.fetched == []
    assert found.tags.isdisjoint({"img", "link", "script", "iframe"})
    only = html.partition("<style")[2].partition("</style>")[0]
    assert html.count("<style") == 1, "that of dark programs, which cannot stand in line"
    assert only.partition(">")[2].strip().startswith("@media (prefers-color-scheme: dark) {")
    assert "font-size: 18px" in html
    assert 'content="light dark"' in html


def test_untrusted_names_are_escaped_in_html_and_plain_in_text() -> None:
    mail = render(facts(members=(member(name="<img src=x onerror=alert(1)> & Co"),)), "UTC")
    assert "<img" not in mail.html
    assert "&lt;img src=x" in mail.html
    assert "<img src=x onerror=alert(1)> & Co" in mail.text


def test_a_template_that_fails_gives_a_plain_mail_and_a_log_line(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*args: Any) -> str:
        raise ValueError("broken")

    monkeypatch.setattr(rendering, "compose", broken)
    mail = render(facts(), "UTC")
    assert (mail.subject, mail.html) == ("Incident 5 is firing", "")
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
    said = clean(name)
    members = (member(name=said or "alert 3", reason=said, rule_name=said),)
    mail = render(facts(members=members, account_name=said, cause=said, errors=((1, said),), owner=said), "UTC")
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
    assert message["In-Reply-To"] == message["References"] == "<incident5@monitor.example.com>"
    assert message["Message-ID"].startswith("<incident5.1.")
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
    notice = Notice(incident=Incident(pk=3), kind="firing", seq=1)
    assert message_id(notice, "a@example.com").endswith(f"@{domain}>")


def test_the_addresses_that_act_are_signed_for_the_reader_when_the_mail_is_sent_and_not_before() -> None:
    rendered = render(facts(), "UTC")
    message = message_of(rendered)
    texts = [part.get_content() for part in message.walk() if part.get_content_maintype() == "text"]
    assert len(texts) == 2
    for text in texts:
        token = text.partition("/by-mail/acknowledge/")[2].partition("/")[0]
        link = read_acknowledge(token, factories.NOON + WEEK - timedelta(seconds=1))
        assert (link.incident, link.person) == (5, 2)
    assert "/by-mail/acknowledge/-/" in rendered.text
    assert build(delivery_of(rendered)).body == build(delivery_of(rendered)).body


def test_one_click_switches_the_kind_of_mail_off() -> None:
    message = message_of(render(facts(), "UTC"))
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    address = message["List-Unsubscribe"].strip()
    assert address.startswith("<https://monitor.example.com/by-mail/unsubscribe/")
    link = read_unsubscribe(address.rstrip(">").rstrip("/").rpartition("/")[2])
    assert (link.person, link.kind) == (2, "alerts")


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
    assert top_errors([alert.flow_id], Window(now - WEEK, now)) == (
        (5, "ACTION_FAILED: No contact [e-mail]"),
        (1, "no error text"),
    )


@pytest.mark.django_db
def test_a_recovery_is_of_the_incident_that_it_ends(alert: AlertState, now: datetime) -> None:
    make_transition(alert, began_at=now - timedelta(minutes=7))
    found = facts_of(make_transition(alert, "resolved"), now + timedelta(hours=2))
    assert (found.began_at, found.noticed_at) == (now - timedelta(minutes=7), now)
    assert (found.closed_at, found.closed_how) == (now + timedelta(minutes=90), "recovered")
    assert found.errors == ()
    assert [one.reason for one in found.members] == ["40 of 40 runs succeeded"]
