"""How long it takes from a condition that is committed to the mail server's 250, with 1,000 rules on 1,000 flows.

Real processes on PostgreSQL: the worker as it is, and a mail server on loopback. A flow's failures are committed at any
moment, as a sweep commits them; each flow fails for a cause of its own, so that each is an incident with a mail. Run by
`make bench-alert-latency`; `ALERT_LATENCY_EVENTS=20 ALERT_LATENCY_FLOWS=100` makes it shorter.
"""

from __future__ import annotations

import logging
import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import pytest
from django.db import transaction

from monitor.models import (
    AlertRule,
    AlertState,
    CountedFlow,
    DirtyHour,
    Execution,
    Flow,
    FlowProgress,
    HourBucket,
    SyncState,
    ZohoAccount,
)
from monitor.periods import hour_of
from tests import factories
from tests.notify.sink import Sink, free_port, listening
from tests.realprocess import ALIAS, Stage, rows, second_connection, throw_away_database, wait_for

pytestmark = [pytest.mark.bench]
FLOWS = int(os.environ.get("ALERT_LATENCY_FLOWS", "1000"))
EVENTS = int(os.environ.get("ALERT_LATENCY_EVENTS", "120"))
MEDIAN, OF_99 = 5.0, 30.0  # seconds: issue 13's bounds
EVERY = 1.4  # seconds between two conditions, in the mean
FAILURES, GOOD, HOURS = 10, 2, 48
KINDS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("in_a_row", {}),
    ("failing_now", {}),
    ("failures_per_hour", {"most": 5}),
    ("success_rate", {"window_hours": 168}),
)
NOUNS = ("invoice", "contact", "template", "mailbox", "ledger", "calendar", "folder", "voucher", "parcel", "terminal")
VERBS = ("refuses", "loses", "rejects", "repeats", "forgets", "hides", "misplaces", "ignores", "doubles", "locks")


@dataclass
class TimedSink(Sink):
    """A mail server that notes when it answered 250, by the subject."""

    at: dict[str, float] = field(default_factory=dict)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        answer = await super().handle_DATA(server, session, envelope)
        self.at.setdefault(str(self.mails[-1]["Subject"]), time.monotonic())
        return answer

    def answered(self, flow: Flow) -> float | None:
        """When the first mail about a flow was taken."""
        return next((at for subject, at in self.at.items() if flow.flow_name in subject), None)


@pytest.fixture
def sink() -> TimedSink:
    return TimedSink()


@pytest.fixture
def stage(tmp_path: Path, django_db_blocker: Any, sink: TimedSink) -> Iterator[Stage]:
    logging.getLogger("mail.log").setLevel(logging.WARNING)
    port = free_port()
    with throw_away_database(tmp_path) as url, django_db_blocker.unblock(), listening(sink, port):
        stage = Stage(tmp_path, url, EMAIL_URL=f"smtp://127.0.0.1:{port}")
        stage.migrate()
        stage.must(
            *("createsuperuser", "--noinput", "--username", "ada", "--email", "ada@example.com"),
            DJANGO_SUPERUSER_PASSWORD="a-password-for-this-bench-only",
        )
        with second_connection(url):
            try:
                yield stage
            finally:
                stage.close()
        assert stage.left() == []


def make_flows(now: datetime) -> list[Flow]:
    """An account that was read just now and is not due for hours; each flow has a rule, and runs of two days."""
    account = ZohoAccount.objects.using(ALIAS).create(name="Acme", data_center="eu", client_id="1000.ACME")
    fresh = {"state": "ok", "since": now, "last_finished_at": now, "next_due_at": now + timedelta(hours=2)}
    SyncState.objects.using(ALIAS).update_or_create(account=account, defaults=fresh)
    names = {"status": "active", "first_seen_at": now, "seen_at": now, "account": account}
    flows = Flow.objects.using(ALIAS).bulk_create(
        Flow(flow_id=str(number), flow_name=f"Flow {number:04}", **names) for number in range(FLOWS)
    )
    FlowProgress.objects.using(ALIAS).bulk_create(FlowProgress(flow=flow, executions_read_at=now) for flow in flows)
    AlertRule.objects.using(ALIAS).bulk_create(
        AlertRule(account=account, flow=flow, name=f"Rule {flow.pk}", kind=kind, options=options)
        for flow, (kind, options) in zip(flows, KINDS * FLOWS, strict=False)
    )
    hours = (factories.an_hour(flow, now - timedelta(hours=ago), GOOD) for flow in flows for ago in range(2, HOURS))
    HourBucket.objects.using(ALIAS).bulk_create(hours, batch_size=5000)
    CountedFlow.objects.using(ALIAS).bulk_create(CountedFlow(flow=flow, changed_at=now) for flow in flows)
    return flows


def commit(flow: Flow, cause: str, now: datetime) -> float:
    """Commits failures of a flow as a sweep does; returns when that was done."""
    ended = [now - timedelta(seconds=number) for number in range(FAILURES)]
    runs = [
        Execution(
            account_id=flow.account_id,
            flow=flow,
            execution_id=f"{flow.pk}-{number}",
            status="failed",
            first_status="failed",
            started_time=at - timedelta(seconds=1),
            completed_time=at,
            first_failed_at=at,
            duration_ms=1000,
            error_message=cause,
            first_seen_at=now,
            changed_at=now,
        )
        for number, at in enumerate(ended)
    ]
    for run in runs:
        run.mask_text()
    with transaction.atomic(using=ALIAS):
        Execution.objects.using(ALIAS).bulk_create(runs)
        hours = sorted({hour_of(run.started_time) for run in runs if run.started_time is not None})
        DirtyHour.objects.using(ALIAS).bulk_create(DirtyHour(flow=flow, hour=hour) for hour in hours)
    return time.monotonic()


def test_from_a_condition_that_is_committed_to_the_mail_servers_250(stage: Stage, sink: TimedSink) -> None:
    dice = random.Random(7)
    flows = make_flows(datetime.now(UTC))
    stage.start("worker")
    wait_for("the first evaluation", lambda: rows(AlertState, state="ok").count() == FLOWS, timeout=120, pace=0.5)
    causes = [f"The {one} {verb} the {other}" for one in NOUNS for verb in VERBS for other in NOUNS if one != other]
    failing = dice.sample(flows, min(EVENTS, FLOWS))
    committed: dict[int, float] = {}
    for flow, cause in zip(failing, dice.sample(causes, len(failing)), strict=True):
        time.sleep(min(dice.expovariate(1 / EVERY), 4 * EVERY))
        committed[flow.pk] = commit(flow, cause, datetime.now(UTC))
    deadline = time.monotonic() + 2 * OF_99
    while time.monotonic() < deadline and any(sink.answered(flow) is None for flow in failing):
        time.sleep(0.2)
    took = {flow.flow_name: at - committed[flow.pk] for flow in failing if (at := sink.answered(flow)) is not None}
    seconds = sorted(took.values())
    p99 = quantiles(seconds, n=100, method="inclusive")[98]
    print(f"\npostgresql: {FLOWS} rules on {FLOWS} flows, {len(seconds)} of {len(failing)} conditions were mailed")
    print(f"condition committed to SMTP 250: median {median(seconds):5.2f} s (at most {MEDIAN:g} s)")
    print(f"                                 p99    {p99:5.2f} s (at most {OF_99:g} s), longest {seconds[-1]:.2f} s")
    assert len(seconds) == len(failing), sorted({flow.flow_name for flow in failing} - set(took))
    assert median(seconds) <= MEDIAN
    assert p99 <= OF_99
