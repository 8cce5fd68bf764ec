"""Finds accounts, modules and rules near what Zoho allows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from monitor.rule_audit.facts import AccountFacts, AuditedRule, AuditFacts
from monitor.rule_audit.finding import FoundIn, NotChecked, RuleFinding, found
from monitor.rule_limits import CONDITIONS, SCHEDULED_GROUPS
from monitor.rule_words.vocabulary import action_name

NEAR = 0.9
SMALL = 5  # a smaller limit is met by design
MOST_NAMED = 5
# Counts and limits of the organisation by what a person calls them.
OF_LIMITS = {
    "workflow rules": "total_rules_configured",
    "most workflow rules": "total_rules_limit",
    "active workflow rules": "active_rules_configured",
    "most active workflow rules": "active_rules_limit",
    "most rules of a module": "total_rules_limit_per_module",
    "most active rules of a module": "active_rules_limit_per_module",
    "most actions of a rule": "total_actions_per_rule_limit",
    "most delayed actions of a rule": "scheduled_actions_per_rule_limit",
}
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
                [[*use] for use in near],
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
    yield "conditions", len(conditions), CONDITIONS
    if limits is not None:
        yield "actions", len(rule.definition.actions), limits.total_actions_per_rule_limit
        # Each group counts once at least, whether Zoho counts them or their actions.
        groups, _ = _delayed(rule)
        yield "groups of delayed actions", groups, limits.scheduled_actions_per_rule_limit
    scheduled = max((len(part.scheduled) for part in conditions), default=0)
    yield "groups of delayed actions in one condition", scheduled, SCHEDULED_GROUPS
    for kind in configuration.actions if configuration is not None else ():
        if kind.limit is None:
            continue
        # A rule may have so many in each condition: what counts is the fullest one.
        used = max((sum(one.type == kind.api_name for one in part.instant) for part in conditions), default=0)
        if kind.limit >= SMALL or used > kind.limit:
            yield f"actions “{action_name(kind.api_name)}” in one condition", used, kind.limit


def _delayed(rule: AuditedRule) -> tuple[int, int]:
    """Counts the groups of delayed actions that do something, and their actions."""
    groups = [group for part in rule.definition.conditions for group in part.scheduled] if rule.definition else []
    sizes = [len(group.actions) for group in groups if group.actions]
    return len(sizes), sum(sizes)


def _is_near(use: Use) -> bool:
    _, count, limit = use
    return count is not None and limit is not None and limit > 0 and count >= NEAR * limit


def _words(near: list[Use]) -> str:
    return "; ".join(f"{count:,} of {limit:,} {what}" for what, count, limit in near) + "."


def _stands(near: list[Use]) -> list[list[object]]:
    # An acceptance holds until the count is another twentieth of the limit.
    return [[what, limit, (count or 0) * 20 // (limit or 1)] for what, count, limit in near]


def gaps(facts: AuditFacts) -> Iterator[NotChecked]:
    """Says which limits and counts were never read, or not said, and what they may count."""
    for account_id in sorted({rule.account_id for rule in facts.rules}):
        account = facts.accounts[account_id]
        for what, why in _gaps_of(account, facts.of_account(account_id)):
            yield NotChecked(account_id, account.name, what, why)


def _gaps_of(account: AccountFacts, rules: list[AuditedRule]) -> Iterator[tuple[str, str]]:
    limits, modules, not_yet = account.limits, account.modules, "they were not read yet"
    if limits is None:
        yield "limits of the organisation", account.unread.get("limits", not_yet)
    else:
        unsaid = [what for what, name in OF_LIMITS.items() if getattr(limits, name) is None]
        if unsaid:
            yield f"limits of the organisation: {', '.join(unsaid)}", "Zoho does not say how many there are or may be"
        yield from _undecided(limits.scheduled_actions_per_rule_limit, rules)
    if modules is None:
        yield "how many rules each module has", account.unread.get("modules", not_yet)
    else:
        uncounted = sorted({rule.module for rule in rules if None in modules.get(rule.module, (None,))} - {""})
        if uncounted:
            named = ", ".join(uncounted[:MOST_NAMED]) + (" and others" if len(uncounted) > MOST_NAMED else "")
            yield f"how many rules there are of {named}", "Zoho's counts of modules do not say it"
    if account.connected and account.connected_limit is None:
        yield "the limit of connected workflows", account.unread.get("connected", "it was not read yet")


def _undecided(most: int | None, rules: list[AuditedRule]) -> Iterator[tuple[str, str]]:
    """Says of how many rules the groups of delayed actions are far from the limit, and the actions are near."""
    counts = [_delayed(rule) for rule in rules]
    near = sum(_is_near(("", actions, most)) and not _is_near(("", groups, most)) for groups, actions in counts)
    if near:
        what = f"the limit of delayed actions of {near:,} rule{'s' * (near != 1)}"
        yield what, "whether it counts groups or their actions is not documented"
