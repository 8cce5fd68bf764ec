"""Asks who wanted a change of automation to look in Zoho what became of it."""

from __future__ import annotations

from datetime import tzinfo

from django.urls import reverse
from django.utils.translation import gettext_noop

from monitor.models import Edit, Occasion
from monitor.notify.compose import in_words, whole
from monitor.notify.kinds.kind import Letter, MailKind, page_of
from monitor.notify.kinds.of_problem import QUOTE_LENGTH
from monitor.notify.words import clean, shorten
from monitor.privacy import mask_name, mask_text

State = Edit.State


def _letter(occasion: Occasion, zone: tzinfo) -> Letter:
    edit = occasion.edit
    if edit is None:
        raise ValueError("the occasion is not about a change")
    unknown = Edit.objects.filter(requested_by=occasion.recipient_id, state=State.UNKNOWN).count()
    rows = [("Change", Edit.Act(edit.act).label), (Edit.Subject(edit.subject).label, _name_of(edit))]
    rows += [(label, _said(text)) for label, text in (("Answer", edit.answer), ("Why", edit.reason))]
    rows += [("Sent", in_words(edit.sent_at, zone))] if edit.sent_at is not None else []
    rows += [] if edit.state == State.UNKNOWN else [("By now", State(edit.state).label)]
    rows += [("Account", clean(edit.account.name))]
    return Letter(
        subject=f"[Changes] Look in Zoho: what became of change {edit.pk} is not known",
        intro="A change of yours was sent and nothing shows what became of it. It is not sent again by itself: please "
        "look in Zoho whether it was made, and say so on its page.",
        rows=tuple((label, text) for label, text in rows if text),
        page=page_of(occasion),
        button="Open the change",
        links=((f"All unknown outcomes (of yours: {unknown})", whole(f"{reverse('edits')}?state={State.UNKNOWN}")),),
    )


def _name_of(edit: Edit) -> str:
    return shorten(clean(mask_name(edit.name) or edit.subject_id), QUOTE_LENGTH)


def _said(text: str) -> str:
    return shorten(clean(mask_text(text)), QUOTE_LENGTH)


KIND = MailKind(
    name=Occasion.Kind.CHANGE_UNKNOWN,
    topic="changes",
    headline="The outcome of a change is not known",
    switch=gettext_noop("Send me mails about changes of mine whose outcome stays unknown"),
    why="you asked for the change",
    no_more=gettext_noop("about unknown outcomes of changes"),
    letter=_letter,
    right="edits",
)
