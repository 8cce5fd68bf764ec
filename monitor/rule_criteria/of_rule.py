"""Puts the criteria of a whole rule together, and changes one comparison of them. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from monitor.zoho.shapes.rule_definition import (
    Criteria,
    CriteriaGroup,
    Criterion,
    RuleCondition,
    RuleDefinition,
    comparisons,
)

ODD_CONDITIONS = "its conditions have a form that is not known"


@dataclass(frozen=True, slots=True)
class CriteriaOfRule:
    """Holds which records a rule is for.

    Attributes:
        whole: what a record must pass for any condition of the rule; None: every record passes.
        unknown: what of it cannot be said of a record by itself, a sentence each; then `whole` is not all.
    """

    whole: Criteria | None
    unknown: tuple[str, ...] = ()


def criteria_of(definition: RuleDefinition) -> CriteriaOfRule:
    """Puts together what a record must pass: the trigger's criteria, and those of one condition."""
    unknown = []
    if has_odd_conditions(definition):
        unknown.append(ODD_CONDITIONS)
    if any(condition.relational is not None for condition in definition.conditions):
        unknown.append("a condition asks for related records")
    found = _joined("AND", [trigger_criteria(definition), _any_condition(definition)])
    return CriteriaOfRule(found, tuple(unknown))


def has_odd_conditions(definition: RuleDefinition) -> bool:
    """Says whether a rule has conditions in a form that is not known: they ask for something, nobody knows what."""
    return not definition.conditions and bool(definition.rest.get("conditions"))


def takes_all(definition: RuleDefinition) -> bool:
    """Says whether one condition of several has no criteria, so that no other one narrows the rule."""
    conditions = definition.conditions
    return len(conditions) > 1 and any(one.criteria is None and one.relational is None for one in conditions)


def condition_of(definition: RuleDefinition, place: int) -> RuleCondition:
    """Returns the condition that holds the comparison at a place of `comparisons_of`.

    Raises:
        IndexError: there is no such comparison.
    """
    for condition in definition.conditions:
        count = len(list(comparisons(condition.criteria)))
        if place < count:
            return condition
        place -= count
    raise IndexError(place)


def only_condition(definition: RuleDefinition, place: int) -> RuleDefinition:
    """Returns the rule with that condition alone that holds the comparison at a place of `comparisons_of`."""
    return replace(definition, conditions=(condition_of(definition, place),))


def of_related(definition: RuleDefinition) -> str:
    """Returns the module whose records start a rule of another one, such as Notes of a Deal; "" where it is its own."""
    related = definition.trigger.module
    return related if definition.module and related != definition.module else ""


def trigger_criteria(definition: RuleDefinition) -> Criteria | None:
    """Returns what the change must fulfil that starts the rule; None where any value will do.

    None, too, where the change is that of a related record: the rule's own record has no such fields.
    """
    found = None if of_related(definition) else definition.trigger.criteria
    if isinstance(found, Criterion) and isinstance(found.value, str) and found.value.startswith("${ANY"):
        return None
    return found


def _any_condition(definition: RuleDefinition) -> Criteria | None:
    parts = [condition.criteria for condition in definition.conditions]
    if not parts or any(part is None for part in parts):
        return None
    return _joined("OR", parts)


def _joined(operator: str, parts: list[Criteria | None]) -> Criteria | None:
    known = [part for part in parts if part is not None]
    if len(known) < 2:
        return known[0] if known else None
    return CriteriaGroup(operator, tuple(known))


def comparisons_of(definition: RuleDefinition) -> list[Criterion]:
    """Returns every comparison of a rule's conditions, in the order in which they are written."""
    return [one for condition in definition.conditions for one in comparisons(condition.criteria)]


def with_comparison(definition: RuleDefinition, place: int, comparator: str, value: str) -> RuleDefinition:
    """Returns the rule with another comparator and value in one comparison.

    Args:
        definition: of the rule.
        place: of the comparison among `comparisons_of`, from 0.
        comparator: in Zoho's spelling.
        value: as a person typed it; of a comparison with several values with commas.

    Raises:
        IndexError: there is no such comparison.
    """
    if not 0 <= place < len(comparisons_of(definition)):
        raise IndexError(place)
    numbers = iter(range(len(comparisons_of(definition))))

    def changed(criteria: Criteria) -> Criteria:
        if isinstance(criteria, CriteriaGroup):
            return replace(criteria, parts=tuple(changed(part) for part in criteria.parts))
        if next(numbers) != place:
            return criteria
        several = comparator in ("in", "not_in", "between", "not_between")
        typed = [part.strip() for part in value.split(",")] if several else value
        return replace(criteria, comparator=comparator, value=typed, kind="value")

    def of(condition: RuleCondition) -> RuleCondition:
        return condition if condition.criteria is None else replace(condition, criteria=changed(condition.criteria))

    return replace(definition, conditions=tuple(of(condition) for condition in definition.conditions))


def fields_needed(definition: RuleDefinition) -> list[str]:
    """Returns the fields that the trigger's criteria and those of every condition look at."""
    trees = [trigger_criteria(definition), *(condition.criteria for condition in definition.conditions)]
    return sorted({one.field for tree in trees for one in comparisons(tree)} - {""})
