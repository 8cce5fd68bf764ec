"""The status page by its secret link: who makes links, what the page tells, and what nobody learns from it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import Mock

import pytest
import time_machine
from django.core.cache import cache
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from dashboard.status_page import guesses
from dashboard.time_limit import PageTooSlow
from monitor.models import AlertRule, AuditEntry, FlowProgress, Problem, StatusLink, SyncState, User, ZohoAccount
from monitor.periods import stretch_of
from monitor.queries.status_page import public_title
from tests import factories
from tests.bystander import own
from tests.dashboard.soup import Page, words
from tests.dashboard.world import World, make_state, make_world

pytestmark = pytest.mark.django_db
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
Signed = Callable[[User], Client]


@pytest.fixture(autouse=True)
def nobody_guessed(db: None) -> None:
    cache.clear()


@pytest.fixture
def world(at_noon: datetime) -> World:
    found = make_world(at_noon)
    FlowProgress.objects.filter(flow=found.flow).update(executions_read_at=at_noon)
    return found


def page_of(token: str) -> str:
    return reverse("status_page", args=[token])


def made(client: Client, **sent: Any) -> str:
    """Makes a link and returns its token, as the one answer shows it."""
    answer = client.post(reverse("status_link_add"), {"name": "The board"} | sent)
    assert answer.status_code == 200
    found = re.search(r"/status/([A-Za-z0-9_-]+)/", answer.content.decode())
    assert found is not None
    return found[1]


def test_an_admin_makes_a_link_that_is_shown_once_and_kept_as_a_digest(
    world: World, signed_in: Signed, ada: User, client: Client, at_noon: datetime
) -> None:
    admin = signed_in(ada)
    token = made(admin, account=world.account.pk, lasts="30")
    link = own(StatusLink).get(name="The board")
    assert (link.account, link.made_by, link.expires_at) == (world.account, ada, at_noon + 30 * DAY)
    assert token not in str(list(StatusLink.objects.values()))
    assert token not in admin.get(reverse("status_links")).content.decode()
    entry = AuditEntry.objects.get(action="status_link.make")
    assert (entry.actor, entry.object_type, entry.account) == (ada, "status_link", world.account)
    assert token not in str(entry.detail)
    assert client.get(page_of(token)).status_code == 200


@pytest.mark.parametrize("sent", [{"name": ""}, {"name": "x" * 101}, {"account": "987654321"}, {"lasts": "8"}])
def test_what_is_no_link_is_not_made(sent: dict[str, str], signed_in: Signed, ada: User) -> None:
    answer = signed_in(ada).post(reverse("status_link_add"), {"name": "The board"} | sent)
    assert answer.status_code == 400
    assert not own(StatusLink).exists()
    assert not AuditEntry.objects.filter(action="status_link.make").exists()


def test_there_are_only_so_many_open_links(
    signed_in: Signed, ada: User, at_noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.status_links.MOST_OPEN", 2)
    factories.make_status_link(expires_at=at_noon - HOUR)
    factories.make_status_link()
    made(signed_in(ada))
    answer = signed_in(ada).post(reverse("status_link_add"), {"name": "One more"})
    assert answer.status_code == 400
    assert "end one that nobody needs first" in answer.content.decode()


def test_an_ended_link_an_expired_one_and_a_guess_are_answered_alike(
    world: World, signed_in: Signed, ada: User, client: Client, at_noon: datetime
) -> None:
    admin = signed_in(ada)
    _, expired = factories.make_status_link(world.account, expires_at=at_noon)
    admin.post(reverse("status_link_end", args=[world.status_link.pk]))
    guess = world.status_token[:-1] + ("A" if world.status_token[-1] != "A" else "B")
    tokens = [world.status_token, expired, guess, "-", "x" * 500, "Ä" * 43, "a" * 43 + "%0A"]
    answers = [client.get(page_of(token)) for token in tokens]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    heads = [{k: v for k, v in answer.headers.items() if k != "X-Request-ID"} for answer in answers]
    assert heads == [heads[0]] * len(heads)
    entry = AuditEntry.objects.get(action="status_link.end")
    assert (entry.actor, entry.object_id) == (ada, str(world.status_link.pk))
    admin.post(reverse("status_link_end", args=[world.status_link.pk]))
    assert AuditEntry.objects.filter(action="status_link.end").count() == 1


def test_whoever_guesses_often_is_put_off_and_stands_in_the_trail(
    world: World, client: Client, at_noon: datetime
) -> None:
    for _ in range(guesses.MOST):
        assert client.get(page_of("g" * 43)).status_code == 404
    refused = client.get(page_of("g" * 43))
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "600")
    assert client.get(page_of("g" * 43), REMOTE_ADDR="198.51.100.7").status_code == 404
    assert AuditEntry.objects.filter(action="status_link.refused").count() == 3  # the 1st and the 10th, and elsewhere


def test_an_open_link_shows_the_page_however_often_others_of_its_network_guessed(world: World, client: Client) -> None:
    for _ in range(guesses.MOST + 5):
        client.get(page_of("g" * 43))
    assert client.get(page_of(world.status_token)).status_code == 200


def test_refused_guesses_do_not_make_the_time_longer_and_a_pause_between_them_not_shorter(
    world: World, client: Client, at_noon: datetime
) -> None:
    span, begins = guesses.WITHIN, stretch_of(at_noon, guesses.WITHIN)
    answers = []
    for after, times in ((span * 0, guesses.MOST), (span * 2 / 3, 1), (span - SECOND, 1), (span, 1)):
        with time_machine.travel(begins + after, tick=False):
            answers.append([client.get(page_of("g" * 43)).status_code for _ in range(times)][-1])
    assert answers == [404, 429, 429, 404]


def test_behind_a_proxy_that_is_not_named_nobody_is_counted(world: World, client: Client) -> None:
    answers = {
        client.get(page_of("g" * 43), headers={"X-Forwarded-For": "198.51.100.7"}).status_code
        for _ in range(guesses.MOST + 5)
    }
    assert answers == {404}


def test_it_is_only_read(world: World, client: Client) -> None:
    address = page_of(world.status_token)
    got, looked = client.get(address), client.head(address)
    assert (looked.status_code, looked.content) == (200, b"")
    assert looked.headers["Content-Type"] == got.headers["Content-Type"]
    for method in (client.post, client.put, client.delete):
        assert method(address).status_code == method(page_of("g" * 43)).status_code == 405


def test_it_is_kept_out_of_caches_indexes_referrers_and_frames_and_runs_no_script(world: World, client: Client) -> None:
    answer = client.get(page_of(world.status_token))
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "noindex" in answer.headers["X-Robots-Tag"]
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "nonce" not in policy
    page = Page(answer.content.decode())
    assert not list(page.root.iter("script"))
    assert not list(page.root.iter("a"))
    assert not list(page.root.iter("form"))
    assert 'content="noindex, nofollow, noarchive"' in answer.content.decode()
    assert not answer.cookies


HIDDEN = (
    *("quilla", "zorn", "98765432", "hunterk2", "Invalid email format", "Failed to create contact", "ACTION_FAILED"),
    *("jo@example.com", ">pat<", "by pat", "below 95", "Success rate", "CRM sign-in", "Nightly close"),
)


def test_no_person_no_record_and_no_error_is_in_it(world: World, client: Client, at_noon: datetime) -> None:
    """Whatever an incident is about: a flow, a sign-in, a problem, a rule of CRM, or the account."""
    text = "contact quilla.zorn@example.com refused, password: hunterk2, phone +49 151 98765432"
    Problem.objects.filter(pk=world.problem.pk).update(title=text)
    rule = factories.make_alert_rule(world.account, name="Nightly close", kind="problem")
    subjects = {
        "problem": (str(world.problem.pk), text),
        "connection": (str(world.connection.pk), "CRM sign-in of quilla.zorn@example.com"),
        "crm_rule": (str(world.rule.pk), "Tell quilla.zorn@example.com"),
        "account": (str(world.account.pk), "Acme"),
    }
    for number, (kind, (key, name)) in enumerate(subjects.items()):
        alert = make_state(
            rule, None, at_noon, subject_kind=kind, subject_key=key, subject_name=name, reason=f"{text} {number}"
        )
        factories.make_incident(alert, cause="problem", cause_key=str(world.problem.pk), owner=world.person)
    hidden = factories.make_flow(world.account, flow_name="Mail to quilla.zorn@example.com")
    factories.make_incident(make_state(world.alert_rule, hidden, at_noon), acknowledged_at=at_noon, owner=world.person)
    page = client.get(page_of(world.status_token)).content.decode()
    for secret in HIDDEN:
        assert secret.casefold() not in page.casefold(), secret
    shown = words(Page(page).root)
    for title in ("Lead to campaign", "A sign-in of flows", "An error of flows", "A workflow rule of CRM"):
        assert title in shown
    assert "6 open incidents" in shown
    assert "Somebody is on it." in shown


def test_it_tells_the_rates_of_a_day_and_a_week(world: World, client: Client, at_noon: datetime) -> None:
    flow = factories.make_flow(world.account)
    factories.make_hour(flow, at_noon - 2 * HOUR, succeeded=9, failed=1)
    factories.make_hour(flow, at_noon - 3 * DAY, succeeded=10)
    shown = words(Page(client.get(page_of(world.status_token)).content.decode()).root)
    assert "last 24 hours 90.0 % of 10 finished runs" in shown
    assert "last 7 days 95.0 % of 20 finished runs" in shown


def test_a_link_of_one_account_shows_nothing_of_others_and_one_of_all_shows_all(
    world: World, client: Client, at_noon: datetime
) -> None:
    make_world(at_noon, name="Neighbour", person="nell", worker="worker:2")
    _, every = factories.make_status_link()
    one = words(Page(client.get(page_of(world.status_token)).content.decode()).root)
    both = words(Page(client.get(page_of(every)).content.decode()).root)
    assert "Neighbour" not in one
    assert "Acme" in one
    assert "1 open incident" in one
    assert {"Acme", "Neighbour"} <= set(both.split())


BEHIND = {"state": "unreachable", "since": datetime.fromisoformat("2026-11-22T09:00:00Z")}
NEVER = {"state": "never", "last_complete_at": None}


def shown_by(token: str, client: Client) -> str:
    return words(Page(client.get(page_of(token)).content.decode()).root)


@pytest.mark.parametrize(
    ("state", "has", "said"),
    [
        ({}, {"rule"}, "Status No open incident As of"),
        ({}, {"rule", "incident"}, "Something needs attention"),
        ({}, {"rule", "problem"}, "No open incident, but problems that nobody has solved yet"),
        ({}, {"rule", "problem"}, "No open incident, but 1 open problem"),
        ({}, {"rule", "archived"}, "Status No open incident As of"),
        ({}, set(), "Not known: no alert rule watches it"),
        ({}, {"switched off"}, "not known for sure"),
        (BEHIND, {"rule"}, "not known for sure"),
        (BEHIND, {"rule", "problem"}, "not known for sure"),
        (NEVER, {"rule"}, "Nothing is read yet"),
    ],
)
def test_the_verdict_is_never_better_than_what_is_known(
    state: dict[str, Any], has: set[str], said: str, healthy: ZohoAccount, client: Client, at_noon: datetime
) -> None:
    flow = factories.make_flow(healthy, executions_read_at=at_noon)
    SyncState.objects.filter(account=healthy).update(**state)
    if has & {"rule", "switched off"}:
        rule = factories.make_alert_rule(healthy, is_active="rule" in has)
    if "incident" in has:
        factories.make_incident(make_state(rule, flow, at_noon))
    if has & {"problem", "archived"}:
        seen = {"first_seen_at": at_noon, "last_seen_at": at_noon, "state_since": at_noon}
        Problem.objects.create(
            account=healthy, title="It failed", state="new" if "problem" in has else "archived", **seen
        )
    _, token = factories.make_status_link(healthy)
    shown = shown_by(token, client)
    assert said in shown
    assert "Everything works" not in shown


def test_rules_and_problems_of_another_account_change_no_verdict(
    world: World, healthy: ZohoAccount, client: Client, at_noon: datetime
) -> None:
    factories.make_flow(healthy, executions_read_at=at_noon)
    _, token = factories.make_status_link(healthy)
    assert own(AlertRule).filter(account=world.account, is_active=True).exists()
    assert "no alert rule watches it" in shown_by(token, client)
    factories.make_alert_rule(healthy)
    assert "Status No open incident As of" in shown_by(token, client)


@pytest.mark.parametrize(("gone", "said"), [(False, "somebody paused it"), (True, "No account is connected")])
def test_what_is_not_read_on_purpose_is_neither_unread_nor_complete(
    gone: bool, said: str, healthy: ZohoAccount, client: Client, at_noon: datetime
) -> None:
    _, token = factories.make_status_link(None if gone else healthy)
    if gone:
        ZohoAccount.objects.all().delete()
    else:
        ZohoAccount.objects.filter(pk=healthy.pk).update(is_active=False)
    shown = shown_by(token, client)
    assert "Nothing is monitored at present" in shown
    assert said in shown
    assert "read yet" not in shown
    assert "Complete" not in shown


def test_one_account_that_is_not_read_yet_beside_one_that_is_makes_not_everything_read(
    healthy: ZohoAccount, client: Client, at_noon: datetime
) -> None:
    factories.make_flow(healthy, executions_read_at=at_noon)
    factories.make_alert_rule(healthy)
    factories.make_account(name="Just connected")
    _, token = factories.make_status_link()
    assert "Not everything is read yet" in shown_by(token, client)


@pytest.mark.parametrize("trouble", ["none", "link", "away", "slow", "broken"])
def test_a_screen_on_a_wall_asks_on_whatever_it_is_answered_and_nothing_keeps_the_answer(
    trouble: str, world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors = {"away": OperationalError("no route"), "slow": PageTooSlow(), "broken": ZeroDivisionError()}
    if trouble in errors:
        monkeypatch.setattr("dashboard.status_page.public.status_of", Mock(side_effect=errors[trouble]))
    client.raise_request_exception = False
    answer = client.get(page_of(world.status_token if trouble != "link" else "g" * 43))
    codes = {"none": 200, "link": 404, "away": 503, "slow": 503, "broken": 500}
    assert answer.status_code == codes[trouble]
    assert answer.headers["Refresh"] == ("120" if trouble == "none" else "300")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "noindex" in answer.headers["X-Robots-Tag"]
    assert "Refresh" not in client.get("/").headers


def test_times_are_in_utc_for_somebody_with_another_time_zone_too(
    world: World, client: Client, signed_in: Signed, vera: User
) -> None:
    User.objects.filter(pk=vera.pk).update(timezone="Asia/Kolkata")
    anybody = shown_by(world.status_token, client)
    assert "Times are in UTC" in anybody
    assert shown_by(world.status_token, signed_in(vera)) == anybody


def test_a_paused_account_is_told_as_that(healthy: ZohoAccount, client: Client, at_noon: datetime) -> None:
    ZohoAccount.objects.filter(pk=healthy.pk).update(is_active=False)
    _, token = factories.make_status_link(healthy)
    shown = words(Page(client.get(page_of(token)).content.decode()).root)
    assert "Nothing is monitored at present" in shown
    assert healthy.name not in shown


def test_a_title_counts_flows_instead_of_naming_many(healthy: ZohoAccount, at_noon: datetime) -> None:
    rule = factories.make_alert_rule(healthy)
    alerts = [make_state(rule, factories.make_flow(healthy), at_noon) for _ in range(3)]
    sign_in = make_state(rule, None, at_noon, subject_kind="connection", subject_key="1")
    assert public_title(alerts) == "3 flows"
    assert public_title([*alerts[:2], sign_in]) == "2 flows, A sign-in of flows"
    assert public_title([]) == "An incident"
