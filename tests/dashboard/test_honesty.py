"""Every page that shows something of Zoho says how old and how complete it is; a new page must, or is named here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from monitor.models import FlowProgress, HourBucket, Retention, StreamState, SyncState, WorkerBeat
from tests.around import around_tests
from tests.dashboard.soup import Page, words
from tests.dashboard.test_access_matrix import MATRIX, client_of
from tests.dashboard.world import World, make_world, of_crm

# Pages without anything of Zoho's: what they show is true the moment it is shown.
WITHOUT = {
    "account_change_password", "acknowledge_by_mail", "alert_route_add", "alert_route_edit", "alert_routes",
    "alert_rule_add", "alert_rule_edit", "alert_rule_kinds", "audit", "channel", "channel_add", "channel_edit",
    "channel_message", "channel_services", "channels", "connect", "connect_callback", "escalation_policy_add",
    "escalation_policy_edit", "find", "people", "person", "person_add", "person_password", "profile", "status_links",
    "styleguide", "unsubscribe_by_mail", "executions_view_add", "executions_view_edit",
    "rule_new",
    "rule_form",
    "connected_new",
}  # fmt: skip
# Parts of another page that carry no figures, and answers that are no pages.
NO_PAGES = {
    "execution_retry_state",
    "batch_state",
    "edit_state",
    "healthz_live",
    "healthz_ready",
    "mail_html",
    "account_login",
    "flow_suggest",
    "executions_news",
}
# Pages that a form asks for by POST; a GET leads to the list.
BY_POST = {"executions_unmasked", "webhook_failures_unmasked"}


OF_CRM = " of CRM"
PAGES = sorted((set(MATRIX) | {f"problem{OF_CRM}"}) - WITHOUT - NO_PAGES - BY_POST)

Answer = tuple[int, Page]


@dataclass
class Shared:
    """What all tests here look at; `answers` are a GET's, by the name of its address, for tests of many pages."""

    at: datetime
    world: World
    cookies: dict[str, str]
    answers: dict[str, Answer]


@pytest.fixture(scope="module")
def shared(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Shared]:
    with around_tests(django_db_blocker):
        at = timezone.now()
        world = make_world(at)
        FlowProgress.objects.filter(flow=world.flow).update(executions_read_at=at)
        cookies = {name: morsel.value for name, morsel in client_of("admin").cookies.items()}
        yield Shared(at, world, cookies, {})


@pytest.fixture(autouse=True)
def clock(shared: Shared) -> Iterator[None]:
    """Each test begins at the world's present, however long the tests before it took."""
    with time_machine.travel(shared.at, tick=True):
        yield


@pytest.fixture
def world(shared: Shared, db: None) -> World:
    return deepcopy(shared.world)


@pytest.fixture
def admin(shared: Shared) -> Client:
    client = Client()
    client.cookies.load(shared.cookies)
    return client


@pytest.fixture
def answer_of(shared: Shared, world: World, admin: Client) -> Callable[[str], Answer]:
    """What an address answers in the world as it is; asked for once."""

    def ask(name: str) -> Answer:
        if name not in shared.answers:
            asked = of_crm(world) if name.endswith(OF_CRM) else world
            shared.answers[name] = shown(admin, name.removesuffix(OF_CRM), asked)
        return shared.answers[name]

    return ask


def shown(client: Client, name: str, world: World) -> Answer:
    arguments, _ = MATRIX[name]
    answer = client.get(reverse(name, kwargs=arguments(world)))
    return answer.status_code, Page(answer.content.decode())


def in_head(page: Page) -> list[Any]:
    return [mark for mark in page.marked("freshness") if page.has(mark, class_="page-header")]


@pytest.mark.parametrize("name", PAGES)
def test_every_page_of_zohos_data_carries_as_of_and_completeness(name: str, answer_of: Callable[[str], Answer]) -> None:
    status, page = answer_of(name)
    if status != 200:
        assert status == 405, f"{name} is no page, and no action either"
        return
    marks = page.marked("freshness")
    assert marks, f"{name} does not say how old its data is"
    for mark in marks:
        assert words(mark).startswith(("As of", "Complete as of", "Not read completely yet")), words(mark)
        assert page.marked("pill", mark), f"{name} does not say how complete it is"
        assert mark.find(".//time") is not None or "Not read" in words(mark)


@pytest.mark.parametrize("name", PAGES)
def test_every_chart_and_list_stands_under_its_age(name: str, answer_of: Callable[[str], Answer]) -> None:
    status, page = answer_of(name)
    if status != 200:
        assert status == 405
        return
    head, marks = in_head(page), page.marked("freshness")
    for chart in page.marked("chart") + page.marked("bars"):
        section = page.section(chart)
        assert section is not None
        assert head or page.marked("freshness", section), f"{name}: {section.get('aria-labelledby')}"
    for table in page.root.iter("table"):
        assert head or any(page.before(mark, table) for mark in marks), f"{name}: {words(table)[:80]}"


def test_the_pages_named_as_without_data_show_none_and_say_no_age(world: World, admin: Client) -> None:
    for name in sorted(WITHOUT - {"styleguide"}):
        _, page = shown(admin, name, world)
        assert not in_head(page), name
        assert not page.marked("chart"), name


@pytest.mark.parametrize("part", ["cards", "chart", "grid"])
def test_a_part_that_refreshes_itself_brings_its_age_along(world: World, admin: Client, part: str) -> None:
    answer = admin.get("/", {"part": part}, headers={"HX-Request": "true"})
    assert b'class="freshness"' in answer.content


@pytest.mark.parametrize("name", sorted(BY_POST))
def test_a_search_of_unmasked_text_says_how_old_and_how_complete_it_is(name: str, world: World, admin: Client) -> None:
    page = Page(admin.post(reverse(name), {"text": "no such word", "reason": "a call"}).content.decode())
    (mark,) = page.marked("freshness")
    assert page.marked("pill", mark)


@pytest.mark.parametrize("name", ["flows", "executions"])
def test_a_list_that_is_asked_for_again_brings_its_age_along(world: World, admin: Client, name: str) -> None:
    answer = admin.get(reverse(name), headers={"HX-Request": "true"})
    assert b'class="freshness"' in answer.content


def banner_of(page: Page) -> Any:
    (banner,) = (element for element in page.root.iter() if element.get("id") == "freshness-banner")
    return banner


def cells(page: Page) -> dict[str, str]:
    return {cell.get("data-label", ""): words(cell) for cell in page.root.iter("td")}


def make_silent(now: datetime) -> None:
    WorkerBeat.objects.update(beat_at=now - timedelta(minutes=9))


@pytest.mark.parametrize("name", ["overview", "flows", "flow", "executions", "execution", "rules", "rule", "alerts"])
def test_every_page_says_that_the_poller_is_silent_and_since_when(name: str, world: World, admin: Client) -> None:
    make_silent(timezone.now())
    _, page = shown(admin, name, world)
    told = words(banner_of(page))
    assert "The poller is silent since " in told
    assert "( 9 min ago ): the worker does not run" in told
    assert "Zoho is not being read" in told


@pytest.mark.parametrize(
    ("state", "label"),
    [
        ("throttled", "throttled by zoho (asked too often), since 7 min ago"),
        ("unreachable", "zoho cannot be reached (asked too often), since 7 min ago"),
        ("revoked", "zoho refuses our credentials (asked too often), since 7 min ago"),
        ("schema", "zoho answered in an unknown form (asked too often), since 7 min ago"),
        ("incomplete", "incomplete (asked too often), since 7 min ago"),
    ],
)
@pytest.mark.parametrize("name", ["overview", "flow", "executions", "rules"])
def test_every_page_tells_a_troubled_accounts_state_reason_and_since(
    name: str, state: str, label: str, world: World, admin: Client
) -> None:
    since = timezone.now() - timedelta(minutes=7)
    SyncState.objects.update(state=state, reason="asked too often", since=since)
    _, page = shown(admin, name, world)
    assert label in words(banner_of(page))


def test_an_empty_chart_of_unknown_time_is_drawn_as_a_hole_and_not_as_nothing(world: World, admin: Client) -> None:
    HourBucket.objects.all().delete()
    make_silent(timezone.now())
    SyncState.objects.update(last_complete_at=timezone.now() - timedelta(days=20))
    StreamState.objects.update(last_read_at=timezone.now() - timedelta(days=20))
    page = Page(admin.get(f"{world.flow.get_absolute_url()}?tab=charts").content.decode())
    charts = page.marked("chart")
    assert len(charts) == 4
    for chart in charts:
        assert page.marked("chart__hole", chart), "unknown time is not shaded"
        assert "Nothing to draw" not in words(chart)
        assert "Whether anything ran is not known" in words(chart)


def test_an_empty_chart_of_known_time_says_that_nothing_ran(world: World, admin: Client) -> None:
    HourBucket.objects.all().delete()
    _, page = shown(admin, "flow", world)
    assert "Nothing to draw No run finished in this time." in words(page.root)


def test_a_flow_that_was_never_read_has_no_zeros(world: World, admin: Client) -> None:
    FlowProgress.objects.update(executions_read_at=None)
    _, page = shown(admin, "flows", world)
    told = cells(page)
    assert (told["Failed"], told["Runs"]) == ("not known", "not known")


def test_rules_say_the_age_of_their_own_list(world: World, admin: Client) -> None:
    StreamState.objects.create(
        account=world.account, stream="rules", state="ok", last_read_at=timezone.now() - timedelta(minutes=2)
    )
    for name in ("rules", "rule"):
        _, page = shown(admin, name, world)
        (mark,) = page.marked("freshness")
        assert "As of 2 min ago" in words(mark)


def test_the_account_page_says_what_is_kept_and_how_far_pruning_has_come(world: World, admin: Client) -> None:
    FlowProgress.objects.update(
        pruned_success=1200, pruned_failed=34, pruned_before=timezone.now() - timedelta(days=180)
    )
    Retention.objects.create(
        account=world.account, payloads_removed=77, looked_at=timezone.now() - timedelta(minutes=3), is_behind=True
    )
    _, page = shown(admin, "account", world)
    (card,) = (one for one in page.root.iter("section") if one.get("aria-labelledby") == "kept-title")
    told = words(card)
    assert "30 days · removed from 77 runs so far" in told
    assert "180 days · 1,234 removed so far" in told
    assert "400 days" in told
    assert "for ever" in told
    assert "More is due cleaned up 3 min ago" in told


def test_the_list_of_executions_says_which_runs_it_no_longer_has(world: World, admin: Client) -> None:
    FlowProgress.objects.update(
        pruned_success=1200, pruned_failed=34, pruned_before=timezone.now() - timedelta(days=180)
    )
    _, page = shown(admin, "executions", world)
    told = words(page.root)
    assert "1,234 runs from before" in told
    assert "kept for 180 days" in told


def test_a_removed_payload_is_told_from_one_that_never_was(world: World, admin: Client, now: Any) -> None:
    world.execution.trigger_data = None
    world.execution.save()
    _, page = shown(admin, "execution", world)
    assert "Zoho sent no trigger data" in words(page.root)
    world.execution.payload_removed_at = timezone.now() - timedelta(days=2)
    world.execution.save()
    _, page = shown(admin, "execution", world)
    told = words(page.root)
    assert "removed 2 d ago : they are kept for 30 days" in told
    assert "Zoho sent no trigger data" not in told


def test_a_flow_whose_rows_are_all_removed_still_says_when_it_ran(world: World, admin: Client) -> None:
    world.execution.delete()
    HourBucket.objects.create(flow=world.flow, hour=timezone.now() - timedelta(days=200), succeeded=1)
    _, page = shown(admin, "flows", world)
    told = cells(page)
    assert told["Last run"] == "200 d ago"
