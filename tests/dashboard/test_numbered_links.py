"""A number that is a link opens exactly what it counts: every page, every period, every account, every role."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import urljoin, urlsplit
from xml.etree.ElementTree import Element

import pytest
from django.http import QueryDict
from django.test import Client

from dashboard.executions.forms import ExecutionFilterForm
from dashboard.flows.tabs import TABS
from monitor.models import DirtyHour, Execution, Failure, Flow, Problem, RetryAttempt, RetryBatch, User
from monitor.periods import CHOICES, DAY, HOUR
from monitor.queries import executions
from monitor.rollups.recount import rebuild_dirty
from monitor.triage.take import take
from monitor.triage.write_off import write_off
from tests import factories
from tests.bystander import own
from tests.dashboard.soup import Page
from tests.dashboard.world import make_attempt, make_batch, make_state, make_world

pytestmark = pytest.mark.django_db
_OF_THE_OVERVIEW = "problems?|new today|without an owner|alerts?|silent flows?|broken connections?"
_WHAT = f"open|records?|{_OF_THE_OVERVIEW}|active|with failures|never fired|failed"
NUMBER = re.compile(rf"^(?:All )?([\d,]+)(?: (?:{_WHAT}))?$")
MOST_PAGES = 250  # about 240 by now; a walk that never ends is stopped


def make_runs(flow: Flow, now: datetime) -> list[Execution]:
    """Runs of every kind from an hour to most of a year ago, at odd minutes, retried and run again."""
    operator = User.objects.get(username="pat")
    made = []
    for number, ago in enumerate((HOUR, 5 * HOUR, DAY, 3 * DAY, 8 * DAY, 29 * DAY, 80 * DAY, 300 * DAY)):
        at = now - ago + timedelta(minutes=17 * number % 60)
        times = [at + n * timedelta(minutes=9) for n in range(4)]
        failed = [factories.make_execution(flow, "failed", started_time=one) for one in times]
        good = factories.make_execution(flow, "success", started_time=at + timedelta(minutes=1))
        again = factories.make_execution(flow, "failed", started_time=at + timedelta(minutes=50))
        rerun = factories.make_execution(flow, "success", started_time=at, first_status="failed", rerun_count=1)
        running = factories.make_execution(flow, "running", started_time=at + timedelta(minutes=2), completed_time=None)
        strange = factories.make_execution(flow, "skipped", started_time=at + timedelta(minutes=3))
        for original, new, state in (
            (failed[0], good, "succeeded"),  # made good by a run of its own
            (failed[1], again, "failed_again"),  # its retry failed too, and that one is retried once more
            (failed[2], None, "succeeded"),  # made good in place
        ):
            new_id = new.execution_id if new else ""
            make_attempt(original, operator, now, state=state, new_execution_id=new_id, sent_at=now)
        made += [*failed, good, again, rerun, running, strange]
    return made


@pytest.fixture
def busy_world(at_noon: datetime) -> Any:
    world = make_world(at_noon)
    neighbour = factories.make_flow(world.account, flow_name="Neighbour")
    elsewhere = factories.make_flow(factories.make_account("Elsewhere"), flow_name="Elsewhere")
    for flow in (world.flow, neighbour, elsewhere):
        make_runs(flow, at_noon)
    new = "Tax 'VAT 19' does not exist"
    factories.make_execution(neighbour, "failed", started_time=at_noon - 2 * HOUR, error_details=new)
    make_state(world.alert_rule, neighbour, at_noon)
    gone = factories.make_flow(world.account, flow_name="Gone", gone_at=at_noon)
    for number in range(12):  # three records of one flow; and nobody knows what the other flows' runs were about
        data = {"id": f"33612{number % 3}", "region": "Cardiff"}
        again = at_noon - DAY + timedelta(minutes=13 * number)
        factories.make_execution(
            gone, "failed", started_time=again, error_details="Period is closed", trigger_data=data
        )
        data = {"id": f"44{number:02}", "region": "Leeds"}
        factories.make_execution(gone, "success", started_time=again, trigger_data=data)
    for _ in range(3):
        factories.make_webhook_failure(world.account, rule=world.rule)
    DirtyHour.objects.mark(
        (flow, started) for flow, started in own(Execution).values_list("flow_id", "started_time") if started
    )
    while rebuild_dirty(at_noon):
        pass
    while take(at_noon).hours:
        pass
    given_up = own(Failure).filter(fate="open").order_by("failed_at").values_list("pk", flat=True)[:3]
    write_off(list(given_up), world.person, "lost for good", at_noon)
    retries = own(RetryAttempt).filter(state="succeeded").order_by("pk").values_list("pk", flat=True)
    RetryAttempt.objects.filter(pk__in=list(retries[:3])).update(policy=world.policy)
    batch = make_batch(list(own(Execution).filter(status="failed")[:4]), world.person, at_noon)
    batch.items.filter(position__lt=3).update(state="skipped", ended_at=at_noon, note="It succeeded meanwhile.")
    batch.items.filter(position=3).update(state="skipped", ended_at=at_noon, note="The flow has changed.")
    return world


def text_of(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())


def number_of(link: Element) -> int | None:
    """The number that a link shows: all of it is one, or the strong part of it. Zoho's ids are none."""
    if "mono" in link.get("class", "").split():
        return None
    strong = [text_of(part) for part in link.iter() if part.get("class") == "strong"]
    told = NUMBER.match(strong[0] if strong else text_of(link))
    return int(told[1].replace(",", "")) if told else None


@dataclass
class Walk:
    """Opens pages as a person does, each once."""

    client: Client
    seen: dict[str, Page] = field(default_factory=dict)

    def open(self, address: str) -> Page:
        if address not in self.seen:
            answer = self.client.get(address)
            assert answer.status_code == 200, f"{address}: {answer.status_code}"
            self.seen[address] = Page(answer.content.decode())
        return self.seen[address]

    def links(self, address: str) -> Iterator[tuple[str, Element]]:
        page = self.open(address)
        for link in page.root.iter("a"):
            href = unescape(link.get("href", ""))
            if href and not href.startswith(("#", "mailto:", "http")) and not link.get("rel"):
                yield urljoin(address, href), link

    def rows(self, address: str) -> int:
        """Counts the rows of the list at an address, over all of its pages."""
        count = 0
        if urlsplit(address).path == "/executions/":
            # What the view asks for; that its pages show each of these rows once has tests of its own.
            form = ExecutionFilterForm(QueryDict(urlsplit(address).query))
            assert form.is_valid(), f"{address}: {form.errors}"
            return executions.matching(form.wanted()).count()
        while address:
            page = self.open(address)
            tables = list(page.root.iter("table"))
            if urlsplit(address).path == "/alerts/":
                # Open incidents, however many alerts are folded into them.
                opened = [one for one in page.root.iter("section") if one.get("aria-labelledby") == "open-title"]
                bodies = [body for one in opened for body in one.iter("tbody")]
                return sum(1 for body in bodies for _ in body.iter("tr"))
            count += sum(1 for table in tables[:1] for body in table.iter("tbody") for row in body.iter("tr"))
            following = [link.get("href", "") for link in page.root.iter("a") if link.get("rel") == "next"]
            address = urljoin(address, unescape(following[0])) if following else ""
        return count


def pages_of(walk: Walk, starts: list[str]) -> list[str]:
    """Finds every page that links lead to, not those behind a numbered link, which are looked at by themselves."""
    waiting, found = list(starts), []
    while waiting and len(found) < MOST_PAGES:
        address = waiting.pop(0)
        if address in found:
            continue
        found.append(address)
        for target, link in walk.links(address):
            is_one_of_many = re.match(r"/executions/\d+/", target) is not None
            is_one_of_many = is_one_of_many or "flow=" in target or "tab=" in target  # of one flow all are looked at
            is_form = re.search("sort=|start=|period=|/views/add/|/edit/", target) is not None
            if number_of(link) is None and not (is_one_of_many or is_form or target in waiting):
                waiting.append(target)
    return found


@pytest.mark.one_database
def test_every_number_that_is_a_link_opens_as_many_rows(busy_world: Any, client: Client) -> None:
    of_flow = busy_world.flow.get_absolute_url()
    starts = [f"{path}?days={days}" for days in CHOICES for path in ("/", of_flow)]
    starts += [f"{of_flow}?tab={tab}" for tab in TABS if tab]
    starts += [f"/problems/{query}" for query in ("", "?state=all", f"?flow={busy_world.flow.pk}")]
    starts += ["/batches/"]
    starts += [f"/problems/{pk}/records/" for pk in own(Problem).filter(merged_into=None).values_list("pk", flat=True)]
    starts += [f"/batches/{pk}/records/" for pk in own(RetryBatch).values_list("pk", flat=True)]
    starts += [f"/flows/?account={busy_world.account.pk}", f"/executions/?account={busy_world.account.pk}"]
    followed: dict[str, int] = {}
    wrong = []
    for role in ("viewer", "operator", "admin"):
        person = factories.make_user(role, role, timezone="Asia/Kolkata")
        person.set_password("walks about 12345")
        person.save()
        client.force_login(person)
        walk = Walk(client)
        for address in pages_of(walk, starts):
            for target, link in walk.links(address):
                told = number_of(link)
                if told is not None and target not in followed:
                    followed[target] = walk.rows(target)
                if told is not None and followed[target] != told:
                    wrong.append(f"{role} at {address}: {text_of(link)} leads to {followed[target]} rows at {target}")
        assert len(walk.seen) < MOST_PAGES
    assert not wrong, "\n".join(sorted(set(wrong))[:60])
    assert len(followed) > 200
    assert {urlsplit(target).path for target in followed} >= {
        "/executions/",
        "/alerts/",
        "/webhook-failures/",
        "/flows/",
        "/problems/",
        f"/batches/{own(RetryBatch).latest('pk').pk}/",
    }
    kinds = {name for target in followed for name in QueryDict(urlsplit(target).query)}
    assert kinds >= {"problem", "outcome", "failed_from", "failed_before", "owner", "seen_from"}
    assert kinds >= {"batch", "record", "why", "state", "which", "runs", "difference"}
    outcomes = {QueryDict(urlsplit(target).query).get("outcome") for target in followed}
    assert outcomes >= {"ever_failed", "open", "written_off", "retried"}
