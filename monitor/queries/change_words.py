"""Puts what was changed at Zoho into words, with personal data hidden. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from monitor.figures import number
from monitor.languages import gettext as _
from monitor.languages import gettext_noop, ngettext, ngettext_noop
from monitor.privacy import mask_text
from monitor.queries.versions import change_text

MOST_TOLD = 3
_LONGEST = 60  # characters of a value or a path
# The last name of a path under which flows, rules and connected workflows are switched, and what is off there.
_SWITCHES = ("status", "active")
_OFF = frozenset(
    {"inactive", "disabled", "deactivated", "paused", "suspended", "stopped", "draft", "off", "false", "no"}
)
_ON = frozenset({"active", "enabled", "on", "true", "yes"})
# What was done to what stands at a path.
_VERBS = {
    "added": gettext_noop("%(path)s added"),
    "removed": gettext_noop("%(path)s removed"),
    "moved": gettext_noop("%(path)s in another order"),
    "secret": gettext_noop("%(path)s another secret"),
}
_FIELDS = ngettext_noop("%(n)s field", "%(n)s fields")
_MORE = ngettext_noop("%(n)s more field", "%(n)s more fields")


def switched(changes: Sequence[Mapping[str, Any]]) -> str:
    """Says whether changes of a definition switched the thing: "on", "off", or "" for neither.

    Args:
        changes: as `monitor.definition_diff.diff` makes them.
    """
    for change in changes:
        path = [str(part) for part in change.get("path", [])]
        if not 1 <= len(path) <= 2 or path[-1] not in _SWITCHES or (len(path) == 2 and path[0] != "status"):
            continue
        before, after = (str(change.get(side, "")).casefold() for side in ("before", "after"))
        if after in _OFF and before not in _OFF:
            return "off"
        if after in _ON and before not in _ON:
            return "on"
    return ""


def changes_in_words(changes: Sequence[dict[str, Any]], count: int) -> list[str]:
    """Says which fields of a definition were changed: the first few, and how many more there are.

    Args:
        changes: those that are kept, in the order of their paths.
        count: of all.
    """
    told = [_in_words(change) for change in changes[:MOST_TOLD]]
    more = count - len(told)
    if more > 0:
        words = _MORE if told else _FIELDS
        told.append(ngettext(*words, more) % {"n": number(more)})
    return told


def _in_words(change: dict[str, Any]) -> str:
    text = change_text(change)
    path = _cut(text.path) or _("the whole definition")
    if text.kind in _VERBS:
        value = text.after if text.kind == "added" else text.before if text.kind == "removed" else ""
        return _(_VERBS[text.kind]) % {"path": path} + (f": {_cut(value)}" if _is_short(value) else "")
    if _is_short(text.before) and _is_short(text.after):
        return f"{path}: {_cut(text.before)} → {_cut(text.after)}"
    return _("%(path)s changed") % {"path": path}


def _is_short(value: str) -> bool:
    """Says whether a value is worth a line of a list: one word or sentence, and no structure."""
    return bool(value) and "\n" not in value and not value.startswith(("{", "["))


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"


def status_in_words(before: str, status: str) -> str:
    """Says from which status to which a connection went, in Zoho's words."""
    was, now = (mask_text(word) or _("without a status") for word in (before, status))
    return f"{was} → {now}"
