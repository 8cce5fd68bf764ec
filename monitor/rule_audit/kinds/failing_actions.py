"""Finds rules whose actions fail."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from monitor.rule_audit.facts import AuditedAction, AuditFacts
from monitor.rule_audit.finding import NotChecked, RuleFinding, found
from monitor.rule_words.vocabulary import action_name

LEAST_FAILED = 3
LEAST_SHARE = 0.05


def is_failing(use: AuditedAction) -> bool:
    """Says whether an action fails more than now and then: every time, or thrice at least and one time in twenty."""
    if not use.failed:
        return False
    return not use.done or (use.failed >= LEAST_FAILED and use.failed / (use.done + use.failed) >= LEAST_SHARE)


def look(facts: AuditFacts, now: datetime, quiet_days: int) -> Iterator[RuleFinding]:
    """Finds active rules with actions that fail, by their newest usage report."""
    for rule in facts.active():
        bad = [use for use in rule.uses if is_failing(use)]
        if not bad:
            continue
        first = rule.counted_from
        since = f" since {first.day} {first:%b %Y}" if first else ""
        words = "; ".join(
            f"{use.name or action_name(use.type)}: {use.failed:,} of {use.done + use.failed:,} failed" for use in bad
        )
        yield found(
            "failing_actions",
            facts.accounts[rule.account_id],
            [rule],
            f"{words}{since}.",
            "Open the rule, see why the action fails, and put its template, address or field right.",
            # An acceptance holds until twice as many fail.
            [[use.id or use.name, use.type, use.failed.bit_length()] for use in bad],
        )


def gaps(facts: AuditFacts) -> Iterator[NotChecked]:
    """Says of how many active rules no usage report was read."""
    for account_id, account in facts.accounts.items():
        count = sum(rule.counted_from is None for rule in facts.active() if rule.account_id == account_id)
        if count:
            what = f"failing actions of {count:,} active rule{'s' * (count != 1)}"
            yield NotChecked(account_id, account.name, what, "no usage report of them was read yet")
