"""Reads what the status page tells people without a sign-in: how it stands, in numbers and plain words.

No name of a person, nothing of a record and no text of an error is in it: an incident is told by its flow and by what
kind of thing it is about, never by what failed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, QuerySet

from monitor.models import AlertRule, AlertState
from monitor.models.asking import Asking, answered, ask, in_step
from monitor.periods import last_days
from monitor.queries import counts, incidents, problems
from monitor.queries.corrections import Marks, ask_marks_of
from monitor.queries.counts import Counts
from monitor.queries.freshness import AccountFreshness, Mirror
from monitor.queries.incidents import IncidentRow

MOST_INCIDENTS = 20
# What an alert is about where that is no flow. Names of problems are errors, those of connections often people.
_SUBJECTS = {
    "account": "The connection to Zoho",
    "connection": "A sign-in of flows",
    "crm_rule": "A workflow rule of CRM",
    "problem": "An error of flows",
}


@dataclass(frozen=True)
class PublicIncident:
    """Holds an open incident as everybody may know it."""

    title: str
    since: datetime
    is_looked_after: bool


@dataclass(frozen=True)
class AccountStatus:
    """Holds how an account stands.

    Attributes:
        name: of the account.
        tone: good, fair (all is known, and not all is well), warn (not all is known), bad or quiet.
        verdict: the same in words.
        day: its runs of the last 24 hours.
        week: those of the last 7 days.
        incidents: the newest of the open ones.
        more: how many more of them there are.
        as_of: up to when all is known; None where nothing was read.
        is_complete: whether nothing is missing of it.
    """

    name: str
    tone: str
    verdict: str
    day: Counts
    week: Counts
    incidents: list[PublicIncident] = field(default_factory=list)
    more: int = 0
    as_of: datetime | None = None
    is_complete: bool = True


@dataclass(frozen=True)
class StatusOfAll:
    """Holds what the status page shows: a verdict over all of it, and each account."""

    tone: str
    verdict: str
    accounts: list[AccountStatus]
    is_paused: bool = False  # somebody switched off all of it

    @property
    def as_of(self) -> datetime | None:
        """Is up to when all of it is known; None where something was not read yet."""
        times = [one.as_of for one in self.accounts]
        return None if not times or None in times else min(at for at in times if at is not None)

    @property
    def is_complete(self) -> bool:
        """Is whether nothing is missing of any account."""
        return all(one.is_complete for one in self.accounts)


_BY_BADNESS = ("bad", "warn", "fair", "quiet", "good")
_OF_ALL = {
    "bad": "Something needs attention",
    "warn": "It is not known for sure how things stand",
    "fair": "No open incident, but problems that nobody has solved yet",
    "quiet": "Not everything is read yet",
    "good": "No open incident",
}
_UNREAD = "Nothing is read yet"
_NOTHING = "Nothing is monitored at present"


def status_of(mirror: Mirror, account_id: int | None, now: datetime) -> StatusOfAll:
    """Reads the status of one account, or of all that are mirrored. Two statements, and one for each account.

    Args:
        mirror: how fresh the mirror is.
        account_id: of this one; None for all.
        now: the present.
    """
    chosen = [one for one in mirror.mirrored if account_id in (None, one.account_id)]
    opened: dict[int, list[IncidentRow]] = {}
    week = last_days(now, 7)
    found, unsolved, watching, marks = answered(
        in_step(
            incidents.ask_open_incidents(account_id),
            _ask_by_account(problems.unresolved()),
            _ask_by_account(AlertRule.objects.filter(is_active=True)),
            ask_marks_of(week, account_id),
        )
    )
    for row in found:
        opened.setdefault(row.incident.account_id, []).append(row)
    if not chosen:
        is_paused = any(account_id in (None, one.account_id) for one in mirror.accounts)
        return StatusOfAll("quiet", _NOTHING, [], is_paused=is_paused)
    accounts = []
    for one in chosen:
        rows, key = opened.get(one.account_id, []), one.account_id
        stands = judge(one, len(rows), problems=unsolved.get(key, 0), rules=watching.get(key, 0))
        mine = Marks([mark for mark in marks.rows if mark.account_id == key])
        accounts.append(_account(one, rows, stands, now, mine))
    tones = {one.tone for one in accounts}
    tone = min(tones, key=_BY_BADNESS.index)
    return StatusOfAll(tone, _UNREAD if tones == {"quiet"} else _OF_ALL[tone], accounts)


def _ask_by_account(rows: QuerySet[Any]) -> Asking[dict[int, int]]:
    return dict((yield from ask(rows.order_by().values_list("account").annotate(Count("pk")))))


def _account(
    known: AccountFreshness, opened: Sequence[IncidentRow], stands: tuple[str, str], now: datetime, marks: Marks
) -> AccountStatus:
    newest = sorted(opened, key=lambda row: (row.incident.began_at, row.incident.pk), reverse=True)
    tone, verdict = stands
    # A week is counted by its hours, and those of the day are among them.
    hours = counts.pieces(last_days(now, 7), account_id=known.account_id, marks=marks)
    day = [piece for piece in hours if piece.at >= last_days(now, 1).start]
    return AccountStatus(
        name=known.name,
        tone=tone,
        verdict=verdict,
        day=sum((piece.counts for piece in day), Counts()),
        week=sum((piece.counts for piece in hours), Counts()),
        incidents=[_public(row) for row in newest[:MOST_INCIDENTS]],
        more=max(len(newest) - MOST_INCIDENTS, 0),
        as_of=known.as_of,
        is_complete=known.is_complete,
    )


def judge(known: AccountFreshness, opened: int, *, problems: int, rules: int) -> tuple[str, str]:
    """Returns how an account stands: tone and words. Only what a rule watches can be called well. Pure.

    Args:
        known: how fresh its mirror is.
        opened: how many incidents are open.
        problems: how many problems nobody has solved yet.
        rules: how many alert rules watch it.
    """
    if opened:
        return "bad", f"{opened:,} open incident{'s' * (opened > 1)}"
    if known.is_unread:
        return "quiet", "Not read yet"
    if known.is_behind:
        return "warn", "Not known: it cannot be read at present"
    if not known.is_complete:
        return "warn", "No open incident, but some of its runs are not known"
    if not rules:
        return "warn", "Not known: no alert rule watches it"
    if problems:
        return "fair", f"No open incident, but {problems:,} open problem{'s' * (problems > 1)}"
    return "good", "No open incident"


def _public(row: IncidentRow) -> PublicIncident:
    members = row.firing or list(row.members)
    return PublicIncident(
        title=public_title([member.alert for member in members]),
        since=row.incident.began_at,
        is_looked_after=row.incident.acknowledged_at is not None,
    )


def public_title(alerts: Sequence[AlertState]) -> str:
    """Returns an incident's title as everybody may know it: the flow's name, or how many things it is about.

    Args:
        alerts: that fire, each with its flow.
    """
    flows = list(dict.fromkeys(alert.flow.shown_name for alert in alerts if alert.flow is not None))
    others = list(dict.fromkeys(_SUBJECTS.get(one.subject_kind, "A check") for one in alerts if one.flow is None))
    parts = flows if len(flows) <= 1 else [f"{len(flows):,} flows"]
    return ", ".join([*parts, *others]) or "An incident"
