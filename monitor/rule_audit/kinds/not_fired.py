"""Finds rules that once ran and have not for long."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from monitor.languages import gettext as _
from monitor.rule_audit.facts import AuditFacts
from monitor.rule_audit.finding import RuleFinding, found


def look(facts: AuditFacts, now: datetime, quiet_days: int) -> Iterator[RuleFinding]:
    """Finds active rules that neither ran nor were changed for so many days before they were last read."""
    for rule in facts.active():
        at = facts.accounts[rule.account_id].rules_read.by(now)
        if at is not None and rule.last_run is not None and rule.quiet_since <= at - timedelta(days=quiet_days):
            days = (at - rule.last_run).days
            yield found(
                "not_fired",
                facts.accounts[rule.account_id],
                [rule],
                _("It is active and ran last %(days)s days ago.") % {"days": days},
                _("Ask how many records its criteria match today, and adapt them or switch the rule off."),
                [rule.last_run, rule.changed_at],
                (_("Ask what would match"), f"{rule.page}what-if/"),
            )
