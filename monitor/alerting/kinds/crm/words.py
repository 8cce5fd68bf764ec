"""Says what was found of a workflow rule, for mails and pages. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from monitor.alerting.kinds import phrases
from monitor.alerting.kinds.crm.condition import ACTIONS, SILENT, SWITCHED_OFF, WEBHOOKS
from monitor.alerting.kinds.interface import ConditionState

if TYPE_CHECKING:
    from datetime import tzinfo

    from monitor.alerting.kinds.crm.condition import CrmRuleTrouble
    from monitor.alerting.kinds.interface import Evaluation


def title(condition: CrmRuleTrouble) -> str:
    """Returns what is asked for, as the name of a rule."""
    return {
        ACTIONS: "Actions of a workflow rule fail",
        WEBHOOKS: "Webhooks of a workflow rule fail",
        SILENT: f"A workflow rule has not run for {condition.silent_days} days",
        SWITCHED_OFF: "A workflow rule was switched off",
    }[condition.finds]


def describe(condition: CrmRuleTrouble, evaluation: Evaluation, zone: tzinfo) -> str:
    """Returns what was found, in one sentence without a full stop.

    Args:
        condition: what was asked.
        evaluation: what was found.
        zone: by whose clock times are said.
    """
    said = {ACTIONS: _actions, WEBHOOKS: _webhooks, SILENT: _silent, SWITCHED_OFF: _switched_off}[condition.finds]
    return said(condition, evaluation, zone)


def _actions(condition: CrmRuleTrouble, evaluation: Evaluation, zone: tzinfo) -> str:
    if evaluation.found is ConditionState.NO_DATA:
        problem = evaluation.texts["problem"]
        return f"its usage is not known: {problem}" if problem else "how its actions went is not known yet"
    failed, actions = int(evaluation.numbers["failed"]), int(evaluation.numbers["actions"])
    window = phrases.hours(condition.window_hours)
    if not actions:
        return f"no action ran in the last {window}"
    said = f"{failed:,} of {actions:,} actions failed in the last {window}"
    if evaluation.began_at is None:
        return said
    return f"{said}, the first after {phrases.clock(evaluation.began_at, zone)}"


def _webhooks(condition: CrmRuleTrouble, evaluation: Evaluation, zone: tzinfo) -> str:
    if evaluation.found is ConditionState.NO_DATA:
        return evaluation.texts["problem"]
    failed = int(evaluation.numbers["failed"])
    calls = "call of a webhook" if failed == 1 else "calls of webhooks"
    said = f"{failed or 'no'} {calls} failed in the last {phrases.hours(condition.window_hours)}"
    if evaluation.began_at is None:
        return said
    return f"{said}, the first at {phrases.clock(evaluation.began_at, zone)}"


def _silent(condition: CrmRuleTrouble, evaluation: Evaluation, zone: tzinfo) -> str:
    numbers = evaluation.numbers
    if evaluation.found is ConditionState.NO_DATA:
        return "Zoho does not say whether it is enabled"
    if not numbers["is_active"]:
        return "it is switched off"
    if not numbers["has_run"]:
        return "it is enabled and has never run"
    return f"it is enabled and ran last at {phrases.clock(datetime.fromtimestamp(numbers['ran_at'], UTC), zone)}"


def _switched_off(condition: CrmRuleTrouble, evaluation: Evaluation, zone: tzinfo) -> str:
    if evaluation.found is ConditionState.NO_DATA:
        return "Zoho does not say whether it is enabled"
    if evaluation.found is ConditionState.CLEAR:
        is_on = evaluation.learned is not None and evaluation.learned.values[0]
        return "it is enabled" if is_on else "it was off when it was first seen"
    at = phrases.clock(evaluation.began_at, zone) if evaluation.began_at is not None else "some time"
    return f"it was enabled and is switched off, as it was last changed at {at}"
