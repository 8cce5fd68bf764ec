"""Gives up dead senders, sends what is due, and finds out what became of what was sent.

Source: docs/reference/edits.md, "A lost answer to an edit" and "Invariants of an edit". Safe to run at any time, in any
number of processes; a lost or doubled run of it does no harm.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from monitor.edits.ask_zoho import NoProduct, look
from monitor.edits.client import OpenForEdits
from monitor.edits.lost_answer import SeenThing, conclude, next_check
from monitor.edits.send import Clock, send
from monitor.edits.transition import STATES, load, move, without_typed_secrets
from monitor.models import Edit
from monitor.sent_once.sending import is_due
from monitor.sent_once.sweep import (
    SweepCounts,
    advance_each,
    give_up_sender,
    is_dead,
    is_look_due,
    look_later,
    take_look,
)
from monitor.vault import VaultError
from monitor.zoho.errors import Wait, ZohoError

log = logging.getLogger(__name__)
State, Act, Subject = Edit.State, Edit.Act, Edit.Subject
Ref = tuple[int, str, str]  # an account's primary key, a kind of thing, and Zoho's id of the thing
# What moved without us is as new to the mirror as what we did.
WORTH_READING = frozenset({"moved", "gone", "name_taken"})


@dataclass
class EditReport(SweepCounts):
    """Counts what one sweep of edits did.

    Attributes:
        refs: things that should be read into the mirror again.
    """

    refs: list[Ref] = field(default_factory=list)

    def take_in(self, other: SweepCounts) -> None:
        super().take_in(other)
        if isinstance(other, EditReport):
            self.refs = list(dict.fromkeys([*self.refs, *other.refs]))


def sweep_edits(now_fn: Clock, *, open_account: OpenForEdits, limit: int = 20) -> EditReport:
    """Deals with the edits that are due: what people wait to see sent comes first.

    Args:
        now_fn: returns the present, aware.
        open_account: see `client.OpenForEdits`.
        limit: edits to ask Zoho about in this run; bounds its time.

    Returns:
        What was done. A fault of ours with one edit is logged and counted, and never keeps the others waiting.
    """
    due = due_edits(now_fn(), limit)
    return advance_each(
        due, lambda key: advance_edit(key, now_fn=now_fn, open_account=open_account), EditReport(), now_fn, "edit"
    )


def due_edits(now: datetime, limit: int) -> list[int]:
    """Returns the keys of edits that want something done: dead senders, wishes, then open outcomes."""
    dead = Edit.objects.filter(state=State.SENDING, lease_until__lt=now).values_list("pk", flat=True)
    wishes = Edit.objects.filter(Q(not_before=None) | Q(not_before__lte=now), state=State.WISHED)
    outcomes = Edit.objects.filter(state=State.UNKNOWN, next_check_at__lte=now, account__is_active=True)
    return [
        *dead,
        *wishes.order_by("requested_at", "pk").values_list("pk", flat=True)[:limit],
        *outcomes.order_by("next_check_at", "pk").values_list("pk", flat=True)[:limit],
    ]


def advance_edit(edit_id: int, *, now_fn: Clock, open_account: OpenForEdits) -> EditReport:
    """Takes one edit as far as it can go now; nothing happens to one that is not due.

    Raises:
        Edit.DoesNotExist: there is none.
    """
    report = EditReport()
    edit = load(edit_id)
    was_open = edit.is_open
    now = now_fn()
    if is_dead(edit, now):
        report.expired += give_up_sender(STATES, edit, next_check(edit.sent_at or now, now), now)
    elif is_due(edit, STATES, now):
        edit = send(edit_id, open_account=open_account, now_fn=now_fn)
        report.sent += 1
    elif edit.state == State.UNKNOWN and is_look_due(edit, now):
        report.checked += _check(edit, now, open_account) if edit.account.is_active else 0
    if was_open and not edit.is_open:
        report.settled += 1
        if edit.is_done or edit.code in WORTH_READING:
            report.refs += refs_of(edit)
    return report


def refs_of(edit: Edit) -> list[Ref]:
    """Returns what of the mirror an edit makes old."""
    if edit.subject == Subject.ORDER:
        return [(edit.account_id, Subject.RULE.value, rule_id) for rule_id in edit.wanted]
    return [(edit.account_id, edit.subject, edit.subject_id)] if edit.subject_id else []


def _check(edit: Edit, now: datetime, open_account: OpenForEdits) -> int:
    """Reads what Zoho shows, and draws the conclusion. Returns 1 if this process was the one to look."""
    sent_at = edit.sent_at or now
    following = next_check(sent_at, now)
    if not take_look(STATES, edit, following):
        return 0
    try:
        with open_account(edit.account, priority="people") as clients:
            seen = look(edit, clients)
    except Wait as wait:
        look_later(STATES, edit, wait, following, now)
        return 1
    except (ZohoError, VaultError, NoProduct) as error:
        log.warning("edit %s: its outcome could not be read: %s", edit.pk, error)
        return 1
    _draw(edit, seen, now, now - sent_at)
    return 1


def _draw(edit: Edit, seen: SeenThing, now: datetime, waited: timedelta) -> None:
    """Writes the conclusion down."""
    wanted = without_typed_secrets(edit)["wanted"]  # as what Zoho shows is read here
    outcome = conclude(edit.act, edit.base, edit.base_sha256, wanted, seen, waited)
    result = dict(seen.definition) if seen.definition else None
    if outcome == "done":
        changes: dict[str, Any] = {"subject_id": seen.id[:64]} if edit.act == Act.CREATE else {}
        answer = "The answer was lost, but Zoho shows that it was done."
        move(edit, State.SETTLED_DONE, now=now, actor=None, note="read", answer=answer, result=result, **changes)
    elif outcome == "not_done":
        answer = "The answer was lost, and Zoho shows that it was not done: ask again if it is still wanted."
        move(edit, State.SETTLED_NOT_DONE, now=now, actor=None, note="read", answer=answer, result=result)
