"""Moves the state of one rule for one flow. Pure.

    ok ──breached──▶ firing ──recovered, no runs left──▶ ok
     └──── stale ────▶ no_data ◀──── stale ────┘
                          └── fresh ──▶ what the numbers say

An *incident* (`is_open`, numbered by `episode`) outlives a spell without data: it neither fires a second time
after it nor is it resolved by it (docs/reference/promises.md, "Alert states").
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from monitor.alerting.conditions import Limits, Reading, is_breached, is_recovered
from monitor.models import AlertState, Transition

State = AlertState.State
Kind = Transition.Kind


@dataclass(frozen=True, slots=True)
class RuleStanding:
    """Holds where a rule stands for a flow; `is_new` while it was never evaluated."""

    state: str
    is_open: bool
    episode: int
    since: datetime
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """Holds where it stands now, why, and the change that led there (None: no change)."""

    state: State
    is_open: bool
    episode: int
    since: datetime
    reason: str
    edge: Kind | None


def decide(
    standing: RuleStanding, reading: Reading, limits: Limits, now: datetime, *, stale: str = "", ended: str = ""
) -> Decision:
    """Returns what a new reading makes of the standing.

    Args:
        standing: where the rule stands.
        reading: the runs in its window.
        limits: what the rule asks for.
        now: the time of the evaluation.
        stale: why the reading is too old to go by; empty while it is fresh.
        ended: why the flow is not evaluated any more (rule off, flow gone); empty while it is.
    """
    if ended:
        edge = Kind.RESOLVED if standing.is_open else Kind.NO_DATA
        return _move(standing, State.NO_DATA, is_open=False, reason=ended, edge=edge, now=now)
    if stale:
        return _move(standing, State.NO_DATA, is_open=standing.is_open, reason=stale, edge=Kind.NO_DATA, now=now)
    if standing.is_open:
        return _evaluate_open(standing, reading, limits, now)
    if is_breached(reading, limits):
        # The one edge that a first evaluation may have: what is bad already is mailed at once.
        return Decision(
            state=State.FIRING,
            is_open=True,
            episode=standing.episode + 1,
            since=now,
            reason=_told(reading, limits),
            edge=Kind.FIRING,
        )
    return _move(standing, State.OK, is_open=False, reason=_told(reading, limits), edge=Kind.DATA_BACK, now=now)


def _evaluate_open(standing: RuleStanding, reading: Reading, limits: Limits, now: datetime) -> Decision:
    if reading.runs == 0:
        reason = "no runs remain in the window"
        return _move(standing, State.OK, is_open=False, reason=reason, edge=Kind.RESOLVED, now=now)
    reason = _told(reading, limits)
    if is_recovered(reading, limits):
        return _move(standing, State.OK, is_open=False, reason=reason, edge=Kind.RESOLVED, now=now)
    return _move(standing, State.FIRING, is_open=True, reason=reason, edge=Kind.DATA_BACK, now=now)


def _move(standing: RuleStanding, to: State, *, is_open: bool, reason: str, edge: Kind, now: datetime) -> Decision:
    """Returns the decision; without its edge where nothing moved, or nothing was evaluated before to move from."""
    moved = standing.state != to or standing.is_open != is_open
    return Decision(
        state=to,
        is_open=is_open,
        episode=standing.episode,
        since=now if moved or standing.is_new else standing.since,
        reason=reason,
        edge=edge if moved and not standing.is_new else None,
    )


def _told(reading: Reading, limits: Limits) -> str:
    """Returns the reading in words."""
    if reading.rate is None:
        return "no runs in the window"
    told = f"{reading.succeeded} of {reading.runs} runs succeeded"
    if reading.runs < limits.min_runs:
        told += f"; {limits.min_runs} are needed"
    return told
