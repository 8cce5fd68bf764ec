"""Decides what needs somebody, in which order, and what of it has one cause. Pure; `find_needs` reads it.

Worst first, by `Level`: what keeps us from knowing anything; what fires and nobody has acknowledged; problems that grow
or came back; sign-ins that do not work; what was sent to Zoho with an unknown outcome; new problems; silent flows; CRM
rules and webhooks that fail; a plan that will not last the month; and last what goes on while somebody knows of it. On
one level what nobody looks after comes first, then what began last.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import IntEnum
from typing import NamedTuple

from monitor.models import Problem

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Level(IntEnum):
    """Orders what needs somebody, the worst first."""

    BLIND = 0
    FIRING = 1
    GROWING = 2
    BROKEN = 3
    UNSETTLED = 4
    NEW = 5
    SILENT = 6
    CRM = 7
    QUOTA = 8
    KNOWN = 9


class Thing(NamedTuple):
    """Names what a need is about, and its key.

    It is an account, problem, connection, flow, rule, webhooks, quota, edit, retries or incident.
    """

    kind: str
    key: int


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """Holds the open incident that is about a need.

    Attributes:
        key: of the incident.
        is_acknowledged: somebody has said that they know of it.
        owner: who is on it; "" for nobody.
        since: when it began, by Zoho's clock.
        alerts: how many of its alerts fire.
    """

    key: int
    is_acknowledged: bool
    owner: str
    since: datetime
    alerts: int = 1


@dataclass(frozen=True, slots=True)
class Need:
    """Holds one line of what needs somebody. Names and texts of Zoho's are masked.

    Attributes:
        thing: what it is about.
        level: how bad it is.
        title: its name.
        state: the code of its state, as `dashboard.status_labels` knows it; of a connection Zoho's own word.
        cause: why, in words; "" where the title says it all.
        account: the name of the account.
        url: of the page that tells more.
        since: when it began; None where that is not known.
        owner: who looks after it; "" for nobody.
        remedy: the class of what to do about a problem, as `monitor.triage.remedy` has it; "" for others.
        open_failures: failed runs of a problem that still wait for somebody.
        alert: the open incident about it.
    """

    thing: Thing
    level: Level
    title: str
    state: str
    cause: str
    account: str
    url: str
    since: datetime | None = None
    owner: str = ""
    remedy: str = ""
    open_failures: int = 0
    alert: OpenAlert | None = None


@dataclass(frozen=True, slots=True)
class IncidentNeed:
    """Holds an open incident as a need of its own, and what explains it: where one of that is listed, it is not.

    Attributes:
        need: with its alert.
        about: things of which any one is its cause.
    """

    need: Need
    about: frozenset[Thing] = field(default_factory=frozenset)


def worst_first(needs: Iterable[Need]) -> list[Need]:
    """Sorts by level, then what nobody looks after, then what began last; equals by what they are about."""

    def place(need: Need) -> tuple[int, bool, float, Thing]:
        return (need.level, bool(need.owner), -(need.since or _LONG_AGO).timestamp(), need.thing)

    return sorted(needs, key=place)


def of_one_cause(needs: Sequence[Need], incidents: Iterable[IncidentNeed]) -> list[Need]:
    """Puts incidents beside what explains them, worst first: where its cause is listed, it has no line of its own.

    A line with an incident that nobody acknowledged is as bad as the incident. Where several explain one, the worst of
    them tells of it.

    Args:
        needs: without incidents.
        incidents: that are open.
    """
    listed = {need.thing: need for need in worst_first(needs)}
    alone = []
    for incident in incidents:
        cause = next((thing for thing in listed if thing in incident.about), None)
        if cause is None:
            alone.append(incident.need)
        else:
            listed[cause] = _with_alert(listed[cause], incident.need)
    return worst_first([*listed.values(), *alone])


def _with_alert(need: Need, incident: Need) -> Need:
    alert = incident.alert
    if alert is None or (need.alert is not None and not need.alert.is_acknowledged):
        return need
    return replace(need, alert=alert, level=min(need.level, incident.level), owner=need.owner or alert.owner)


def level_of_problem(state: str) -> Level:
    """Returns how bad a problem is by its state."""
    levels: Mapping[str, Level] = {
        Problem.State.ESCALATING: Level.GROWING,
        Problem.State.REGRESSED: Level.GROWING,
        Problem.State.NEW: Level.NEW,
    }
    return levels.get(state, Level.KNOWN)
