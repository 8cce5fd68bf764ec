"""What people are mailed of a storm, of a failure that Zoho heals by itself, and of a flow that breaks twice.

All of it by the worker's own stages (`pipeline.judge`, `pipeline.deliver`) from rows of the mirror to mails.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.mail import EmailMessage

from monitor import pipeline
from monitor.alerting.rules import ensure_default_rules
from monitor.models import DirtyHour, Execution, Flow, SyncState, ZohoAccount
from tests import factories
from tests.alerting.test_evaluate import ALL_READ
from tests.alerting.test_subjects import make_connection

pytestmark = pytest.mark.django_db
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
NOW = factories.NOON
REFUSED = {"error_code": "", "error_message": "Action failed", "error_details": "HTTP 401 INVALID_TOKEN"}
WRONG = {"error_code": "", "error_message": "No such field: Phone", "error_details": ""}
BUSY = {"error_code": "", "error_message": "HTTP 503 Service Unavailable", "error_details": ""}


@dataclass
class Worker:
    """An account with the rules that come with it, a person who gets mails, and the worker's stages by hand."""

    account: ZohoAccount
    mails: list[EmailMessage]

    def flow(self, name: str, app: str = "zoho_crm") -> Flow:
        """A flow whose thirty runs of this morning went well."""
        flow = factories.make_flow(self.account, flow_name=name)
        factories.change_flow(flow, **ALL_READ)
        factories.make_version(flow, content={"actions": [{"action_id": "1", "app": app, "action": "create"}]})
        factories.make_hour(flow, NOW - 3 * HOUR, 30)
        return flow

    def runs(self, flow: Flow, ends: Iterable[datetime], status: str = "failed", **fields: Any) -> list[Execution]:
        """Runs of a flow, as a sweep mirrors them."""
        rows = [
            factories.make_execution(
                flow,
                status,
                started_time=at - SECOND,
                completed_time=at,
                first_failed_at=at if status == "failed" else None,
                error_action_id="1" if status == "failed" else "",
                **fields,
            )
            for at in ends
        ]
        DirtyHour.objects.mark([(flow.pk, row.started_time) for row in rows if row.started_time is not None])
        return rows

    def work(self, at: datetime) -> list[str]:
        """Evaluates and mails at a moment; returns the subjects of the mails that went out."""
        before = len(self.mails)
        with time_machine.travel(at, tick=False):
            SyncState.objects.filter(account=self.account).update(state="ok", since=at, last_finished_at=at)
            pipeline.judge()
            pipeline.deliver()
        return [mail.subject for mail in self.mails[before:]]


@pytest.fixture
def worker(nobody_else: Any, settings: Any, mailoutbox: list[EmailMessage]) -> Worker:
    settings.ALERT_GROUP_WAIT = 30
    factories.make_user("ada", "admin")
    account = factories.make_account("Acme")
    ensure_default_rules(account)
    return Worker(account, mailoutbox)


def test_fifty_flows_on_one_broken_connection_and_another_flow_are_two_mails(worker: Worker) -> None:
    make_connection(worker.account, NOW, connection_name="Sales", app="zoho_crm")
    flows = [worker.flow(f"Flow {number:02}") for number in range(50)]
    other = worker.flow("Billing", app="zoho_books")
    assert worker.work(NOW) == []
    for flow in flows:
        worker.runs(flow, [NOW + number * SECOND for number in range(5)], **REFUSED)
    worker.runs(other, [NOW + number * SECOND for number in range(5)], **WRONG)
    sent = []
    for seconds in (15, 30, 60, 90, 400, 1000, 3000):
        sent += worker.work(NOW + seconds * SECOND)
    assert len(sent) == 2, sent
    assert any(subject.startswith("[Firing] Billing: ") for subject in sent)
    (storm,) = [mail for mail in worker.mails if "Billing" not in mail.subject]
    assert storm.subject == "[Firing] 50 flows: the sign-in to zoho_crm does not work"


def test_a_503_that_zohos_own_re_run_heals_after_ten_minutes_is_no_mail(worker: Worker) -> None:
    flow = worker.flow("Orders")
    assert worker.work(NOW) == []
    rows = worker.runs(flow, [NOW + number * SECOND for number in range(20)], **BUSY)
    for minutes in range(1, 11):
        assert worker.work(NOW + minutes * MINUTE) == []
    for row in rows:
        row.status, row.first_status = "success", "failed"
        row.completed_time = NOW + 10 * MINUTE
        row.save()
    DirtyHour.objects.mark([(flow.pk, row.started_time) for row in rows if row.started_time is not None])
    for minutes in (11, 12, 36, 37, 60, 600):
        assert worker.work(NOW + minutes * MINUTE) == []


def test_a_repaired_flow_has_recovered_with_its_tenth_good_run_and_broken_again_next_day_is_a_second_mail(
    worker: Worker,
) -> None:
    flow = worker.flow("Orders")
    assert worker.work(NOW) == []
    worker.runs(flow, [NOW + number * MINUTE for number in range(10)], **WRONG)
    broken = worker.work(NOW + 10 * MINUTE) + worker.work(NOW + 11 * MINUTE)
    assert [subject.split(":")[0] for subject in broken] == ["[Firing] Orders"]
    worker.runs(flow, [NOW + (20 + number) * MINUTE for number in range(9)], "success")
    assert worker.work(NOW + 29 * MINUTE) == []
    worker.runs(flow, [NOW + 30 * MINUTE], "success")
    assert [subject.split(":")[0] for subject in worker.work(NOW + 30 * MINUTE + SECOND)] == ["[Recovered] Orders"]
    tomorrow = NOW + timedelta(days=1)
    worker.runs(flow, [tomorrow - number * HOUR for number in range(20, 0, -1)], "success")
    assert worker.work(tomorrow) == []
    worker.runs(flow, [tomorrow + number * MINUTE for number in range(10)], **WRONG)
    again = worker.work(tomorrow + 10 * MINUTE) + worker.work(tomorrow + 11 * MINUTE)
    assert [subject.split(":")[0] for subject in again] == ["[Firing] Orders"]
