"""Reads a sentence that `say` wrote back into the definition of a rule. Pure.

What a sentence does not hold (ids, colours of tags, details of actions) is not in what comes back; `unsaid` names it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from monitor.rule_words import say as words
from monitor.rule_words.names import (
    BARE,
    GROUPED,
    NO_SCALAR,
    NO_VALUE,
    ambiguous,
    field_of,
    label,
)
from monitor.rule_words.scan import Scanner, SentenceError
from monitor.rule_words.vocabulary import ACTIONS, COMPARATORS, MODULES, PERIODS, TRIGGERS, VALUES, ZOHOS_WORD
from monitor.zoho.shapes.base import Json
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
    ScheduledGroup,
    criteria_json,
)

_TRIGGER_OF = {entry.phrase: kind for kind, entry in TRIGGERS.items()}
_COMPARATOR_OF = {phrase: kind for kind, phrase in COMPARATORS.items()}
_ACTION_OF = {entry.phrase: kind for kind, entry in ACTIONS.items()}
_PERIOD_OF = {word: kind for kind, pair in PERIODS.items() for word in pair}
_MODULE_OF = {noun: module for module, noun in MODULES.items()}
_VALUE_OF = {phrase: name for name, phrase in VALUES.items()}
_NO_LABEL = "is|becomes|contains|does|starts|ends|changes"
_LABEL, _LAST_LABEL = (
    re.compile(rf"[A-Z][A-Za-z0-9]*(?: (?!(?:{stops})\b|{ZOHOS_WORD} )[A-Za-z0-9]+)*")
    for stops in (_NO_LABEL, f"{_NO_LABEL}|and|or")
)
_PLAIN_MODULE = re.compile(r"[A-Z][A-Za-z0-9]*(?: [A-Z0-9][A-Za-z0-9]*)*")
_COUNT = re.compile(r"-?\d+")
_DAYS = re.compile(r" ([+-]) (\d+)")
_NUMBERED = re.compile(r"(-?\d+)\. ")
_NOTE_KEY = re.compile(r"([a-z][a-z0-9]*(?: [a-z0-9]+)*): ")
_END_OF_VALUE = " ,;:)]("


def read_back(text: str, fields: Iterable[str] = ()) -> RuleDefinition:
    """Reads the sentence of a rule.

    Args:
        text: as `say` wrote it.
        fields: API names of fields that may be in it; without them "Reason for Loss" is `Reason_for_Loss`.

    Raises:
        SentenceError: the text is none.
    """
    return _Reader(text, fields).rule()


class _Reader(Scanner):
    """Reads by descent: one method for each part of the grammar."""

    def __init__(self, text: str, fields: Iterable[str]) -> None:
        super().__init__(text)
        names = set(fields)
        self.known = {label(name): name for name in names - ambiguous(names)}

    def rule(self) -> RuleDefinition:
        self.need("When ")
        subject = self.noun()
        module = self.noun() if self.take(" of ") else subject
        trigger = self.trigger(subject)
        conditions: tuple[RuleCondition, ...] = ()
        if self.take(":\n"):
            found = [self.branch()]
            while self.take("\n"):
                found.append(self.branch())
            conditions = tuple(found)
        elif not self.is_done:
            criteria = self.criteria() if self.take(" and ") else None
            relational = self.relational()
            self.need(": ")
            conditions = (self.condition(1, criteria, relational),)
        if not self.is_done:
            raise self.error()
        return RuleDefinition("", "", "", module, trigger, None, conditions)

    def noun(self) -> str:
        if (found := self.one_of(_MODULE_OF, boundary=" ':,")) is not None:
            return found
        self.need("a record")
        if not self.take(" of "):
            return ""
        if (name := self.quoted()) is not None:
            return name
        plain = self.match(_PLAIN_MODULE)
        if plain is None:
            self.at -= len(" of ")  # "a record of a Deal": a record of no known module, that belongs to a Deal
            return ""
        return plain[0].replace(" ", "_")

    def trigger(self, module: str) -> RuleTrigger:
        details: Json = {"trigger_module": {"api_name": module}} if module else {}
        kind = self.field_change(details) if self.take("'s ") else self.event(details)
        if self.take(" ("):
            self.notes(details)
        return RuleTrigger(kind, details)

    def field_change(self, details: Json) -> str:
        field = self.field()
        value: Any = "${ANYVALUE}"
        if not self.take(" changes"):
            self.need(" becomes ")
            value = self.value()
        details["criteria"] = criteria_json(Criterion(field, "equal", value))
        return "field_update"

    def event(self, details: Json) -> str:
        self.need(" ")
        if self.take(words.UNKNOWN_TRIGGER):
            kind = ""
        elif self.take(f"does {ZOHOS_WORD} "):
            kind = self.need_quoted()
        else:
            found = self.one_of(_TRIGGER_OF, boundary=" :,")
            if found is None:
                raise self.error()
            kind = found
        if self.take(" so that ("):
            details["criteria"] = criteria_json(self.criteria())
            self.need(")")
        return kind

    def notes(self, details: Json) -> None:
        while True:
            if key := self.match(_NOTE_KEY):
                details[key[1].replace(" ", "_")] = self.note_value()
            elif self.take(words.EACH_TIME):
                details["repeat"] = True
            elif self.take(words.ALL_AT_ONCE):
                details["match_all"] = True
            elif self.take(words.TIME_NOT_SAID):
                pass  # what it stands for is in the definition alone
            else:
                raise self.error()
            if not self.take(", "):
                break
        self.need(")")

    def note_value(self) -> Any:
        if self.take("the field "):
            return {"api_name": self.need_quoted()}
        if (text := self.quoted()) is not None:
            return text
        if self.take("yes"):
            return True
        if self.take("no"):
            return False
        if count := self.match(_COUNT):
            period = self.one_of(_PERIOD_OF, boundary=",)") if self.take(" ") else None
            return {"unit": int(count[0]), "period": period} if period else int(count[0])
        raise self.error()

    def criteria(self) -> Criteria:
        first = self.part()
        parts = [first]
        while self.sees(" and ") and not self.sees_action():
            self.need(" and ")
            parts.append(self.part())
        return CriteriaGroup("AND", tuple(parts)) if len(parts) > 1 else first

    def sees_action(self) -> bool:
        """Says whether the list of criteria has ended; an "and" is always followed by criteria."""
        return False

    def part(self) -> Criteria:
        if self.take(words.NO_CRITERIA):
            return CriteriaGroup("AND", ())
        if self.take(words.CANNOT_BE_SAID):
            return Criterion("", "")
        return self.group() if self.take("(") else self.criterion()

    def group(self) -> Criteria:
        parts = [self.part()]
        operator = "AND"
        while not self.take(")"):
            if self.take(" and "):
                operator = "AND"
            elif self.take(" or "):
                operator = "OR"
            elif self.take(f" {words.NOT_JOINED} "):
                operator = ""
            else:
                self.need(f" {ZOHOS_WORD} ")
                operator = self.need_quoted()
                self.need(" ")
            parts.append(self.part())
        return CriteriaGroup(operator, tuple(parts))

    def criterion(self) -> Criterion:
        field = self.field()
        self.need(" ")
        if self.take(f"{ZOHOS_WORD} "):
            comparator = self.need_quoted()
        elif self.take(words.NO_COMPARATOR):
            comparator = ""
        else:
            found = self.one_of(_COMPARATOR_OF, boundary=" ")
            if found is None:
                raise self.error()
            comparator = found
        self.need(" ")
        if self.take("the field "):
            return Criterion(field, comparator, {"api_name": self.field(_LAST_LABEL)}, "field")
        return Criterion(field, comparator, self.compared(comparator))

    def compared(self, comparator: str) -> Any:
        if comparator in {"in", "not_in", "between", "not_between"} and self.take("just "):
            return self.value()
        if comparator in {"in", "not_in"}:
            return self.values(", ")
        if comparator in {"between", "not_between"}:
            low = self.value()
            self.need(" and ")
            return [low, self.value()]
        return self.value()

    def values(self, between: str) -> list[Any]:
        found = [self.value()]
        # ", related to" goes on with the sentence: no value without quotes begins so.
        while not self.sees(", related to a") and self.take(between):
            found.append(self.value())
        return found

    def field(self, pattern: re.Pattern[str] = _LABEL) -> str:
        if (name := self.quoted()) is not None:
            return name
        found = self.match(pattern)
        if found is None:
            raise self.error()
        return field_of(found[0], self.known)

    def value(self) -> Any:
        if (text := self.quoted()) is not None:
            return text
        if self.take(NO_VALUE) or self.take(NO_SCALAR):
            return None
        if self.take("["):
            found = [] if self.sees("]") else self.values(", ")
            self.need("]")
            return found
        if (flag := self.one_of({"yes": "yes", "no": "no"}, boundary=_END_OF_VALUE + "\n")) is not None:
            return flag == "yes"
        if (special := self.special()) is not None:
            return special
        return self.plain()

    def special(self) -> str | None:
        start = self.at
        name = self.need_quoted() if self.take(f"{ZOHOS_WORD} ") else None
        if name is None:
            name = self.one_of(_VALUE_OF, boundary=_END_OF_VALUE + "\n")
        if name is None:
            self.at = start
            return None
        days = self.match(_DAYS)
        return f"${{{name}}}{days[1]}{days[2]}" if days else f"${{{name}}}"

    def plain(self) -> str:
        number = GROUPED.match(self.text, self.at)
        bare = BARE.match(self.text, self.at)
        if number and (bare is None or number.end() >= bare.end()):
            self.at = number.end()
            return number[0].replace(",", "")
        if bare is None:
            raise self.error()
        self.at = bare.end()
        return bare[0]

    def relational(self) -> RelationalCriteria | None:
        if not self.take(", related to "):
            return None
        module = self.noun()
        self.need(" (")
        selection = self.need_quoted()
        self.need(")")
        criteria = None
        if self.take(" where ("):
            criteria = self.criteria()
            self.need(")")
        return RelationalCriteria(module, selection, criteria)

    def branch(self) -> RuleCondition:
        number = self.match(_NUMBERED)
        if number is None:
            raise self.error()
        criteria = None
        if self.take("if "):
            criteria = self.criteria()
        elif not self.take("for every record"):
            self.need("for every other record")
        relational = self.relational()
        self.need(": ")
        return self.condition(int(number[1]), criteria, relational)

    def condition(self, place: int, criteria: Criteria | None, relational: RelationalCriteria | None) -> RuleCondition:
        instant = () if self.sees("after ") or self.sees("later: ") else self.acts()
        scheduled = []
        while self.sees("after ") or self.sees("later: ") or self.sees("; "):
            self.take("; ")
            delay = self.delay()
            self.need(": ")
            scheduled.append(ScheduledGroup("", delay, self.acts()))
        return RuleCondition("", place, criteria, relational, instant, tuple(scheduled))

    def acts(self) -> tuple[RuleAction, ...]:
        if self.take(words.NOTHING):
            return ()
        found = [self.act()]
        while self.sees("; ") and not (self.sees("; after ") or self.sees("; later: ")):
            self.need("; ")
            found.append(self.act())
        return tuple(found)

    def act(self) -> RuleAction:
        for lead, kind, details in _TAGGING:
            if self.take(lead):
                tags = [{"name": self.need_quoted()}]
                while self.take(", "):
                    tags.append({"name": self.need_quoted()})
                return RuleAction(kind, details={"tags": tags, **details})
        if self.take(f"{ZOHOS_WORD} "):
            found: str | None = self.need_quoted()
        else:
            found = self.one_of(_ACTION_OF, boundary=" ;\n")
        if found is None:
            raise self.error()
        return RuleAction(found, self.need_quoted() if self.take(" ") else "")

    def delay(self) -> Delay | None:
        if self.take("later"):
            return None
        self.need("after ")
        count = None if self.take("some") else self.match(_COUNT)
        unit = int(count[0]) if count else None
        self.need(" ")
        if self.take("units"):
            return Delay("", unit)
        if self.take(f"of {ZOHOS_WORD} "):
            return Delay(self.need_quoted(), unit)
        period = self.one_of(_PERIOD_OF, boundary=":")
        if period is None:
            raise self.error()
        return Delay(period, unit)


_TAGGING: tuple[tuple[str, str, Json], ...] = (
    ("replace all tags with ", "add_tags", {"over_write": True}),
    ("tag ", "add_tags", {"over_write": False}),
    ("untag ", "remove_tags", {}),
)

__all__ = ["SentenceError", "read_back"]
