"""Describes what an audit looks at: rules with their definitions and counters, and what is known of their account."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from monitor.zoho.shapes.rule_definition import RuleDefinition
from monitor.zoho.shapes.rule_limits import RuleConfiguration, RuleLimits


@dataclass(frozen=True, slots=True)
class AuditedAction:
    """Counts what an action did in the time of its rule's usage report. `name` is masked."""

    id: str
    name: str
    type: str
    done: int
    failed: int


@dataclass(frozen=True, slots=True)
class AuditedRule:
    """Holds a workflow rule that is there.

    Attributes:
        key: its primary key here.
        name: masked.
        page: the path of its page.
        active: None where it is not known.
        definition: None where it was not read yet.
        uses: of its actions, where a usage report was read.
        counted_from: the report's first day.
        says_run: whether Zoho says when it ran last, or that it never did.
    """

    key: int
    rule_id: str
    account_id: int
    name: str
    page: str
    module: str
    trigger: str
    active: bool | None
    last_run: datetime | None
    changed_at: datetime
    definition: RuleDefinition | None = None
    uses: Sequence[AuditedAction] = ()
    counted_from: date | None = None
    says_run: bool = True

    @property
    def has_run(self) -> bool | None:
        """Returns whether it ever ran; None where that is not known."""
        return True if self.last_run is not None else False if self.says_run else None

    @property
    def quiet_since(self) -> datetime:
        """Returns since when it has neither run nor been changed."""
        return max(self.changed_at, self.last_run) if self.last_run is not None else self.changed_at


@dataclass(frozen=True, slots=True)
class FieldWrite:
    """Says which field an action writes, and what where that is one value; None: not known, or worked out."""

    field: str
    value: Any = None


@dataclass(frozen=True, slots=True)
class WebhookTrouble:
    """Counts the failed calls of a webhook of a rule in the last days. `name` is masked, `reasons` are Zoho's words."""

    webhook_id: str
    name: str
    rule_key: int | None
    failed: int
    reasons: frozenset[str]
    last_at: datetime


@dataclass(frozen=True, slots=True)
class DraftWorkflow:
    """Holds a connected workflow that is a draft. `name` is masked."""

    workflow_id: str
    name: str
    page: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class ListRead:
    """Says when a list of an account was last read completely.

    Attributes:
        at: None where it never was.
        is_old: whether that is too long ago to say what is so now.
        why: it is not read, where that is known.
    """

    at: datetime | None = None
    is_old: bool = False
    why: str = ""

    def by(self, now: datetime) -> datetime | None:
        """Returns the present of what is known by this list: nothing is known to have stayed as it was since."""
        return self.at and min(now, self.at)


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """Holds what is known of an account's automation; None where it was never read.

    Attributes:
        rules_page: the path of its list of rules, with `?account=`.
        has_crm: whether it has workflow rules at all.
        rules_read: when its rules were read.
        workflows_read: when its connected workflows were read.
        failures_read: when its failures of webhooks were read.
        modules: (rules in all, active ones) by module.
        configurations: what rules may be made of, by module; modules that were never read are not in it.
        writes: what field updates write, by id.
        hosts: of webhooks' addresses, by the webhook's id.
        unread: what of this Zoho refuses or was not asked for yet, and why, by name of the part.
    """

    account_id: int
    name: str
    rules_page: str
    has_crm: bool = True
    rules_read: ListRead = ListRead()
    workflows_read: ListRead = ListRead()
    failures_read: ListRead = ListRead()
    limits: RuleLimits | None = None
    modules: Mapping[str, tuple[int | None, int | None]] | None = None
    configurations: Mapping[str, RuleConfiguration] = field(default_factory=dict)
    writes: Mapping[str, FieldWrite] | None = None
    hosts: Mapping[str, str] | None = None
    failures: Sequence[WebhookTrouble] = ()
    drafts: Sequence[DraftWorkflow] = ()
    connected_limit: int | None = None
    connected: int = 0
    unread: Mapping[str, str] = field(default_factory=dict)

    def list_page(self, **filters: str) -> str:
        """Returns the path of its rules, narrowed."""
        return f"{self.rules_page}&{urlencode(filters)}" if filters else self.rules_page


@dataclass(frozen=True, slots=True)
class AuditFacts:
    """Holds what there is to audit: the accounts, and the rules of each that are not deleted."""

    accounts: Mapping[int, AccountFacts]
    rules: Sequence[AuditedRule]

    def active(self) -> Iterator[AuditedRule]:
        """Walks the rules that are switched on."""
        return (rule for rule in self.rules if rule.active)

    def of_account(self, account_id: int) -> list[AuditedRule]:
        """Returns the rules of an account."""
        return [rule for rule in self.rules if rule.account_id == account_id]
