"""Enters what failed in CRM into the ledger: failed calls of webhooks, and failed actions of workflow rules.

Webhooks fail one by one; how far they were taken is the newest of an account that has an entry, for one process at a
time writes an account's. Actions are only counted: of each day's count what is not entered yet is entered.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Max, OuterRef, Q, Subquery, Sum

from monitor.models import CrmFailure, FailureGroup, Problem, UsageSnapshot, WebhookFailure, ZohoAccount
from monitor.models.hand_over import again_on_deadlock, is_our_turn
from monitor.periods import DAY, day_of
from monitor.privacy import mask_name, mask_text
from monitor.rule_words.failure_reasons import is_zohos_word, reason_words
from monitor.triage.activity import log
from monitor.triage.crm_shares import WHOLE, ActionKey, shares
from monitor.triage.fingerprint import LENGTH, VERSION, cause_of
from monitor.triage.groups import TITLE_LENGTH
from monitor.triage.remedy import UNKNOWN
from monitor.triage.seen import ALONE, touch_problems_of

APP = "Zoho CRM"
WEBHOOK, ACTION = "webhook", "action"
AT_ONCE = 2_000  # failed calls of a transaction
BACK = 7 * DAY  # how late a day's count may still grow
BEFORE = 30 * DAY  # how long before a day the one that it is compared with may lie


@dataclass(frozen=True, slots=True)
class CrmCause:
    """Holds what failures in CRM have in common; `said` is masked."""

    account_id: int
    fingerprint: str
    action: str
    code: str
    said: str
    remedy: str


@dataclass(frozen=True, slots=True)
class CrmEntry:
    """Holds one entry to be written, with its cause."""

    cause: CrmCause
    failed_at: datetime
    columns: dict[str, Any]


def take_crm(now: datetime, *, waits: bool = True) -> int:
    """Enters what failed in CRM since the last time, some thousands at most; returns how many entries.

    Args:
        now: the present.
        waits: for another process that does the same; else it is left to it.
    """
    return again_on_deadlock(partial(_take, now, waits=waits))


@transaction.atomic
def _take(now: datetime, *, waits: bool) -> int:
    if not is_our_turn(ALONE, waits=waits):
        return 0
    _find_rules()
    entries = [*_webhooks(), *_actions(now)]
    if not entries:
        return 0
    groups = _groups(entries, now)
    CrmFailure.objects.bulk_create(
        CrmFailure(
            account_id=entry.cause.account_id,
            group_id=groups[entry.cause.account_id, entry.cause.fingerprint],
            failed_at=entry.failed_at,
            fate_at=now,
            **entry.columns,
        )
        for entry in entries
    )
    touch_problems_of(set(groups.values()))
    return len(entries)


def _find_rules() -> None:
    """Joins entries to rules that were not mirrored yet when they were taken."""
    of_call = WebhookFailure.objects.filter(pk=OuterRef("webhook_failure")).values("rule")[:1]
    loose = CrmFailure.objects.filter(rule=None, webhook_failure__rule__isnull=False)
    loose.update(rule=Subquery(of_call))


def _webhooks() -> list[CrmEntry]:
    """Finds failed calls that have no entry, the oldest of each account first."""
    marks = dict(
        CrmFailure.objects.filter(webhook_failure__isnull=False)
        .order_by()
        .values_list("account")
        .annotate(last=Max("webhook_failure"))
    )
    newer = Q(pk__in=[])
    for account in ZohoAccount.objects.values_list("pk", flat=True):
        newer |= Q(account=account, pk__gt=marks.get(account, 0))
    rows = WebhookFailure.objects.filter(newer).defer("search_text").order_by("pk")[:AT_ONCE]
    return [
        CrmEntry(
            _cause_of_webhook(row),
            row.failure_time or row.first_seen_at,
            {"kind": WEBHOOK, "webhook_failure_id": row.pk, "rule_id": row.rule_id, "count": 1},
        )
        for row in rows
    ]


def _cause_of_webhook(row: WebhookFailure) -> CrmCause:
    """Tells the cause of a failed call: the webhook and why. The host is not in it, for Zoho does not tell it here."""
    webhook = row.webhook_id or row.webhook_name
    cause = cause_of(app=APP, action=f"{WEBHOOK} {webhook}", message=row.reason)
    name = mask_name(row.webhook_name) or row.webhook_id or "without a name"
    why = reason_in_words(row.reason, cause.template, row.people)
    return CrmCause(row.account_id, cause.fingerprint, WEBHOOK, "", f"Webhook {name}: {why}", cause.remedy)


def reason_in_words(reason: str, template: str, people: Collection[str]) -> str:
    """Says why a call failed: in words of ours where Zoho's word is known, else in its own, masked."""
    known = reason_words(reason)
    if known is not None:
        return known
    if is_zohos_word(reason):
        return reason.strip().replace("_", " ")
    return mask_text(template, people=people) or "Zoho does not say why"


def _actions(now: datetime) -> list[CrmEntry]:
    """Finds failed actions of the last days that were not entered yet."""
    failing = UsageSnapshot.objects.filter(day__gte=day_of(now - BACK), failed__gt=0).order_by("pk")
    rows = list(failing.select_related("rule").defer("rule__raw", "rule__description"))
    taken = _taken(rows)
    growing = [row for row in rows if (row.failed or 0) > sum(taken[row.pk].values())]
    before = _before(growing)
    return [
        CrmEntry(
            _cause_of_action(row, share.action),
            row.taken_at,
            {
                "kind": ACTION,
                "snapshot_id": row.pk,
                "rule_id": row.rule_id,
                "count": share.count,
                **dict(zip(("action_id", "action_type", "action_name"), share.action, strict=True)),
            },
        )
        for row in growing
        for share in shares(row.failed or 0, row.actions, before.get(row.pk), taken[row.pk])
    ]


def _taken(rows: Sequence[UsageSnapshot]) -> Mapping[int, dict[ActionKey, int]]:
    found: dict[int, dict[ActionKey, int]] = defaultdict(dict)
    entered = CrmFailure.objects.filter(snapshot__in=[row.pk for row in rows]).order_by()
    columns = ("snapshot", "action_id", "action_type", "action_name")
    for snapshot, *action, count in entered.values_list(*columns).annotate(taken=Sum("count")):
        found[snapshot][tuple(action)] = count
    return found


def _before(rows: Sequence[UsageSnapshot]) -> dict[int, list[dict[str, Any]]]:
    """Finds the actions of the day before each, where the counters of both can be compared."""
    if not rows:
        return {}
    first = min(row.day for row in rows)
    days: dict[int, list[UsageSnapshot]] = defaultdict(list)
    of_rules = UsageSnapshot.objects.filter(rule__in={row.rule_id for row in rows}, day__gte=first - BEFORE)
    for row in of_rules.order_by("day"):
        days[row.rule_id].append(row)
    found = {}
    for row in rows:
        last = next((one for one in reversed(days[row.rule_id]) if one.day < row.day), None)
        if last is not None and last.since == row.since and last.reset_time == row.reset_time and not row.is_reset:
            found[row.pk] = last.actions
    return found


def _cause_of_action(row: UsageSnapshot, action: ActionKey) -> CrmCause:
    zoho_id, kind, name = action
    key = "\0".join((str(VERSION), APP, ACTION, row.rule.rule_id, zoho_id or f"{kind}\0{name}"))
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:LENGTH]
    called = mask_name(name) or zoho_id
    of_rule = f"of the workflow rule {row.rule.shown_name}"
    said = f"Action {called} {of_rule} fails"
    if action == WHOLE:
        said = f"An action {of_rule} fails, Zoho does not say which"
    return CrmCause(row.rule.account_id, digest, ACTION, "", said, UNKNOWN)


def _groups(entries: Sequence[CrmEntry], now: datetime) -> dict[tuple[int, str], int]:
    """Finds the groups of some causes, and makes those that are new, each with a problem."""
    wanted = {(entry.cause.account_id, entry.cause.fingerprint): entry for entry in reversed(entries)}
    known = FailureGroup.objects.filter(fingerprint__in={fingerprint for _, fingerprint in wanted})
    found = {
        (account, fingerprint): pk for account, fingerprint, pk in known.values_list("account", "fingerprint", "pk")
    }
    for key, entry in wanted.items():
        if key not in found:
            times = [one.failed_at for one in entries if one.cause.fingerprint == entry.cause.fingerprint]
            found[key] = _make(entry.cause, min(times), max(times), now)
    return {key: found[key] for key in wanted}


def _make(cause: CrmCause, first: datetime, last: datetime, now: datetime) -> int:
    about = {"account_id": cause.account_id, "app": APP, "remedy": cause.remedy, "first_seen_at": first}
    problem = Problem.objects.create(
        **about, source=Problem.Source.CRM, title=cause.said[:TITLE_LENGTH], last_seen_at=last, state_since=now
    )
    log(problem, "seen", now=now, actor=None, detail={"to": Problem.State.NEW})
    group = FailureGroup.objects.create(
        **about,
        problem=problem,
        fingerprint=cause.fingerprint,
        version=VERSION,
        action=cause.action,
        template=cause.said,
    )
    return int(group.pk)
