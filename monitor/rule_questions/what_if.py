"""Counts the records that a rule's criteria match, and would match with one comparison changed. Nothing is changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.models import WorkflowRule
from monitor.rule_criteria.coql import CannotSayError, changed_since, count_query, where_of
from monitor.rule_criteria.evaluate import AsOf
from monitor.rule_criteria.field_kinds import Kinds
from monitor.rule_criteria.of_rule import criteria_of, of_related, only_condition, takes_all
from monitor.rule_questions.ask import crm_of, kinds_in, module_of
from monitor.rule_questions.refusals import NotAnsweredError
from monitor.zoho.crm import CrmClient
from monitor.zoho.shapes.rule_definition import RuleDefinition

DAYS = 90
MOST_CALLS = 4
TAKES_ALL = "A condition of the rule has no criteria: it takes every record that passes the trigger's criteria."
ONE_CONDITION = (
    "Another condition of the rule has no criteria and takes every record, whatever is edited. "
    "The condition with the edited comparison is counted by itself."
)
CREATED, CHANGED = "Created_Time", "Modified_Time"


@dataclass(frozen=True, slots=True)
class MatchCount:
    """Holds how many records match; None where COQL cannot say what is asked for, and then `cannot` says what."""

    count: int | None
    cannot: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WhatIfAnswer:
    """Holds what was counted.

    Attributes:
        since: records that were created or changed from then on are counted.
        by: whether these were "created" or "changed".
        looked_at: how many there are in all.
        now: of the rule as it is.
        edited: of the rule as it would be; None where nothing was edited.
        notes: what limits the answer.
        is_of_one_condition: whether a single condition of the rule was counted.
    """

    since: datetime
    by: str
    looked_at: int
    now: MatchCount
    edited: MatchCount | None
    notes: tuple[str, ...]
    is_of_one_condition: bool = False


def what_if(
    rule: WorkflowRule,
    definition: RuleDefinition,
    edited: RuleDefinition | None,
    now: datetime,
    place: int | None = None,
) -> WhatIfAnswer:
    """Counts by COQL, in four calls at most.

    Where a condition without criteria takes every record, whatever is edited, the condition that holds the edited
    comparison is counted by itself, and the notes say so.

    Args:
        rule: with its account.
        definition: of the rule as it is.
        edited: as it would be; None: only as it is.
        now: the present.
        place: of the edited comparison among `comparisons_of`; None where nothing was edited.

    Raises:
        NotAnsweredError: says in one sentence why there is no answer.
    """
    if definition.trigger.type == "delete" and not of_related(definition):
        raise NotAnsweredError("The rule runs on deleted records, and these cannot be counted.")
    since = now - timedelta(days=DAYS)
    field = CREATED if definition.trigger.type == "create" and not of_related(definition) else CHANGED
    within, notes = changed_since(field, since), list[str]()
    if takes_all(definition):
        notes.append(TAKES_ALL if edited is None or place is None else ONE_CONDITION)
        if edited is not None and place is not None:
            definition, edited = only_condition(definition, place), only_condition(edited, place)
    module = module_of(rule, definition, notes)
    with crm_of(rule) as (crm, zone):
        kinds, as_of = kinds_in(crm, module, notes), AsOf(now, zone)
        try:
            looked_at = counted(crm, count_query(module, within))
        except CannotSayError as reason:
            raise NotAnsweredError(f"The records cannot be counted: {reason}.") from None
        as_it_is = _matching(crm, module, within, definition, kinds, as_of)
        as_edited = _matching(crm, module, within, edited, kinds, as_of) if edited is not None else None
    by = "created" if field == CREATED else "changed"
    return WhatIfAnswer(since, by, looked_at, as_it_is, as_edited, tuple(notes), ONE_CONDITION in notes)


def _matching(
    crm: CrmClient, module: str, within: str, definition: RuleDefinition, kinds: Kinds, as_of: AsOf
) -> MatchCount:
    criteria = criteria_of(definition)
    where = where_of(criteria.whole, kinds, as_of, beside=1)  # the time of the record
    cannot = (*criteria.unknown, *where.cannot)
    return MatchCount(None, cannot) if cannot else MatchCount(counted(crm, count_query(module, within, where.text)))


def counted(crm: CrmClient, query: str) -> int:
    """Asks for a count. One call.

    Raises:
        NotAnsweredError: what came holds no count.
    """
    rows = crm.coql(query).rows
    found = _count_in(rows[0]) if rows else 0
    if found is None:
        raise NotAnsweredError("Zoho's answer holds no count.")
    return found


def _count_in(row: Mapping[str, object]) -> int | None:
    numbers = [value for name, value in row.items() if name.lower().startswith("count")]
    value = numbers[0] if numbers else None
    if isinstance(value, str) and value.isdigit():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
