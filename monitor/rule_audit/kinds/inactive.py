"""Finds rules that are switched off and were left so."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from monitor.languages import gettext as _
from monitor.rule_audit.facts import AuditFacts
from monitor.rule_audit.finding import RuleFinding, found

LEFT_FOR = timedelta(days=30)


def look(facts: AuditFacts, now: datetime, quiet_days: int) -> Iterator[RuleFinding]:
    """Finds inactive rules that were not changed for a month before they were last read."""
    for rule in facts.rules:
        at = facts.accounts[rule.account_id].rules_read.by(now)
        if at is not None and rule.active is False and rule.changed_at <= at - LEFT_FOR:
            yield found(
                "inactive",
                facts.accounts[rule.account_id],
                [rule],
                _("It is switched off and was last changed %(days)s days ago.") % {"days": (at - rule.changed_at).days},
                _("Delete it if nobody needs it, or switch it on; it counts towards the limit of rules."),
                rule.changed_at,
            )
