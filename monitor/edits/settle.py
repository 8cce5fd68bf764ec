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

from monitor.edits import conclude
from monitor.edits.ask_zoho import NoProduct, look
from monitor.edits.client import OpenForEdits
from monitor.edits.conclude import SeenThing
from monitor.edits.send import Clock, load, send
from monitor.edits.transition import amend, move, without_typed_secrets
from monitor.models import Edit
from monitor.vault import VaultError
from monitor.zoho.errors import Wait, ZohoError

log = logging.getLogger(__name__)
State, Act, Subject = Edit.State, Edit.Act, Edit.Subject
Ref = tuple[int, str, str]  # an account's primary key, a kind of thing, and Zoho's id of the thing
# What moved without us is as new to the mirror as what we did.
WORTH_READING = frozenset({"moved", "gone", "name_taken"})


@dataclass
class EditReport:
    """Holds what one sweep of edits did.

    Attributes:
        expired: senders given up for dead.
        sent: wishes taken up (sent, put off or called off).
        checked: open outcomes looked at.
        settled: edits that reached their end.
        errors: edits that could not be dealt with for a fault of ours; they are in the log.
        refs: things that should be read into the mirror again.
    """

    expired: int = 0
    sent: int = 0
    checked: int = 0
    settled: int = 0
    errors: int = 0
    refs: list[Ref] = field(default_factory=list)

    def add(self, other: EditReport) -> None:
        """Takes another report's figures in."""
        for name, value in other.summary().items():
            setattr(self, name, getattr(self, name) + value)
        self.refs = list(dict.fromkeys([*self.refs, *other.refs]))

    def summary(self) -> dict[str, int]:
        """Returns the figures, for the row that a run of a stage leaves."""
        return {name: getattr(self, name) for name in ("expired", "sent", "checked", "settled", "errors")}


def sweep_edits(now_fn: Clock, *, open_account: OpenForEdits, limit: int = 20) -> EditReport:
    """Deals with the edits that are due: what people wait to see sent comes first.

    Args:
        now_fn: returns the present, aware.
        open_account: see `client.OpenForEdits`.
        limit: edits to ask Zoho about in this run; bounds its time.

    Returns:
        What was done. A fault of ours with one edit is logged and counted, and never keeps the others waiting.
    """
    now = now_fn()
    report = EditReport()
    for edit_id in due_edits(now, limit):
        if now_fn() - now > conclude.SWEEP_SPAN:
            break
        try:
            report.add(advance_edit(edit_id, now_fn=now_fn, open_account=open_account))
        except Exception:
            log.exception("edit %s could not be advanced", edit_id)
            report.errors += 1
    return report


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
    if edit.state == State.SENDING and edit.lease_until is not None and edit.lease_until < now:
        report.expired += _give_up_sender(edit, now)
    elif edit.state == State.WISHED and (edit.not_before is None or edit.not_before <= now):
        edit = send(edit_id, open_account=open_account, now_fn=now_fn)
        report.sent += 1
    elif edit.state == State.UNKNOWN and edit.next_check_at is not None and edit.next_check_at <= now:
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


def _give_up_sender(edit: Edit, now: datetime) -> int:
    """Gives up a sender that died: whether it sent is not known, so it is never sent again."""
    check = conclude.next_check(edit.sent_at or now, now)
    answer = "The process that was sending it ended before it could note the answer."
    note = "the process that was sending it is gone"
    return move(
        edit, State.UNKNOWN, now=now, actor=None, note=note, answer=answer, next_check_at=check, lease_until=None
    )


def _check(edit: Edit, now: datetime, open_account: OpenForEdits) -> int:
    """Reads what Zoho shows, and draws the conclusion. Returns 1 if this process was the one to look."""
    sent_at = edit.sent_at or now
    following = conclude.next_check(sent_at, now)
    # The claim is the next time itself: whoever moves it looks, and one that dies has only skipped a turn.
    if not amend(edit, expect={"checks": edit.checks}, checks=edit.checks + 1, next_check_at=following):
        return 0
    try:
        with open_account(edit.account, priority="people") as clients:
            seen = look(edit, clients)
    except Wait as wait:
        later = now + timedelta(seconds=wait.retry_after)
        if following is not None and later > following:
            amend(edit, next_check_at=later)
        return 1
    except (ZohoError, VaultError, NoProduct) as error:
        log.warning("edit %s: its outcome could not be read: %s", edit.pk, error)
        return 1
    _draw(edit, seen, now, now - sent_at)
    return 1


def _draw(edit: Edit, seen: SeenThing, now: datetime, waited: timedelta) -> None:
    """Writes the conclusion down."""
    wanted = without_typed_secrets(edit)["wanted"]  # as what Zoho shows is read here
    outcome = conclude.conclude(edit.act, edit.base, edit.base_sha256, wanted, seen, waited)
    result = dict(seen.definition) if seen.definition else None
    if outcome == "done":
        changes: dict[str, Any] = {"subject_id": seen.id[:64]} if edit.act == Act.CREATE else {}
        answer = "The answer was lost, but Zoho shows that it was done."
        move(edit, State.SETTLED_DONE, now=now, actor=None, note="read", answer=answer, result=result, **changes)
    elif outcome == "not_done":
        answer = "The answer was lost, and Zoho shows that it was not done: ask again if it is still wanted."
        move(edit, State.SETTLED_NOT_DONE, now=now, actor=None, note="read", answer=answer, result=result)
