"""Finds rules that are switched on and never ran."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from monitor.figures import number
from monitor.languages import gettext as _
from monitor.languages import ngettext
from monitor.rule_audit.facts import AuditFacts
from monitor.rule_audit.finding import NotChecked, RuleFinding, found

GRACE = timedelta(days=7)  # a rule that was made or changed lately may still be waiting for its first record


def look(facts: AuditFacts, now: datetime, quiet_days: int) -> Iterator[RuleFinding]:
    """Finds active rules without a run, unless they were changed in the week before they were last read."""
    for rule in facts.active():
        at = facts.accounts[rule.account_id].rules_read.by(now)
        if at is not None and rule.has_run is False and rule.changed_at <= at - GRACE:
            days = (at - rule.changed_at).days
            yield found(
                "never_fired",
                facts.accounts[rule.account_id],
                [rule],
                _("It is active, never ran, and was last changed %(days)s days ago.") % {"days": days},
                _("Ask how many records its criteria match, and widen them or switch the rule off."),
                rule.changed_at,
                (_("Ask what would match"), f"{rule.page}what-if/"),
            )


def gaps(facts: AuditFacts) -> Iterator[NotChecked]:
    """Says of how many rules it is not known whether they ran, or whether they are switched on."""
    for account_id, account in facts.accounts.items():
        rules = facts.of_account(account_id)
        silent = sum(bool(rule.active) and rule.has_run is None for rule in rules)
        if silent:
            what = ngettext("whether %(n)s active rule ever ran", "whether %(n)s active rules ever ran", silent)
            why = _("Zoho does not say when they ran last")
            yield NotChecked(account_id, account.name, what % {"n": number(silent)}, why)
        unknown = sum(rule.active is None for rule in rules)
        if unknown:
            what = ngettext(
                "what is looked at of active rules alone, of %(n)s rule",
                "what is looked at of active rules alone, of %(n)s rules",
                unknown,
            )
            why = _("Zoho does not say whether they are switched on")
            yield NotChecked(account_id, account.name, what % {"n": number(unknown)}, why)
