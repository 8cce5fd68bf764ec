"""Tells the owner of a problem that it resolved by itself."""

from __future__ import annotations

from datetime import tzinfo

from django.utils.translation import gettext_noop

from monitor.models import Failure, Occasion
from monitor.notify.kinds.kind import Letter, MailKind, page_of
from monitor.notify.kinds.of_problem import act_of, fates, problem_of, rows, title
from monitor.notify.words import clean


def _letter(occasion: Occasion, zone: tzinfo) -> Letter:
    act, problem = act_of(occasion), problem_of(occasion)
    counts = fates(problem)
    return Letter(
        subject=f"[Resolved] {title(problem)}",
        intro=clean(str(act.detail.get("reason", ""))),
        rows=rows(problem, zone),
        page=page_of(occasion),
        button="Open the problem",
        counted_title="How the failed runs ended",
        counted=tuple((counts[fate], Failure.Fate(fate).label) for fate in Failure.Fate.values if counts[fate]),
        is_good=True,
    )


KIND = MailKind(
    name=Occasion.Kind.RESOLVED,
    topic="problems",
    headline="A problem of yours is resolved",
    switch=gettext_noop("Send me mails about problems of mine that resolve by themselves"),
    why="the problem is yours",
    no_more=gettext_noop("about problems that resolve by themselves"),
    letter=_letter,
)
