"""Writes the activity log of a problem as sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.mentioned import people_mentioned, shown_words
from monitor.models import Problem, ProblemAct, ZohoAccount

_WORDS = {
    "seen": "Seen for the first time",
    "note": "Wrote a note",
    "new": "New",
    "ongoing": "Ongoing",
    "escalating": "Escalating",
    "regressed": "Came back",
    "archived": "Archived",
    "resolved": "Resolved",
}
_BY_PERSON = {"ongoing": "Reopened"}


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
    mentioned, _ = people_mentioned("\n".join(act.text for act in acts), account)
    known = [person.get_username() for person in mentioned]
    return [LogLine(act.at, _words(act), _who(act), shown_words(_said(act), known, act.people)) for act in acts]


def _said(act: ProblemAct) -> str:
    return act.text or str(act.detail.get("reason", ""))


def _who(act: ProblemAct) -> str:
    return act.actor.get_username() if act.actor else ""


def _words(act: ProblemAct) -> str:
    detail = act.detail
    if act.kind == "assigned":
        return f"Assigned to {detail['to']}" if detail.get("to") else "Assigned to nobody"
    if act.kind in ("written_off", "taken_back"):
        runs = "1 run" if detail.get("runs") == 1 else f"{detail.get('runs', 0):,} runs"
        return f"Wrote {runs} off" if act.kind == "written_off" else f"Took back that {runs} were written off"
    if act.kind in ("accepted", "accepted_back"):
        count = detail.get("failures", 0)
        failures = "1 failure" if count == 1 else f"{count:,} failures"
        return f"Accepted {failures}" if act.kind == "accepted" else f"Took back that {failures} were accepted"
    if act.kind in ("took_in", "gave_away"):
        verb = "Took in" if act.kind == "took_in" else "Gave away"
        return f"{verb} problem {detail.get('problem')}"
    if act.kind == "merged":
        return f"Merged into problem {detail.get('into')}"
    if act.kind == "split":
        return f"Split off problem {detail.get('from')}"
    if act.actor is not None and act.kind in _BY_PERSON:
        return _BY_PERSON[act.kind]
    return _WORDS.get(act.kind) or dict(Problem.State.choices).get(act.kind, act.kind)
