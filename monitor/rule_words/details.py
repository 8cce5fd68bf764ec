"""Says in a short line what an action does in particular: field and value, a task's subject, a mail's template. Pure.

The sentence of `say` names an action; this line stands below it and is not read back. Mask both before, for a page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from monitor.languages import gettext as _
from monitor.languages import gettext_noop, ngettext, pgettext
from monitor.rule_words.names import field_words, label, quote, value_words
from monitor.zoho.shapes.rule_definition import RuleAction

# What is known of shared actions, by their kind and id in Zoho's spelling.
KnownActions = Mapping[tuple[str, str], Any]
NOTHING_KNOWN: KnownActions = {}
MOST_SAID = 6
LONGEST_SAID = 120  # characters of one value
# Said by the sentence itself, or of no worth to people; and whom an owner's name is, people alone know.
_OF_THE_SENTENCE = frozenset({"tags", "over_write", "overwrite", "module", "id", "color_code"})
_NAMING_PEOPLE = frozenset({"assign_owner"})


_OF_TASKS = {
    "due": gettext_noop("due %(value)s"),
    "priority": gettext_noop("priority %(value)s"),
    "status": gettext_noop("status %(value)s"),
}


def detail_words(action: RuleAction, known: KnownActions = NOTHING_KNOWN) -> str:
    """Says what an action does in particular; "" where nothing is known that its name does not say.

    Args:
        action: of a rule.
        known: of the account's shared actions.
    """
    fact = known.get((action.type, action.id))
    if isinstance(fact, str) and action.type == "webhooks":
        return _("calls %(address)s") % {"address": fact} if fact else ""
    parts: list[str] = []
    if isinstance(fact, Mapping) and (say := _OF_SHARED.get(action.type)) is not None:
        parts = list(say(fact))
    if action.type not in _NAMING_PEOPLE:
        parts += _of_rule(action.details)
    return _joined(parts)


def _field_update(fact: Mapping[str, Any]) -> Iterator[str]:
    field, value = fact.get("field"), fact.get("value")
    if not isinstance(field, str) or not field:
        yield _("sets a field of a related record")
    elif value is None:
        yield _("sets %(field)s; to what, Zoho's list does not say") % {"field": field_words(field)}
    else:
        yield _("sets %(field)s to %(value)s") % {"field": field_words(field), "value": _short(value_words(value))}


def _task(fact: Mapping[str, Any]) -> Iterator[str]:
    if subject := fact.get("subject"):
        yield _("subject %(text)s") % {"text": quote(_short(str(subject)))}
    for name, words in _OF_TASKS.items():
        if value := fact.get(name):
            yield _(words) % {"value": _short(str(value))}


def _mail(fact: Mapping[str, Any]) -> Iterator[str]:
    if template := fact.get("template"):
        yield _("template %(text)s") % {"text": quote(_short(str(template)))}
    for way, kind, count in fact.get("ways") or ():
        words = quote(str(kind).replace("_", " ")) if kind else _("unknown")
        said = ngettext("%(n)s recipient of kind %(kind)s", "%(n)s recipients of kind %(kind)s", count)
        yield f"{pgettext('mail', 'to') if way == 'to' else way} {said % {'n': count, 'kind': words}}"


_OF_SHARED = {"field_updates": _field_update, "tasks": _task, "email_notifications": _mail}


def _of_rule(details: Mapping[str, Any]) -> list[str]:
    """Says what stands in the rule itself, as far as it is plain."""
    found = []
    for key, value in details.items():
        if key == "field_mappings" and isinstance(value, list):
            found += [words for item in value if (words := _mapping(item))]
        elif key not in _OF_THE_SENTENCE and (words := _plain(value)):
            found.append(f"{label(key).lower()}: {words}")
    return found


def _mapping(item: Any) -> str:
    if not isinstance(item, Mapping):
        return ""
    field = item.get("field")
    name = field.get("api_name") if isinstance(field, Mapping) else field
    words = _plain(item.get("display_value")) or _plain(item.get("value"))
    return f"{field_words(name)}: {words}" if isinstance(name, str) and words else ""


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, str | int | float):
        return _short(str(value))
    name = value.get("api_name") if isinstance(value, Mapping) else None
    return _short(label(name)) if isinstance(name, str) else ""


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_SAID else f"{text[:LONGEST_SAID]}…"


def _joined(parts: list[str]) -> str:
    more = len(parts) - MOST_SAID
    return ", ".join(parts[:MOST_SAID]) + (_(" and %(n)s more") % {"n": more} if more > 0 else "")
