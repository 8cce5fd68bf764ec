"""Loads the workflow rules of an account with what their actions and webhooks did."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from monitor.alerting.kinds.crm.condition import ACTIONS, WEBHOOKS, CrmRuleMaterial, CrmRuleTrouble, UsageDay
from monitor.alerting.kinds.subjects import CRM_RULE, AlertSubject, SubjectMaterial
from monitor.freshness import ReadTimes, is_list_old
from monitor.models import Stream, StreamState, UsageSnapshot, WebhookFailure, WorkflowRule, ZohoAccount
from monitor.privacy import mask_text

WORDS = {
    Stream.RULES: "the list of workflow rules",
    Stream.USAGE: "the usage of workflow rules",
    Stream.WEBHOOK_FAILURES: "the list of failed webhooks",
}


def subjects(
    account: ZohoAccount, conditions: Sequence[CrmRuleTrouble], now: datetime, stale: str
) -> list[SubjectMaterial]:
    """Returns the workflow rules of an account. Four statements at most.

    The lists of CRM have ages of their own: what keeps Flow's runs from being read keeps no alert of CRM back.
    """
    rows = list(WorkflowRule.objects.filter(account=account, gone_at=None).defer("raw", "description").order_by("pk"))
    if not rows:
        return []
    finds = {condition.finds for condition in conditions}
    start = now - timedelta(hours=max(condition.window_hours for condition in conditions))
    streams = {row.stream: row for row in StreamState.objects.filter(account=account)}
    unread = _why_unread(streams, Stream.RULES, now)
    usage = _why_unread(streams, Stream.USAGE, now) if ACTIONS in finds else ""
    webhooks = _why_unread(streams, Stream.WEBHOOK_FAILURES, now) if WEBHOOKS in finds else ""
    days = _days(account, start) if ACTIONS in finds and not usage else {}
    failed = _failed(account, start) if WEBHOOKS in finds else {}
    found = []
    for row in rows:
        material = CrmRuleMaterial(
            is_active=row.active,
            ran_at=row.last_executed_time,
            changed_at=row.changed_at,
            days=days.get(row.pk, ()),
            webhooks=failed.get(row.pk, ()),
            usage_problem=usage or mask_text(row.usage_problem),
            webhooks_problem=webhooks,
        )
        found.append(SubjectMaterial(AlertSubject(CRM_RULE, str(row.pk), row.shown_name), material, unread))
    return found


def _why_unread(streams: dict[str, StreamState], stream: Stream, now: datetime) -> str:
    row = streams.get(stream)
    if row is None or row.last_read_at is None:
        return f"{WORDS[stream]} has not been read yet"
    if row.state == StreamState.State.NOT_AVAILABLE:
        return f"Zoho does not give {WORDS[stream]} any more"
    if is_list_old(ReadTimes(row.last_read_at, row.next_due_at), now):
        return f"{WORDS[stream]} could not be read since {row.last_read_at:%Y-%m-%d %H:%M} UTC"
    return ""


def _days(account: ZohoAccount, start: datetime) -> dict[int, list[UsageDay]]:
    rows = UsageSnapshot.objects.filter(rule__account=account, rule__gone_at=None, taken_at__gt=start)
    found: defaultdict[int, list[UsageDay]] = defaultdict(list)
    columns = ("rule", "counted_from", "taken_at", "succeeded", "failed")
    for rule, *day in rows.order_by("rule", "day").values_list(*columns):
        found[rule].append(UsageDay(*day))
    return found


def _failed(account: ZohoAccount, start: datetime) -> dict[int, list[datetime]]:
    rows = WebhookFailure.objects.filter(account=account, rule__isnull=False, failure_time__gt=start)
    found: defaultdict[int, list[datetime]] = defaultdict(list)
    for rule, at in rows.order_by("failure_time").values_list("rule_id", "failure_time"):
        if rule is not None and at is not None:
            found[rule].append(at)
    return found
