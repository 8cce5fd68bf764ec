"""Says which states of an edit follow which, and moves it: by compare-and-set and with an audit entry.

Source: docs/reference/edits.md, "States of an edit" and "Invariants of an edit".
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from monitor import audit
from monitor.hide_secrets import mask_of
from monitor.models import Edit, User
from monitor.privacy import SecretMask
from monitor.sent_once.states import WishStates
from monitor.vault import VaultError

log = logging.getLogger(__name__)

State = Edit.State

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


def load(edit_id: int) -> Edit:
    """Returns an edit with all that sending and settling need.

    Raises:
        Edit.DoesNotExist: there is none.
    """
    return Edit.objects.select_related("account", "requested_by").get(pk=edit_id)


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


def _contradicted(edit: Edit, to: str, now: datetime) -> None:
    """Writes down that Zoho's own word came after an edit was settled, and says otherwise; the state stays."""
    was_done, says_done = edit.is_done, to == State.DONE
    if edit.is_open or was_done == says_done:
        return
    log.error("edit %s: settled as %s, but Zoho's late answer says %s", edit.pk, edit.state, to)
    record(edit, None, now, "edit.contradicted", {"state": edit.state, "zoho_said": to})


STATES = WishStates(
    noun="edit",
    waiting=State.WISHED,
    edges=EDGES,
    load=load,
    record=record,
    at_the_end=without_typed_secrets,
    contradicted=_contradicted,
)
move, amend, move_late = STATES.move, STATES.amend, STATES.move_late
