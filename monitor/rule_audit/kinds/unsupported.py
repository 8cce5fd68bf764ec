"""Finds actions that a rule's trigger does not support, by Zoho's own list of what rules of a module may be made of.

What the list does not say speaks neither for a rule nor against it: it is not checked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from monitor.languages import gettext as _
from monitor.languages import gettext_noop
from monitor.rule_audit.facts import AuditedRule, AuditFacts
from monitor.rule_audit.finding import NotChecked, RuleFinding, found, in_source
from monitor.rule_words.vocabulary import action_name, trigger_name
from monitor.zoho.shapes.rule_definition import RuleDefinition
from monitor.zoho.shapes.rule_limits import RuleConfiguration, TriggerKind

MOST_NAMED = 5
# Why a list may lack a trigger that is there.
_NOT_WHOLE = {
    "unnamed": gettext_noop("Zoho's list names no triggers of %(module)s"),
    "unreadable": gettext_noop("a trigger of Zoho's list cannot be read"),
}


@dataclass(frozen=True, slots=True)
class _Judged:
    """Holds what Zoho's list says against a rule, and why it does not say all that is asked."""

    faults: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def look(facts: AuditFacts, now: datetime, quiet_days: int) -> Iterator[RuleFinding]:
    """Finds rules with such actions, with a delay where none is supported, or with a trigger that is given up."""
    for rule in facts.rules:
        account = facts.accounts[rule.account_id]
        judged = partial(_judged, rule, account.configurations.get(rule.module))
        faults = judged().faults
        if faults:
            yield found(
                "unsupported_action",
                account,
                [rule],
                f"{'; '.join(faults)}.",
                _("Take the action out or choose another trigger: Zoho refuses the rule's next change as it is."),
                in_source(judged).faults,
            )


def _judged(rule: AuditedRule, configuration: RuleConfiguration | None) -> _Judged:
    definition = rule.definition
    if definition is None or (configuration is None and rule.module):  # said of the account as a whole
        return _Judged()
    if configuration is None or not rule.trigger:
        return _Judged(
            unknown=[_("which trigger it has was not said") if rule.module else _("which module it has was not said")]
        )
    module = definition.trigger.module
    below = module if module != rule.module else ""
    trigger = configuration.trigger(rule.trigger, below)
    if trigger is not None:
        return _by_trigger(definition, trigger)
    why = configuration.why_not_whole(below)
    if why:
        return _Judged(unknown=[_(_NOT_WHOLE[why]) % {"module": below}])
    said = {"module": rule.module, "trigger": trigger_name(rule.trigger)}
    return _Judged([_("the module %(module)s has no trigger “%(trigger)s” any more") % said])


def _by_trigger(definition: RuleDefinition, trigger: TriggerKind) -> _Judged:
    judged, name = _Judged(), trigger_name(trigger.api_name)
    kinds = {action.type for action in definition.actions}
    if trigger.deprecated:
        judged.faults.append(_("Zoho has given up the trigger “%(trigger)s”") % {"trigger": name})
    if "" in kinds:
        judged.unknown.append(_("of which kind an action is was not said"))
    if trigger.actions is not None:
        none = sorted(kinds - {"", *trigger.actions})
        judged.faults.extend(
            _("the trigger “%(trigger)s” does not support “%(action)s”")
            % {"trigger": name, "action": action_name(kind)}
            for kind in none
        )
    elif kinds:
        judged.unknown.append(_("Zoho's list does not say which actions it allows"))
    if any(part.scheduled for part in definition.conditions):
        if trigger.scheduled_actions_supported is None:
            judged.unknown.append(_("Zoho's list does not say whether it allows actions after a delay"))
        elif not trigger.scheduled_actions_supported:
            judged.faults.append(
                _("the trigger “%(trigger)s” does not support actions after a delay") % {"trigger": name}
            )
    return judged


def gaps(facts: AuditFacts) -> Iterator[NotChecked]:
    """Says of which modules Zoho's list was never read, and what it does not say of the triggers of rules."""
    unknown: dict[tuple[int, str], set[str]] = defaultdict(set)
    for rule in facts.rules:
        account = facts.accounts[rule.account_id]
        for why in _judged(rule, account.configurations.get(rule.module)).unknown:
            unknown[rule.account_id, _what(rule)].add(why)
    for account_id, account in facts.accounts.items():
        modules = {rule.module for rule in facts.rules if rule.account_id == account_id and rule.module}
        missing = sorted(modules - {*account.configurations})
        if missing:
            named = ", ".join(missing[:MOST_NAMED])
            more = _(" and %(n)s more") % {"n": len(missing) - MOST_NAMED} if len(missing) > MOST_NAMED else ""
            why = _(account.unread.get("configurations", "")) or _("it was not read yet")
            what = _("what triggers of %(modules)s support") % {"modules": f"{named}{more}"}
            yield NotChecked(account_id, account.name, what, why)
    for (account_id, what), whys in sorted(unknown.items()):
        yield NotChecked(account_id, facts.accounts[account_id].name, what, "; ".join(sorted(whys)))


def _what(rule: AuditedRule) -> str:
    if not rule.trigger or not rule.module:
        return _("what the trigger of %(rule)s supports") % {"rule": rule.name}
    said = {"trigger": trigger_name(rule.trigger), "module": rule.module}
    return _("what the trigger “%(trigger)s” of %(module)s supports") % said
