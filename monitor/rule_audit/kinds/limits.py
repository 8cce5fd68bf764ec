"""Finds accounts, modules and rules near what Zoho allows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from monitor.rule_audit.facts import AccountFacts, AuditedRule, AuditFacts
from monitor.rule_audit.finding import FoundIn, NotChecked, RuleFinding, found
from monitor.rule_words.vocabulary import action_name

NEAR = 0.9
# Documented: docs/reference/zoho-crm.md, "Workflow rules" (10 conditions, 5 groups of actions after a delay each).
MOST_CONDITIONS, MOST_SCHEDULED, MOST_ACTIONS = 10, 5, 50
SMALL = 5  # a smaller limit is met by design
Use = tuple[str, int | None, int | None]


def look(facts: AuditFacts, now: datetime, quiet_days: int) -> Iterator[RuleFinding]:
    """Finds counts of nine tenths of their limit and more: of the organisation, of a module, of a rule."""
    for account in facts.accounts.values():
        yield from _of_account(account)
        yield from _of_modules(account)
    for rule in facts.rules:
        account = facts.accounts[rule.account_id]
        near = [use for use in _of_rule(rule, account) if _is_near(use)]
        if near:
            yield found(
                "near_limit",
                account,
                [rule],
                _words(near),
                "Share its conditions or actions out between rules before the next change is refused.",
                _stands(near),
            )


def _of_account(account: AccountFacts) -> Iterator[RuleFinding]:
    limits = account.limits
    uses: list[Use] = [("connected workflows", account.connected, account.connected_limit)]
    if limits is not None:
        uses += [
            ("workflow rules", limits.total_rules_configured, limits.total_rules_limit),
            ("active workflow rules", limits.active_rules_configured, limits.active_rules_limit),
        ]
    near = [use for use in uses if _is_near(use)]
    if near:
        yield _beyond_rules(account, FoundIn("", account.name, account.rules_page), "", near)


def _of_modules(account: AccountFacts) -> Iterator[RuleFinding]:
    limits = account.limits
    if limits is None:
        return
    for module, (total, active) in sorted((account.modules or {}).items()):
        uses: list[Use] = [
            (f"rules of {module}", total, limits.total_rules_limit_per_module),
            (f"active rules of {module}", active, limits.active_rules_limit_per_module),
        ]
        near = [use for use in uses if _is_near(use)]
        if near:
            yield _beyond_rules(account, FoundIn(module, module, account.list_page(module=module)), module, near)


def _beyond_rules(account: AccountFacts, about: FoundIn, module: str, near: list[Use]) -> RuleFinding:
    return RuleFinding(
        "near_limit",
        account.account_id,
        account.name,
        [about],
        module,
        _words(near),
        "Delete rules that nobody needs before a new one is refused; those switched off count too.",
        ("Open these rules", about.page),
        _stands(near),
    )


def _of_rule(rule: AuditedRule, account: AccountFacts) -> Iterator[Use]:
    if rule.definition is None:
        return
    conditions = rule.definition.conditions
    limits, configuration = account.limits, account.configurations.get(rule.module)
    most = limits.raw.get("total_actions_per_rule_limit") if limits is not None else None
    yield "conditions", len(conditions), MOST_CONDITIONS
    yield "actions", len(rule.definition.actions), most if isinstance(most, int) else MOST_ACTIONS
    scheduled = max((len(part.scheduled) for part in conditions), default=0)
    yield "groups of delayed actions in one condition", scheduled, MOST_SCHEDULED
    for kind in configuration.actions if configuration is not None else ():
        if kind.limit is None:
            continue
        # A rule may have so many in each condition: what counts is the fullest one.
        used = max((sum(one.type == kind.api_name for one in part.instant) for part in conditions), default=0)
        if kind.limit >= SMALL or used > kind.limit:
            yield f"actions “{action_name(kind.api_name)}” in one condition", used, kind.limit


def _is_near(use: Use) -> bool:
    _, count, limit = use
    return count is not None and limit is not None and limit > 0 and count >= NEAR * limit


def _words(near: list[Use]) -> str:
    return "; ".join(f"{count:,} of {limit:,} {what}" for what, count, limit in near) + "."


def _stands(near: list[Use]) -> list[list[object]]:
    # An acceptance holds until the count is another twentieth of the limit.
    return [[what, limit, (count or 0) * 20 // (limit or 1)] for what, count, limit in near]


def gaps(facts: AuditFacts) -> Iterator[NotChecked]:
    """Says which limits and counts were never read."""
    with_rules = {rule.account_id for rule in facts.rules}
    for account_id in sorted(with_rules):
        account = facts.accounts[account_id]
        parts = (
            ("limits", "limits of the organisation", account.limits),
            ("modules", "how many rules each module has", account.modules),
        )
        for part, what, known in parts:
            if known is None:
                why = account.unread.get(part, "they were not read yet")
                yield NotChecked(account_id, account.name, what, why)
