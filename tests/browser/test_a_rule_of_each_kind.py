"""Each kind of alert rule: made in its form with a preview, it fires, its mail acknowledges it by a link, it recovers.

The stand-in's world does what goes wrong, and is repaired. Time is moved ahead instead of waited for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.mail import EmailMessage
from django.urls import reverse
from playwright.sync_api import expect

from monitor import pipeline
from monitor.alerting.kinds import condition_kinds
from monitor.connection.left import calls_left
from monitor.ingest.base.mode import Mode, Patience
from monitor.models import AlertRule, AlertState, Execution, Flow, Incident, Problem, Product, User
from monitor.triage.acts import resolve
from standin.flow.flows import Flow as WorldFlow
from tests.browser.conftest import Visit, Zoho

pytestmark = pytest.mark.browser


@dataclass
class Stage:
    """The world, its mirror, and the clock of both."""

    zoho: Zoho
    clock: time_machine.Coordinates
    ada: User
    flow: WorldFlow  # it runs only when a story makes it run
    is_read: bool = True

    def runs(self, count: int, *, minutes_ago: float = 1, **wanted: Any) -> None:
        """So many runs of the flow that began then, a second after each other."""
        first = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=minutes_ago)
        for number in range(count):
            started = (first + timedelta(seconds=number)).isoformat()
            self.do("add_executions", flow_id=self.flow.flow_id, started=started, **wanted)

    def do(self, change: str, **wanted: Any) -> None:
        self.zoho.world.do(change, **wanted)

    def ahead(self, **time: float) -> None:
        self.clock.shift(timedelta(**time))

    def sync(self) -> None:
        """What the worker does, here without one; the mails of an incident wait for their group."""
        patience = Patience(Mode.SYNC, pause=lambda seconds: self.ahead(seconds=seconds))
        if self.is_read:
            pipeline.sync_now(self.zoho.account, patience=patience)
        else:
            pipeline.judge()
        self.ahead(minutes=6)
        pipeline.judge()
        pipeline.deliver()


@dataclass
class Story:
    """A rule of one kind and what happens: `fields` by their labels; `is_shown` is what its mail says."""

    kind: str
    title: str
    fields: dict[str, str]
    fires: Callable[[Stage], None]
    recovers: Callable[[Stage], None]
    says: str
    chosen: dict[str, str] = field(default_factory=dict)
    is_of_flows: bool = True

    def __str__(self) -> str:
        return self.kind


def good_runs(stage: Stage) -> None:
    stage.runs(12)


def get_stuck(stage: Stage) -> None:
    stage.runs(1, status="running")
    stage.sync()
    stage.ahead(minutes=20)


def end_it(stage: Stage) -> None:
    [run] = Execution.objects.filter(account=stage.zoho.account, flow__flow_id=stage.flow.flow_id, status="running")
    stage.do("change_execution", flow_id=stage.flow.flow_id, execution_id=run.execution_id, status="success")


def break_its_connection(stage: Stage) -> None:
    for connection in stage.zoho.world.connections.values():
        if connection.app == "gmail":
            stage.do("break_connection", connection_id=connection.connection_id)


def repair_its_connection(stage: Stage) -> None:
    for connection in stage.zoho.world.connections.values():
        stage.do("repair_connection", connection_id=connection.connection_id)
    # Also of flows that happened to run meanwhile: what refused them is over with a run that succeeds.
    for flow in stage.zoho.world.flows.values():
        stage.do("add_executions", flow_id=flow.flow_id)


def let_nobody_read(stage: Stage) -> None:
    stage.ahead(hours=2)
    stage.is_read = False


def read_again(stage: Stage) -> None:
    stage.is_read = True


def spend_the_calls_of_the_day(stage: Stage) -> None:
    """By a plan that has hardly more of them than were made."""
    account = stage.zoho.account
    account.calls_per_day = calls_left(account, Product.FLOW, datetime.now(UTC)).used * 100 // 85
    account.save(update_fields=["calls_per_day"])
    stage.is_read = False  # a sync would wait for the calls of the next day


def let_a_day_go_by(stage: Stage) -> None:
    stage.ahead(hours=26)
    stage.is_read = True


def switch_a_rule(*, on: bool) -> Callable[[Stage], None]:
    def act(stage: Stage) -> None:
        rules = stage.zoho.world.rules.rules
        chosen = next(key for key, rule in rules.items() if rule.on.at(stage.zoho.world.anchor))
        stage.do("rule_update", rule_id=chosen, body={"status": {"active": on}})

    return act


def resolve_its_problem(stage: Stage) -> None:
    problem = Problem.objects.filter(account=stage.zoho.account, title__contains="invoice").latest("pk")
    resolve(problem, stage.ada, datetime.now(UTC))


STORIES = [
    Story(
        "success_rate",
        "Success rate",
        {"Threshold (%)": "90", "Recovers at (%)": "95", "Window (hours)": "2", "Minimum of runs": "5"},
        lambda stage: stage.runs(10, status="failed"),
        good_runs,
        "succeeded",
    ),
    Story(
        "failing_now", "Failing now", {}, lambda stage: stage.runs(12, status="failed"), lambda s: s.runs(40), "failed"
    ),
    Story(
        "in_a_row",
        "Failures in a row",
        {"Failures in a row (runs)": "3"},
        lambda stage: stage.runs(3, status="failed"),
        good_runs,
        "last 3 runs failed",
    ),
    Story(
        "failures_per_hour",
        "Failures per hour",
        {"Failures (runs)": "6", "Window (hours)": "2"},
        lambda stage: stage.runs(8, status="failed"),
        lambda stage: stage.ahead(hours=3),
        "failed",
    ),
    Story(
        "missed_run",
        "Missed run",
        {"Interval (minutes)": "60", "Grace (minutes)": "5"},
        lambda stage: stage.ahead(minutes=80),
        lambda stage: stage.runs(1),
        "run",
    ),
    Story(
        "duration",
        "Duration",
        {"Times its usual": "0", "Limit (milliseconds)": "60000", "Window (hours)": "2", "Minimum of runs": "5"},
        lambda stage: stage.runs(12, minutes_ago=10, duration_ms=120_000),
        lambda stage: stage.runs(60, duration_ms=900),
        "too",
    ),
    Story(
        "stuck_run",
        "Stuck run",
        {"Stuck after (minutes)": "10"},
        get_stuck,
        end_it,
        "goes on for longer",
    ),
    Story(
        "error_appears",
        "Error appears",
        {"Its message, code or app has": "create invoice"},
        lambda stage: stage.runs(2, status="failed", kind="sickness"),
        resolve_its_problem,
        "invoice",
        {"When it": "is new"},
        is_of_flows=False,
    ),
    Story(
        "connection",
        "Connection not working",
        {},
        break_its_connection,
        repair_its_connection,
        "Gmail",
        is_of_flows=False,
    ),
    Story(
        "crm",
        "Workflow rule in trouble",
        {},
        switch_a_rule(on=False),
        switch_a_rule(on=True),
        "switched off",
        {"What is looked for": "Switched off"},
        is_of_flows=False,
    ),
    Story(
        "mirror",
        "Mirror behind",
        {"Out of date for (minutes)": "15"},
        let_nobody_read,
        read_again,
        "Out of date",
        is_of_flows=False,
    ),
    Story(
        "quota",
        "Plan runs out",
        {"Too much is (% of the plan)": "80"},
        spend_the_calls_of_the_day,
        let_a_day_go_by,
        "calls",
        {"What runs out": "API calls of a day"},
        is_of_flows=False,
    ),
]


@pytest.fixture
def clock() -> Iterator[time_machine.Coordinates]:
    with time_machine.travel(datetime.now(UTC), tick=True) as moved:
        yield moved


@pytest.fixture
def stage(clock: time_machine.Coordinates, zoho: Zoho, people: dict[str, User]) -> Stage:
    """Without the rules that every account has and what they found: what fires is the story's own."""
    AlertRule.objects.filter(account=zoho.account).delete()
    Incident.objects.filter(account=zoho.account).delete()
    for connection in zoho.world.connections.values():
        zoho.world.do("repair_connection", connection_id=connection.connection_id)
    trigger = {"type": "webhook", "app": "custom", "event": "called"}
    flow = zoho.world.do("create_flow", body={"flow_name": "Deals to the story", "trigger": trigger})
    zoho.world.do("switch_flow", flow_id=flow.flow_id, on=True)
    made = Stage(zoho, clock, people["ada"], flow)
    made.runs(3)
    broken = zoho.world.role("broken")
    assert broken is not None
    zoho.world.do("add_executions", flow_id=broken.flow_id)
    made.sync()
    return made


def make_the_rule(visit: Visit, story: Story, stage: Stage) -> AlertRule:
    page = visit.page
    visit.go(reverse("alert_rule_kinds"))
    page.get_by_role("link", name=story.title, exact=True).click()
    page.get_by_label("Account").select_option(label="Stand-in")
    page.get_by_label("Name").fill("The story's rule")
    if story.is_of_flows:
        mirrored = Flow.objects.get(account=stage.zoho.account, flow_id=stage.flow.flow_id)
        page.get_by_label("Flow", exact=True).fill(str(mirrored.pk))
    for label, value in story.fields.items():
        page.get_by_label(label).fill(value)
    for label, value in story.chosen.items():
        page.get_by_label(label).select_option(label=value)
    page.get_by_label("Severity").select_option(label="Page")
    if story.is_of_flows:
        page.get_by_role("button", name="Preview 30 days").click()
        expect(page.get_by_role("heading", name="Preview: the last 30 days")).to_be_visible(timeout=20_000)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The rule “The story's rule” is saved.")).to_be_visible()
    rule = AlertRule.objects.get(name="The story's rule")
    assert rule.kind == story.kind
    return rule


def told(rule: AlertRule) -> list[Any]:
    """What the evaluator made of it, for who reads a red test."""
    return list(AlertState.objects.filter(rule=rule).values("state", "reason", "numbers", "flow__flow_name"))


def address_in(mail: EmailMessage) -> str:
    prefix = reverse("acknowledge_by_mail", args=["x"]).removesuffix("x/")
    found = re.search(rf"https?://[^/\s]+({re.escape(prefix)}[^\s]+)", str(mail.body))
    assert found is not None, mail.body
    return found[1]


def test_each_kind_has_a_story() -> None:
    assert {story.kind for story in STORIES} == set(condition_kinds())


@pytest.mark.parametrize("story", STORIES, ids=str)
def test_a_rule_is_made_fires_is_acknowledged_from_its_mail_and_recovers(
    story: Story, visit: Visit, stage: Stage, people: dict[str, User], mailoutbox: list[Any]
) -> None:
    page = visit.page
    visit.sign_in(people["ada"])
    rule = make_the_rule(visit, story, stage)
    stage.sync()
    assert not Incident.objects.filter(account=stage.zoho.account).exists(), told(rule)

    story.fires(stage)
    stage.sync()
    assert Incident.objects.filter(account=stage.zoho.account).count() == 1, told(rule)
    incident = Incident.objects.get(account=stage.zoho.account)
    [mail] = [mail for mail in mailoutbox if people["ada"].email in mail.to]
    assert story.says in str(mail.body)
    assert not [mail for mail in mailoutbox if people["vera"].email in mail.to and "acknowledge" in str(mail.body)]
    visit.go(address_in(mail))
    page.get_by_role("button", name=re.compile("Acknowledge")).click()
    expect(page.get_by_text("Acknowledged by ada.").first).to_be_visible()

    story.recovers(stage)
    stage.sync()
    incident.refresh_from_db()
    assert incident.closed_how == "recovered", told(rule)
    visit.go(incident.get_absolute_url())
    if page.get_by_label("Username").count():  # a session ends in a night
        visit.sign_in(people["ada"])
        visit.go(incident.get_absolute_url())
    expect(page.get_by_text("recovered").first).to_be_visible()
    assert [mail for mail in mailoutbox if "ecovered" in mail.subject]
