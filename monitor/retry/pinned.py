"""Decides what an admin's word about a flow means for the retry of one of its runs. Pure.

What is said holds for the actions that the flow had then. A flow that has got others since is no longer the one whose
work may be repeated; and of which actions may be repeated each is named, so that a new one never is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

PinnedClass = Literal["safe", "unsafe", "unknown"]
Effect = Literal["safe", "objects", "nothing"]
NAMED = 3  # actions in a sentence
_SAYS: dict[str, str] = {
    "safe": "that this flow's work may be repeated",
    "unsafe": "that this flow's work must not be repeated",
    "unknown": "that nobody knows whether this flow's work may be repeated",
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
        return f"{self.who} said on {self.at:%Y-%m-%d} {_SAYS[self.kind]}: {_sentence(self.reason)}"

    @property
    def new_actions(self) -> list[str]:
        """Returns what people call the actions that have come since."""
        return [name for key, name in self.actions if key not in self.known]

    @property
    def since(self) -> str:
        """Returns what has changed since, "" where nothing has."""
        if self.changed_at is None:
            return ""
        text = f"The flow was changed since, on {self.changed_at:%Y-%m-%d}"
        if self.is_unread:
            return f"{text}; what it is made of now is not read yet."
        new = self.new_actions
        if not new:
            return f"{text}, without a new action."
        more = f" and {len(new) - NAMED} more" if len(new) > NAMED else ""
        return f"{text}; of its new actions nothing is said: {', '.join(new[:NAMED])}{more}."

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
        return ("safe", told) if word.counts else ("nothing", [*told, "So it does not count for this run."])
    done = _may_be_done(word, failed_action)
    if done and not word.is_unread and done <= word.repeatable:
        return "nothing", [*told, f"What this run has done may be repeated, {word.who} said."]
    return "objects", told


def _may_be_done(word: PinnedWord, failed_action: str) -> frozenset[str]:
    """Returns the actions that a run may have done: all up to the one that failed, which may have done its work too."""
    keys = [key for key, _ in word.actions]
    return frozenset(keys[: keys.index(failed_action) + 1] if failed_action in keys else keys)


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."
