"""Says for each flow who would hear after how long that it fails or is silent; those of whom nobody would come first.

Pure; `read_coverage` loads what it needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple

from monitor.alerting import kinds
from monitor.alerting.kinds.usual import NoticeTimes, UsualPace

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.alerting.kinds.interface import Condition


@dataclass(frozen=True, slots=True)
class CoveringRule:
    """Holds an enabled rule as far as coverage needs it.

    Attributes:
        condition: None where its options make none: it notices nothing.
        wait: how long it must last to fire.
        readers: how many people get its mails at once.
        channels: to how many channels it goes, by routes or by their own setting.
        held_back: for how long its working hours keep a mail back, at the most.
    """

    pk: int
    name: str
    condition: Condition | None
    wait: timedelta = timedelta(0)
    readers: int = 1
    channels: int = 0
    held_back: timedelta = timedelta(0)


class HearerCount(NamedTuple):
    """Holds how many people hear of something, and to how many channels it goes."""

    people: int
    channels: int = 0


class FirstNotice(NamedTuple):
    """Holds after how long something is noticed, and by which rule.

    Attributes:
        after: in the rule's working hours, if it has any.
        rule: which.
        at_worst: out of working hours, by whichever rule is the first then.
    """

    after: timedelta
    rule: CoveringRule
    at_worst: timedelta

    @property
    def is_held_back(self) -> bool:
        """Is whether it may be heard of later than it is noticed."""
        return self.at_worst > self.after


@dataclass(frozen=True, slots=True)
class FlowNotices:
    """Holds what of a flow somebody would hear of, by the rule that notices it first; None: nobody would.

    Attributes:
        is_learning: whether its silence will be noticed once it is learned when it runs.
    """

    flow: int
    usual: UsualPace
    total: FirstNotice | None
    half: FirstNotice | None
    silence: FirstNotice | None
    is_learning: bool = False

    @property
    def rank(self) -> tuple[bool, bool, float]:
        """Is the place among all: first what nobody hears of, then no failure, then no silence; busy ones first."""
        hears_failure, hears_silence = self.total is not None, self.silence is not None or self.is_learning
        return (hears_failure, hears_silence, -self.usual.runs_a_day)

    @property
    def is_unheard(self) -> bool:
        """Is whether nobody would hear of anything."""
        return self.total is None and self.half is None and self.silence is None and not self.is_learning


@dataclass(frozen=True, slots=True)
class CoverageFacts:
    """Holds what coverage goes by.

    Attributes:
        flows: how each flow runs, by its primary key.
        rules: enabled rules, by their primary key.
        by_flow: the rules that are for each flow.
        numbers: what a rule found last for a flow.
        hearers: how many people and channels hear of a flow by a rule, where that is not the same for all its flows.
    """

    flows: Mapping[int, UsualPace]
    rules: Mapping[int, CoveringRule]
    by_flow: Mapping[int, Iterable[int]]
    numbers: Mapping[tuple[int, int], Mapping[str, float]] = field(default_factory=dict)
    hearers: Mapping[tuple[int, int], HearerCount] = field(default_factory=dict)

    def rules_of(self, flow: int) -> list[CoveringRule]:
        """Returns the rules of a flow that somebody hears of, as far as it goes by them."""
        found = []
        for pk in self.by_flow.get(flow, ()):
            rule, heard = self.rules[pk], self.hearers.get((pk, flow))
            found.append(rule if heard is None else replace(rule, readers=heard.people, channels=heard.channels))
        return [rule for rule in found if rule.readers or rule.channels]


def coverage(facts: CoverageFacts) -> list[FlowNotices]:
    """Returns what somebody would hear of each flow, those first of whom nobody would hear."""
    found = []
    for flow, usual in facts.flows.items():
        times = [
            (rule, _times(rule.condition, usual, facts.numbers.get((rule.pk, flow), {})))
            for rule in facts.rules_of(flow)
            if rule.condition is not None
        ]
        found.append(
            FlowNotices(
                flow,
                usual,
                _first((rule, one.total) for rule, one in times),
                _first((rule, one.half) for rule, one in times),
                _first((rule, one.silence) for rule, one in times),
                any(one.is_learning for _, one in times),
            )
        )
    return sorted(found, key=lambda row: (*row.rank, row.flow))


def _first(times: Iterable[tuple[CoveringRule, timedelta | None]]) -> FirstNotice | None:
    found = [(after + rule.wait, rule) for rule, after in times if after is not None]
    if not found:
        return None
    after, rule = min(found, key=lambda one: (one[0], one[1].pk))
    return FirstNotice(after, rule, min(after + rule.held_back for after, rule in found))


def _times(condition: Condition, usual: UsualPace, numbers: Mapping[str, float]) -> NoticeTimes:
    notice = _notice_of(condition.kind)
    return NoticeTimes() if notice is None else notice(condition, usual, numbers)


@cache
def _notice_of(kind: str) -> Callable[[Condition, UsualPace, Mapping[str, float]], NoticeTimes] | None:
    """Returns what says how soon a kind notices what; None for a kind that notices neither failure nor silence."""
    module = f"{kinds.__name__}.{kind}.notice"
    if find_spec(module) is None:
        return None
    found: Callable[[Condition, UsualPace, Mapping[str, float]], NoticeTimes] = import_module(module).notice_times
    return found
