"""Reads the list of CRM workflow rules, often; their usage reports (`rule_usage`) only of rules that ran.

Source: `docs/reference/zoho-crm.md`, Workflow rules (paging by `more_records`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from monitor.hide_secrets import without_secrets
from monitor.ingest.base.context import Context
from monitor.ingest.base.deleted_in_zoho import mark_gone
from monitor.ingest.base.quarantine import clipped, let_go_unlisted, put_aside, write_or_put_aside
from monitor.models import Stream, StreamState, WorkflowRule, ZohoAccount
from monitor.privacy import SecretMask
from monitor.zoho.crm import CrmClient
from monitor.zoho.errors import BadAnswer
from monitor.zoho.shapes import WorkflowRule as RuleRow

MOST_PAGES = 50
FULL_PAGE = 200  # rules a page, as asked for; "no more" after a full one is made sure of
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
    write = partial(_write, context.account, context.mask, started=started)
    seen: set[str] = set()
    rejected = 0
    for page in range(1, MOST_PAGES + 1):
        answer = context.call(partial(client.list_workflow_rules, page=page))
        new = {rule.id for rule in answer.rules} - seen
        with context.writing():
            unique = list({rule.id: rule for rule in answer.rules}.values())
            rejected += write_or_put_aside(context.account, Stream.RULES, unique, write, started)
            rejected += put_aside(context.account, Stream.RULES, answer.rejected, started)
        seen |= new
        context.progress("rules", len(seen), len(seen))
        is_full = len(answer.rules) + len(answer.rejected) >= FULL_PAGE
        if not (new or answer.rejected) or not (answer.more_records or is_full):
            break
    else:
        raise BadAnswer(f"the list of rules has no end after {MOST_PAGES} pages")
    if Stream.RULES in context.lists_aside:
        with context.writing():
            let_go_unlisted(context.account, Stream.RULES, started, context.clock())
    if not rejected:
        mark_gone(context, WorkflowRule.objects.filter(account=context.account), seen, "rule_id", started)
    context.note(Stream.RULES, StreamState.State.OK, items=len(seen))


def _write(account: ZohoAccount, mask: SecretMask, rows: Sequence[RuleRow], *, started: datetime) -> None:
    for row in rows:
        values = {column: getattr(row, name) for column, name in COLUMNS.items()}
        values = clipped(WorkflowRule, without_secrets(mask, values))
        values |= {"seen_at": started, "gone_at": None}
        rule = WorkflowRule.objects.filter(account=account, rule_id=row.id)
        if not rule.update(**values):
            WorkflowRule.objects.create(account=account, rule_id=row.id, first_seen_at=started, **values)
