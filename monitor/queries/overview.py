"""Reads the overview: what needs somebody, the figures of a period, and how flows did day by day."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from django.db.models import Case, Exists, OuterRef, QuerySet, When

from monitor.languages import gettext as _
from monitor.models import BROKEN, AccountDay, AccountHour, Connection, Correction, Flow, ZohoAccount
from monitor.periods import PeriodChoice, Window, last_days, slot_starts
from monitor.queries import counts, find_needs, period_marks, problems, retention
from monitor.queries.corrections import Marks, marks_from, marks_of, marks_part
from monitor.queries.counts import Counts, Piece
from monitor.queries.find_needs import Needs
from monitor.queries.flows import by_standing, in_order_of_standing, standing_silent
from monitor.queries.freshness import Mirror
from monitor.queries.incidents import first_open_incidents
from monitor.queries.period_marks import MarkedMoment
from monitor.queries.problems import ProblemsInShort
from monitor.queries.together import together
from monitor.standing.judge import FlowStanding
from monitor.standing.silence import silent_flows


@dataclass(frozen=True)
class PeriodFigures:
    """Holds the runs of a window in pieces, their sum, and the sum of the window of equal length before.

    Attributes:
        window: whole hours.
        end: the present: a chart of the window ends here.
        begins: where the slots of the window begin; the first may begin before it.
        pieces: counts of stretches that none of them cuts.
        totals: of the window.
        listed_from: runs that began before are counted and not listed any more; None where there are none.
        before: of the window of the same length before.
        corrections: why some of the runs are in no rate.
        marks: all that is left out of the rates of the two windows.
    """

    window: Window
    end: datetime
    begins: list[datetime]
    pieces: list[Piece]
    totals: Counts
    before: Counts
    listed_from: datetime | None
    corrections: list[Correction]
    marks: Marks


@dataclass(frozen=True)
class StandingCount:
    """Holds how many flows have one standing; the list of flows with this filter has as many."""

    standing: FlowStanding
    flows: int


@dataclass(frozen=True)
class OverviewFacts:
    """Holds what the overview shows.

    Attributes:
        figures: the runs of the period.
        before_unknown: why the time before has no figures; "" where it has.
        needs: what needs somebody.
        standings: how many flows stand how, what is bad first.
        marks: changes and incidents of the period, the newest first.
        problems: how many somebody has to look at, and open failures by age.
        open_incidents: how many there are.
        mirror: how fresh and complete it was when this was read.
        read_at: when that was.
    """

    figures: PeriodFigures
    before_unknown: str
    needs: Needs
    standings: list[StandingCount]
    marks: list[MarkedMoment]
    problems: ProblemsInShort
    open_incidents: int
    mirror: Mirror
    read_at: datetime


def period(
    now: datetime,
    days: int,
    *,
    slot_hours: int = 24,
    zone: tzinfo = UTC,
    account_id: int | None = None,
    flow_id: int | None = None,
    flows: Collection[int] | None = None,
    marks: Marks | None = None,
) -> PeriodFigures:
    """Returns the runs of the last so many days.

    Two statements; a few more for a year, where slots cut hours, or where people left some of it out of the rates.

    Args:
        now: the present.
        days: how many times 24 hours.
        slot_hours: the length of a chart's slot.
        zone: by whose clock a slot begins.
        account_id: only of this account.
        flow_id: only of this flow.
        flows: only of these flows.
        marks: what is left out of the rates of this window and the one before, where it is read already.
    """
    window = last_days(now, days)
    begins = slot_starts(window, slot_hours, zone)
    marks = marks or marks_of(Window(window.before().start, window.end), account_id, flow_id)
    whose: dict[str, Any] = {"account_id": account_id, "flow_id": flow_id, "flows": flows, "marks": marks}
    found, before = counts.pieces_and_before(window, begins, **whose)
    return figures_of(now, window, begins, found, before, marks, account_id=account_id, flow_id=flow_id)


def figures_of(
    now: datetime,
    window: Window,
    begins: list[datetime],
    found: list[Piece],
    before: Counts,
    marks: Marks,
    *,
    account_id: int | None = None,
    flow_id: int | None = None,
) -> PeriodFigures:
    """Puts together what was counted of a period. No statement for three months, one for more."""
    totals = sum((piece.counts for piece in found), Counts())
    return PeriodFigures(
        window=window,
        end=now,
        begins=begins,
        pieces=found,
        totals=totals,
        before=before,
        listed_from=retention.listed_from(window.start, now, account_id=account_id, flow_id=flow_id),
        corrections=marks.beside(window) if totals.left_out else [],
        marks=marks,
    )


def read(now: datetime, choice: PeriodChoice, mirror: Mirror, zone: tzinfo = UTC) -> OverviewFacts:
    """Reads everything that the overview shows.

    Three statements; one more where a flow is silent, one where an incident is open, and a few for a long period.

    Args:
        now: the present.
        choice: how far back figures are counted.
        mirror: as of now, with what `problems.to_count` and the menu count.
        zone: by whose clock today began.
    """
    window = last_days(now, choice.days)
    silent = silent_flows(now)
    silent_ids = frozenset(one.flow.pk for one in silent)
    found = together(
        {
            **find_needs.parts(now, zone),
            **period_marks.parts(Window(window.start, now)),
            "silent": standing_silent(mirror.presents, silent_ids, now),
            "standings": by_standing(mirror.presents, silent_ids, now),
            "marks": marks_part(Window(window.before().start, window.end)),
            "not_reaching_back": accounts_without(window.before().start).values_list("pk"),
        }
    )
    titles = {row[0]: row[1] for row in found["problems"]}
    stand_so = {key for (key,) in found["silent"]}
    opened = first_open_incidents(find_needs.MOST, titles) if mirror.counts["alerts"] else []
    figures = period(now, choice.days, slot_hours=choice.slot_hours, zone=zone, marks=marks_from(found["marks"]))
    is_read = mirror.is_read_since(window.before().start)
    return OverviewFacts(
        figures=figures,
        before_unknown=_why(is_read=is_read, is_known=not found["not_reaching_back"]),
        needs=find_needs.needs_of(found, [one for one in silent if one.flow.pk in stand_so], opened, mirror, now, zone),
        standings=[
            StandingCount(FlowStanding(code), flows) for code, flows in in_order_of_standing(found["standings"]).items()
        ],
        marks=period_marks.marks_of_period(found, Window(window.start, now)),
        problems=problems.in_short(mirror.counts, now, zone),
        open_incidents=mirror.counts["alerts"],
        mirror=mirror,
        read_at=now,
    )


def why_unknown(start: datetime, *, is_read: bool, flow: Flow | None = None) -> str:
    """Says why there are no figures of a time that begins at `start`; empty where there are.

    Args:
        start: the beginning of the time.
        is_read: whether the first reading of history has come back so far.
        flow: only of this flow; None: of all flows.
    """
    return _why(is_read=is_read, is_known=not is_read or is_known_since(start, flow=flow))


def _why(*, is_read: bool, is_known: bool) -> str:
    if not is_read:
        return _("the time before is not read yet")
    return "" if is_known else _("the time before is not known")


def is_known_since(start: datetime, *, flow: Flow | None = None) -> bool:
    """Returns whether runs that began at `start` would be counted here: else their number is not 0 but not known.

    Zoho forgets runs and goes on counting them: where its counters hold more than the mirror, the account's oldest
    bucket tells how far back the mirror reaches.

    Args:
        start: the beginning of a time, aware.
        flow: only of this flow; None: of all flows.
    """
    if flow is not None:
        return not flow.progress.baseline_total or _reaches_back(flow.account_id, start)
    return not accounts_without(start).exists()


def accounts_without(start: datetime) -> QuerySet[ZohoAccount]:
    """Finds accounts of which runs that began at `start` would not be counted, because Zoho has forgotten some."""
    of = OuterRef("pk")
    forgotten = Flow.objects.filter(account=of, gone_at=None, progress__baseline_total__gt=0)
    day, hour = AccountDay.objects.filter(account=of), AccountHour.objects.filter(account=of)
    reaches = Exists(day.filter(day__lte=start.date())) | Exists(hour.filter(hour__lte=start))
    return ZohoAccount.objects.filter(Exists(forgotten)).exclude(reaches).order_by()


def _reaches_back(account_id: int, start: datetime) -> bool:
    days = AccountDay.objects.filter(account=account_id, day__lte=start.date())
    return days.exists() or AccountHour.objects.filter(account=account_id, hour__lte=start).exists()


def broken_connections(limit: int = 8, accounts: Collection[int] | None = None) -> QuerySet[Connection]:
    """Connections that Zoho does not call active: those that it calls broken first, of each the longest so.

    Args:
        limit: how many at most.
        accounts: only of these; None for all.
    """
    rows = Connection.objects.filter(gone_at=None)
    if accounts is not None:
        rows = rows.filter(account__in=accounts)
    return (
        rows.exclude(status="active")
        .select_related("account")
        .defer("raw", "account__client_secret")
        .order_by(Case(When(status__in=BROKEN, then=0), default=1), "status_since", "pk")[:limit]
    )
