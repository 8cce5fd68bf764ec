"""Evaluating 1,000 rules on 1,000 flows, beside a bare SELECT of the buckets that they need.

Each flow has a rule of its own beside the account's, or a rule for a tag that it alone has, and 100 runs in a week. Run
by `make bench-alert-evaluation`.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from monitor.alerting.evaluate import evaluate_account
from monitor.models import (
    AlertRule,
    AlertState,
    Execution,
    Flow,
    FlowProgress,
    HourBucket,
    Ownership,
    SyncState,
    Tag,
    TagUse,
    ZohoAccount,
)
from tests import factories
from tests.bystander import own

pytestmark = [pytest.mark.bench, pytest.mark.django_db]
FLOWS, HOURS, RUNS = 1000, 168, 100
MOST_SECONDS = 2.0
RAW = Execution._meta.db_table
MINUTE = timedelta(minutes=1)


@pytest.fixture(params=["flow", "tag"])
def account(now: datetime, request: pytest.FixtureRequest) -> ZohoAccount:
    account = factories.make_account("Bench")
    names = {"status": "active", "first_seen_at": now, "seen_at": now, "account": account}
    flows = Flow.objects.bulk_create([Flow(flow_id=str(n), flow_name=f"Flow {n}", **names) for n in range(FLOWS)])
    FlowProgress.objects.bulk_create(FlowProgress(flow=flow, executions_read_at=now) for flow in flows)
    scopes = [{"flow": flow} for flow in flows] if request.param == "flow" else [{"tag": tag} for tag in tagged(flows)]
    AlertRule.objects.bulk_create(AlertRule(account=account, name=f"Rule {n}", **one) for n, one in enumerate(scopes))
    factories.make_alert_rule(account, name="All")
    dice = random.Random(7)
    HourBucket.objects.bulk_create((bucket for flow in flows for bucket in hours_of(flow, now, dice)), batch_size=5000)
    factories.count_again(*flows)
    return account


def tagged(flows: list[Flow]) -> list[Tag]:
    """Gives each flow a tag of its own, and one that all have and no rule is for."""
    *tags, shared = Tag.objects.bulk_create(Tag(name=f"tag-{n}") for n in range(len(flows) + 1))
    owned = Ownership.objects.bulk_create(Ownership(flow=flow) for flow in flows)
    uses = [
        TagUse(ownership=one, tag=tag) for one, own_tag in zip(owned, tags, strict=True) for tag in (own_tag, shared)
    ]
    TagUse.objects.bulk_create(uses)
    return tags


def hours_of(flow: Flow, now: datetime, dice: random.Random) -> list[HourBucket]:
    """The hours of a flow's last week in which runs ended; each tenth flow fails at present."""
    counts = [0] * HOURS
    for _ in range(RUNS):
        counts[dice.randrange(HOURS)] += 1
    fails = flow.pk % 10 == 0
    return [
        factories.an_hour(
            flow, now - timedelta(hours=ago) - MINUTE, *((0, count) if fails and ago < 48 else (count, 0))
        )
        for ago, count in enumerate(counts)
        if count
    ]


def timed(name: str, work: Callable[[], Any]) -> tuple[float, Any]:
    with CaptureQueriesContext(connection) as statements:
        started, processor = time.perf_counter(), time.process_time()
        found = work()
        took, own_time = time.perf_counter() - started, time.process_time() - processor
    bound = "" if name.startswith("bare") else f" (at most {MOST_SECONDS:g} s)"
    costs = f"{took * 1000:7.0f} ms{bound}, {own_time * 1000:7.0f} ms of our processor, {len(statements)} statements"
    print(f"{name:<44} {costs}")
    assert [one["sql"] for one in statements if RAW in one["sql"]] == [], "a raw execution is read"
    return took, found


def bare(account: ZohoAccount) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT h.flow_id, h.hour, h.ends FROM monitor_hourbucket h JOIN monitor_flow f ON f.id = h.flow_id "
            "WHERE f.account_id = %s",
            [account.pk],
        )
        return len(cursor.fetchall())


def test_a_thousand_rules_on_a_thousand_flows(account: ZohoAccount, now: datetime) -> None:
    def be_read(at: datetime) -> datetime:
        SyncState.objects.filter(account=account).update(state="ok", since=at, last_finished_at=at)
        return at

    be_read(now)
    flows = list(Flow.objects.filter(account=account))
    print(f"\n{connection.vendor}: {AlertRule.objects.filter(account=account).count()} rules, {FLOWS} flows")
    read, count = timed("bare SELECT of the same buckets", lambda: bare(account))
    first, edges = timed(f"first evaluation, {count} buckets", lambda: evaluate_account(account, now))
    assert len(edges) == FLOWS / 10
    assert own(AlertState).count() == FLOWS

    factories.count_again(*flows)
    later = be_read(now + MINUTE)
    every, _ = timed("all flows were counted again", lambda: evaluate_account(account, later))
    assert own(AlertState).filter(evaluated_at=later).count() == FLOWS

    factories.count_again(*flows[:20])
    third = be_read(now + 2 * MINUTE)
    few, _ = timed("20 flows were counted again", lambda: evaluate_account(account, third))
    assert own(AlertState).filter(evaluated_at=third).count() == 20
    fourth = be_read(now + 3 * MINUTE)
    none, _ = timed("nothing changed", lambda: evaluate_account(account, fourth))
    assert not own(AlertState).filter(evaluated_at=fourth).exists()
    # On cores that others use too the bare read takes as many times as long as we do.
    most = max(MOST_SECONDS, 5 * read)
    assert max(first, every, few, none) <= most or connection.vendor != "postgresql"
