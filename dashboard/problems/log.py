"""Writes the activity log of a problem as sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboard.formats import number
from monitor import sentences
from monitor.languages import gettext as _
from monitor.languages import gettext_noop, ngettext, ngettext_noop
from monitor.mentioned import people_mentioned, shown_words
from monitor.models import Problem, ProblemAct, ZohoAccount
from monitor.triage.life_cycle import REASONS

_WORDS = {
    "seen": gettext_noop("Seen for the first time"),
    "note": gettext_noop("Wrote a note"),
    "new": gettext_noop("New"),
    "ongoing": gettext_noop("Ongoing"),
    "escalating": gettext_noop("Escalating"),
    "regressed": gettext_noop("Came back"),
    "archived": gettext_noop("Archived"),
    "resolved": gettext_noop("Resolved"),
}
_BY_PERSON = {"ongoing": gettext_noop("Reopened")}
_OF_RUNS = {
    "written_off": ngettext_noop("Wrote %(n)s run off", "Wrote %(n)s runs off"),
    "taken_back": ngettext_noop(
        "Took back that %(n)s run was written off", "Took back that %(n)s runs were written off"
    ),
    "accepted": ngettext_noop("Accepted %(n)s failure", "Accepted %(n)s failures"),
    "accepted_back": ngettext_noop(
        "Took back that %(n)s failure was accepted", "Took back that %(n)s failures were accepted"
    ),
}


@dataclass(frozen=True)
class LogLine:
    """Holds a line of the log: what happened, who did it ("" for the program), and the person's words or the reason.

    Words are masked as everywhere: an admin may have copied what others do not see.
    """

    at: datetime
    words: str
    who: str
    text: str


def lines_of(acts: Sequence[ProblemAct], account: ZohoAccount) -> list[LogLine]:
    """Writes the lines of a log, in the order of the acts. One statement, where anybody is mentioned."""
    mentioned, __ = people_mentioned("\n".join(act.text for act in acts), account)
    known = [person.get_username() for person in mentioned]
    return [LogLine(act.at, _words(act), _who(act), shown_words(_said(act), known, act.people)) for act in acts]


def _said(act: ProblemAct) -> str:
    return act.text or sentences.say(str(act.detail.get("reason", "")), REASONS)


def _who(act: ProblemAct) -> str:
    return act.actor.get_username() if act.actor else ""


def _words(act: ProblemAct) -> str:
    detail = act.detail
    if act.kind == "assigned":
        return _("Assigned to %(name)s") % {"name": detail["to"]} if detail.get("to") else _("Assigned to nobody")
    if act.kind in _OF_RUNS:
        count = detail.get("runs", detail.get("failures", 0))
        return ngettext(*_OF_RUNS[act.kind], count) % {"n": number(count)}
    if act.kind in ("took_in", "gave_away"):
        words = _("Took in problem %(key)s") if act.kind == "took_in" else _("Gave away problem %(key)s")
        return words % {"key": detail.get("problem")}
    if act.kind == "merged":
        return _("Merged into problem %(key)s") % {"key": detail.get("into")}
    if act.kind == "split":
        return _("Split off problem %(key)s") % {"key": detail.get("from")}
    if act.actor is not None and act.kind in _BY_PERSON:
        return _(_BY_PERSON[act.kind])
    return _(_WORDS.get(act.kind) or dict(Problem.State.choices).get(act.kind, act.kind))
