"""Judges the form of a change's body, part by part: what is sent must be what the page foretells. Pure.

What Zoho would make of a part in another form than the documented one (null for a list, a text for an object) is not
known, so that no page could say what it changes. Source: docs/reference/edits.md, "The body of a change".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from monitor.edits.body import DELETE
from monitor.edits.check import RuleObjection

_HOW = f'take a part out by its id and "{DELETE}": null, and leave away what is to stay'


def body_objections(body: Mapping[str, Any]) -> list[RuleObjection]:
    """Returns what of a change's body has no documented form.

    Args:
        body: the one object of `workflow_rules`.
    """
    return list(_objections(body))


def _objections(body: Mapping[str, Any]) -> Iterator[RuleObjection]:
    if "status" in body:
        status = body["status"]
        if not isinstance(status, Mapping) or not isinstance(status.get("active"), bool) or len(status) != 1:
            yield RuleObjection("status_form", 'The status is told as {"active": true} or {"active": false}.')
    if "execute_when" in body:
        yield from _trigger(body["execute_when"])
    if "conditions" in body:
        yield from _parts(body["conditions"], "conditions", _condition)


def _trigger(trigger: Any) -> Iterator[RuleObjection]:
    if not isinstance(trigger, Mapping) or not isinstance(trigger.get("type"), str):
        yield RuleObjection("trigger_form", "execute_when is no JSON object with a type.")
    elif "details" in trigger and not isinstance(trigger["details"], Mapping):
        yield RuleObjection("trigger_form", "The details of execute_when are no JSON object.")


def _parts(parts: Any, where: str, look: Callable[[Mapping[str, Any], str], Iterator[RuleObjection]]) -> Any:
    """Looks at each object of a list that is sent; those that take something out need their ids."""
    if not isinstance(parts, list):
        yield RuleObjection("list_form", f"{where}: this is no list. To change a rule, {_HOW}.")
        return
    for number, part in enumerate(parts):
        place = f"{where}[{number}]"
        if not isinstance(part, Mapping):
            yield RuleObjection("part_form", f"{place}: this is no JSON object.")
        elif DELETE in part:
            if not part.get("id") or part[DELETE] is not None:
                yield RuleObjection("delete_form", f'{place}: it is taken out by its id and "{DELETE}": null.')
        else:
            yield from look(part, place)


def _condition(part: Mapping[str, Any], where: str) -> Iterator[RuleObjection]:
    number = part.get("sequence_number", 1)
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        yield RuleObjection("sequence_form", f"{where}.sequence_number: this is no whole number from 1 on.")
    if "instant_actions" in part:
        instant = part["instant_actions"]
        if isinstance(instant, Mapping):
            yield from _parts(instant.get("actions"), f"{where}.instant_actions.actions", _any)
        else:
            yield RuleObjection(
                "instant_form", f"{where}.instant_actions: this is no JSON object. {_HOW.capitalize()}."
            )
    if "scheduled_actions" in part:
        yield from _parts(part["scheduled_actions"], f"{where}.scheduled_actions", _group)
    if isinstance(details := part.get("criteria_details"), Mapping) and details.get("criteria", True) is None:
        yield RuleObjection("criteria_form", f"{where}.criteria_details: no criteria are told as null in its place.")


def _group(part: Mapping[str, Any], where: str) -> Iterator[RuleObjection]:
    if "actions" in part:
        yield from _parts(part["actions"], f"{where}.actions", _any)


def _any(part: Mapping[str, Any], where: str) -> Iterator[RuleObjection]:
    if not part:
        yield RuleObjection("part_form", f"{where}: there is nothing in it.")
