"""Reads what the audit of workflow rules looks at, and puts what people accepted beside what it found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import Count, F, JSONField, Max, OuterRef, Q, QuerySet, Subquery
from django.urls import reverse

from monitor.freshness import ReadTimes, is_list_old
from monitor.languages import gettext
from monitor.models import (
    AcceptedFinding,
    AutomationFact,
    ConnectedWorkflow,
    RuleVersion,
    Stream,
    StreamState,
    UsageSnapshot,
    WebhookFailure,
    WorkflowRule,
    ZohoAccount,
)
from monitor.periods import DAY
from monitor.privacy import mask_name, mask_text
from monitor.queries.rule_actions import action_shown
from monitor.queries.together import Row, together
from monitor.rule_audit.audit import KINDS, QUIET_DAYS, audit
from monitor.rule_audit.facts import (
    AccountFacts,
    AuditedAction,
    AuditedRule,
    AuditFacts,
    DraftWorkflow,
    FieldWrite,
    ListRead,
    WebhookTrouble,
)
from monitor.rule_audit.finding import NotChecked, RuleFinding
from monitor.zoho import clean
from monitor.zoho.errors import BadAnswer
from monitor.zoho.shapes.rule_definition import read_rule_definition
from monitor.zoho.shapes.rule_limits import RuleConfiguration, rule_configuration, rule_limits

WEBHOOK_DAYS = 7
READ_FROM = {
    Stream.RULES.value: "rules_read",
    Stream.CONNECTED.value: "workflows_read",
    Stream.WEBHOOK_FAILURES.value: "failures_read",
}
Part = AutomationFact.Part
Facts = dict[tuple[str, str], tuple[Any, str]]  # by part and subject: what is known, and why Zoho refuses it


@dataclass(frozen=True, slots=True)
class AuditedFinding:
    """Holds a finding, and the acceptance that holds for it as it stands; None where nobody accepted it so.

    `was_accepted` says that somebody accepted it as it was before: what was seen has changed since.
    """

    finding: RuleFinding
    accepted: AcceptedFinding | None
    was_accepted: bool = False

    @property
    def label(self) -> str:
        """Returns the name of its kind for people."""
        return gettext(KINDS[self.finding.kind].label)


@dataclass(frozen=True, slots=True)
class AuditOfRules:
    """Holds the whole of an audit."""

    rows: Sequence[AuditedFinding]
    not_checked: Sequence[NotChecked]
    rules: int

    @property
    def standing(self) -> list[AuditedFinding]:
        """Returns what nobody accepted."""
        return [row for row in self.rows if row.accepted is None]

    @property
    def unread(self) -> list[str]:
        """Returns the accounts whose rules were never read, or too long ago: that nothing is found is no pass."""
        return [gap.account for gap in self.not_checked if gap.is_all]


def audit_of(now: datetime, accounts: Collection[int] | None = None, quiet_days: int = QUIET_DAYS) -> AuditOfRules:
    """Audits the mirrored rules. Three statements.

    Args:
        now: the present.
        accounts: keys of those that are looked at; None for all.
        quiet_days: as `monitor.rule_audit.audit.audit`.
    """
    facts, accepted = read_facts(now, accounts)
    report = audit(facts, now, quiet_days)
    return AuditOfRules([_beside(one, accepted) for one in report.findings], report.not_checked, len(facts.rules))


def _beside(finding: RuleFinding, accepted: Mapping[tuple[int, str], AcceptedFinding]) -> AuditedFinding:
    row = accepted.get((finding.account_id, finding.key))
    holds = row is not None and row.state == finding.state
    return AuditedFinding(finding, row if holds else None, row is not None and not holds)


def read_facts(
    now: datetime, accounts: Collection[int] | None = None
) -> tuple[AuditFacts, dict[tuple[int, str], AcceptedFinding]]:
    """Reads what an audit looks at, and what was accepted, by account and key. Three statements."""
    of_accounts: dict[str, Any] = {} if accounts is None else {"account__in": accounts}
    found = together(_parts(now, of_accounts))
    facts: dict[int, Facts] = defaultdict(dict)
    for account, part, subject, value, problem in found["facts"]:
        facts[account][part, subject] = value, problem
    described = {
        key: replace(
            _account(key, name, facts[key], _of(found["webhooks"], key), _of(found["connected"], key)),
            has_crm=bool(crm_url),
            **_reads(_of(found["reads"], key), now),
        )
        for key, name, crm_url in found["accounts"]
    }
    rules = [_rule(row) for row in _rules(of_accounts)]
    open_rows = AcceptedFinding.objects.filter(ended_at=None, **of_accounts).select_related("by")
    accepted = {(row.account_id, row.key): row for row in open_rows}
    return AuditFacts(described, [rule for rule in rules if rule.account_id in described]), accepted


def _parts(now: datetime, of_accounts: dict[str, Any]) -> dict[str, QuerySet[Any, Any]]:
    keys = {name.replace("account__in", "pk__in"): value for name, value in of_accounts.items()}
    failures = WebhookFailure.objects.filter(failure_time__gte=now - WEBHOOK_DAYS * DAY, **of_accounts).order_by()
    connected = ConnectedWorkflow.objects.filter(gone_at=None, **of_accounts).order_by("account", "name", "pk")
    facts = (
        AutomationFact.objects.filter(**of_accounts)
        .exclude(part__in=(Part.TASKS, Part.MAILS))
        .order_by("account", "part", "subject")
    )
    reads = StreamState.objects.filter(stream__in=list(READ_FROM), **of_accounts).order_by("account", "stream")
    return {
        "accounts": ZohoAccount.objects.filter(**keys).order_by("name", "pk").values_list("pk", "name", "crm_url"),
        "reads": reads.values_list("account", "stream", "last_read_at", "next_due_at", "reason"),
        "facts": facts.values_list("account", "part", "subject", "facts", "problem"),
        "webhooks": failures.values_list("account", "webhook_id", "webhook_name", "rule", "reason").annotate(
            n=Count("pk"), last=Max("failure_time")
        ),
        "connected": connected.values_list(
            "account", "pk", "workflow_id", "name", "status", "modified_time", "created_time", "first_seen_at"
        ),
    }


def _rules(of_accounts: dict[str, Any]) -> Iterable[WorkflowRule]:
    """Reads the rules with their newest definitions and usage reports. One statement."""
    versions = RuleVersion.objects.filter(rule=OuterRef("pk")).order_by("-number")
    reports = UsageSnapshot.objects.filter(rule=OuterRef("pk")).order_by("-day")
    rows = WorkflowRule.objects.filter(gone_at=None, **of_accounts).defer("raw", "description")
    return rows.annotate(
        content=Subquery(versions.values("content")[:1], output_field=JSONField()),
        # A key that is not there says nothing; null says that it never ran.
        is_silent=Q(raw__has_key="id") & ~Q(raw__has_key="last_executed_time"),
        did=Subquery(reports.values("actions")[:1], output_field=JSONField()),
    ).order_by("account", F("name"), "pk")


def _reads(rows: Sequence[Row], now: datetime) -> dict[str, Any]:
    """Says when the lists of an account were read that its findings go by, by name in `AccountFacts`."""
    return {
        READ_FROM[stream]: ListRead(read_at, read_at is not None and is_list_old(ReadTimes(read_at, due_at), now), why)
        for stream, read_at, due_at, why in rows
    }


def _of(rows: Sequence[Row], account: int) -> list[Row]:
    return [row[1:] for row in rows if row[0] == account]


def _rule(row: Any) -> AuditedRule:
    return AuditedRule(
        key=row.pk,
        rule_id=row.rule_id,
        account_id=row.account_id,
        name=row.shown_name,
        page=row.get_absolute_url(),
        module=row.module,
        trigger=row.execute_when,
        active=row.active,
        last_run=row.last_executed_time,
        changed_at=row.changed_at,
        definition=read_rule_definition(row.content) if row.content is not None else None,
        uses=[_use(one) for one in row.did or []] if row.usage_from is not None else (),
        counted_from=row.usage_from,
        says_run=not row.is_silent,
    )


def _use(item: dict[str, Any]) -> AuditedAction:
    kind, name = str(item.get("type", "")), str(item.get("name", ""))
    shown = action_shown(kind, name)
    return AuditedAction(str(item.get("id", "")), shown, kind, item.get("success", 0), item.get("failure", 0))


def _account(key: int, name: str, facts: Facts, webhooks: Sequence[Row], connected: Sequence[Row]) -> AccountFacts:
    limits, modules = _known(facts, Part.LIMITS), _known(facts, Part.MODULES)
    writes, of_connected = _known(facts, Part.FIELD_UPDATES), _known(facts, Part.CONNECTED)
    most = (of_connected or {}).get("connected_workflows_limit")
    return AccountFacts(
        account_id=key,
        name=name,
        rules_page=f"{reverse('rules')}?account={key}",
        limits=rule_limits({"rules_count": limits}) if limits else None,
        modules=None if modules is None else {module: (total, active) for module, (total, active) in modules.items()},
        configurations=dict(_configurations(facts)),
        writes=None if writes is None else {one: FieldWrite(of["field"], of["value"]) for one, of in writes.items()},
        hosts=_known(facts, Part.WEBHOOKS),
        failures=_troubles(webhooks),
        drafts=[_draft(*row) for row in connected if row[3].lower() == "draft"],
        connected_limit=clean.count(most),
        connected=len(connected),
        unread={part: problem for (part, _), (_, problem) in facts.items() if problem}
        | ({"configurations": problem} if (problem := _refused(facts)) else {}),
    )


def _known(facts: Facts, part: str) -> Any:
    found = facts.get((part, ""))
    return found[0] if found is not None else None


def _refused(facts: Facts) -> str:
    return next((problem for (part, _), (_, problem) in facts.items() if part == Part.CONFIGURATION and problem), "")


def _configurations(facts: Facts) -> Iterable[tuple[str, RuleConfiguration]]:
    for (part, subject), (value, _) in facts.items():
        if part != Part.CONFIGURATION or not value:
            continue
        try:
            found = rule_configuration({"workflow_configurations": value})
        except BadAnswer:
            continue  # of a form that is not known: said as not checked, like one that was never read
        if found.triggers:
            yield subject, found


def _troubles(rows: Sequence[Row]) -> list[WebhookTrouble]:
    found: dict[tuple[str, str, int | None], list[Row]] = defaultdict(list)
    for row in rows:
        found[row[0], row[1], row[2]].append(row)
    return [
        WebhookTrouble(
            webhook_id=webhook,
            name=mask_name(name),
            rule_key=rule,
            failed=sum(row[4] for row in some),
            reasons=frozenset(row[3] for row in some if row[3]),
            last_at=max(row[5] for row in some),
        )
        for (webhook, name, rule), some in found.items()
    ]


def _draft(key: int, workflow_id: str, name: str, status: str, *times: datetime | None) -> DraftWorkflow:
    changed = max(at for at in times[:2] if at is not None) if any(times[:2]) else times[2]
    assert changed is not None  # noqa: S101 - when it was first seen is always there
    page = reverse("connected_workflow", args=[key])
    return DraftWorkflow(workflow_id, mask_name(name) or workflow_id, page, changed)


@dataclass(frozen=True, slots=True)
class FindingFilter:
    """Holds what a person looks for among findings; empty values do not narrow.

    Attributes:
        state: "" for what stands, "accepted", or "all".
    """

    text: str = ""
    kind: str = ""
    module: str = ""
    state: str = ""
    account_id: int | None = None


def narrowed(
    rows: Iterable[AuditedFinding], wanted: FindingFilter, *, of_any_kind: bool = False
) -> list[AuditedFinding]:
    """Returns the findings that fit, in their order. Pure.

    Args:
        rows: of an audit.
        wanted: what to look for.
        of_any_kind: whether the kind does not matter: for the counts of all kinds.
    """
    return [row for row in rows if _fits(row, wanted) and (of_any_kind or wanted.kind in ("", row.finding.kind))]


def _fits(row: AuditedFinding, wanted: FindingFilter) -> bool:
    finding = row.finding
    if wanted.state != "all" and (row.accepted is not None) != (wanted.state == "accepted"):
        return False
    if wanted.account_id not in (None, finding.account_id) or wanted.module not in ("", finding.module):
        return False
    text = wanted.text.casefold()
    return not text or any(text in one.name.casefold() or text == one.id for one in finding.subjects)


def find(now: datetime, account_id: int, key: str) -> AuditedFinding | None:
    """Finds a finding as it stands now, by account and key, however long a rule may be quiet; None where it is none."""
    report = audit_of(now, [account_id], quiet_days=1)
    return next((row for row in report.rows if row.finding.key == key), None)


def in_words(reason: str) -> str:
    """Returns why something was accepted, as people may read it."""
    return mask_text(reason)
