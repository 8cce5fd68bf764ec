"""Finds rules that are switched on and never ran."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from monitor.rule_audit.facts import AuditFacts
from monitor.rule_audit.finding import RuleFinding, found

GRACE = timedelta(days=7)  # a rule that was made or changed lately may still be waiting for its first record


def look(facts: AuditFacts, now: datetime, quiet_days: int) -> Iterator[RuleFinding]:
    """Finds active rules without a run, unless they were changed in the week before they were last read."""
    for rule in facts.active():
        at = facts.accounts[rule.account_id].rules_read.by(now)
        if at is not None and rule.last_run is None and rule.changed_at <= at - GRACE:
            days = (at - rule.changed_at).days
            yield found(
                "never_fired",
                facts.accounts[rule.account_id],
                [rule],
                f"It is active, never ran, and was last changed {days} days ago.",
                "Ask how many records its criteria match, and widen them or switch the rule off.",
                rule.changed_at,
                ("Ask what would match", f"{rule.page}what-if/"),
            )
