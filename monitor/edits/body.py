"""Makes the body of a change out of a definition and a wished one, and foretells what Zoho makes of it. Pure.

What is new is sent and nothing else. An object with an id changes that one, one without is added, and `"_delete": null`
takes one out. Source: docs/reference/edits.md, "The body of a change".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from monitor.zoho.clean import NAME_LIMIT, line
from monitor.zoho.shapes.rule_spelling import one_spelling

Json = dict[str, Any]
# What a person may change of a rule; all else of it is Zoho's.
RULE_FIELDS = ("name", "description", "execute_when", "status", "conditions")
# What a new rule is made of.
NEW_RULE_FIELDS = ("name", "description", "module", "execute_when", "conditions")
DELETE = "_delete"
# Actions that stand in lists of their own and that a rule names by their ids (docs/reference/edits.md, "Limits").
ASSOCIATIVE = ("email_notifications", "field_updates", "tasks", "webhooks", "functions")
# Zoho writes these into what it was given; they say nothing of what is done.
OF_ZOHO = frozenset({"associated_time", "sequence_number", "modified_time", "created_time"})
# What conditions and groups are made of; what is not in the wanted one any more is to go.
PARTS = ("criteria_details", "instant_actions", "scheduled_actions", "actions")


# As numbers are written: "007" is none.
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:e[+-]?[0-9]{1,3})?")


class UnusableBody(Exception):  # noqa: N818 - named for what it says
    """Says why no body can be made; one line for the person."""


def change_body(base: Mapping[str, Any], wanted: Mapping[str, Any]) -> Json:
    """Returns the parts that turn a rule into the wanted one, as Zoho takes them; {} where nothing differs.

    Args:
        base: the rule's definition as it is.
        wanted: the same, changed. What it leaves out at the top stays as it is.

    Raises:
        UnusableBody: it names a part that is not there, or the same one twice.
    """
    body: Json = {}
    for field in RULE_FIELDS:
        if field not in wanted or field == "conditions":
            continue
        if not _is_same(base.get(field), wanted[field]):
            body[field] = "" if wanted[field] is None else wanted[field]
    if "conditions" in wanted:
        conditions = _changed_parts(_list(base.get("conditions")), _list(wanted["conditions"]), "condition")
        if conditions:
            body["conditions"] = conditions
    return body


def new_rule_body(wanted: Mapping[str, Any]) -> Json:
    """Returns the body that creates a rule: what Zoho made of an older one is left out, its ids too.

    Ids of shared actions (tasks, mails, …) and of modules, fields and tags stay: they name what is there already.

    Args:
        wanted: a definition, whole.
    """
    body = {field: wanted[field] for field in NEW_RULE_FIELDS if wanted.get(field) not in (None, "")}
    conditions = [_without_own_ids(one) for one in _list(wanted.get("conditions"))]
    if conditions:
        body["conditions"] = conditions
    return body


def clean_name(name: str) -> str:
    """Returns a name as Zoho gives it back: on one line, without spaces around it or doubled."""
    return line(name, NAME_LIMIT * 2)


def name_key(name: str) -> str:
    """Returns what is equal for names that Zoho may hold for the same."""
    return clean_name(name).casefold()


def with_clean_name(body: Json, base: Mapping[str, Any] | None = None) -> Json:
    """Returns a body with its name as Zoho gives it back; without it where that is the name that it has.

    Args:
        body: of a change or creation.
        base: the definition as it is; None for a new one.
    """
    name = body.get("name")
    if not isinstance(name, str):
        return body
    found = {**body, "name": clean_name(name)}
    if base is not None and found["name"] == base.get("name"):
        del found["name"]
    return found


def is_inactive(definition: Mapping[str, Any]) -> bool:
    """Returns whether a rule's definition says that it does not run."""
    status = definition.get("status")
    return isinstance(status, Mapping) and status.get("active") is False


def changed_since(
    wanted: Mapping[str, Any], result: Mapping[str, Any] | None, now: Mapping[str, Any], fields: Iterable[str]
) -> list[str]:
    """Returns which fields are not any more as a change left them.

    Args:
        wanted: what the change was to make of the definition.
        result: what was read back after it; None where that is not known.
        now: the definition as it is.
        fields: those that it changed.
    """
    if result:
        return [name for name in fields if not _is_same(result.get(name), now.get(name))]
    return [name for name in fields if not is_shown_in(wanted.get(name), now.get(name))]


def applied(base: Mapping[str, Any], body: Mapping[str, Any]) -> Json:
    """Returns the definition that a change makes of another: what the parts with ids, without and `_delete` do.

    Args:
        base: a rule's definition.
        body: a change of it.
    """
    found = {**base, **{key: value for key, value in body.items() if key != "conditions"}}
    if "conditions" in body:
        found["conditions"] = _merged(_list(base.get("conditions")), _list(body["conditions"]))
    return {key: value for key, value in found.items() if value is not None and value != ""}


def usable_parts(base: Mapping[str, Any], given: Mapping[str, Any]) -> Json:
    """Returns a body that a person wrote, without what is as it is already.

    Args:
        base: the rule's definition.
        given: the one object of `workflow_rules`, as in Zoho's documents.

    Raises:
        UnusableBody: it names a part that is not there, or nothing that a person may change.
    """
    foreign = [name for name in given if name not in (*RULE_FIELDS, "module", "id")]
    if foreign:
        raise UnusableBody(f"{foreign[0]} is Zoho's own and cannot be changed.")
    known = {_id(part): part for part in _list(base.get("conditions"))}
    for part in _list(given.get("conditions")):
        if _id(part) and _id(part) not in known:
            raise UnusableBody(f"The rule has no condition with the id {_id(part)}: leave the id out to add a new one.")
    found = {name: value for name, value in given.items() if name != "id" and not _is_same(base.get(name), value)}
    if isinstance(found.get("conditions"), list):
        found["conditions"] = [_tidy(part, known.get(_id(part), {})) for part in found["conditions"]]
    if "module" in found and not names_other_module(found["module"], base.get("module")):
        del found["module"]
    if found.get("description", "") is None:
        found["description"] = ""
    return found


def names_other_module(wanted: Any, base: Any) -> bool:
    """Returns whether a module is surely another one: both are named in the same way, and not alike."""
    one, other = ({"api_name": it} if isinstance(it, str) else it for it in (wanted, base))
    if not isinstance(one, Mapping) or not isinstance(other, Mapping):
        return False
    return any(one.get(key) and other.get(key) and one[key] != other[key] for key in ("api_name", "id"))


def _tidy(part: Any, base: Any) -> Any:
    """Returns a part that is sent without lists and objects that hold nothing, where nothing is there either."""
    if not isinstance(part, Mapping):
        return part
    there = base if isinstance(base, Mapping) else {}
    found: Json = {}
    for key, value in part.items():
        if key in PARTS and not _bare(value) and not _bare(there.get(key)):
            continue
        found[key] = value
        if key == "criteria_details":
            found[key] = _told_details(value)
        elif key in ("scheduled_actions", "actions") and isinstance(value, list):
            known = {_id(one): one for one in _list(there.get(key)) if _id(one)}
            found[key] = [_tidy(one, known.get(_id(one), {})) for one in value]
    return found


def _told_details(details: Any) -> Any:
    """Returns criteria as they are sent: null for none, and no null within."""
    if not isinstance(details, Mapping):
        return details
    return {key: value for key, value in details.items() if value is not None} or None


def without_gone_ids(wanted: Mapping[str, Any], base: Mapping[str, Any]) -> Json:
    """Returns a former definition as it can be wanted now: what is gone meanwhile is added anew, without its id.

    Args:
        wanted: the former definition.
        base: the rule as it is.
    """
    found = dict(wanted)
    if "conditions" in found:
        found["conditions"] = _renamed(_list(found["conditions"]), _list(base.get("conditions")))
    return found


def _renamed(wanted: list[Any], base: list[Any]) -> list[Any]:
    known = {_id(part): part for part in base if _id(part)}
    found = []
    for part in wanted:
        if not isinstance(part, Mapping):
            continue
        now = known.get(_id(part))
        if now is None:
            kept = (
                part if part.get("type") in ASSOCIATIVE else {key: value for key, value in part.items() if key != "id"}
            )
            now = {}
        else:
            kept = part
        made = dict(kept)
        if isinstance(made.get("instant_actions"), Mapping):
            actions = _renamed(_actions(made["instant_actions"]), _actions(now.get("instant_actions")))
            made["instant_actions"] = {**made["instant_actions"], "actions": actions}
        for key in ("scheduled_actions", "actions"):
            if isinstance(made.get(key), list):
                made[key] = _renamed(made[key], _list(now.get(key)))
        found.append(made)
    return found


def is_shown_in(wanted: Any, shown: Any) -> bool:
    """Returns whether a definition that Zoho shows is as it was wanted; what Zoho adds of its own does not count.

    A condition or group with criteria, actions or groups that were not wanted is another one. What differs in spelling
    only, as documents and Zoho spell it in several ways, is the same.

    Args:
        wanted: a definition, or a part of one; its new parts have no ids.
        shown: the same as Zoho gives it back.
    """
    if isinstance(wanted, str) and isinstance(shown, Mapping):
        return wanted == shown.get("api_name")  # a module, by its name alone
    return _is_shown(one_spelling(wanted), one_spelling(shown))


def _is_shown(wanted: Any, shown: Any) -> bool:
    if isinstance(wanted, Mapping):
        if not isinstance(shown, Mapping):
            return not _bare(_told(wanted)) and not shown
        is_more = any(_bare(shown.get(key)) and not _bare(wanted.get(key)) for key in PARTS)
        return not is_more and all(_is_shown(value, shown.get(key)) for key, value in _told(wanted).items())
    if isinstance(wanted, list):
        return _lists_agree(wanted, _list(shown))
    return _is_same_value(wanted, shown)


def difference(before: Mapping[str, Any], after: Mapping[str, Any], fields: Iterable[str] = RULE_FIELDS) -> list[str]:
    """Returns which of a definition's fields are not shown as they were wanted."""
    return [field for field in fields if field in before and not is_shown_in(before[field], after.get(field))]


def _told(wanted: Mapping[str, Any]) -> Json:
    return {key: value for key, value in wanted.items() if value not in (None, "") and key not in OF_ZOHO}


def _lists_agree(wanted: list[Any], shown: list[Any]) -> bool:
    """Returns whether two lists hold the same: parts with ids by their ids, the others one for one."""
    if len(wanted) != len(shown):
        return False
    left = list(shown)
    for item in sorted(wanted, key=lambda one: not _id(one)):  # those with ids first: they have one place only
        place = next((number for number, one in enumerate(left) if _is_shown(item, one)), None)
        if place is None:
            return False
        left.pop(place)
    return True


def _changed_parts(base: list[Any], wanted: list[Any], what: str) -> list[Json]:
    """Returns conditions, groups or actions that are new, changed or taken out."""
    known = {_id(part): part for part in base if _id(part)}
    named = [_id(part) for part in wanted if _id(part)]
    if len(named) != len(set(named)):
        raise UnusableBody(f"The same {what} stands in it twice, by its id.")
    parts: list[Json] = []
    nameless = [_canonical(part) for part in base if not _id(part)]
    for part in wanted:
        identity = _id(part)
        if not identity and _canonical(part) in nameless:
            nameless.remove(_canonical(part))  # Zoho shows it without an id: it is there, and stays
        elif not isinstance(part, Mapping):
            raise UnusableBody(f"A {what} is no JSON object.")
        elif not identity:
            parts.append(_tidy(part, {}))
        elif identity not in known:
            if what != "action" or part.get("type") not in ASSOCIATIVE:
                raise UnusableBody(f"The rule has no {what} with the id {identity}: leave the id out to add a new one.")
            parts.append(dict(part))  # a shared action is named by its id in its own list
        elif not _is_same(known[identity], part):
            changed = _changed_part(known[identity], part)
            parts += [changed] if set(changed) != {"id"} else []  # what it leaves out stays as it is
    if nameless:
        text = f"Zoho shows a {what} of it without an id, so that it cannot be changed or taken out from here."
        raise UnusableBody(text)
    gone = [identity for identity in known if identity not in named]
    return parts + [{"id": identity, DELETE: None} for identity in gone]


def _changed_part(base: Mapping[str, Any], wanted: Mapping[str, Any]) -> Json:
    """Returns what of one part differs, with its id; what the wanted one leaves out of its parts is taken out."""
    part: Json = {"id": base["id"]}
    for key in PARTS:
        before, after = base.get(key), wanted.get(key)
        if key not in {*base, *wanted} or _is_same(before, after):
            continue
        if after is not None and not isinstance(after, list if key in ("scheduled_actions", "actions") else Mapping):
            raise UnusableBody(f"{key} has another form than Zoho's: it would take out all that stands there.")
        if key == "criteria_details":
            part[key] = _told_details(after) or None
        elif key == "instant_actions":
            # An empty list might take out all that stands there: it is not sent.
            if actions := _changed_parts(_actions(before), _actions(after), "action"):
                part[key] = {"actions": actions}
        elif parts := _changed_parts(_list(before), _list(after), "action" if key == "actions" else "scheduled group"):
            part[key] = parts
    for key, value in wanted.items():
        if key != "id" and key not in PARTS and not _is_same(base.get(key), value):
            part[key] = value
    return part


def _merged(base: list[Any], parts: list[Any]) -> list[Any]:
    kept = {_id(part): part for part in base if _id(part)}
    plain = [part for part in base if not _id(part)]
    added = []
    for part in parts:
        if not isinstance(part, Mapping):
            raise UnusableBody("A part of a list is no JSON object.")
        identity = _id(part)
        if DELETE in part:
            kept.pop(identity, None)
        elif identity in kept:
            kept[identity] = _merged_part(kept[identity], part)
        else:
            added.append(dict(part))
    return [*kept.values(), *plain, *added]


def _merged_part(base: Mapping[str, Any], part: Mapping[str, Any]) -> Json:
    found = dict(base)
    for key, value in part.items():
        if key == "instant_actions":
            found[key] = {**(base.get(key) or {}), "actions": _merged(_actions(base.get(key)), _actions(value))}
        elif key in ("scheduled_actions", "actions"):
            found[key] = _merged(_list(base.get(key)), _list(value))
        elif value is None:
            found.pop(key, None)
        else:
            found[key] = value
    return found


def _without_own_ids(condition: Any) -> Any:
    """Returns a condition without the ids that Zoho gave its own parts; shared actions keep theirs."""
    if not isinstance(condition, Mapping):
        return condition
    found = {key: value for key, value in condition.items() if key != "id" and value is not None}
    if isinstance(found.get("instant_actions"), Mapping):
        found["instant_actions"] = {"actions": [_new_action(one) for one in _actions(found["instant_actions"])]}
    if isinstance(found.get("scheduled_actions"), list):
        found["scheduled_actions"] = [_new_group(group) for group in found["scheduled_actions"]]
    return found


def _new_group(group: Any) -> Any:
    if not isinstance(group, Mapping):
        return group
    found = {key: value for key, value in group.items() if key != "id"}
    return found | {"actions": [_new_action(one) for one in _list(group.get("actions"))]}


def _new_action(action: Any) -> Any:
    if not isinstance(action, Mapping):
        return action
    left_out = {"associated_time"} if action.get("type") in ASSOCIATIVE else {"associated_time", "id"}
    return {key: value for key, value in action.items() if key not in left_out}


def actions_of(definition: Mapping[str, Any]) -> list[Json]:
    """Returns every action of a definition or body, instant ones first; those that are taken out are left out."""
    found: list[Any] = []
    for condition in _list(definition.get("conditions")):
        if isinstance(condition, Mapping):
            found += _actions(condition.get("instant_actions"))
            for group in _list(condition.get("scheduled_actions")):
                found += _list(group.get("actions")) if isinstance(group, Mapping) else []
    return [one for one in found if isinstance(one, dict) and DELETE not in one]


def _actions(value: Any) -> list[Any]:
    return _list(value.get("actions")) if isinstance(value, Mapping) else []


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _id(part: Any) -> str:
    return str(part.get("id") or "") if isinstance(part, Mapping) else ""


def _is_same(one: Any, other: Any) -> bool:
    return _canonical(one) == _canonical(other)


def _canonical(value: Any) -> str:
    return json.dumps(_bare(value), sort_keys=True)


def _bare(value: Any) -> Any:
    """Returns a structure without what is empty and what Zoho writes into it by itself."""
    if isinstance(value, Mapping):
        kept = {key: _bare(item) for key, item in value.items() if key != "associated_time"}
        return {key: item for key, item in kept.items() if item not in (None, "", [], {})} or None
    if isinstance(value, list):
        return [_bare(item) for item in value]
    return value


def _is_same_value(one: Any, other: Any) -> bool:
    """Returns whether two values are one: Zoho gives numbers back as texts, and texts as numbers."""
    numbers = [_number(one), _number(other)]
    if None not in numbers and not (isinstance(one, str) and isinstance(other, str)):
        return numbers[0] == numbers[1]
    return _plain(one) == _plain(other)


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    return Decimal(str(value)) if _NUMBER.fullmatch(str(value)) else None


def _plain(value: Any) -> str:
    if value is None or value == "":
        return ""
    return json.dumps(value) if isinstance(value, bool) else str(value)
