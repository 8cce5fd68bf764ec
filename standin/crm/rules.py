"""Lets workflow rules live: their definitions, and what they did day by day."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import Any

from standin.chance import poisson, rng
from standin.clock import DAY
from standin.crm.templates import RULES, RuleTemplate
from standin.journaled import Journaled
from standin.timeline import Timeline

ORG_ZONE = timezone(timedelta(hours=5, minutes=30))
OTHER_ZONE = timezone(timedelta(hours=-8))
PAST_DAYS = 120  # longer than the 90 days that a usage report reaches back
FIRST_INSTANT, FIRST_SCHEDULED = 10, 60  # places of a rule's actions among its ids
SHARED_KINDS = frozenset({"tasks", "field_updates", "webhooks", "email_notifications"})
FAILING = {"webhooks": 1.0, "functions": 1.0}


@dataclass(slots=True)
class Event:
    """Holds one run of a rule; `failed` holds the places of the actions that failed."""

    at: datetime
    number: int
    failed: frozenset[int]


@dataclass(slots=True)
class Rule:
    """Holds a workflow rule with its life."""

    index: int
    seed: int
    rule_id: str
    body: dict[str, Any]
    per_day: float
    failing: float
    on: Timeline
    begins: date
    zone: timezone
    reset: datetime | None = None
    _events: list[Event] = field(default_factory=list)
    _pending: list[Event] = field(default_factory=list)
    _next_day: date | None = None

    def actions(self) -> list[dict[str, Any]]:
        """Returns every action of every condition, instant ones first."""
        found: list[dict[str, Any]] = []
        for condition in self.body.get("conditions") or []:
            found += (condition.get("instant_actions") or {}).get("actions") or []
            for group in condition.get("scheduled_actions") or []:
                found += group.get("actions") or []
        return found

    def advance(self, now: datetime) -> None:
        """Lets the rule run up to `now`."""
        today = now.astimezone(ORG_ZONE).date()
        day = self._next_day or self.begins
        while day <= today:
            self._pending += self._draft_day(day)
            day += DAY
        self._next_day = day
        while self._pending and self._pending[0].at <= now:
            event = self._pending.pop(0)
            if self.on.at(event.at):
                self._events.append(event)

    def _draft_day(self, day: date) -> list[Event]:
        dice = rng("rule", self.seed, self.index, day.isoformat())
        factor = 0.3 if day.weekday() >= 5 else 1.0
        start = datetime(day.year, day.month, day.day, 7, tzinfo=ORG_ZONE)
        seconds = sorted(dice.randrange(12 * 3600) for _ in range(poisson(dice, self.per_day * factor)))
        actions = self.actions()
        events = []
        for number, second in enumerate(seconds):
            failed = frozenset(
                place
                for place, action in enumerate(actions)
                if dice.random() < self.failing * FAILING.get(str(action.get("type")), 0.05)
            )
            events.append(Event(start + timedelta(seconds=second), number, failed))
        return events

    def events(self, start: datetime | None = None, end: datetime | None = None) -> list[Event]:
        """Runs from `start` (included) to `end` (excluded), oldest first; None is an open end."""
        low = 0 if start is None else bisect_left(self._events, start, key=_time_of)
        high = len(self._events) if end is None else bisect_left(self._events, end, key=_time_of)
        return self._events[low:high]

    def last_run(self, now: datetime) -> datetime | None:
        """Returns when the rule last ran."""
        index = bisect_right(self._events, now, key=_time_of)
        return self._events[index - 1].at if index else None


def _time_of(event: Event) -> datetime:
    return event.at


class RuleBook:
    """Holds all workflow rules of the organisation."""

    def __init__(self, home: Journaled) -> None:
        """Makes the rules of the templates; past the end names repeat with a number."""
        self.rules: dict[str, Rule] = {}
        for index in range(home.settings.rules):
            rule = _make_rule(home, index, RULES[index % len(RULES)])
            self.rules[rule.rule_id] = rule
        home.register("reset_usage", self._reset_usage)

    def _reset_usage(self, at: datetime, *, rule_id: str) -> None:
        """Sets a rule's usage counters back to zero: `reset_time` in docs/reference/zoho-crm.md, "Usage of rules"."""
        self.rules[rule_id].reset = at

    def find(self, rule_id: str, now: datetime) -> Rule | None:
        """Returns the rule, lived up to `now`; None for an unknown id."""
        rule = self.rules.get(rule_id)
        if rule is not None:
            rule.advance(now)
        return rule


def crm_id(prefix: str, number: int) -> str:
    """Returns a CRM id: a string of 19 digits, so at most the documented 20."""
    return f"{prefix}00{number:012d}"


def module_stub(prefix: str, module: str) -> dict[str, str]:
    """Returns a module as rules refer to it."""
    return {"api_name": module, "id": crm_id(prefix, 2_000 + sum(module.encode()))}


def written(at: datetime, zone: timezone) -> str:
    """Returns a time as CRM writes it: ISO 8601 with an offset.

    Source: docs/reference/zoho-crm.md, "Answers, paging and empty lists".
    """
    return at.astimezone(zone).replace(microsecond=0).isoformat()


def _make_rule(home: Journaled, index: int, template: RuleTemplate) -> Rule:
    seed, prefix, anchor = home.settings.seed, home.prefix, home.anchor
    dice = rng("rule", seed, index)
    zone = OTHER_ZONE if home.habits.mixed_offsets and index % 2 else ORG_ZONE
    created = anchor - timedelta(days=dice.randint(130, 900), seconds=dice.randint(0, 80_000))
    modified = created + timedelta(days=dice.randint(0, 90))
    base = _base(index)
    lap = index // len(RULES)
    user = {"name": "Marta Ops", "id": crm_id(prefix, 90_001)}
    module = module_stub(prefix, template.module)
    body = {
        "id": crm_id(prefix, base),
        "name": template.name + (f" {lap + 1}" if lap else ""),
        "description": None,
        "module": module,
        "execute_when": {"type": template.trigger, "details": _details(template, module)},
        "created_time": written(created, zone),
        "modified_time": written(modified, zone),
        "created_by": user,
        "modified_by": user,
        "source": "crm",
        "editable": True,
        "deletable": True,
        "lock": {"locked_by": None, "message": None, "status": False},
        "conditions": [_condition(prefix, index, template, written(created, zone))],
    }
    on = Timeline(initial=template.active)
    begins = (anchor - PAST_DAYS * DAY).astimezone(ORG_ZONE).date()
    return Rule(index, seed, crm_id(prefix, base), body, template.per_day, template.failing, on, begins, zone)


def _details(template: RuleTemplate, module: dict[str, str]) -> dict[str, Any]:
    """Returns what the trigger says besides its type."""
    if template.becomes is None:
        return {"trigger_module": module}
    return {"trigger_module": module, "criteria": template.becomes, "repeat": False, "match_all": False}


def _base(index: int) -> int:
    return 500_000 + index * 1_000


def _place(index: int, kind: str, name: str, usual: int) -> int:
    """Returns the number of an action: the one that an earlier rule of the module has by kind and name is shared."""
    place = index % len(RULES)
    for earlier, template in enumerate(RULES[:place] if kind in SHARED_KINDS else ()):
        if template.module == RULES[place].module and (kind, name) in template.actions:
            return _base(index - place + earlier) + FIRST_INSTANT + template.actions.index((kind, name))
    return _base(index) + usual


def _condition(prefix: str, index: int, template: RuleTemplate, associated: str) -> dict[str, Any]:
    base = _base(index)

    def actions(specs: tuple[tuple[str, str], ...], first: int) -> list[dict[str, Any]]:
        return [
            {
                "id": crm_id(prefix, _place(index, kind, name, first + place)),
                "name": name,
                "type": kind,
                "associated_time": associated,
                **_tags(prefix, base + first + place, kind, name, template),
            }
            for place, (kind, name) in enumerate(specs)
        ]

    scheduled = None
    if template.scheduled:
        period, unit = template.delay
        scheduled = [
            {
                "id": crm_id(prefix, base + 50),
                "execute_after": {"period": period, "unit": unit},
                "actions": actions(template.scheduled, FIRST_SCHEDULED),
            }
        ]
    return {
        "id": crm_id(prefix, base + 1),
        "sequence_number": 1,
        "criteria_details": {"criteria": template.criteria} if template.criteria is not None else None,
        "instant_actions": {"actions": actions(template.actions, FIRST_INSTANT)},
        "scheduled_actions": scheduled,
    }


def _tags(prefix: str, number: int, kind: str, name: str, template: RuleTemplate) -> dict[str, Any]:
    """Returns the details of an action that sets or takes away a tag of its own name; nothing of another."""
    if kind not in {"add_tags", "remove_tags"}:
        return {}
    tag = {"name": name, "id": crm_id(prefix, 700_000_000 + number), "color_code": "#658BA8"}
    over = {"over_write": False} if kind == "add_tags" else {}
    return {"details": {"module": module_stub(prefix, template.module), "tags": [tag], **over}}
