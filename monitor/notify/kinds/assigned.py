"""Tells a person that a problem is theirs now."""

from __future__ import annotations

from datetime import tzinfo

from django.utils.translation import gettext_noop

from monitor.models import Occasion
from monitor.notify.kinds.kind import Letter, MailKind, page_of
from monitor.notify.kinds.of_problem import act_of, problem_of, rows, title, who


def _letter(occasion: Occasion, zone: tzinfo) -> Letter:
    act, problem = act_of(occasion), problem_of(occasion)
    is_part = act.kind == "split"
    how = "split it off a problem of yours" if is_part else "gave it to you"
    return Letter(
        subject=f"[Yours] {title(problem)}",
        intro=f"{who(act.actor)} {how}.",
        rows=rows(problem, zone),
        page=page_of(occasion),
        button="Open the problem",
    )


KIND = MailKind(
    name=Occasion.Kind.ASSIGNED,
    topic="problems",
    headline="A problem is yours now",
    switch=gettext_noop("Send me mails about problems that are given to me"),
    why="the problem was given to you",
    no_more=gettext_noop("about problems that are given to you"),
    letter=_letter,
)
