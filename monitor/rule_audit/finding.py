"""Describes what an audit found, and what it could not look at."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from monitor import languages
from monitor.languages import gettext as _
from monitor.rule_audit.facts import AccountFacts, AuditedRule

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FoundIn:
    """Names what a finding is about, with the path of its page. `id` is Zoho's, or a module's name."""

    id: str
    name: str
    page: str


@dataclass(frozen=True, slots=True)
class RuleFinding:
    """Holds one thing that the audit found.

    Attributes:
        kind: of finding, a name of `monitor.rule_audit.audit.KINDS`.
        subjects: what it is about; the first one names it.
        module: of the rules, "" where there is none.
        evidence: what was seen, in words without anything private.
        step: what to do about it.
        act: (what the link says, its path) of where that is done.
        stands: what an acceptance of it goes by: where this changes, it is a finding again.
    """

    kind: str
    account_id: int
    account: str
    subjects: Sequence[FoundIn]
    module: str
    evidence: str
    step: str
    act: tuple[str, str]
    stands: Any

    @property
    def key(self) -> str:
        """Returns what names it for good: kind, account and what it is about."""
        return _digest([self.kind, self.account_id, sorted(one.id for one in self.subjects)])

    @property
    def state(self) -> str:
        """Returns the digest of what an acceptance goes by."""
        return _digest(self.stands)


@dataclass(frozen=True, slots=True)
class NotChecked:
    """Says what an audit could not look at, and why: it is no pass.

    `is_all` says that it is about all rules of the account: that nothing is found says nothing of them.
    """

    account_id: int
    account: str
    what: str
    why: str
    is_all: bool = False


def subject(rule: AuditedRule) -> FoundIn:
    """Names a rule."""
    return FoundIn(rule.rule_id, rule.name, rule.page)


def found(
    kind: str,
    account: AccountFacts,
    rules: Sequence[AuditedRule],
    evidence: str,
    step: str,
    stands: Any,
    act: tuple[str, str] | None = None,
) -> RuleFinding:
    """Makes a finding about rules; what is to be done is done on the first one's page where nothing else is said."""
    return RuleFinding(
        kind,
        account.account_id,
        account.name,
        [subject(rule) for rule in rules],
        rules[0].module,
        evidence,
        step,
        act or (_("Open the rule"), rules[0].page),
        stands,
    )


def in_source(make: Callable[[], T]) -> T:
    """Makes what an acceptance goes by, where words are among it: they are English whoever looks."""
    with languages.speaking(languages.SOURCE):
        return make()


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:32]
