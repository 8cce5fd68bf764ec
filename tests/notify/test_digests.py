"""Digests and "I am alive" mails: who gets one of what period, through the outbox, and what becomes of it."""

from __future__ import annotations

import email
import email.policy
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from monitor.digest_facts import (
    AccountAge,
    AliveFacts,
    DigestAsked,
    DigestFacts,
    NamedPage,
    NewProblem,
    PlanUse,
    RunShare,
    WorseFlow,
)
from monitor.models import Delivery, Digest, Occasion, Role, User
from monitor.notify import digests
from monitor.notify.digests import DigestError, DigestReaders, write_digests
from monitor.notify.dispatch import dispatch_occasions
from monitor.notify.message import build
from monitor.notify.send import send_due
from tests import factories
from tests.bystander import own
from tests.depth import tried
from tests.notify.sink import Sink

pytestmark = pytest.mark.django_db

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
FLOW = NamedPage("Lead sync", "/flows/7/", since=factories.NOON)
FACTS = DigestFacts(
    worse=[WorseFlow(FLOW, RunShare(9, 47), RunShare(1, 300))],
    problems=[NewProblem(3, NamedPage("Invalid email format", "/problems/3/"), 9, 8)],
    open_by_age=[("up to a day", 8), ("older", 0)],
    ages=[AccountAge(NamedPage("Acme", "/accounts/1/"), factories.NOON)],
)
QUIET = DigestFacts(open_by_age=[("up to a day", 0)], ages=FACTS.ages)


class Facts:
    """What the readers say, and what they were asked."""

    def __init__(self, facts: DigestFacts = FACTS) -> None:
        self.facts = facts
        self.asked: list[DigestAsked] = []

    @property
    def readers(self) -> DigestReaders:
        return DigestReaders(self.digest, lambda accounts, booted_at, now: AliveFacts(now - booted_at, waiting=2))

    def digest(self, asked: DigestAsked) -> DigestFacts:
        self.asked.append(asked)
        return self.facts


@pytest.fixture
def facts() -> Facts:
    return Facts()


def make_person(name: str = "olga", role: str = Role.VIEWER, *, wants: str = "digest_weekly", **fields: Any) -> User:
    """Somebody who joined long ago and wants one kind of digest, at seven."""
    unwanted = [kind for kind in Digest.Kind.values if kind != wants]
    fields = {"unwanted_mails": unwanted, "date_joined": factories.NOON - 99 * DAY} | fields
    return factories.make_user(name, role, **fields)


def run(facts: Facts, at: datetime, booted_at: datetime | None = None) -> int:
    """One round of the job, as `pipeline.deliver` does it; how many mails there are to be."""
    count = write_digests(at, facts.readers, booted_at)
    dispatch_occasions(at)
    return count


def test_a_person_gets_one_message_of_a_week_however_often_the_job_runs(facts: Facts, now: datetime) -> None:
    make_person()
    assert [run(facts, now + n * MINUTE) for n in range(3)] == [1, 0, 0]
    mail = own(Delivery).get()
    assert mail.subject == "[Weekly digest] 1 flow worse, 1 new problem, 8 open failures"
    assert run(facts, now + 7 * DAY) == 1
    first, second = facts.asked
    assert (first.until - first.since, first.days, first.told) == (7 * DAY, 7, None)
    assert (second.since, second.told) == (now, [3])


def test_after_an_outage_of_the_worker_two_do_not_come_at_once_but_where_the_first_said_nothing(
    facts: Facts, now: datetime
) -> None:
    due = now.replace(hour=7, minute=0)
    make_person("olga", wants="digest_daily")
    back = due + DAY - 10 * MINUTE
    assert [run(facts, at) for at in (back, due + DAY, back + 6 * 60 * MINUTE, due + 2 * DAY)] == [1, 0, 1, 1]
    facts.facts = DigestFacts()
    assert run(facts, due + 4 * DAY - 10 * MINUTE) == 0
    facts.facts = Facts().facts
    assert run(facts, due + 4 * DAY) == 1


def test_new_people_get_the_weekly_one_and_no_other(facts: Facts, now: datetime) -> None:
    factories.make_user("new", Role.ADMIN, date_joined=now - 8 * DAY)
    assert run(facts, now, booted_at=now - DAY) == 1
    assert own(Digest).get().kind == "digest_weekly"


def test_who_joined_after_it_was_due_waits_for_the_next(facts: Facts, now: datetime) -> None:
    factories.make_user("new", date_joined=now - MINUTE)
    assert run(facts, now) == 0


@pytest.mark.parametrize(("wants_empty", "mails"), [(False, 0), (True, 1)])
def test_where_nothing_is_to_say_nothing_is_sent_unless_the_person_wants_it(
    now: datetime, wants_empty: bool, mails: int
) -> None:
    make_person(wants="digest_daily", wants_empty_digests=wants_empty)
    quiet = Facts(QUIET)
    assert run(quiet, now) == run(quiet, now + MINUTE) + mails
    assert len(quiet.asked) == 1, "it is decided once"
    assert own(Digest).get().is_empty is not wants_empty
    assert own(Delivery).count() == mails
    if mails:
        assert own(Delivery).get().subject == "[Daily digest] nothing to do"


@pytest.mark.parametrize(
    "changed",
    [
        {"executions": 160_000},
        {"forecast": 200_000},
        {"calls": 9_000},
    ],
)
def test_a_plan_is_a_reason_to_send_once_a_fifth_of_it_is_left(now: datetime, changed: dict[str, int]) -> None:
    plan = PlanUse(NamedPage("Acme", "/accounts/1/"), 10, 200_000, 300, 20, 10_000)
    make_person(wants="digest_daily")
    assert run(Facts(replace(QUIET, plans=[plan])), now) == 0
    own(Digest).delete()
    assert run(Facts(replace(QUIET, plans=[replace(plan, **changed)])), now) == 1
    assert own(Delivery).get().subject == "[Daily digest] 1 plan nearly used up"


@pytest.mark.parametrize("change", [{"is_active": False}, {"email": ""}, {"unwanted_mails": Digest.Kind.values}])
def test_nobody_without_a_right_an_address_or_a_wish_gets_one(
    facts: Facts, now: datetime, change: dict[str, Any]
) -> None:
    person = make_person()
    User.objects.filter(pk=person.pk).update(**change)
    assert run(facts, now) == 0
    assert not own(Digest).exists()


@pytest.mark.parametrize("change", [{"is_active": False}, {"unwanted_mails": Digest.Kind.values}])
def test_who_may_not_or_wants_not_any_more_when_it_is_sent_gets_none(
    facts: Facts, now: datetime, sink: Sink, change: dict[str, Any]
) -> None:
    person = make_person()
    run(facts, now)
    User.objects.filter(pk=person.pk).update(**change)
    assert send_due(now, clock=lambda: now).dead == 1
    assert sink.mails == []


def test_one_click_ends_the_weekly_digest_alone(facts: Facts, now: datetime, client: Any) -> None:
    person = make_person(unwanted_mails=["alive"])
    run(facts, now)
    weekly = own(Delivery).get(occasion__kind="digest_weekly")
    sent = email.message_from_bytes(build(weekly).message().as_bytes(), policy=email.policy.default)
    assert sent["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert sent["List-Id"].startswith("Digests of the Zoho monitor")
    address = sent["List-Unsubscribe"].strip("<>")
    path = address[address.index("/by-mail/") :]
    assert client.post(path, {"List-Unsubscribe": "One-Click"}).status_code == 200
    person.refresh_from_db()
    assert (person.wants_mail, person.unwanted_mails) == (True, ["alive", "digest_weekly"])


def test_the_mail_has_its_lines_in_text_and_html_with_links(facts: Facts, now: datetime, settings: Any) -> None:
    settings.PUBLIC_URL = "https://monitor.example.com"
    make_person(timezone="Asia/Kolkata")
    run(facts, now)
    mail = own(Delivery).get()
    line = "Lead sync: 80.8 % of 47 runs succeeded (9 failed), 99.6 % of 300 in the week before (1 failed)"
    for body in (mail.text, mail.html):
        assert line in body
        assert "https://monitor.example.com/flows/7/" in body
        assert "up to a day: 8" in body
        assert "older" not in body
        assert "Acme: data as of 22 Nov 2026, 17:30 IST" in body
    assert "<script" not in mail.html


def test_a_list_says_how_many_it_leaves_out(now: datetime) -> None:
    make_person()
    many = [NamedPage(f"Rule {number}", "/rules/1/") for number in range(13)]
    run(Facts(DigestFacts(dormant_crm=many)), now)
    assert "and 3 more" in own(Delivery).get().text


@given(name=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=300))
@tried(20, 200)
def test_no_name_adds_a_header_a_line_or_markup(now: datetime, name: str) -> None:
    person = make_person(f"p{own(User).count()}x{abs(hash(name))}")
    facts = Facts(DigestFacts(worse=[replace(FACTS.worse[0], flow=NamedPage(name, "/flows/7/"))]))
    write_digests(now, facts.readers, None)
    dispatch_occasions(now)
    mail = own(Delivery).get(recipient=person)
    parsed = email.message_from_bytes(build(mail).message().as_bytes(), policy=email.policy.default)
    assert parsed["Subject"] == "[Weekly digest] 1 flow worse"
    assert parsed["To"] == person.email
    assert mail.html.count("<h2") == 1
    person.delete()


def test_a_fault_with_one_keeps_no_other_waiting_and_is_told(now: datetime) -> None:
    first, second = make_person("first"), make_person("second")

    def digest(asked: DigestAsked) -> DigestFacts:
        if not own(Digest).exists() and not said:
            said.append(True)
            raise RuntimeError("the disk is full")
        return FACTS

    said: list[bool] = []
    readers = DigestReaders(digest, Facts().readers.alive)
    with pytest.raises(DigestError, match="1 could not be written"):
        write_digests(now, readers, None)
    assert own(Digest).get().person == second
    assert write_digests(now, readers, None) == 1
    assert own(Digest).filter(person=first).exists()


def test_of_two_processes_one_writes_it(facts: Facts, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    make_person()
    seen = list(digests._due(now, None))
    assert write_digests(now, facts.readers, None) == 1
    monkeypatch.setattr(digests, "_due", lambda *_: seen)
    assert write_digests(now, facts.readers, None) == 0
    assert own(Occasion).count() == 1


class TestAlive:
    def test_an_admin_gets_one_a_day_once_the_worker_has_run_for_a_minute(self, facts: Facts, now: datetime) -> None:
        make_person("ada", Role.ADMIN, wants="alive")
        booted_at = now
        times = [now + timedelta(seconds=seconds) for seconds in (5, 59, 60, 65)]
        assert [run(facts, at, booted_at) for at in times] == [0, 0, 1, 0]
        mail = own(Delivery).get()
        assert mail.subject == "[I am alive] nothing to do"
        assert "The worker has run for 1 min" in mail.text
        assert "Mails that wait: 2" in mail.text
        assert run(facts, now + DAY, booted_at) == 1

    def test_a_worker_whose_beginning_is_not_known_sends_none(self, facts: Facts, now: datetime) -> None:
        make_person("ada", Role.ADMIN, wants="alive")
        assert run(facts, now, None) == 0

    @pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
    def test_nobody_else_gets_it(self, facts: Facts, now: datetime, role: Role) -> None:
        make_person("otto", role, wants="alive")
        assert run(facts, now, now - DAY) == 0

    def test_who_is_no_admin_any_more_gets_none(self, facts: Facts, now: datetime, sink: Sink) -> None:
        ada = make_person("ada", Role.ADMIN, wants="alive")
        run(facts, now, now - DAY)
        User.objects.filter(pk=ada.pk).update(role=Role.OPERATOR)
        assert send_due(now, clock=lambda: now).dead == 1
        assert sink.mails == []


def test_the_page_of_such_a_mail_opens(facts: Facts, now: datetime, ada: User, signed_in: Any) -> None:
    make_person()
    run(facts, now)
    page = signed_in(ada).get(reverse("mail", args=[own(Delivery).get().pk]))
    assert page.status_code == 200
    assert "Weekly digest of 2026-11-16" in page.content.decode()
