"""Finds what the sentence of a rule leaves out, and why: the sentence is read back and compared. Pure.

Differences that mean the same are none: null and missing, `"type": "value"`, a trigger's module that is the rule's,
`repeat` and `match_all` that are false, the module of tags that is the rule's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from monitor.rule_words.read_back import read_back
from monitor.rule_words.say import fields_of, say
from monitor.zoho.shapes.base import Json
from monitor.zoho.shapes.rule_definition import RuleDefinition, read_rule_definition, rule_definition_json

# What a sentence is about; name, description and state stand beside it on a page.
SAID = ("module", "execute_when", "conditions")
_TAGGING = frozenset({"add_tags", "remove_tags"})


class Unsaid(NamedTuple):
    """Names a part of a definition that its sentence does not hold; `path` as in JSON paths, `why` for people."""

    path: str
    why: str


def unsaid(definition: RuleDefinition) -> list[Unsaid]:
    """Lists what a rule's sentence leaves out, in the order of the definition; empty where it says everything.

    Args:
        definition: the rule.
    """
    read = read_back(say(definition).text, fields_of(definition))
    whole, back = (same_meaning(rule_definition_json(one)) for one in (definition, read))
    return list(_differences(whole, back, "$"))


def same_meaning(raw: Mapping[str, Any]) -> Json:
    """Brings the part of a rule that sentences are about into one form for each meaning.

    Args:
        raw: a rule's JSON.
    """
    plain: Json = _plain({key: raw.get(key) for key in SAID}, read_rule_definition(raw).module)
    return plain


def _plain(value: Any, module: str) -> Any:
    if isinstance(value, list):
        return [_plain(item, module) for item in value]
    if not isinstance(value, Mapping):
        return value
    inner = {key: _plain(item, module) for key, item in value.items()}
    if inner.get("type") in _TAGGING and isinstance(inner.get("details"), dict):
        _drop_name(inner["details"], "module", module)
    if inner.get("type") == "value":
        del inner["type"]
    _drop_name(inner, "trigger_module", module)
    for flag in ("repeat", "match_all"):
        if inner.get(flag) is False:
            del inner[flag]
    return {key: item for key, item in inner.items() if item not in (None, [], {})}


def _drop_name(inner: Json, key: str, module: str) -> None:
    """Takes the API name of the rule's own module out of an object; what else it holds stays."""
    value = inner.get(key)
    if module and isinstance(value, Mapping) and value.get("api_name") == module:
        inner[key] = {name: item for name, item in value.items() if name != "api_name"}
        if not inner[key]:
            del inner[key]


def _differences(whole: Any, back: Any, path: str) -> Iterator[Unsaid]:
    if isinstance(whole, dict | None) and isinstance(back, dict | None) and whole != back:
        whole, back = whole or {}, back or {}
        for key in [*whole, *(key for key in back if key not in whole)]:
            yield from _differences(whole.get(key), back.get(key), f"{path}.{key}")
    elif isinstance(whole, list) and isinstance(back, list) and len(whole) == len(back):
        for place, (one, other) in enumerate(zip(whole, back, strict=True)):
            yield from _differences(one, other, f"{path}[{place}]")
    elif type(whole) is not type(back) or whole != back:
        yield Unsaid(path, _why(whole, back, path.rpartition(".")[2]))


def _why(whole: Any, back: Any, key: str) -> str:
    """Says in words why a part is not in the sentence."""
    if whole is None:
        return "Zoho does not say it, and the sentence takes it for what is usual"
    if key == "id":
        return "ids are not said"
    if key == "color_code":
        return "colours are not said"
    if isinstance(whole, int | float) and not isinstance(whole, bool) and str(whole) == str(back):
        return "a number reads like a text of the same digits"
    if key == "group_operator":
        return "how a group of one is joined is not said"
    if key in {"value", "details"} or isinstance(whole, dict | list):
        return "it consists of several parts, and not all are said"
    return "there are no words for it"
