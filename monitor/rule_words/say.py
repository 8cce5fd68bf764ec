"""Writes what a workflow rule does as a sentence that people read. Pure.

"When a Deal's Stage becomes Closed Lost and Amount ≥ 30,000: tag 'Lost'; after 30 business days: task 'Feedback'".
The grammar is that of `read_back`, which reads every such sentence; what it cannot hold is found by `unsaid`.
That is so in English; in other languages the sentence is only shown.
Mask the definition before (`monitor.privacy.mask`), where the sentence is for a page.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from monitor.languages import gettext as _
from monitor.languages import gettext_noop, ngettext
from monitor.rule_words.details import NOTHING_KNOWN, KnownActions, detail_words
from monitor.rule_words.names import ambiguous, field_words, noun, quote, value_words
from monitor.rule_words.vocabulary import ACTIONS, AFTER, COMPARATORS, PERIODS, TRIGGERS, ZOHOS_WORD
from monitor.zoho.shapes.known_parts import whole_number
from monitor.zoho.shapes.rule_definition import (
    Criteria,
    CriteriaGroup,
    Criterion,
    Delay,
    RelationalCriteria,
    RuleAction,
    RuleCondition,
    RuleDefinition,
    RuleTrigger,
    comparisons,
)
from monitor.zoho.shapes.rule_spelling import plain_comparison, replaces_tags

NOTHING = gettext_noop("nothing")
NO_CRITERIA = gettext_noop("(nothing)")
NO_COMPARATOR = gettext_noop("is compared, in a way that is not known, with")
NOT_JOINED = gettext_noop("(joined in a way that is not known)")
CANNOT_BE_SAID = gettext_noop("(criteria that cannot be said)")
UNKNOWN_TRIGGER = gettext_noop("meets a trigger that is not known")
EACH_TIME, ALL_AT_ONCE = gettext_noop("each time"), gettext_noop("all at once")
TIME_NOT_SAID = gettext_noop("at a time that is not said here")
ON_A_DATE = "date_or_datetime"
_PLAIN_KEY = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_SAID_DETAILS = frozenset({"trigger_module", "criteria", "repeat", "match_all"})


@dataclass(frozen=True, slots=True)
class RuleStep:
    """Says what is done at one time: at once where `when` is "", else after a delay.

    `details` are of `details.detail_words`, one of each thing; they are no part of the sentence.
    """

    when: str
    acts: tuple[str, ...]
    details: tuple[str, ...] = ()

    @property
    def lines(self) -> list[tuple[str, str]]:
        """Returns each thing that is done with what is known of it beside the sentence, "" for nothing."""
        return list(zip(self.acts, self.details or [""] * len(self.acts), strict=True))

    @property
    def has_details(self) -> bool:
        """Says whether more is known of anything than the sentence holds."""
        return any(self.details)

    @property
    def text(self) -> str:
        """Returns it as a part of the sentence."""
        acts = "; ".join(self.acts) or _(NOTHING)
        return f"{self.when}: {acts}" if self.when else acts


@dataclass(frozen=True, slots=True)
class RuleBranch:
    """Says of which records what is done; `records` is "" where the sentence itself has said it."""

    records: str
    steps: tuple[RuleStep, ...]

    @property
    def text(self) -> str:
        """Returns it as a part of the sentence."""
        steps = "; ".join(step.text for step in self.steps)
        return f"{self.records}: {steps}" if self.records else steps


@dataclass(frozen=True, slots=True)
class RuleSentence:
    """Holds what a rule does in words; `text` is the whole, the parts are for pages that lay them out."""

    lead: str
    branches: tuple[RuleBranch, ...]

    @property
    def text(self) -> str:
        """Returns the whole sentence; several branches stand on lines of their own."""
        if not self.branches:
            return self.lead
        if len(self.branches) == 1 and not self.branches[0].records:
            return f"{self.lead}: {self.branches[0].text}"
        return f"{self.lead}:\n" + "\n".join(branch.text for branch in self.branches)


def say(definition: RuleDefinition, known: KnownActions = NOTHING_KNOWN) -> RuleSentence:
    """Says what a rule does.

    Args:
        definition: the rule; masked, where the sentence is for people.
        known: what is known of the account's shared actions, for the details.
    """
    unclear = ambiguous(fields_of(definition))
    lead = _("When %(trigger)s") % {"trigger": _trigger_words(definition, unclear)}
    conditions = definition.in_order
    if len(conditions) == 1 and conditions[0].sequence in {1, None}:
        only = conditions[0]
        records = _(" and ") + criteria_words(only.criteria, unclear) if only.criteria is not None else ""
        lead += records + _relational_words(only.relational, unclear)
        return RuleSentence(lead, (RuleBranch("", _steps(only, known)),))
    branches = [_branch(c, place, unclear) for place, c in enumerate(conditions, start=1)]
    steps = [_steps(condition, known) for condition in conditions]
    return RuleSentence(lead, tuple(map(RuleBranch, branches, steps)))


def fields_of(definition: RuleDefinition) -> frozenset[str]:
    """Lists the API names of all fields that a rule compares."""
    trees = [definition.trigger.criteria]
    for condition in definition.conditions:
        trees += [condition.criteria, condition.relational.criteria if condition.relational else None]
    found = {one.field for tree in trees for one in comparisons(tree)}
    others = {_field_in(one) for tree in trees for one in comparisons(tree)}
    return frozenset((found | others) - {""})


def criteria_words(criteria: Criteria, unclear: frozenset[str] = frozenset()) -> str:
    """Says criteria: "Amount ≥ 30,000 and Reason for Loss is Price".

    Args:
        criteria: one comparison or a tree of them.
        unclear: fields whose label is that of another.
    """
    if isinstance(criteria, CriteriaGroup) and criteria.operator.upper() == "AND" and len(criteria.parts) > 1:
        return _(" and ").join(_inner_words(part, unclear) for part in criteria.parts)
    return _inner_words(criteria, unclear)


def action_words(action: RuleAction) -> str:
    """Says what an action does: "tag 'Lost due to Pricing'", "task 'Call back'".

    Args:
        action: of a rule.
    """
    if names := _tags(action):
        tags = ", ".join(quote(name) for name in names)
        if action.type == "remove_tags":
            return _("untag %(tags)s") % {"tags": tags}
        said = _("replace all tags with %(tags)s") if replaces_tags(action.details) else _("tag %(tags)s")
        return said % {"tags": tags}
    words = ACTIONS.get(action.type)
    phrase = _(words.phrase) if words else _zohos(action.type)
    return f"{phrase} {quote(action.name)}" if action.name else phrase


def delay_words(delay: Delay | None) -> str:
    """Says a delay: "after 30 business days".

    Args:
        delay: of a group of scheduled actions.
    """
    if delay is None:
        return _("later")
    count = _("some") if delay.unit is None else f"{delay.unit}"
    if not delay.period:
        return _("after %(n)s units") % {"n": count}
    if delay.period not in PERIODS:
        return _("after %(n)s of %(word)s") % {"n": count, "word": _zohos(delay.period)}
    return _counted(*AFTER[delay.period], delay.unit) % {"n": count}


def _inner_words(criteria: Criteria, unclear: frozenset[str]) -> str:
    """Says criteria within others: a group stands in brackets."""
    if isinstance(criteria, Criterion):
        return _criterion_words(criteria, unclear)
    operator = criteria.operator
    joints = {"AND": _(" and "), "OR": _(" or "), "": f" {_(NOT_JOINED)} "}
    parts = [_inner_words(part, unclear) for part in criteria.parts]
    joint = joints.get(operator.upper()) or f" {_zohos(operator)} "
    return f"({joint.join(parts)})" if parts else _(NO_CRITERIA)


def _criterion_words(one: Criterion, unclear: frozenset[str]) -> str:
    if not one.field and not one.comparator and one.value is None:
        return _(CANNOT_BE_SAID)
    plain = _plain(one)
    unknown = _zohos(plain.comparator) if plain.comparator else _(NO_COMPARATOR)
    comparator = _(COMPARATORS[plain.comparator]) if plain.comparator in COMPARATORS else unknown
    return f"{field_words(one.field, unclear)} {comparator} {_compared(plain, unclear)}"


def _plain(one: Criterion) -> Criterion:
    comparator, value = plain_comparison(one.comparator, one.value)
    return replace(one, comparator=comparator, value=value)


def _compared(one: Criterion, unclear: frozenset[str]) -> str:
    """Says what a field is compared with."""
    if other := _field_in(one):
        return _("the field %(field)s") % {"field": field_words(other, unclear, is_last=True)}
    value, comparator = one.value, one.comparator
    if comparator in {"in", "not_in"}:
        if isinstance(value, list) and value and not any(isinstance(item, list) for item in value):
            return ", ".join(value_words(item, comparator) for item in value)
        return _("just %(value)s") % {"value": value_words(value, comparator)}
    if comparator in {"between", "not_between"}:
        if isinstance(value, list) and len(value) == 2:
            return _(" and ").join(value_words(item, comparator) for item in value)
        return _("just %(value)s") % {"value": value_words(value, comparator)}
    return value_words(value, comparator)


def _field_in(one: Criterion) -> str:
    """Returns the API name of the field that a field is compared with, "" where it is a value."""
    if one.kind != "field":
        return ""
    name = one.value.get("api_name") if isinstance(one.value, Mapping) else one.value
    return name if isinstance(name, str) else ""


def _trigger_words(definition: RuleDefinition, unclear: frozenset[str]) -> str:
    trigger = definition.trigger
    subject = noun(trigger.module or definition.module)
    if trigger.module and definition.module and trigger.module != definition.module:
        subject = _("%(record)s of %(other)s") % {"record": subject, "other": noun(definition.module)}
    return _event_words(subject, trigger, unclear) + _notes(trigger)


def _event_words(subject: str, trigger: RuleTrigger, unclear: frozenset[str]) -> str:
    criteria = trigger.criteria
    if trigger.type == "field_update" and isinstance(criteria, Criterion) and criteria.field:
        criteria = _plain(criteria)
        words = field_words(criteria.field, unclear)
        if criteria.comparator == "equal" and not _field_in(criteria) and not isinstance(criteria.value, list):
            is_any = criteria.value == "${ANYVALUE}"
            said = {"record": subject, "field": words}
            if is_any:
                return _("%(record)s's %(field)s changes") % said
            return _("%(record)s's %(field)s becomes %(value)s") % (said | {"value": value_words(criteria.value)})
    if not trigger.type:
        phrase = _(UNKNOWN_TRIGGER)
    else:
        known = TRIGGERS.get(trigger.type)
        phrase = _(known.phrase) if known else _("does %(word)s") % {"word": _zohos(trigger.type)}
    if criteria is None:
        return f"{subject} {phrase}"
    return f"{subject} {phrase}" + _(" so that (%(criteria)s)") % {"criteria": criteria_words(criteria, unclear)}


def _notes(trigger: RuleTrigger) -> str:
    """Says the other details of a trigger in brackets, as far as they are plain."""
    details = trigger.details
    notes = [_(EACH_TIME)] * (details.get("repeat") is True) + [_(ALL_AT_ONCE)] * (details.get("match_all") is True)
    for key, value in details.items():
        if key not in _SAID_DETAILS and _PLAIN_KEY.fullmatch(key) and (words := _note_value(value)):
            notes.append(f"{key.replace('_', ' ')}: {words}")
        elif (
            key not in _SAID_DETAILS
            and trigger.type == ON_A_DATE
            and _(TIME_NOT_SAID) not in notes
            and value is not None
        ):
            notes.append(_(TIME_NOT_SAID))  # before or after must not be left to the reader's guess
    return f" ({', '.join(notes)})" if notes else ""


def _note_value(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return quote(value)
    if not isinstance(value, Mapping):
        return ""
    name, unit = value.get("api_name"), whole_number(value.get("unit"))
    if isinstance(name, str):
        return _("the field %(field)s") % {"field": quote(name)}
    period = value.get("period")
    is_span = set(value) == {"unit", "period"} and unit is not None and isinstance(period, str) and period in PERIODS
    return span_words(unit, str(period)) if is_span else ""


def span_words(unit: int | None, period: str) -> str:
    """Says how long: "30 business days".

    Args:
        unit: how many; None where that is not known.
        period: a key of PERIODS.
    """
    return f"{_('some') if unit is None else unit} {_counted(*PERIODS[period], unit)}"


def _counted(one: str, more: str, unit: int | None) -> str:
    return ngettext(one, more, 2 if unit is None else unit)


def _zohos(word: str) -> str:
    return f"{_(ZOHOS_WORD)} {quote(word)}"


def _relational_words(relational: RelationalCriteria | None, unclear: frozenset[str]) -> str:
    if relational is None:
        return ""
    said = {"record": noun(relational.module), "selection": quote(relational.selection)}
    if relational.criteria is None:
        return _(", related to %(record)s (%(selection)s)") % said
    criteria = criteria_words(relational.criteria, unclear)
    return _(", related to %(record)s (%(selection)s) where (%(criteria)s)") % (said | {"criteria": criteria})


def _branch(condition: RuleCondition, place: int, unclear: frozenset[str]) -> str:
    number = condition.sequence if condition.sequence is not None else place
    every = _("for every record") if place == 1 else _("for every other record")
    criteria = condition.criteria
    records = every if criteria is None else _("if %(criteria)s") % {"criteria": criteria_words(criteria, unclear)}
    return f"{number}. {records}{_relational_words(condition.relational, unclear)}"


def _steps(condition: RuleCondition, known: KnownActions) -> tuple[RuleStep, ...]:
    later = [_step(delay_words(group.delay), group.actions, known) for group in condition.scheduled]
    at_once = [_step("", condition.instant, known)]
    return (*(at_once if condition.instant or not later else []), *later)


def _step(when: str, actions: Sequence[RuleAction], known: KnownActions) -> RuleStep:
    details = tuple(detail_words(action, known) for action in actions)
    return RuleStep(when, tuple(map(action_words, actions)), details)


def _tags(action: RuleAction) -> Sequence[str]:
    """Returns the tags that an action sets or takes away by name; empty where it is said by its own name."""
    if action.type not in {"add_tags", "remove_tags"}:
        return ()
    tags = action.details.get("tags")
    if not isinstance(tags, list) or not tags:
        return ()
    names = [tag.get("name") if isinstance(tag, Mapping) else None for tag in tags]
    return [name for name in names if isinstance(name, str)] if all(isinstance(n, str) for n in names) else ()
