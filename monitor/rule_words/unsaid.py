"""Finds what the sentence of a rule leaves out, and why: the sentence is read back and compared. Pure.

Differences that mean the same are none: null and missing, what `one_spelling` makes one, `"type": "value"`, a trigger's
module that is the rule's, `repeat` and `match_all` that are false, the module of tags that is the rule's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from monitor import languages
from monitor.rule_words.read_back import SentenceError, read_back
from monitor.rule_words.say import fields_of, say
from monitor.zoho.shapes.base import Json
from monitor.zoho.shapes.rule_definition import (
    RuleDefinition,
    RuleTrigger,
    read_rule_definition,
    rule_definition_json,
)
from monitor.zoho.shapes.rule_spelling import one_spelling

# What a sentence is about; name, description and state stand beside it on a page.
SAID = ("module", "execute_when", "conditions")
NOT_READ = "its words cannot be read back"
_TAGGING = ("add_tags", "remove_tags")  # no set: a type may be anything, what cannot be hashed too


class Unsaid(NamedTuple):
    """Names a part of a definition that its sentence does not hold; `path` as in JSON paths, `why` for people."""

    path: str
    why: str


def unsaid(definition: RuleDefinition) -> list[Unsaid]:
    """Lists what a rule's sentence leaves out, in the order of the definition; empty where it says everything.

    Args:
        definition: the rule.
    """
    read = _read(definition)
    if read is None:
        return _not_read(definition)
    whole, back = (same_meaning(rule_definition_json(one)) for one in (definition, read))
    return list(_differences(whole, back, "$"))


def _read(definition: RuleDefinition) -> RuleDefinition | None:
    try:
        with languages.speaking(languages.SOURCE):  # the one language that is read back
            return read_back(say(definition).text, fields_of(definition))
    except SentenceError:
        return None


def _not_read(definition: RuleDefinition) -> list[Unsaid]:
    """Names the parts whose words cannot be read back, each looked at by itself."""
    whole = [Unsaid("$.execute_when", NOT_READ)] if _read(replace(definition, conditions=())) is None else []
    for place, condition in enumerate(definition.in_order):
        alone = replace(definition, trigger=RuleTrigger(""), conditions=(condition,))
        if _read(alone) is None:
            whole.append(Unsaid(f"$.conditions[{place}]", NOT_READ))
    return whole or [Unsaid(f"$.{part}", NOT_READ) for part in ("execute_when", "conditions")]


def same_meaning(raw: Mapping[str, Any]) -> Json:
    """Brings the part of a rule that sentences are about into one form for each meaning.

    Args:
        raw: a rule's JSON.
    """
    definition = read_rule_definition(raw)
    in_order = rule_definition_json(replace(definition, conditions=definition.in_order))
    plain: Json = _plain(one_spelling({key: in_order.get(key) for key in SAID}), definition.module)
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
