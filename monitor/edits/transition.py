"""Changes an edit's state, by compare-and-set on (id, state, fence) and with an audit entry.

Source: docs/reference/edits.md, "States of an edit" and "Invariants of an edit".
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from django.db import transaction

from monitor import audit
from monitor.hide_secrets import mask_of
from monitor.models import Edit, User
from monitor.privacy import SecretMask
from monitor.vault import VaultError

log = logging.getLogger(__name__)

State = Edit.State

# The fence goes up with each new send, so that a sender that woke up late cannot write over a later one's row.
EDGES: dict[str, frozenset[str]] = {
    State.WISHED: frozenset({State.SENDING, State.CANCELLED}),
    # Back to `wished`, or off, only with proof that nothing was done.
    State.SENDING: frozenset({State.WISHED, State.CANCELLED, State.DONE, State.REFUSED, State.UNKNOWN}),
    # Never again `wished` or `sending`. `done` and `refused` are Zoho's own words that came late.
    State.UNKNOWN: frozenset({State.DONE, State.REFUSED, State.SETTLED_DONE, State.SETTLED_NOT_DONE}),
    State.DONE: frozenset(),
    State.REFUSED: frozenset(),
    State.SETTLED_DONE: frozenset(),
    State.SETTLED_NOT_DONE: frozenset(),
    State.CANCELLED: frozenset(),
}


def move(
    edit: Edit,
    to: str,
    *,
    now: datetime,
    actor: User | None,
    note: str = "",
    durable: bool = False,
    **changes: Any,
) -> bool:
    """Takes an edit along one edge, if nobody else has moved it.

    Args:
        edit: as it was read; on success it is brought up to date, on failure left as it was.
        to: the state to go to.
        now: the present, aware.
        actor: the person behind it, None where the program found it out.
        note: why, for the audit trail; no personal data.
        durable: whether it must be committed when this returns (refused inside another transaction).
        changes: other columns to set with it.

    Returns:
        False when the row has been moved meanwhile; then nothing was written.

    Raises:
        ValueError: there is no such edge.
    """
    if to not in EDGES[edit.state]:
        raise ValueError(f"an edit cannot go from {edit.state} to {to}")
    before = edit.state
    if to in Edit.FINAL_STATES:
        changes |= {"settled_at": now, "next_check_at": None, "lease_until": None, "not_before": None}
        changes |= without_typed_secrets(edit)
    with transaction.atomic(durable=durable):
        if not _compare_and_set(edit, {}, {"state": to, **changes}):
            return False
        record(edit, actor, now, f"edit.{to}", {"from": before, "to": to, "note": note})
    _remember(edit, {"state": to, **changes})
    return True


def without_typed_secrets(edit: Edit) -> dict[str, Any]:
    """Returns what is kept of an edit's body and of what it wanted: no secret that a person typed into it.

    While an edit is open they stand in it as they were typed, for the worker has to send them.
    """
    try:
        mask = mask_of(edit.account)
    except VaultError:
        log.exception("edit %s: its secrets are hidden without digests", edit.pk)
        mask = SecretMask(None)
    return {"body": mask.hide(edit.body), "wanted": mask.hide(edit.wanted)}


def amend(edit: Edit, *, expect: dict[str, Any] | None = None, **changes: Any) -> bool:
    """Sets columns without leaving the state, by the same compare-and-set.

    Args:
        edit: as it was read; on success it is brought up to date.
        expect: further columns that must still have these values: a claim.
        changes: columns to set.

    Returns:
        False when the row has been changed meanwhile; then nothing was written.
    """
    if not _compare_and_set(edit, expect or {}, changes):
        return False
    _remember(edit, changes)
    return True


def record(edit: Edit, actor: User | None, now: datetime, action: str, detail: dict[str, Any]) -> None:
    """Writes down who did what to an edit; call it in the transaction that does it.

    Args:
        edit: whose account and thing the entry names.
        actor: the person behind it, None where the program found it out.
        now: the present, aware.
        action: such as ``"edit.wished"``.
        detail: what the trail keeps besides.
    """
    whole = {"subject": edit.subject, "id": edit.subject_id, "act": edit.act} | detail
    audit.record(actor, action, edit, now=now, account=edit.account_id, detail=whole)


def _compare_and_set(edit: Edit, expect: dict[str, Any], changes: dict[str, Any]) -> bool:
    row = Edit.objects.filter(pk=edit.pk, state=edit.state, fence=edit.fence, **expect)
    return row.update(**changes) == 1


def _remember(edit: Edit, changes: dict[str, Any]) -> None:
    for name, value in changes.items():
        setattr(edit, name, value)
