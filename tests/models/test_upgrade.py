"""What an upgrade does to rows that an older version has left."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
import time_machine
from django.apps import apps
from django.db import connection

from monitor.models import Connection, DayBucket, Execution, HourBucket, ZohoAccount
from monitor.rollups.fold import COUNT_FIELDS, Counts, Run
from tests.bystander import own
from tests.factories import make_execution, make_flow

migration: Any = import_module("monitor.migrations.0110_rerun_due")


@pytest.mark.parametrize(
    ("age", "due"),
    [
        (timedelta(minutes=2), timedelta(minutes=5)),
        (timedelta(hours=4), timedelta(hours=3)),
        (timedelta(hours=24, minutes=30), timedelta(hours=24)),
        (timedelta(hours=25), None),
    ],
)
def test_young_failed_runs_are_looked_at_once_after_an_upgrade(
    account: ZohoAccount, now: datetime, *, age: timedelta, due: timedelta | None
) -> None:
    run = make_execution(make_flow(account), "failed", first_failed_at=now - age, rerun_due_at=None)

    with time_machine.travel(now, tick=False):
        migration.look_at_failed_runs(apps, None)

    run.refresh_from_db()
    assert run.rerun_due_at == (None if due is None else now - age + due)


def test_a_run_that_did_not_fail_or_is_due_already_stays_as_it_is(account: ZohoAccount, now: datetime) -> None:
    flow = make_flow(account)
    make_execution(flow, "success", first_failed_at=now)
    make_execution(flow, "failed", first_failed_at=now, rerun_due_at=now + timedelta(hours=1))

    with time_machine.travel(now, tick=False):
        migration.look_at_failed_runs(apps, None)

    due = own(Execution).order_by("pk").values_list("rerun_due_at", flat=True)
    assert list(due) == [None, now + timedelta(hours=1)]


def test_days_are_the_sums_of_their_hours_after_an_upgrade(account: ZohoAccount, now: datetime) -> None:
    flow, other = make_flow(account), make_flow(account)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    expected: dict[tuple[int, date], Counts] = {}
    for place, hours in ((flow, (-1, 0, 5, 23)), (other, (5,))):
        for hour in hours:
            counts = Counts()
            counts.add(Run("success", duration_ms=10 ** (abs(hour) % 5)))
            counts.add(Run("failed", duration_ms=7, error="quota" if hour else "data"))
            at = midnight + timedelta(hours=hour)
            HourBucket.objects.create(flow=place, hour=at, **dict(zip(COUNT_FIELDS, counts.numbers(), strict=True)))
            day = expected.setdefault((place.pk, at.date()), Counts())
            day += counts
    known = DayBucket.objects.create(flow=other, day=midnight.date(), succeeded=99)

    migration.sum_up_days(apps, None)

    found = {
        (row.flow_id, row.day): Counts(**{name: getattr(row, name) for name in COUNT_FIELDS})
        for row in own(DayBucket).exclude(pk=known.pk)
    }
    assert found == {place: counts for place, counts in expected.items() if place[0] == flow.pk}
    known.refresh_from_db()
    assert known.succeeded == 99


def test_what_is_kept_of_connections_that_are_gone_is_emptied_for_it_may_be_unmasked(
    account: ZohoAccount, now: datetime
) -> None:
    for name, gone_at in (("gone", now), ("there", None)):
        Connection.objects.create(
            account=account,
            connection_id=name,
            raw={"token": "1"},
            first_seen_at=now,
            seen_at=now,
            gone_at=gone_at,
            status_since=now,
        )

    with connection.cursor() as cursor:
        cursor.execute(import_module("monitor.migrations.0116_gone_connections").EMPTY)

    assert dict(own(Connection).values_list("connection_id", "raw")) == {"gone": {}, "there": {"token": "1"}}
