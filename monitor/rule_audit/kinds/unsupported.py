"""Finds actions that a rule's trigger does not support, by Zoho's own list of what rules of a module may be made of."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from monitor.rule_audit.facts import AuditedRule, AuditFacts
from monitor.rule_audit.finding import NotChecked, RuleFinding, found
from monitor.rule_words.vocabulary import action_name, trigger_name
from monitor.zoho.shapes.rule_definition import RuleDefinition
from monitor.zoho.shapes.rule_limits import RuleConfiguration, TriggerKind


def look(facts: AuditFacts, now: datetime, quiet_days: int) -> Iterator[RuleFinding]:
    """Finds rules with such actions, with a delay where none is supported, or with a trigger that is given up."""
    for rule in facts.rules:
        account = facts.accounts[rule.account_id]
        configuration = account.configurations.get(rule.module)
        if rule.definition is None or configuration is None:
            continue
        faults = list(_faults(rule, rule.definition, configuration))
        if faults:
            yield found(
                "unsupported_action",
                account,
                [rule],
                f"{'; '.join(faults)}.",
                "Take the action out or choose another trigger: Zoho refuses the rule's next change as it is.",
                faults,
            )


def _faults(rule: AuditedRule, definition: RuleDefinition, configuration: RuleConfiguration) -> Iterator[str]:
    trigger = _trigger(rule, definition, configuration)
    if trigger is None:
        yield f"the module {rule.module} has no trigger “{trigger_name(rule.trigger)}” any more"
        return
    name = trigger_name(trigger.api_name)
    if trigger.deprecated:
        yield f"Zoho has given up the trigger “{name}”"
    kinds = {action.type for action in definition.actions if action.type} - {*trigger.actions}
    for kind in sorted(kinds):
        yield f"the trigger “{name}” does not support “{action_name(kind)}”"
    if not trigger.scheduled_actions_supported and any(part.scheduled for part in definition.conditions):
        yield f"the trigger “{name}” does not support actions after a delay"


def _trigger(rule: AuditedRule, definition: RuleDefinition, configuration: RuleConfiguration) -> TriggerKind | None:
    module = definition.trigger.module
    listed = configuration.triggers
    if module and module != rule.module:
        listed = configuration.related.get(module, [])
    return next((one for one in listed if one.api_name == rule.trigger), None)


def gaps(facts: AuditFacts) -> Iterator[NotChecked]:
    """Says of which modules Zoho's list was never read."""
    for account_id, account in facts.accounts.items():
        modules = {rule.module for rule in facts.rules if rule.account_id == account_id and rule.module}
        missing = sorted(modules - {*account.configurations})
        if missing:
            named = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
            why = account.unread.get("configurations", "it was not read yet")
            yield NotChecked(account_id, account.name, f"what triggers of {named} support", why)
