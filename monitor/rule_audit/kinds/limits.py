"""Finds accounts, modules and rules near what Zoho allows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial

from monitor.figures import number
from monitor.languages import gettext as _
from monitor.languages import gettext_noop, ngettext
from monitor.rule_audit.facts import AccountFacts, AuditedRule, AuditFacts
from monitor.rule_audit.finding import FoundIn, NotChecked, RuleFinding, found, in_source
from monitor.rule_limits import CONDITIONS, SCHEDULED_GROUPS
from monitor.rule_words.vocabulary import action_name
from monitor.zoho.shapes.rule_limits import RuleLimits

NEAR = 0.9
SMALL = 5  # a smaller limit is met by design
MOST_NAMED = 5
# Counts and limits of the organisation by what a person calls them.
OF_LIMITS = {
    gettext_noop("workflow rules"): "total_rules_configured",
    gettext_noop("most workflow rules"): "total_rules_limit",
    gettext_noop("active workflow rules"): "active_rules_configured",
    gettext_noop("most active workflow rules"): "active_rules_limit",
    gettext_noop("most rules of a module"): "total_rules_limit_per_module",
    gettext_noop("most active rules of a module"): "active_rules_limit_per_module",
    gettext_noop("most actions of a rule"): "total_actions_per_rule_limit",
    gettext_noop("most delayed actions of a rule"): "scheduled_actions_per_rule_limit",
}
Use = tuple[str, int | None, int | None]


def look(facts: AuditFacts, now: datetime, quiet_days: int) -> Iterator[RuleFinding]:
    """Finds counts of nine tenths of their limit and more: of the organisation, of a module, of a rule."""
    for account in facts.accounts.values():
        yield from _of_account(account)
        yield from _of_modules(account)
    for rule in facts.rules:
        account = facts.accounts[rule.account_id]
        near = _near_of_rule(rule, account)
        if near:
            yield found(
                "near_limit",
                account,
                [rule],
                _words(near),
                _("Share its conditions or actions out between rules before the next change is refused."),
                in_source(lambda rule=rule, account=account: [[*use] for use in _near_of_rule(rule, account)]),  # type: ignore[misc]
            )


def _near_of_rule(rule: AuditedRule, account: AccountFacts) -> list[Use]:
    return [use for use in _of_rule(rule, account) if _is_near(use)]


def _of_account(account: AccountFacts) -> Iterator[RuleFinding]:
    def near() -> list[Use]:
        limits = account.limits
        uses: list[Use] = [(_("connected workflows"), account.connected, account.connected_limit)]
        if limits is not None:
            uses += [
                (_("workflow rules"), limits.total_rules_configured, limits.total_rules_limit),
                (_("active workflow rules"), limits.active_rules_configured, limits.active_rules_limit),
            ]
        return [use for use in uses if _is_near(use)]

    if near():
        yield _beyond_rules(account, FoundIn("", account.name, account.rules_page), "", near)


def _of_modules(account: AccountFacts) -> Iterator[RuleFinding]:
    limits = account.limits
    if limits is None:
        return
    for module, (total, active) in sorted((account.modules or {}).items()):
        near = partial(_near_of_module, module, total, active, limits)
        if near():
            yield _beyond_rules(account, FoundIn(module, module, account.list_page(module=module)), module, near)


def _near_of_module(module: str, total: int | None, active: int | None, limits: RuleLimits) -> list[Use]:
    uses: list[Use] = [
        (_("rules of %(module)s") % {"module": module}, total, limits.total_rules_limit_per_module),
        (_("active rules of %(module)s") % {"module": module}, active, limits.active_rules_limit_per_module),
    ]
    return [use for use in uses if _is_near(use)]


def _beyond_rules(account: AccountFacts, about: FoundIn, module: str, near: Callable[[], list[Use]]) -> RuleFinding:
    return RuleFinding(
        "near_limit",
        account.account_id,
        account.name,
        [about],
        module,
        _words(near()),
        _("Delete rules that nobody needs before a new one is refused; those switched off count too."),
        (_("Open these rules"), about.page),
        in_source(lambda: _stands(near())),
    )


def _of_rule(rule: AuditedRule, account: AccountFacts) -> Iterator[Use]:
    if rule.definition is None:
        return
    conditions = rule.definition.conditions
    limits, configuration = account.limits, account.configurations.get(rule.module)
    yield _("conditions"), len(conditions), CONDITIONS
    if limits is not None:
        yield _("actions"), len(rule.definition.actions), limits.total_actions_per_rule_limit
        # Each group counts once at least, whether Zoho counts them or their actions.
        groups, __ = _delayed(rule)
        yield _("groups of delayed actions"), groups, limits.scheduled_actions_per_rule_limit
    scheduled = max((len(part.scheduled) for part in conditions), default=0)
    yield _("groups of delayed actions in one condition"), scheduled, SCHEDULED_GROUPS
    for kind in configuration.actions if configuration is not None else ():
        if kind.limit is None:
            continue
        # A rule may have so many in each condition: what counts is the fullest one.
        used = max((sum(one.type == kind.api_name for one in part.instant) for part in conditions), default=0)
        if kind.limit >= SMALL or used > kind.limit:
            what = _("actions “%(kind)s” in one condition") % {"kind": action_name(kind.api_name)}
            yield what, used, kind.limit


def _delayed(rule: AuditedRule) -> tuple[int, int]:
    """Counts the groups of delayed actions that do something, and their actions."""
    groups = [group for part in rule.definition.conditions for group in part.scheduled] if rule.definition else []
    sizes = [len(group.actions) for group in groups if group.actions]
    return len(sizes), sum(sizes)


def _is_near(use: Use) -> bool:
    __, count, limit = use
    return count is not None and limit is not None and limit > 0 and count >= NEAR * limit


def _words(near: list[Use]) -> str:
    said = [
        _("%(n)s of %(limit)s %(what)s") % {"n": number(count), "limit": number(limit), "what": what}
        for what, count, limit in near
    ]
    return "; ".join(said) + "."


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
    limits, modules, not_yet = account.limits, account.modules, _("they were not read yet")
    if limits is None:
        yield _("limits of the organisation"), _(account.unread.get("limits", not_yet))
    else:
        unsaid = [what for what, name in OF_LIMITS.items() if getattr(limits, name) is None]
        if unsaid:
            named = ", ".join(map(_, unsaid))
            what = _("limits of the organisation: %(named)s") % {"named": named}
            yield what, _("Zoho does not say how many there are or may be")
        yield from _undecided(limits.scheduled_actions_per_rule_limit, rules)
    if modules is None:
        yield _("how many rules each module has"), _(account.unread.get("modules", not_yet))
    else:
        uncounted = sorted({rule.module for rule in rules if None in modules.get(rule.module, (None,))} - {""})
        if uncounted:
            named = ", ".join(uncounted[:MOST_NAMED]) + (_(" and others") if len(uncounted) > MOST_NAMED else "")
            what = _("how many rules there are of %(modules)s") % {"modules": named}
            yield what, _("Zoho's counts of modules do not say it")
    if account.connected and account.connected_limit is None:
        why = account.unread.get("connected") or _("it was not read yet")
        yield _("the limit of connected workflows"), _(why)


def _undecided(most: int | None, rules: list[AuditedRule]) -> Iterator[tuple[str, str]]:
    """Says of how many rules the groups of delayed actions are far from the limit, and the actions are near."""
    counts = [_delayed(rule) for rule in rules]
    near = sum(_is_near(("", actions, most)) and not _is_near(("", groups, most)) for groups, actions in counts)
    if near:
        what = ngettext(
            "the limit of delayed actions of %(n)s rule", "the limit of delayed actions of %(n)s rules", near
        )
        yield what % {"n": number(near)}, _("whether it counts groups or their actions is not documented")
