"""Runs the audit of workflow rules: every kind of finding over the same facts. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.figures import number
from monitor.languages import gettext as _
from monitor.languages import gettext_noop, ngettext
from monitor.rule_audit.facts import AccountFacts, AuditFacts, ListRead
from monitor.rule_audit.finding import NotChecked, RuleFinding
from monitor.rule_audit.kinds import (
    cycles,
    dead_webhooks,
    drafts,
    failing_actions,
    inactive,
    limits,
    never_fired,
    not_fired,
    overlaps,
    unsupported,
)

QUIET_DAYS = 30
Look = Callable[[AuditFacts, datetime, int], Iterable[RuleFinding]]


@dataclass(frozen=True, slots=True)
class FindingKind:
    """Describes a kind of finding.

    Attributes:
        name: in addresses, files and the command's answers.
        label: for people.
        look: finds them, gets the facts, the present, and how many days a rule may be quiet; those that the kind
            before it finds along with its own need none.
        gaps: says what it lacks to look at everything.
    """

    name: str
    label: str
    look: Look = lambda facts, now, quiet_days: ()
    gaps: Callable[[AuditFacts], Iterable[NotChecked]] = lambda facts: ()


KINDS: dict[str, FindingKind] = {
    kind.name: kind
    for kind in (
        FindingKind("failing_actions", gettext_noop("Actions that fail"), failing_actions.look, failing_actions.gaps),
        FindingKind("dead_webhook", gettext_noop("Webhooks nobody answers"), dead_webhooks.look, dead_webhooks.gaps),
        FindingKind(
            "unsupported_action",
            gettext_noop("Actions the trigger does not support"),
            unsupported.look,
            unsupported.gaps,
        ),
        FindingKind("cycle", gettext_noop("Rules that trigger each other"), cycles.look, cycles.gaps),
        FindingKind("duplicate", gettext_noop("Duplicates"), overlaps.look, overlaps.gaps),
        FindingKind("overlap", gettext_noop("Overlaps")),
        FindingKind("never_fired", gettext_noop("Never fired"), never_fired.look, never_fired.gaps),
        FindingKind("not_fired", gettext_noop("Not fired lately"), not_fired.look),
        FindingKind("near_limit", gettext_noop("Near a limit"), limits.look, limits.gaps),
        FindingKind("inactive", gettext_noop("Switched off"), inactive.look),
        FindingKind("old_draft", gettext_noop("Drafts left lying"), drafts.look),
    )
}


@dataclass(frozen=True, slots=True)
class AuditReport:
    """Holds what was found, kind by kind in the order of KINDS, and what could not be looked at."""

    findings: Sequence[RuleFinding]
    not_checked: Sequence[NotChecked]


def audit(facts: AuditFacts, now: datetime, quiet_days: int = QUIET_DAYS) -> AuditReport:
    """Audits rules.

    Args:
        facts: of the accounts and their rules.
        now: the present.
        quiet_days: a rule that has not run for so long, and once did, is found.
    """
    found = [one for kind in KINDS.values() for one in kind.look(facts, now, quiet_days)]
    return AuditReport(found, list(_gaps(facts)))


def _gaps(facts: AuditFacts) -> Iterator[NotChecked]:
    for account in facts.accounts.values():
        if account.has_crm:
            yield from _unread(account, _("workflow rules"), account.rules_read, is_all=True)
            yield from _unread(account, _("drafts among connected workflows"), account.workflows_read)
            yield from _unread(account, _("webhooks that nobody answers"), account.failures_read)
    unread: dict[int, int] = {}
    for rule in facts.rules:
        if rule.definition is None:
            unread[rule.account_id] = unread.get(rule.account_id, 0) + 1
    for account_id, count in unread.items():
        account = facts.accounts[account_id]
        what = ngettext("criteria and actions of %(n)s rule", "criteria and actions of %(n)s rules", count)
        why = _("their definitions were not read yet")
        yield NotChecked(account_id, account.name, what % {"n": number(count)}, why)
    for kind in KINDS.values():
        yield from kind.gaps(facts)


def _unread(account: AccountFacts, what: str, read: ListRead, *, is_all: bool = False) -> Iterator[NotChecked]:
    """Says that a list was never read, or too long ago to say what is so now."""
    if read.at is None:
        yield NotChecked(account.account_id, account.name, what, _(read.why) or _("they were not read yet"), is_all)
    elif read.is_old:
        why = _("they were last read on %(at)s UTC") % {"at": f"{read.at:%Y-%m-%d %H:%M}"}
        why += f": {_(read.why)}" if read.why else ""
        yield NotChecked(account.account_id, account.name, _("%(what)s as they are now") % {"what": what}, why, is_all)
