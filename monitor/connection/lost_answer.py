"""Decides what the end of a retry's or an edit's request proves; a lost answer proves nothing: it is unknown. Pure.

Unless it is proved that nothing was done, it may have been. Sources: docs/reference/retries.md, "What an answer
proves"; docs/reference/edits.md, "What an answer to an edit proves".
"""

from __future__ import annotations

from enum import Enum

from monitor.connection.budget import BudgetSpent
from monitor.zoho.errors import (
    ClientRefused,
    GrantRevoked,
    NotAvailable,
    NotSent,
    Refused,
    ScopeMissing,
    TokenRefused,
    Wait,
    ZohoError,
)


class Proof(Enum):
    """Names what is certain after a POST that gave no success."""

    HELD_BACK = "our own limit held it back: nothing was sent"
    NOT_SENT = "nothing left this machine"
    REFUSED_FOR_NOW = "Zoho refused it for now: nothing ran"
    REJECTED = "Zoho refused it: nothing ran"
    NOTHING = "nothing: it may have run"


def proof_of(error: Exception) -> Proof:
    """Returns what `error`, raised by `FlowClient.retry_execution`, proves."""
    if isinstance(error, BudgetSpent):
        return Proof.HELD_BACK
    # The last two come from the token end point alone, which is asked before anything is posted.
    if isinstance(error, NotSent | GrantRevoked | ClientRefused):
        return Proof.NOT_SENT
    if not isinstance(error, ZohoError) or not _has_envelope(error):
        return Proof.NOTHING
    if isinstance(error, TokenRefused | Wait):
        return Proof.REFUSED_FOR_NOW
    if isinstance(error, ScopeMissing | Refused | NotAvailable):
        return Proof.REJECTED
    return Proof.NOTHING


def _has_envelope(error: ZohoError) -> bool:
    """Whether it is a 4xx in Zoho's own words, or a 2xx that is nothing but a refusal.

    408 says that something on the way gave up, not that Zoho refused.
    """
    if error.status is None or not error.code:
        return False
    is_plain = isinstance(error, Refused) and 200 <= error.status < 300  # see `read_answer.read_once`
    return is_plain or (400 <= error.status < 500 and error.status != 408)
