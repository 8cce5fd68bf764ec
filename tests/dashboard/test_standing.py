"""A flow stands alike wherever it is shown: list, page, numbers, mail, `status`, export (the kind of case C6)."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from monitor.models import Execution, Flow, StreamState, SyncState, User, WorkerBeat, ZohoAccount
from monitor.notify.facts import facts_of
from monitor.notify.kinds.alert import render
from monitor.standing.judge import WORDS
from tests import factories
from tests.commands.commandline import run
from tests.dashboard.soup import Page, words
from tests.dashboard.world import make_state

HOUR = timedelta(hours=1)
# Counters as those of the last complete read: nothing is left to be asked.
SETTLED = dict.fromkeys(("read_execution_count", "read_success_count", "read_failure_count"), 0)


def healthy_(flow: Flow, now: datetime) -> None:
    """Nothing is wrong."""


def failing(flow: Flow, now: datetime) -> None:
    make_state(factories.make_alert_rule(flow.account), flow, now)


def stuck(flow: Flow, now: datetime) -> None:
    factories.make_execution(flow, "running", started_time=now - HOUR)


def silent(flow: Flow, now: datetime) -> None:
    Execution.objects.filter(flow=flow).update(started_time=now - 40 * HOUR)
    for n in range(9):
        flow.hours.create(hour=now - (40 + 4 * n) * HOUR, succeeded=1)


def paused(flow: Flow, now: datetime) -> None:
    factories.change_flow(flow, status="inactive")


def unknown(flow: Flow, now: datetime) -> None:
    factories.change_flow(flow, hole_reason="31 runs are missing")


def unread(flow: Flow, now: datetime) -> None:
    factories.change_flow(flow, executions_read_at=None)


MADE: dict[str, Callable[[Flow, datetime], None]] = {
    "healthy": healthy_, "failing": failing, "stuck": stuck, "silent": silent, "paused": paused, "unknown": unknown,
    "unread": unread,
}  # fmt: skip


@pytest.fixture
def flow(healthy: ZohoAccount, at_noon: datetime) -> Flow:
    WorkerBeat.objects.create(name="canary", beat_at=at_noon)
    flow = factories.make_flow(healthy, flow_name="Nightly clean-up", executions_read_at=at_noon, **SETTLED)
    factories.make_execution(flow, "success", started_time=at_noon - 2 * HOUR)
    return flow


def pills(answer: Any, tag: str, text: str) -> list[str]:
    """The pills beside what names the flow, and the words in place of some."""
    page = Page(answer.content.decode())
    shown = (
        (row, page.marked("pill", row) + page.marked("calm", row)) for row in page.root.iter(tag) if text in words(row)
    )
    return next([words(mark) for mark in marks] for _, marks in shown if marks)


@pytest.mark.parametrize("code", sorted(MADE))
def test_a_flow_stands_alike_on_list_page_mail_status_and_export(
    code: str, flow: Flow, vera: User, signed_in: Any, at_noon: datetime
) -> None:
    flow.hours.create(hour=at_noon - 76 * HOUR, failed=1)
    MADE[code](flow, at_noon)
    client: Client = signed_in(vera)
    label = WORDS[code]

    assert label in pills(client.get("/flows/"), "tr", flow.flow_name)
    assert label in pills(client.get(flow.get_absolute_url()), "header", flow.flow_name)
    assert client.get("/flows/", {"standing": code}).context["rows"][0][0] == flow
    for other in set(WORDS) - {code}:
        assert client.get("/flows/", {"standing": other}).context["rows"] == [], other

    report = json.loads(run("status", "--json").out)["accounts"][0]
    assert report["standings"] == {name: int(name == code) for name in WORDS if name != "gone"}
    assert [one["standing"] for one in report["completeness"]["flows"]] == [code]
    assert f"flows:    1 {label.lower()}" in run("status").out
    (row,) = csv.DictReader(io.StringIO(run("export", "flows", "--format=csv").out))
    assert row["standing"] == code
    assert bool(row["standing_reason"]) == (code not in ("healthy", "unread"))

    alert = flow.alert_states.first() or make_state(
        factories.make_alert_rule(flow.account), flow, at_noon, is_open=False
    )
    mail = render(facts_of(factories.make_incident(alert).notices.get(), at_noon), "UTC")
    assert f"The flow now: {label}" in mail.text
    assert label in mail.html


@pytest.mark.parametrize("code", sorted(MADE))
def test_the_overviews_number_opens_the_flows_it_counted(
    code: str, flow: Flow, vera: User, signed_in: Any, at_noon: datetime
) -> None:
    MADE[code](flow, at_noon)
    client: Client = signed_in(vera)
    page = Page(client.get("/").content.decode())
    (numbers,) = page.marked("standings")
    links = [one for one in numbers.iter("a") if "standing=" in one.get("href", "")]
    assert [(one.get("href"), words(one)) for one in links] == [(f"/flows/?standing={code}", f"1 {WORDS[code]}")]
    assert client.get(links[0].get("href")).context["page_obj"].paginator.count == 1


@pytest.mark.parametrize("state", ["throttled", "unreachable", "revoked", "schema", "never", "stale", "paused"])
def test_no_flow_is_green_in_an_account_whose_present_is_not_known(
    state: str, flow: Flow, vera: User, signed_in: Any, at_noon: datetime
) -> None:
    if state == "stale":
        SyncState.objects.update(last_complete_at=at_noon - 5 * HOUR, last_finished_at=at_noon - 5 * HOUR)
    elif state == "paused":
        ZohoAccount.objects.update(is_active=False)
    else:
        SyncState.objects.update(state=state, reason="so it is", since=at_noon - HOUR)
    shown = pills(signed_in(vera).get("/flows/"), "tr", flow.flow_name)[0]
    assert shown == {"never": "Nothing read yet", "paused": "Paused"}.get(state, "Unknown")


def test_a_silent_worker_and_failing_executions_leave_no_green(
    flow: Flow, vera: User, signed_in: Any, at_noon: datetime
) -> None:
    StreamState.objects.create(account=flow.account, stream="executions", state="failing", since=at_noon - HOUR)
    assert pills(signed_in(vera).get("/flows/"), "tr", flow.flow_name)[0] == "Unknown"
    StreamState.objects.all().delete()
    WorkerBeat.objects.update(beat_at=at_noon - HOUR)
    assert pills(signed_in(vera).get("/flows/"), "tr", flow.flow_name)[0] == "Unknown"


def test_a_standing_that_there_is_not_is_refused(vera: User, signed_in: Any, flow: Flow) -> None:
    assert signed_in(vera).get("/flows/?standing=green").status_code == 400
