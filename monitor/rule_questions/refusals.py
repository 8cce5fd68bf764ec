"""Turns what keeps Zoho from answering into a plain sentence."""

from __future__ import annotations

import math
from collections.abc import Callable

from monitor.connection import BudgetSpent
from monitor.privacy import mask_text
from monitor.zoho.errors import (
    BadAnswer,
    NotAvailable,
    NotFound,
    Refused,
    ScopeMissing,
    SignIn,
    Unreachable,
    Wait,
    ZohoError,
)


class NotAnsweredError(Exception):
    """Says in one sentence why there is no answer; nothing was changed in Zoho.

    Attributes:
        lacks_scope: whether Zoho refused for want of a scope.
    """

    def __init__(self, sentence: str, *, lacks_scope: bool = False) -> None:
        super().__init__(sentence)
        self.lacks_scope = lacks_scope


def sentence_of(error: ZohoError) -> str:
    """Says what happened, for people.

    Args:
        error: of a call that only reads.
    """
    said = next((say(error) for kind, say in _SENTENCES if isinstance(error, kind)), "")
    return said or f"Zoho did not answer: {mask_text(error.message)}"


def _patience(error: ZohoError) -> str:
    minutes = max(1, math.ceil((error.retry_after or 0) / 60))
    return f"Zoho asks for patience. Try again in {minutes} minute{'s' * (minutes != 1)}."


# The narrower kind stands before the wider one.
_SENTENCES: tuple[tuple[type[ZohoError], Callable[[ZohoError], str]], ...] = (
    (BudgetSpent, lambda error: f"The API calls of this account are used up for now: {mask_text(error.message)}."),
    (Wait, _patience),
    (ScopeMissing, lambda error: "The account's sign-in lacks a scope. Nothing was changed."),
    (SignIn, lambda error: f"Zoho refuses the account's sign-in. {error.hint}"),
    (NotFound, lambda error: "Zoho has no record with this id in the rule's module."),
    (NotAvailable, lambda error: f"Zoho does not let this account ask that: {mask_text(error.message)}"),
    (Refused, lambda error: f"Zoho refuses the question: {mask_text(error.message)}"),
    (Unreachable, lambda error: "Zoho gave no answer. Nothing was changed; ask again in a while."),
    (
        BadAnswer,
        lambda error: "What came back is not an answer of Zoho's. Nothing was changed; ask again in a while.",
    ),
)
