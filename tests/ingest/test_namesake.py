"""An account at the same Zoho, with the same ids and in every trouble, changes nothing of what is asked and stored.

A story is told twice of one account: alone, and with such a namesake beside it. What is asked of Zoho and every row of
the account must be the same both times, and nothing of the namesake may move.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from monitor import models as tables
from monitor.ingest.base.read_soon import hint, want
from monitor.ingest.night.checks import JOBS
from monitor.ingest.night.prune import prune
from monitor.models import Ages, Execution, Flow, StreamState, SyncState, ZohoAccount
from monitor.rollups.recount import rebuild_dirty
from monitor.zoho.errors import BadAnswer, Refused
from tests import factories
from tests.bystander import Bystander
from tests.fake_zoho import Run, Zoho, a_connected, a_rule, a_task, a_webhook_failure, hasty, sync

PAST = datetime(2026, 11, 1, 8, 0, tzinfo=factories.NOON.tzinfo)
FAR = datetime(2027, 6, 1, tzinfo=factories.NOON.tzinfo)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
SHARES = max(job.shares for job in JOBS)
NEVER_ALIKE = {"lease_owner", "pid", "payload_key", "cursor"}  # made up anew each time, or with keys of our database
OF_A_KEY = ("DigestKey", "digest")

Story = Callable[[ZohoAccount, Zoho], None]
_ids: list[int] = [0]


def new_id() -> str:
    """An id of what comes up in a story: the same each time that it is told."""
    _ids[0] += 1
    return f"88{_ids[0]:015}"


def a_run(started: datetime, status: str = "success", **more: Any) -> Run:
    return Run(started, status, new_id(), **more)


def owner(account: ZohoAccount) -> Bystander:
    """Looks at every row of an account; the person has none."""
    return Bystander(account.pk, -1)


def told(account: ZohoAccount) -> list[tuple[str, str]]:
    """Every row of an account without the keys of our database, in an order of its own."""
    rows = []
    for (label, _), row in owner(account)._rows().items():
        if label in OF_A_KEY:
            continue
        kept = {
            name: value
            for name, value in row.items()
            if name not in NEVER_ALIKE
            and not any(part in name for part in OF_A_KEY)
            and not (name == "id" or (name.endswith("_id") and isinstance(value, int)))
        }
        rows.append((label, repr(sorted(kept.items()))))
    return sorted(rows)


def differing(one: list[tuple[str, str]], other: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The rows that only one of them has."""
    return [row for row in one if row not in other] + [row for row in other if row not in one]


def trouble(account: ZohoAccount) -> None:
    """Brings an account into every state that a row can be in: whatever is asked of it says something else."""
    flows, rows = Flow.objects.filter(account=account), Execution.objects.filter(account=account)
    flows.update(list_page=9, seen_at=PAST)
    progress = tables.FlowProgress.objects.filter(flow__account=account)
    progress.update(wanted_at=PAST, asked_at=PAST, hinted_at=PAST, recheck_at=PAST, hole_reason="theirs")
    rows.update(recheck_at=PAST, rerun_due_at=PAST, first_failed_at=PAST - 5 * MINUTE)
    keys = list(flows.order_by("pk").values_list("pk", flat=True))
    flows.filter(pk=keys[0]).update(gone_at=PAST)
    progress.filter(flow=keys[1]).update(executions_read_at=None, history_read_at=None, history_order="newest")
    StreamState.objects.filter(account=account).update(
        state="failing", reason="theirs", since=PAST, next_due_at=FAR, last_read_at=PAST, cursor={}
    )
    SyncState.objects.filter(account=account).update(
        state="revoked", reason="theirs", since=PAST, next_due_at=FAR, last_complete_at=PAST, history_calls={"1": 9}
    )
    tables.ApiBudget.objects.filter(account=account).update(blocked_until=FAR, day_limit_seen=1, remaining_seen=0)
    tables.Quarantine.objects.create(
        account=account,
        stream="flows",
        fingerprint="b" * 64,
        reason="r",
        raw_text="{}",
        first_seen_at=PAST,
        seen_at=PAST,
    )
    for flow in flows:
        rule = factories.make_alert_rule(account)
        tables.AlertState.objects.create(rule=rule, flow=flow, is_open=True, since=PAST, evaluated_at=PAST)
        tables.DirtyHour.objects.mark([(flow.pk, PAST)])
        tables.PrunedHour.objects.create(flow=flow, hour=PAST)
    tables.WorkflowRule.objects.filter(account=account).update(usage_read_at=PAST)


def background(account: ZohoAccount, zoho: Zoho, sweeps: int = 1, pause: float = 61) -> None:
    for _ in range(sweeps):
        zoho.clock.pause(pause)
        sync(account, zoho, patience=a_task(zoho))


def moving(account: ZohoAccount, zoho: Zoho) -> None:
    """Runs come, end, fail and are run again; flows are waited for and hinted at."""
    sync(account, zoho)
    first, second, third = zoho.flows[:3]
    first.runs += [a_run(zoho.clock(), "running"), a_run(zoho.clock(), "failed")]
    background(account, zoho, 2)
    first.runs[-2].status = "success"
    first.runs[-1].succeed()
    second.runs.append(a_run(zoho.clock() - 3 * MINUTE, "failed"))
    background(account, zoho, 3, 200)
    want(Flow.objects.get(account=account, flow_id=third.flow_id), zoho.clock())
    hint(Flow.objects.get(account=account, flow_id=second.flow_id), zoho.clock())
    background(account, zoho, 2)


def vanishing(account: ZohoAccount, zoho: Zoho) -> None:
    """Flows, rules and connections go, others come; connected workflows and failures of webhooks."""
    zoho.connected = [a_connected(f"Journey {n}", id=new_id()) for n in range(3)]
    zoho.webhook_failures = [a_webhook_failure(id=new_id()) for _ in range(3)]
    sync(account, zoho)
    zoho.connections[1]["status"] = "expired"
    del zoho.flows[0], zoho.rules[0], zoho.connections[0], zoho.connected[0]
    zoho.rules.append(a_rule("New", id=new_id()))
    zoho.webhook_failures.append(a_webhook_failure("2026-11-22T12:00:00+00:00", id=new_id()))
    for _ in range(4):
        zoho.clock.pause(3700)
        sync(account, zoho)


def failing(account: ZohoAccount, zoho: Zoho) -> None:
    """One list after the other cannot be read, and can again."""
    sync(account, zoho)
    for what, error in (("rules", BadAnswer("HTML")), ("executions", Refused("no")), ("flows", BadAnswer("HTML"))):

        def refuse(number: int, asked: str, what: str = what, error: Exception = error) -> None:
            if asked.startswith(what):
                raise error

        zoho.before_call = refuse
        for flow in zoho.flows:
            flow.runs.append(a_run(zoho.clock()))
        zoho.clock.pause(400)
        sync(account, zoho, patience=hasty(zoho))
        zoho.before_call = lambda number, asked: None
        zoho.clock.pause(400)
        sync(account, zoho, patience=hasty(zoho))


def sleeping(account: ZohoAccount, zoho: Zoho) -> None:
    """Two nights, in which the mirror is held against Zoho and a row is found that came late."""
    sync(account, zoho)
    background(account, zoho)
    for hours in (30, 50):
        zoho.clock.pause(DAY.total_seconds())
        zoho.flows[1].runs.append(a_run(zoho.clock() - timedelta(hours=hours)))
        background(account, zoho, 5)


def beginning(account: ZohoAccount, zoho: Zoho) -> None:
    """A first reading in the background, page by page."""
    for number, flow in enumerate(zoho.flows):
        flow.runs += [a_run(zoho.clock() - timedelta(hours=n + number)) for n in range(60)]
    zoho.cap = 20
    background(account, zoho, 8, 12)


def ageing(account: ZohoAccount, zoho: Zoho) -> None:
    """Old runs are counted and pruned, and Zoho lists them again."""
    for flow in zoho.flows:
        flow.runs += [a_run(zoho.clock() - timedelta(days=200 + n)) for n in range(3)]
        flow.runs.append(a_run(zoho.clock() - timedelta(days=200), "failed", payload={"a": "b"}))
    sync(account, zoho)
    for flow in Flow.objects.filter(account=account):
        tables.DirtyHour.objects.filter(flow=flow).exists()
    now = zoho.clock()
    tables.DirtyHour.objects.exclude(flow__account=account).delete()
    while rebuild_dirty(now):
        pass
    prune_account(account, now)
    zoho.clock.pause(3700)
    sync(account, zoho)


def prune_account(account: ZohoAccount, now: datetime) -> None:
    """Prunes one account only: the job itself does it for everybody."""
    others = list(ZohoAccount.objects.exclude(pk=account.pk))
    for other in others:
        tables.Retention.objects.update_or_create(account=other, defaults={"looked_at": now + DAY})
    tables.Retention.objects.update_or_create(account=account, defaults={"looked_at": None})
    done = tables.Retention.objects.filter(account=account, looked_at=now)
    prune(Ages(payload=30, rows=180, hours=400), now, lambda: not done.exists())


def run_story(story: Story, account: ZohoAccount, zoho: Zoho) -> tuple[list[str], list[tuple[str, str]]]:
    """Tells a story; the calls it made, and the rows it left."""
    zoho.calls.clear()
    _ids[0] = 0
    story(ZohoAccount.objects.get(pk=account.pk), zoho)
    return list(zoho.calls), told(account)


@pytest.mark.one_database
@pytest.mark.parametrize(
    "story", [moving, vanishing, failing, sleeping, beginning, ageing], ids=lambda one: one.__name__
)
def test_what_is_asked_and_stored_is_the_same_with_a_namesake_beside(
    all_are_pruned: None, account: ZohoAccount, busy: Zoho, story: Story
) -> None:
    alone = deepcopy(busy)
    with transaction.atomic():
        expected = run_story(story, account, alone)
        first = Flow.objects.filter(account=account).order_by("pk").values_list("pk", flat=True)[0]
        transaction.set_rollback(True)
    assert Flow.objects.filter(account=account).count() == 0

    other = factories.make_account("Namesake")
    sync(other, deepcopy(busy))
    # Which night a flow is held against Zoho hangs on its key: the account's keys shall be alike both times.
    while factories.make_flow(other).pk % SHARES != (first - 1) % SHARES:
        pass
    trouble(other)
    theirs = owner(other)
    theirs.remember()
    found = run_story(story, account, busy)

    assert found[0] == expected[0]
    assert differing(found[1], expected[1]) == []
    theirs.expect(*([] if story is not ageing else ["Retention", "DirtyHour.id"]))
    assert [
        line for line in theirs.differences() if not (story is ageing and line.startswith(("DirtyHour", "Retention")))
    ] == []


def test_two_accounts_at_one_zoho_are_mirrored_each_for_itself(account: ZohoAccount, busy: Zoho) -> None:
    other = factories.make_account("Namesake")
    sync(account, busy)
    sync(other, busy)
    counts: list[dict[str, Any]] = []
    for one in (account, other):
        flows = Flow.objects.filter(account=one)
        runs = Execution.objects.filter(account=one)
        counts.append({"flows": flows.count(), "runs": runs.count(), "own": runs.filter(flow__in=flows).count()})
    assert counts[0] == counts[1]
    assert counts[0]["runs"] == counts[0]["own"] == sum(len(flow.runs) for flow in busy.flows)
