"""A tagged flow breaks: its owner hears of it, then the lead, until somebody acknowledges; by the worker's own jobs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.mail import EmailMessage

from monitor import pipeline
from monitor.alerting import actions
from monitor.models import DirtyHour, EscalationPolicy, Flow, Incident, SyncState, Tag, User
from monitor.ownership import set_ownership
from tests import factories
from tests.bystander import own
from tests.notify.test_escalations import add_step
from tests.notify.test_routes import make_route

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("all_are_judged")]
MINUTE = timedelta(minutes=1)


def fail(flow: Flow, ended: datetime) -> None:
    factories.make_execution(
        flow, "failed", started_time=ended - MINUTE, completed_time=ended, first_failed_at=ended,
        error_message="No such field: Phone", error_details="",
    )  # fmt: skip
    DirtyHour.objects.mark([(flow.pk, ended - MINUTE)])


def test_the_owner_hears_of_it_then_the_lead_and_nobody_more_once_it_is_acknowledged(
    mailoutbox: list[EmailMessage], otto: User, ada: User, now: datetime, settings: Any
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    account = factories.make_account("Acme")
    read = {"executions_read_at": now, "history_read_at": now}
    flow = factories.make_flow(account, flow_name="Lead sync", **read)
    other = factories.make_flow(account, flow_name="Untagged", **read)
    lead, head = factories.make_user("lead", "operator"), factories.make_user("head", "operator")
    tag = Tag.objects.create(name="orders")
    factories.make_alert_rule(account, kind="in_a_row", tag=tag, waits_for_reruns=False)
    set_ownership(flow, otto, ["orders"], ada, now)
    policy = EscalationPolicy.objects.create(name="On call")
    add_step(policy, 1, 5, people=[lead])
    add_step(policy, 2, 15, people=[head])
    make_route(tag=tag, to_owner=True, policy=policy)

    def sent() -> list[tuple[str, str]]:
        return [(mail.to[0].partition("@")[0], mail.subject.partition("]")[0] + "]") for mail in mailoutbox]

    with time_machine.travel(now, tick=False) as clock:

        def work(minutes: int) -> None:
            at = now + minutes * MINUTE
            clock.move_to(at)
            SyncState.objects.filter(account=account).update(state="ok", since=now, last_finished_at=at)
            pipeline.judge()
            pipeline.deliver()

        work(0)
        for number in range(3):
            fail(flow, now + (number + 1) * MINUTE)
            fail(other, now + (number + 1) * MINUTE)
        work(4)
        assert sent() == [("otto", "[Firing]")], "the rule is for the tag, the route names the owner"
        work(8)
        work(9)
        work(10)
        assert sent()[1:] == [("lead", "[Not acknowledged]")]
        assert "nobody acknowledged it within 5 minutes: step 1 of “On call”" in str(mailoutbox[1].body)
        actions.acknowledge(own(Incident).get(), lead, "I look", now + 11 * MINUTE)
        for minutes in (19, 20, 60, 300):
            work(minutes)
        assert len(mailoutbox) == 2
