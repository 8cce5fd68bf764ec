"""Whoever changes several rows of an outbox takes them in one order: two at once never wait for each other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, connections, models, transaction
from django.db.models import F

from monitor.alerting import actions, incidents
from monitor.models import AlertState, Incident, User
from monitor.notify import dispatch, outbox
from monitor.notify.retell import IncidentThread, _fold
from monitor.notify.when_to_send import Fate, NoticeVerdict, Why
from tests import factories
from tests.bystander import own
from tests.notify.test_scopes import make_mail

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
WAITS_FOR_US = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"


@pytest.fixture(autouse=True)
def _server_database() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite lets one transaction write at a time")


@pytest.fixture
def incident(alert: AlertState, ada: User, now: datetime) -> Incident:
    """An incident with three notices that were dispatched, and three that wait."""
    found = factories.make_incident(alert)
    for seq, kind in ((2, "update"), (3, "repeat")):
        factories.make_notice(found, seq=seq, kind=kind, dispatch_state="dispatched", dispatched_at=now, recipients=1)
    for seq, kind in ((4, "update"), (5, "escalate"), (6, "repeat")):
        factories.make_notice(found, seq=seq, kind=kind, why_silent="snoozed", due_at=now)
    Incident.objects.filter(pk=found.pk).update(last_seq=6)
    return Incident.objects.get(pk=found.pk)


def rows_of(incident: Incident, kind: str, person: User, now: datetime) -> list[Any]:
    """A mail, or a message to one channel, of each notice that was dispatched."""
    notices = list(incident.notices.filter(dispatch_state="dispatched").order_by("seq"))
    channel = factories.make_channel() if kind == "messages" else None
    made = []
    for notice in notices:
        # By when they are due the last comes first.
        old = {"created_at": now - 2 * DAY, "next_try_at": now - 2 * DAY - notice.seq * MINUTE}
        made.append(
            factories.make_channel_message(notice, channel, **old) if channel else make_mail(notice, person, **old)
        )
    return made


def wait_for_the_first(rows: Sequence[models.Model], work: Callable[[], object]) -> None:
    """Has `work` wait for the first of some rows, and sees that it holds none of the others by then."""
    first, *others = sorted(rows, key=lambda row: row.pk)
    model = type(first)
    # Where the database finds the first one last, whoever asks for no order comes to it last.
    model._default_manager.filter(pk=first.pk).update(id=F("id"))
    faults: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as fault:  # noqa: BLE001 - told to the test
            faults.append(fault)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    with transaction.atomic():
        model._default_manager.select_for_update().get(pk=first.pk)
        thread.start()
        wait_until_it_waits()
        others_pk = [row.pk for row in others]
        assert len(model._default_manager.filter(pk__in=others_pk).select_for_update(nowait=True)) == len(others)
    thread.join(timeout=20)
    assert faults == []


def wait_until_it_waits() -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with connection.cursor() as cursor:
            cursor.execute(WAITS_FOR_US)
            if cursor.fetchone()[0]:
                return
    raise AssertionError("it waited for nothing")


@pytest.mark.parametrize("kind", ["mails", "messages"])
def test_what_is_too_old_is_given_up_in_the_order_of_its_rows(
    incident: Incident, ada: User, now: datetime, kind: str
) -> None:
    rows = rows_of(incident, kind, ada, now)
    wait_for_the_first(rows, lambda: outbox.give_up_old(type(rows[0])._default_manager.all(), "gone", now))
    assert {row.state for row in own(type(rows[0]))} == {"dead"}


@pytest.mark.parametrize("kind", ["mails", "messages"])
def test_messages_that_become_one_are_taken_in_the_order_of_their_rows(
    incident: Incident, ada: User, now: datetime, kind: str
) -> None:
    rows = rows_of(incident, kind, ada, now)
    type(rows[0])._default_manager.filter(pk=rows[0].pk).update(state="sending", attempts=1)
    first = type(rows[0])._default_manager.get(pk=rows[0].pk)
    thread = IncidentThread.of(first)
    wait_for_the_first(rows, lambda: _fold(first, thread, now))
    assert sorted(row.state for row in own(type(first))) == ["queued", "told", "told"]


def steps(incident: Incident, ada: User, now: datetime) -> dict[str, Callable[[], object]]:
    first, step, _ = incident.notices.filter(dispatch_state="new").order_by("seq")
    both = Fate(NoticeVerdict.SEND, says_both=True)
    return {
        "a step that is held": lambda: dispatch._hold(step, Why.FIRST, now),
        "a message that says both": lambda: dispatch._write(first, [ada], [], both, now),
        "what wakes the account": lambda: in_a_transaction(lambda: incidents.wake(incident.account_id, now)),
        "a person closes it": lambda: actions.close_by_hand(incident, "a drill", ada, now),
        "a person acknowledges it": lambda: actions.acknowledge(incident, ada, "", now),
        "an alert that joins": lambda: in_a_transaction(lambda: incidents.lock(incident.account_id)),
    }


def in_a_transaction(work: Callable[[], object]) -> None:
    with transaction.atomic():
        work()


@pytest.mark.parametrize("name", [
    "a step that is held", "a message that says both", "what wakes the account", "a person closes it",
    "a person acknowledges it", "an alert that joins",
])  # fmt: skip
def test_notices_of_an_incident_are_taken_in_the_order_of_their_rows(
    incident: Incident, ada: User, now: datetime, name: str
) -> None:
    waiting = list(incident.notices.filter(dispatch_state="new"))
    wait_for_the_first(waiting, steps(incident, ada, now)[name])


def test_people_and_the_dispatcher_at_once_end_with_every_notice_settled(
    incident: Incident, ada: User, now: datetime
) -> None:
    """Many turns on real connections: no deadlock, which the database would end with an error."""
    incident.notices.filter(kind="escalate").delete()
    faults: list[BaseException] = []

    def run(work: Callable[[], object]) -> None:
        try:
            for _ in range(30):
                work()
        except BaseException as fault:  # noqa: BLE001 - told to the test
            faults.append(fault)
        finally:
            connections.close_all()

    def wake() -> None:
        in_a_transaction(lambda: incidents.wake(incident.account_id, now))

    def put_off() -> None:
        for one in incident.notices.filter(dispatch_state="new"):
            dispatch._hold(one, Why.FIRST, now)

    works = [wake, put_off, lambda: dispatch.dispatch_new(now + MINUTE), wake, put_off]
    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert faults == []
    wake()
    dispatch.dispatch_new(now + MINUTE)
    assert not incident.notices.filter(dispatch_state="new").exists()
