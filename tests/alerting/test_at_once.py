"""Several processes at once, for real: threads with connections of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, connections

from monitor.alerting.evaluate import evaluate_account
from monitor.alerting.incidents import follow, remind
from monitor.models import (
    AlertState,
    Delivery,
    DirtyHour,
    Execution,
    HourBucket,
    Incident,
    Role,
    SyncState,
    Transition,
)
from monitor.notify.dispatch import dispatch_new
from monitor.notify.send import send_due
from monitor.rollups.recount import rebuild_dirty
from tests import factories
from tests.bystander import own

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
THREADS = 4
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _server_database() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("the tests' SQLite lives in memory, which threads cannot share")


def at_once(work: Callable[[], Any]) -> list[Any]:
    """What `work` gave in each of several threads that start together; the first error is raised."""
    start, results, errors = threading.Barrier(THREADS), [], []

    def run() -> None:
        try:
            start.wait()
            results.append(work())
        except BaseException as error:  # noqa: BLE001 - told to the test
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results


def test_evaluators_at_once_write_each_transition_once(now: datetime) -> None:
    account = factories.make_account()
    factories.make_alert_rule(account)
    own(SyncState).update(state="ok", since=now, last_finished_at=now)
    flows = [factories.make_flow(account) for _ in range(40)]
    for flow in flows:
        factories.make_hour(flow, now - MINUTE, 30, 10)
    written = at_once(lambda: evaluate_account(account, now))
    assert sum(map(len, written)) == own(Transition).filter(kind="firing").count() == 40
    for flow in flows:
        factories.make_hour(flow, now - MINUTE, 30, 0)
    written = at_once(lambda: evaluate_account(account, now + MINUTE))
    assert sum(map(len, written)) == own(Transition).filter(kind="resolved").count() == 40
    assert set(own(AlertState).values_list("state", "is_open", "episode")) == {("ok", False, 1)}


def test_recounts_at_once_with_a_writer_end_with_the_rows_counted(now: datetime) -> None:
    flows = [factories.make_flow() for _ in range(3)]
    writing = threading.Lock()

    def write_and_recount() -> None:
        for number in range(30):
            with writing:
                row = factories.make_execution(flows[number % 3], started_time=now - timedelta(hours=number % 5))
            DirtyHour.objects.mark([(row.flow_id, row.started_time)])
            rebuild_dirty(now)

    at_once(write_and_recount)
    while rebuild_dirty(now):
        pass
    assert sum(own(HourBucket).values_list("succeeded", flat=True)) == own(Execution).count() == THREADS * 30


def test_dispatchers_and_senders_at_once_send_each_message_once(now: datetime, mailoutbox: list[Any]) -> None:
    rule = factories.make_alert_rule(factories.make_account())
    for name in "abcdef":
        factories.make_user(name, Role.ADMIN)
    for hours in range(3):
        for _ in range(5):
            flow = factories.make_flow(rule.account)
            alert = AlertState.objects.create(rule=rule, flow=flow, since=now, evaluated_at=now)
            began = now - timedelta(hours=hours)
            known = {"episode": 1, "from_state": "ok", "to_state": "firing"}
            Transition.objects.create(alert=alert, kind="firing", at=now, began_at=began, **known)
    assert sum(at_once(lambda: follow(rule.account, now))) == 15
    assert sorted(incident.members.count() for incident in own(Incident)) == [5, 5, 5]
    later = now + timedelta(seconds=30)
    assert sum(at_once(lambda: dispatch_new(later))) == 3
    assert sum(at_once(lambda: remind(rule.account, later + timedelta(hours=4)))) == 3
    reports = at_once(lambda: send_due(later))
    assert sum(report.sent for report in reports) == len(mailoutbox) == 18
    assert len({mail.extra_headers["Message-ID"] for mail in mailoutbox}) == 18
    assert set(own(Delivery).values_list("state", "attempts")) == {("sent", 1)}
