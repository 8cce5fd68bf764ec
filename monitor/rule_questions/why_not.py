"""Says which parts of a rule's criteria a record passes, as it is now. Of the record nothing is kept or logged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from monitor.models import WorkflowRule
from monitor.rule_criteria.evaluate import AsOf, CriteriaAnswer, evaluate
from monitor.rule_criteria.of_rule import ODD_CONDITIONS, fields_needed, has_odd_conditions, trigger_criteria
from monitor.rule_questions.ask import crm_of, kinds_in, module_of
from monitor.zoho.crm.records import FIELDS_LIMIT
from monitor.zoho.shapes.rule_definition import RuleDefinition


@dataclass(frozen=True, slots=True)
class AskedCondition:
    """Holds what became of one condition; `relational` where it asks for related records, which are not looked at."""

    number: int
    answer: CriteriaAnswer
    is_relational: bool

    @property
    def passes(self) -> bool | None:
        """Says whether the record passes it; None where that cannot be known."""
        return None if self.is_relational and self.answer.passes else self.answer.passes


@dataclass(frozen=True, slots=True)
class WhyNotAnswer:
    """Holds what became of a record.

    Attributes:
        trigger: of the trigger's own criteria; None where it has none.
        conditions: of each condition, in Zoho's order; empty where the rule has none.
        notes: what limits the answer.
    """

    trigger: CriteriaAnswer | None
    conditions: tuple[AskedCondition, ...]
    notes: tuple[str, ...]

    @property
    def passes(self) -> bool | None:
        """Says whether the record passes the trigger's criteria and a condition; None where that cannot be known."""
        trigger = True if self.trigger is None else self.trigger.passes
        some = [condition.passes for condition in self.conditions] or [True]
        inner = True if True in some else None if None in some else False
        if trigger is False or inner is False:
            return False
        return None if trigger is None or inner is None else True


def why_not(rule: WorkflowRule, definition: RuleDefinition, record_id: str, now: datetime) -> WhyNotAnswer:
    """Reads the record and judges it, in two calls.

    Args:
        rule: with its account.
        definition: of the rule.
        record_id: Zoho's id.
        now: the present.

    Raises:
        NotAnsweredError: says in one sentence why there is no answer.
    """
    notes = list[str]()
    module = module_of(rule, definition, notes)
    fields = fields_needed(definition)
    with crm_of(rule) as (crm, zone):
        kinds = kinds_in(crm, module, notes)
        record = crm.get_record(module, record_id, fields if len(fields) <= FIELDS_LIMIT else ()).fields
    return judged(definition, record, kinds, AsOf(now, zone), notes)


def judged(
    definition: RuleDefinition, record: Mapping[str, Any], kinds: Mapping[str, Any], as_of: AsOf, notes: list[str]
) -> WhyNotAnswer:
    """Judges a record. Pure; the arguments are those of `evaluate`."""
    own = trigger_criteria(definition)
    if has_odd_conditions(definition):
        unknown = AskedCondition(1, CriteriaAnswer(None, ODD_CONDITIONS), is_relational=False)
        return WhyNotAnswer(evaluate(own, record, kinds, as_of) if own is not None else None, (unknown,), tuple(notes))
    return WhyNotAnswer(
        evaluate(own, record, kinds, as_of) if own is not None else None,
        tuple(
            AskedCondition(
                condition.sequence or place,
                evaluate(condition.criteria, record, kinds, as_of),
                condition.relational is not None,
            )
            for place, condition in enumerate(definition.in_order, start=1)
        ),
        tuple(notes),
    )
