"""Does what people ask for: asks for an edit, calls it off, settles one whose outcome stayed unknown."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from monitor.access import may
from monitor.edits import transition
from monitor.edits.acts import kind_of
from monitor.edits.drafts import EditDraft
from monitor.languages import gettext as _
from monitor.models import Edit, User
from monitor.privacy import mask_name
from monitor.sent_once.timing import BY_HAND_AFTER

State = Edit.State
REASON_LIMIT = 500  # characters
TOKEN_LIMIT = 64


class EditRefused(Exception):  # noqa: N818 - it says what happened, like the tree of `zoho.errors`
    """Says that it cannot be done, and nothing was done.

    Attributes:
        message: one line for the person.
        code: for programs: not_permitted, account_paused, reason_missing, reason_long, bad_token, token_used,
            open_edit, not_confirmed, too_late, too_early, not_unknown, or an objection's of `check` and `drafts`.
    """

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


def request_edit(
    draft: EditDraft, user: User, reason: str, client_token: str, now: datetime, *, typed_name: str = ""
) -> Edit:
    """Writes down the wish to change something at Zoho; `send.send` carries it out.

    Args:
        draft: what was shown and confirmed.
        user: who asks.
        reason: why, 1 to 500 characters, kept for good.
        client_token: 1 to 64 characters, made with the form: posted twice, it gives the same row again.
        now: the present, aware.
        typed_name: of what cannot be brought back as it was, its name as the person typed it.

    Raises:
        EditRefused: not allowed, not possible, or not a usable form; nothing was written.
    """
    reason = usable_reason(reason)
    if not client_token or len(client_token) > TOKEN_LIMIT:
        raise EditRefused(_("The form has no usable token; load the page again."), "bad_token")
    if not may(user, "edits", draft.account):
        raise EditRefused(_("You may not change automation."), "not_permitted")
    if not draft.account.is_active:
        raise EditRefused(_("The account is paused."), "account_paused")
    if earlier := _by_token(client_token, draft, user):
        return earlier
    if draft.objections:
        raise EditRefused(draft.objections[0].message, draft.objections[0].code)
    if kind_of(draft.subject, draft.act).is_final and typed_name.strip() not in _names_of(draft):
        raise EditRefused(_("Type the name exactly as it stands above, to confirm."), "not_confirmed")
    try:
        with transaction.atomic():
            return _insert(draft, user, reason, client_token, now)
    except IntegrityError:
        # Somebody was faster: with this very form, or with another one.
        if earlier := _by_token(client_token, draft, user):
            return earlier
        raise EditRefused(_("Another change of it is still open."), "open_edit") from None


def _names_of(draft: EditDraft) -> set[str]:
    return {draft.name.strip(), mask_name(draft.name).strip(), *({draft.subject_id} if not draft.name else ())} - {""}


def _insert(draft: EditDraft, user: User, reason: str, client_token: str, now: datetime) -> Edit:
    edit = Edit.objects.create(
        account=draft.account,
        subject=draft.subject,
        subject_id=draft.subject_id,
        subject_key=draft.subject_key,
        name=draft.name[:500],
        module=draft.module,
        act=draft.act,
        body=draft.body,
        base=draft.base,
        base_sha256=draft.base_sha256,
        wanted=draft.wanted,
        requested_by=user,
        requested_at=now,
        reason=reason,
        client_token=client_token,
        undoes=draft.undoes,
    )
    detail = {"from": "", "to": State.WISHED, "reason": reason}
    if draft.undoes is not None:
        detail["undoes"] = str(draft.undoes.pk)
    transition.record(edit, user, now, "edit.wished", detail)
    return edit


def cancel_edit(edit: Edit, user: User, now: datetime) -> Edit:
    """Calls off an edit that has not been sent.

    Raises:
        EditRefused: not permitted, or too late.
    """
    edit = _reread(edit)
    if not may(user, "edits", edit.account):
        raise EditRefused(_("You may not call off changes."), "not_permitted")
    answer = "Called off before it was sent."
    if edit.state != State.WISHED or not transition.move(
        edit, State.CANCELLED, now=now, actor=user, note="called off", answer=answer, code="called_off"
    ):
        raise EditRefused(_("It is too late: the change has been sent or is over."), "too_late")
    return edit


def settle_by_hand(edit: Edit, user: User, reason: str, now: datetime, *, was_done: bool) -> Edit:
    """Closes an edit whose outcome stayed unknown: a named person has looked at Zoho.

    Args:
        edit: of unknown outcome.
        user: who has looked.
        reason: how they know.
        now: the present, aware.
        was_done: what they saw.

    Raises:
        EditRefused: not permitted, no reason, not unknown, or within 15 minutes of the request.
    """
    reason = usable_reason(reason)
    edit = _reread(edit)
    if not may(user, "edits", edit.account):
        raise EditRefused(_("You may not settle changes."), "not_permitted")
    if edit.state != State.UNKNOWN:
        raise EditRefused(_("Only a change of unknown outcome can be settled by hand."), "not_unknown")
    if edit.sent_at is not None and now < edit.sent_at + BY_HAND_AFTER:
        raise EditRefused(_("It is still being read from Zoho: wait until 15 minutes after it was sent."), "too_early")
    to = State.SETTLED_DONE if was_done else State.SETTLED_NOT_DONE
    answer = f"Settled by {user.get_username()}: it was {'' if was_done else 'not '}done."
    if not transition.move(edit, to, now=now, actor=user, note=reason, answer=answer):
        raise EditRefused(_("Its outcome has just become known."), "not_unknown")
    return edit


def usable_reason(reason: str) -> str:
    """Returns a reason as it is kept: one line.

    Raises:
        EditRefused: it is empty or too long.
    """
    reason = " ".join(reason.replace("\0", "").split())
    if not reason:
        raise EditRefused(_("Say why it is changed."), "reason_missing")
    if len(reason) > REASON_LIMIT:
        raise EditRefused(_("The reason is longer than %(n)s characters.") % {"n": REASON_LIMIT}, "reason_long")
    return reason


def _reread(edit: Edit) -> Edit:
    return Edit.objects.select_related("account").get(pk=edit.pk)


def _by_token(client_token: str, draft: EditDraft, user: User) -> Edit | None:
    """Returns the row this form has already made.

    Raises:
        EditRefused: the token belongs to somebody else's form, or to another thing's.
    """
    found = Edit.objects.select_related("account").filter(client_token=client_token).first()
    if found is None:
        return None
    is_same = (found.account_id, found.subject_key, found.act) == (draft.account.pk, draft.subject_key, draft.act)
    if not is_same or found.requested_by_id != user.pk:
        raise EditRefused(_("This form has been used for something else; load the page again."), "token_used")
    return found
