"""Finds rules whose actions fail."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

from monitor.figures import number
from monitor.languages import gettext as _
from monitor.languages import is_german, ngettext
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
        words = "; ".join(
            _("%(action)s: %(failed)s of %(all)s failed")
            % {
                "action": use.name or action_name(use.type),
                "failed": number(use.failed),
                "all": number(use.done + use.failed),
            }
            for use in bad
        )
        if first:
            words = _("%(words)s since %(day)s") % {"words": words, "day": _day(first)}
        yield found(
            "failing_actions",
            facts.accounts[rule.account_id],
            [rule],
            f"{words}.",
            _("Open the rule, see why the action fails, and put its template, address or field right."),
            # An acceptance holds until twice as many fail.
            [[use.id or use.name, use.type, use.failed.bit_length()] for use in bad],
        )


def _day(day: date) -> str:
    return f"{day:%d.%m.%Y}" if is_german() else f"{day.day} {day:%b %Y}"


def gaps(facts: AuditFacts) -> Iterator[NotChecked]:
    """Says of how many active rules no usage report was read."""
    for account_id, account in facts.accounts.items():
        count = sum(rule.counted_from is None for rule in facts.active() if rule.account_id == account_id)
        if count:
            what = ngettext("failing actions of %(n)s active rule", "failing actions of %(n)s active rules", count)
            why = _("no usage report of them was read yet")
            yield NotChecked(account_id, account.name, what % {"n": number(count)}, why)
