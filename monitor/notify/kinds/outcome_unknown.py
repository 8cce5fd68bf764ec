"""Asks who wanted a retry to look in Zoho what became of it."""

from __future__ import annotations

from datetime import tzinfo

from django.urls import reverse
from django.utils.translation import gettext_noop

from monitor.models import Occasion, RetryAttempt
from monitor.models.masked_text import said_of_run
from monitor.notify.compose import in_words, whole
from monitor.notify.kinds.kind import Letter, MailKind, page_of
from monitor.notify.kinds.of_problem import QUOTE_LENGTH
from monitor.notify.words import clean, shorten

State = RetryAttempt.State


def _letter(occasion: Occasion, zone: tzinfo) -> Letter:
    attempt = occasion.retry
    if attempt is None:
        raise ValueError("the occasion is not about a retry")
    run = attempt.execution
    unknown = RetryAttempt.objects.filter(requested_by=occasion.recipient_id, state=State.UNKNOWN).count()
    rows = [("Run", run.execution_id), ("Flow", clean(run.flow.shown_name))]
    rows += [(label, _said(text, attempt)) for label, text in (("Answer", attempt.answer), ("Why", attempt.reason))]
    rows += [("Sent", in_words(attempt.sent_at, zone))] if attempt.sent_at is not None else []
    rows += [] if attempt.state == State.UNKNOWN else [("By now", State(attempt.state).label)]
    rows += [("Account", clean(attempt.account.name))]
    return Letter(
        subject=f"[Retries] Look in Zoho: what became of retry {attempt.pk} is not known",
        intro="A retry of yours was sent and nothing shows what became of it. It is not sent again by itself: please "
        "look in Zoho whether the run was repeated.",
        rows=tuple((label, text) for label, text in rows if text),
        page=page_of(occasion),
        button="Open the run",
        links=((f"All unknown outcomes (of yours: {unknown})", whole(reverse("retries_unknown"))),),
    )


def _said(text: str, attempt: RetryAttempt) -> str:
    return shorten(clean(said_of_run(text, attempt.execution)), QUOTE_LENGTH)


KIND = MailKind(
    name=Occasion.Kind.OUTCOME_UNKNOWN,
    topic="retries",
    headline="The outcome of a retry is not known",
    switch=gettext_noop("Send me mails about retries of mine whose outcome stays unknown"),
    why="you asked for the retry, or set the policy that did",
    no_more=gettext_noop("about unknown outcomes of retries"),
    letter=_letter,
)
