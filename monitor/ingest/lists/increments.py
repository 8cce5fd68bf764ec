"""What was added between two usage reports of a rule. Pure.

Both must count from the same first day: then the counters only grow, and what one shows more than the other is what
happened between them. A counter that falls, or a `reset_time` that moved, is a reset (notes `zoho-api.md` 2.3).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from monitor.zoho import clean

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class ActionCount:
    """What one action of a rule did from the report's first day on."""

    id: str
    name: str
    type: str
    success: int
    failure: int

    @property
    def key(self) -> Key:
        """By its id; where Zoho gives none, by type and name."""
        return ("", self.id) if self.id else (self.type, self.name)


@dataclass(frozen=True, slots=True)
class Reading:
    """One usage report. `since` is the first day it counts, None where that is not known."""

    since: date | None
    reset_time: datetime | None
    triggered: int | None
    actions: tuple[ActionCount, ...]


@dataclass(frozen=True, slots=True)
class Increment:
    """What was added; None where it is not known."""

    triggered: int | None
    succeeded: int | None
    failed: int | None
    is_reset: bool


UNKNOWN = Increment(None, None, None, is_reset=False)


def increment(previous: Reading | None, new: Reading) -> Increment:
    """What was added from one reading to the next one; never negative.

    After a reset whose time Zoho tells it is all that was counted since then, and so at least right. Where a counter
    fell and Zoho tells no reset, nothing can be said of it. An action that a rule no longer has adds nothing, one
    that it has newly adds all it did.
    """
    if previous is None or previous.since is None or previous.since != new.since:
        return UNKNOWN
    if new.reset_time is not None and new.reset_time != previous.reset_time:
        previous = Reading(new.since, None, None if previous.triggered is None else 0, ())
        is_reset = True
    else:
        is_reset = False
    good = _added(_sums(previous.actions, "success"), _sums(new.actions, "success"))
    bad = _added(_sums(previous.actions, "failure"), _sums(new.actions, "failure"))
    known = previous.triggered is not None and new.triggered is not None
    fired = _added({("", ""): previous.triggered or 0}, {("", ""): new.triggered or 0}) if known else None
    fell = good is None or bad is None or (known and fired is None)
    return Increment(fired, good, bad, is_reset=is_reset or fell)


def _sums(actions: Iterable[ActionCount], which: str) -> dict[Key, int]:
    """By action: one that stands in several places of a rule is reported once for each."""
    sums: Counter[Key] = Counter()
    for action in actions:
        sums[action.key] += getattr(action, which)
    return dict(sums)


def _added(before: Mapping[Key, int], after: Mapping[Key, int]) -> int | None:
    """The sum of what each grew; None where one fell."""
    grown = [count - before.get(key, 0) for key, count in after.items()]
    return None if any(step < 0 for step in grown) else min(sum(grown), clean.INT_MAX)


def plus(one: int | None, other: int | None) -> int | None:
    """The sum of what is known of both; None where nothing is."""
    known = [value for value in (one, other) if value is not None]
    return min(sum(known), clean.INT_MAX) if known else None


def action_counts(report: Mapping[str, Any]) -> tuple[ActionCount, ...]:
    """The counters of every action in a usage report, instant and scheduled; notes `zoho-api.md` 2.6."""
    found: list[ActionCount] = []
    for condition in _objects(report.get("conditions")):
        scheduled = condition.get("scheduled_actions")
        groups = [condition.get("instant_actions"), *(scheduled if isinstance(scheduled, list) else [scheduled])]
        for group in groups:
            found += [_action(item) for item in _objects(group.get("actions") if isinstance(group, Mapping) else None)]
    return tuple(found)


def _action(item: Mapping[str, Any]) -> ActionCount:
    return ActionCount(
        id=clean.identifier(item.get("id")),
        name=clean.line(item.get("name"), clean.NAME_LIMIT),
        type=clean.word(item.get("type")),
        success=clean.count(item.get("success_count")) or 0,
        failure=clean.count(item.get("failure_count")) or 0,
    )


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []
