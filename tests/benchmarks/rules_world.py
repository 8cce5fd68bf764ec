"""Fills an empty database with workflow rules and years of their usage, so that their pages can be timed.

Run by test_rules_page.py: `python -m tests.benchmarks.rules_world --rules N --days N`, DATABASE_URL says where. Three
rules of five have a reading each day: so many of a grown organisation run, the others never did.
"""

from __future__ import annotations

import argparse
import json
import random
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import django

from tests.benchmarks.pages_world import PEOPLE, sessions
from tests.zoho.rule_documents import LOST_DEAL

if TYPE_CHECKING:
    from monitor.models import WorkflowRule, ZohoAccount

MODULES = ("Leads", "Contacts", "Accounts", "Deals", "Cases", "Quotes", "Invoices", "Sales_Orders")
TRIGGERS = ("create", "edit", "create_or_edit", "field_update", "date_or_datetime", "score_increase")
KINDS = ("email_notifications", "tasks", "field_updates", "webhooks", "add_tags", "functions")
RUNNING_OF_FIVE = 3
_SNAPSHOTS = """
INSERT INTO monitor_usagesnapshot (rule_id, day, trigger_count, success_count, failure_count, taken_at, since,
  triggered, succeeded, failed, counted_from, is_reset, actions)
SELECT r.id, d::date, n * 3, n * 6, n, d + interval '23 hours', date_trunc('month', d)::date, 3,
  5 + (r.id + n) %% 7, ((r.id + n) %% 11 = 0)::int, d - interval '1 hour', false,
  jsonb_build_array(
    jsonb_build_object('id', (r.id * 10)::text, 'name', 'Tell the team', 'type', 'email_notifications',
      'success', n * 4, 'failure', 0),
    jsonb_build_object('id', (r.id * 10 + 1)::text, 'name', 'Call back', 'type', 'tasks',
      'success', n * 2, 'failure', n))
FROM monitor_workflowrule r,
  generate_series(%s::timestamptz, %s::timestamptz, interval '1 day') WITH ORDINALITY AS days (d, n)
WHERE r.last_executed_time IS NOT NULL
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rules", type=int, required=True)
    parser.add_argument("--days", type=int, required=True)
    options = parser.parse_args()
    django.setup()
    from django.db import connection
    from django.utils import timezone

    now = timezone.now()
    account = make_account(options.rules, now)
    rules = make_rules(account, options.rules, now)
    with connection.cursor() as cursor:
        today = now.replace(hour=0, minute=0, second=0, microsecond=0)
        cursor.execute(_SNAPSHOTS, [today - timedelta(days=options.days - 1), today])
        cursor.execute("VACUUM ANALYZE")
    running = next(rule for rule in rules if rule.last_executed_time is not None)
    print(json.dumps({"sessions": sessions(PEOPLE), "rule": running.pk}))


def make_account(number: int, now: datetime) -> ZohoAccount:
    """Makes the account as a complete sweep of a moment ago leaves it."""
    from monitor.models import StreamState, SyncState
    from tests import factories

    account = factories.make_account("Example Company")
    moment = now - timedelta(seconds=12)
    read = {"last_started_at": moment, "last_finished_at": moment, "last_fresh_at": moment, "last_complete_at": moment}
    SyncState.objects.filter(account=account).update(state="ok", since=now - timedelta(days=90), **read)
    for stream in ("rules", "usage", "webhook_failures"):
        StreamState.objects.create(
            account=account, stream=stream, state="ok", last_read_at=moment, last_tried_at=moment, item_count=number
        )
    return account


def make_rules(account: ZohoAccount, number: int, now: datetime) -> list[WorkflowRule]:
    """Makes rules of all kinds, each with a definition; a few are owned."""
    from monitor.models import RuleVersion, WorkflowRule
    from monitor.models.crm import packed_kinds

    rng = random.Random(15)
    rows = []
    for place in range(number):
        is_running = place % 5 < RUNNING_OF_FIVE
        values: dict[str, Any] = {
            "name": f"Rule {place} of Example Company",
            "module": rng.choice(MODULES),
            "execute_when": rng.choice(TRIGGERS),
            "active": place % 5 != 4,
            "action_kinds": packed_kinds(rng.sample(KINDS, 2)),
            "last_executed_time": now - timedelta(minutes=rng.randrange(60_000)) if is_running else None,
            "failure_count": rng.randrange(9) if is_running else 0,
            "success_count": rng.randrange(900) if is_running else 0,
            "usage_from": (now - timedelta(days=40)).date(),
            "usage_till": now.date(),
        }
        rows.append(
            WorkflowRule(
                account=account,
                rule_id=f"48768760000{place:08}",
                first_seen_at=now,
                seen_at=now,
                raw=LOST_DEAL,
                **values,
            )
        )
    made = WorkflowRule.objects.bulk_create(rows, batch_size=500)
    versions = [
        RuleVersion(rule=rule, number=1, sha256=f"{rule.pk}", content=LOST_DEAL, first_seen_at=now) for rule in made
    ]
    RuleVersion.objects.bulk_create(versions, batch_size=500)
    return made


if __name__ == "__main__":
    main()
