"""Draws what an incident's flows did around its time: the success rate, its threshold, and when its alerts fired."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple

from dashboard import charts, slots
from monitor.models import Incident, IncidentAlert
from monitor.periods import DAY, HOUR, Window
from monitor.queries import freshness, holes, overview

AFTER = 6 * HOUR  # shown of what came after its end
MOST_DRAWN = 50  # stretches in which an alert fired


class Stretch(NamedTuple):
    """Says how much is drawn, and in how long slots."""

    days: int
    slot_hours: int


def stretch_of(length: timedelta) -> Stretch:
    """Chooses what is drawn of an incident, so that it is seen whole, with as much before. Pure.

    Args:
        length: how long it lasted so far.
    """
    if length <= 12 * HOUR:
        return Stretch(1, 1)
    return Stretch(7, 6) if length <= 3 * DAY else Stretch(30, 24)


def chart_of(
    incident: Incident, members: Sequence[IncidentAlert], mirror: freshness.Mirror, now: datetime, zone: tzinfo
) -> charts.Chart | None:
    """Draws an incident's flows together; None where it is about no flow. Two statements, a few more at holes.

    Args:
        incident: which.
        members: its alerts, with rules and flows.
        mirror: as of now.
        now: the present.
        zone: the viewer's.
    """
    flows = sorted({member.alert.flow_id for member in members if member.alert.flow_id is not None})
    if not flows:
        return None
    end = now if incident.closed_at is None else min(now, incident.closed_at + AFTER)
    days, slot_hours = stretch_of(end - incident.began_at)
    figures = overview.period(end, days, slot_hours=slot_hours, zone=zone, account_id=incident.account_id, flows=flows)
    unknown = _holes(incident.account_id, members, flows, mirror, Window(figures.window.start, end))
    firings = [Window(member.began_at, member.left_at or end) for member in members[:MOST_DRAWN]]
    link = slots.link(figures, flow_id=flows[0]) if len(flows) == 1 else charts.no_link
    return charts.success_rate(
        slots.of_figures(figures, unknown), zone, unknown, link, firings, threshold=_threshold(members)
    )


def _holes(
    account: int, members: Sequence[IncidentAlert], flows: Sequence[int], mirror: freshness.Mirror, drawn: Window
) -> list[holes.Hole]:
    """Finds what is not known of the incident's own account, or of its one flow; two statements more for that one."""
    one = next((member.alert.flow for member in members if member.alert.flow_id is not None), None)
    if one is not None and len(flows) == 1:
        return holes.of_flow(one, mirror.of(account), drawn.start, drawn.end)
    return holes.of_mirror(mirror, drawn.start, drawn.end, account)


def _threshold(members: Sequence[IncidentAlert]) -> float | None:
    """Returns the bound of its alerts' success rates where they have one in common."""
    bounds = {member.alert.rule.threshold for member in members} - {None}
    return float(bounds.pop()) if len(bounds) == 1 else None
