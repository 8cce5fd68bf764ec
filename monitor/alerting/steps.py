"""Says what an evaluation makes of a condition's standing: the steps that live evaluation and replay share. Pure.

    closed ──breached for `wait`──▶ open ──clear for `keep_firing`──▶ closed
                                      └──────nothing left to go by──────▶ closed

What is not known (no data, learning) neither fires nor recovers: it ends a wait to fire, and lets an open alert stand.
Where nothing is left to go by (all runs have left the window) an open alert ends at once, and has not recovered.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from monitor.alerting.kinds.interface import AlertStanding, ConditionState, Evaluation


class EdgeKind(StrEnum):
    """Names the edges of a condition; what ended without having recovered is over."""

    FIRING = "firing"
    RECOVERED = "recovered"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class AlertPatience:
    """Holds how long something must last before it counts.

    Attributes:
        wait: how long it must be breached before it fires.
        keep_firing: how long it must be clear before it has recovered.
    """

    wait: timedelta = timedelta(0)
    keep_firing: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class ConditionPlace:
    """Holds where a condition stands, and since when it is on its way to the next edge; None for not on its way."""

    standing: AlertStanding
    leaving_since: datetime | None = None

    def due_at(self, patience: AlertPatience) -> datetime | None:
        """Returns when the edge that it is on its way to is due; None for none."""
        if self.leaving_since is None:
            return None
        return self.leaving_since + (patience.keep_firing if self.standing.is_open else patience.wait)


def step(
    place: ConditionPlace, evaluation: Evaluation, at: datetime, patience: AlertPatience
) -> tuple[ConditionPlace, EdgeKind | None]:
    """Returns where a condition stands after an evaluation, and the edge that led there, if any.

    Args:
        place: where it stood.
        evaluation: what was found.
        at: the moment of the evaluation.
        patience: how long things must last.
    """
    standing = place.standing
    if standing.is_open and evaluation.found is ConditionState.EMPTY:
        ended = replace(standing, is_open=False, began_at=None)
        return ConditionPlace(_given_back(ended, evaluation)), EdgeKind.ENDED
    wanted = ConditionState.CLEAR if standing.is_open else ConditionState.BREACHED
    if evaluation.found is not wanted:
        since = None
        if standing.is_open and evaluation.found is not ConditionState.BREACHED:
            since = place.leaving_since  # blind: neither recovered nor back
        return ConditionPlace(_given_back(standing, evaluation), since), None
    since = place.leaving_since or at
    if at < since + (patience.keep_firing if standing.is_open else patience.wait):
        return ConditionPlace(_given_back(standing, evaluation), since), None
    if standing.is_open:
        closed = replace(standing, is_open=False, recovered_at=at, began_at=None)
        return ConditionPlace(_given_back(closed, evaluation)), EdgeKind.RECOVERED
    opened = replace(standing, is_open=True, fired_at=at, began_at=evaluation.began_at)
    return ConditionPlace(_given_back(opened, evaluation)), EdgeKind.FIRING


def _given_back(standing: AlertStanding, evaluation: Evaluation) -> AlertStanding:
    if standing.anchor == evaluation.anchor and standing.learned is evaluation.learned:
        return standing
    return AlertStanding(
        standing.is_open,
        standing.fired_at,
        standing.recovered_at,
        evaluation.anchor,
        standing.began_at,
        evaluation.learned,
    )
