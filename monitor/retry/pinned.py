"""Decides what an admin's word about a flow means for the retry of one of its runs. Pure.

What is said holds for the actions that the flow had then. A flow that has got others since is no longer the one whose
work may be repeated; and of which actions may be repeated each is named, so that a new one never is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from monitor.figures import dated, number
from monitor.languages import gettext as _
from monitor.languages import gettext_noop

PinnedClass = Literal["safe", "unsafe", "unknown"]
Effect = Literal["safe", "objects", "nothing"]
NAMED = 3  # actions in a sentence
_SAYS: dict[str, str] = {
    "safe": gettext_noop("%(who)s said on %(day)s that this flow's work may be repeated: %(why)s"),
    "unsafe": gettext_noop("%(who)s said on %(day)s that this flow's work must not be repeated: %(why)s"),
    "unknown": gettext_noop(
        "%(who)s said on %(day)s that nobody knows whether this flow's work may be repeated: %(why)s"
    ),
}


@dataclass(frozen=True, slots=True)
class PinnedWord:
    """Holds what an admin said of a flow, and what has changed since.

    Attributes:
        kind: the class of its retries.
        who: the admin.
        at: when, aware.
        reason: as people may see it.
        repeatable: ids of actions that may be repeated whatever the class.
        known: ids of the actions that the flow had then.
        actions: of the flow now, in their order: id and what people call it.
        changed_at: when the flow was changed since; None where it was not.
        is_unread: it was changed, and what it is made of now has not been read.
    """

    kind: PinnedClass
    who: str
    at: datetime
    reason: str
    repeatable: frozenset[str] = frozenset()
    known: frozenset[str] = frozenset()
    actions: tuple[tuple[str, str], ...] = ()
    changed_at: datetime | None = None
    is_unread: bool = False

    @property
    def said(self) -> str:
        """Returns who said what, and why."""
        return _(_SAYS[self.kind]) % {"who": self.who, "day": _day(self.at), "why": _sentence(self.reason)}

    @property
    def new_actions(self) -> list[str]:
        """Returns what people call the actions that have come since."""
        return [name for key, name in self.actions if key not in self.known]

    @property
    def since(self) -> str:
        """Returns what has changed since, "" where nothing has."""
        if self.changed_at is None:
            return ""
        new = self.new_actions
        told = {"day": _day(self.changed_at), "names": ", ".join(new[:NAMED]), "n": number(len(new) - NAMED)}
        if self.is_unread:
            return _("The flow was changed since, on %(day)s; what it is made of now is not read yet.") % told
        if not new:
            return _("The flow was changed since, on %(day)s, without a new action.") % told
        if len(new) > NAMED:
            words = _(
                "The flow was changed since, on %(day)s; of its new actions nothing is said: %(names)s and %(n)s more."
            )
            return words % told
        return _("The flow was changed since, on %(day)s; of its new actions nothing is said: %(names)s.") % told

    @property
    def counts(self) -> bool:
        """Returns whether that its work may be repeated still holds for all of it."""
        return not self.is_unread and not self.new_actions


def weigh(word: PinnedWord, failed_action: str) -> tuple[Effect, list[str]]:
    """Returns what it means for a run, with sentences that say so.

    Args:
        word: about its flow.
        failed_action: Zoho's id of the action that failed; "" where it is not known: then all may have been done.

    Returns:
        `safe`: done twice, it does no harm. `objects`: somebody has to accept the risk. `nothing`: the verdict stays.
    """
    told = [word.said, word.since] if word.since else [word.said]
    if word.kind == "safe":
        return ("safe", told) if word.counts else ("nothing", [*told, _("So it does not count for this run.")])
    done = _may_be_done(word, failed_action)
    if done and not word.is_unread and done <= word.repeatable:
        return "nothing", [*told, _("What this run has done may be repeated, %(who)s said.") % {"who": word.who}]
    return "objects", told


def _may_be_done(word: PinnedWord, failed_action: str) -> frozenset[str]:
    """Returns the actions that a run may have done: all up to the one that failed, which may have done its work too."""
    keys = [key for key, __ in word.actions]
    return frozenset(keys[: keys.index(failed_action) + 1] if failed_action in keys else keys)


def _day(at: datetime) -> str:
    return dated(f"{at:%Y-%m-%d}")


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."
