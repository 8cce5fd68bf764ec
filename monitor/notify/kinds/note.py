"""Tells a person of a note on a problem of theirs, or of one that mentions them."""

from __future__ import annotations

from datetime import tzinfo

from django.utils.translation import gettext_noop

from monitor.mentioned import people_mentioned
from monitor.models import Occasion
from monitor.notify.kinds.kind import Letter, MailKind, page_of
from monitor.notify.kinds.of_problem import act_of, problem_of, quote, rows, title, who


def _letter(occasion: Occasion, zone: tzinfo) -> Letter:
    act, problem = act_of(occasion), problem_of(occasion)
    people, _ = people_mentioned(act.text, problem.account)
    known = [person.get_username() for person in people]
    is_meant = occasion.recipient in people
    what = "mentions you in a note" if is_meant else "wrote a note on a problem of yours"
    return Letter(
        subject=f"[Note] {title(problem)}",
        intro=f"{who(act.actor)} {what}:",
        rows=rows(problem, zone),
        page=page_of(occasion),
        button="Open the problem",
        quote=quote(act.text, known, act.people),
    )


KIND = MailKind(
    name=Occasion.Kind.NOTE,
    topic="problems",
    headline="There is a note for you on a problem",
    switch=gettext_noop("Send me mails about notes on my problems, and notes that mention me"),
    why="the problem is yours, or the note mentions you",
    no_more=gettext_noop("about notes"),
    letter=_letter,
)
