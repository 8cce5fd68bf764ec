"""CRM workflow rules at two speeds: the list often, the usage report only of rules that ran.

Source: notes `zoho-api.md` 2.1 (list, paging by `more_records`) and 2.3 (usage: both days mandatory, at most
90 days back from today).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import partial

from django.db import transaction

from monitor.ingest.absent import mark_gone
from monitor.ingest.context import Context
from monitor.ingest.plan import usage_is_due
from monitor.ingest.quarantine import clipped, put_aside, write_or_put_aside
from monitor.ingest.trouble import Trouble
from monitor.models import Stream, StreamState, UsageSnapshot, WorkflowRule, ZohoAccount
from monitor.zoho.clean import INT_MAX
from monitor.zoho.crm import CrmClient
from monitor.zoho.errors import Refused
from monitor.zoho.shapes import RuleUsage
from monitor.zoho.shapes import WorkflowRule as RuleRow

MOST_PAGES = 50
FULL_PAGE = 200  # rules a page, as asked for (notes zoho-api.md 2.1); "no more" after a full one is made sure of
# One day less than the 90 allowed: the organisation's day may be ahead of ours.
USAGE_DAYS = 89
SHORTEST_USAGE_DAYS = 7
COLUMNS = {
    "name": "name",
    "description": "description",
    "module": "module_api_name",
    "active": "active",
    "execute_when": "execute_when_type",
    "last_executed_time": "last_executed_time",
    "created_time": "created_time",
    "modified_time": "modified_time",
    "modified_by": "modified_by_name",
    "raw": "raw",
}


def read_rules(context: Context, client: CrmClient) -> None:
    """Reads and stores the list of rules; a rule that is no longer listed is marked gone.

    Raises:
        ZohoError: the list could not be read to its end; nothing counts as gone.
    """
    started = context.clock()
    write = partial(_write, context.account, started=started)
    seen: set[str] = set()
    rejected = 0
    for page in range(1, MOST_PAGES + 1):
        answer = context.call(partial(client.list_workflow_rules, page=page))
        new = {rule.id for rule in answer.rules} - seen
        with transaction.atomic():
            context.lease.check()
            unique = list({rule.id: rule for rule in answer.rules}.values())
            rejected += write_or_put_aside(context.account, Stream.RULES, unique, write, started)
            rejected += put_aside(context.account, Stream.RULES, answer.rejected, started)
        seen |= new
        context.progress("rules", len(seen), len(seen))
        is_full = len(answer.rules) + len(answer.rejected) >= FULL_PAGE
        if not (new or answer.rejected) or not (answer.more_records or is_full):
            break
    context.result.aside += rejected
    with transaction.atomic():
        context.lease.check()
        if not rejected:
            mark_gone(context, WorkflowRule.objects.filter(account=context.account), seen, "rule_id", started)
    context.note(Stream.RULES, StreamState.State.OK, items=len(seen))


def _write(account: ZohoAccount, rows: Sequence[RuleRow], *, started: datetime) -> None:
    for row in rows:
        values = clipped(WorkflowRule, {column: getattr(row, name) for column, name in COLUMNS.items()})
        values |= {"seen_at": started, "gone_at": None}
        rule = WorkflowRule.objects.filter(account=account, rule_id=row.id)
        if not rule.update(**values):
            WorkflowRule.objects.create(account=account, rule_id=row.id, first_seen_at=started, **values)


def read_usage(context: Context, client: CrmClient) -> None:
    """Reads the usage report of each rule that is due: those that ran first.

    Raises:
        ZohoError: a report could not be read; the others are there.
    """
    now = context.clock()
    rules = WorkflowRule.objects.filter(account=context.account, gone_at=None)
    due = [r for r in rules if usage_is_due(r.last_executed_time, r.usage_executed_time, r.usage_read_at, now)]
    due.sort(key=lambda r: (r.usage_read_at is not None, r.last_executed_time is None, r.pk))
    today = (client.last_server_date or now).date()
    since = today - timedelta(days=USAGE_DAYS)
    trouble = Trouble()
    for done, rule in enumerate(due, start=1):
        with trouble.of(rule.name):
            usage, since = _ask_usage(context, client, rule.rule_id, since, today)
            with transaction.atomic():
                context.lease.check()
                _store_usage(rule, usage, context.clock(), since=since, till=today)
        context.progress("usage", done, len(due))
    trouble.settle()
    context.note(Stream.USAGE, StreamState.State.OK, items=rules.count())


def _ask_usage(context: Context, client: CrmClient, rule_id: str, since: date, today: date) -> tuple[RuleUsage, date]:
    """The report and the day it begins at: a later one where Zoho's calendar is ahead of the clock it shows."""
    while True:
        try:
            return context.call(partial(client.rule_usage, rule_id, since, today)), since
        except Refused as error:
            span = (today - since).days // 2
            if "DATE_RANGE_EXCEEDS" not in f"{error.code} {error}" or span < SHORTEST_USAGE_DAYS:
                raise
            since = today - timedelta(days=span)


def _store_usage(rule: WorkflowRule, usage: RuleUsage, now: datetime, *, since: date, till: date) -> None:
    # Sums over a rule's actions may be longer than any column.
    counts = {
        "trigger_count": usage.trigger_count,
        "success_count": min(usage.success_count, INT_MAX),
        "failure_count": min(usage.failure_count, INT_MAX),
    }
    WorkflowRule.objects.filter(pk=rule.pk).update(
        usage_from=since,
        usage_till=till,
        usage_reset_time=usage.reset_time,
        usage_read_at=now,
        usage_executed_time=rule.last_executed_time,
        **counts,
    )
    UsageSnapshot.objects.update_or_create(rule=rule, day=till, defaults={**counts, "taken_at": now})
