"""Moves the state of one rule for one subject. Pure.

    ok ──breached──▶ pending ──for so long──▶ firing ──clear──▶ recovering ──for so long──▶ ok
     └─────────── old data, rule or flow off, too few runs, an error ───────────▶ no_data, learning, error

`steps` says when the condition fires and recovers, live and in a replay; here stands what only the live side knows:
data too old to go by, rules and flows that are off or gone, evaluations that raise. An *incident* (`is_open`, numbered
by `episode`) outlives all of them but the end of its rule or flow: it neither fires a second time after a spell without
data nor is it resolved by it (docs/reference/promises.md, "Alert states").
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from monitor.alerting.kinds.interface import ConditionState, Evaluation
from monitor.alerting.steps import AlertPatience, ConditionPlace, EdgeKind, step

AFTER_DOUBT = timedelta(minutes=5)  # until it is looked at again whether runs may still be missing, if nothing changes
AFTER_ERROR = timedelta(minutes=5)  # until an evaluation that raised is tried again, if nothing changes


class Stage(StrEnum):
    """Names where a rule stands for a subject; the values are those of `AlertState.State`."""

    OK = "ok"
    PENDING = "pending"
    FIRING = "firing"
    RECOVERING = "recovering"
    NO_DATA = "no_data"
    LEARNING = "learning"
    ERROR = "error"


class Edge(StrEnum):
    """Names a change of where a rule stands; the values are those of `Transition.Kind`."""

    FIRING = "firing"
    RESOLVED = "resolved"
    CLOSED = "closed"
    PENDING = "pending"
    CLEARED = "cleared"
    RECOVERING = "recovering"
    RELAPSED = "relapsed"
    NO_DATA = "no_data"
    LEARNING = "learning"
    ERROR = "error"
    DATA_BACK = "data_back"


_CROSSED = {EdgeKind.FIRING: Edge.FIRING, EdgeKind.RECOVERED: Edge.RESOLVED, EdgeKind.ENDED: Edge.CLOSED}
BLIND = (Stage.NO_DATA, Stage.LEARNING, Stage.ERROR)


@dataclass(frozen=True, slots=True)
class RuleStanding:
    """Holds where a rule stands for a subject.

    Attributes:
        stage: its state.
        episode: how often it has fired.
        since: when the state was found.
        place: where its condition stands.
        is_new: it was never evaluated.
        is_resting: it is not evaluated, for the rule, the subject or the data do not allow it.
    """

    stage: Stage
    episode: int
    since: datetime
    place: ConditionPlace
    is_new: bool = False
    is_resting: bool = False

    @property
    def is_open(self) -> bool:
        return self.place.standing.is_open


@dataclass(frozen=True, slots=True)
class Decision:
    """Holds where it stands now, why, and the change that led there.

    Attributes:
        after: where it stands now.
        reason: why, for people.
        edge: the change; None for none.
        again_at: when it is evaluated again although nothing changes; None for never.
        evaluation: what the condition found; None where it was not asked.
    """

    after: RuleStanding
    reason: str
    edge: Edge | None
    again_at: datetime | None = None
    evaluation: Evaluation | None = None

    def sooner(self, at: datetime) -> Decision:
        """Returns the same decision, which is made again at a moment if not before."""
        return replace(self, again_at=at if self.again_at is None else min(at, self.again_at))


def decide(
    before: RuleStanding, evaluation: Evaluation, reason: str, now: datetime, patience: AlertPatience
) -> Decision:
    """Returns what an evaluation makes of the standing.

    Args:
        before: where the rule stands.
        evaluation: what its condition found.
        reason: that in words.
        now: the time of the evaluation.
        patience: how long it must be breached or clear before it counts.
    """
    place, crossed = step(before.place, evaluation, now, patience)
    stage = _stage(place, evaluation.found)
    moments = (evaluation.again_at, place.due_at(patience))
    after = RuleStanding(stage, before.episode, _since(before, place, stage, now), place)
    if crossed is EdgeKind.FIRING:
        after = replace(after, episode=before.episode + 1)
    return Decision(
        after,
        reason,
        _edge(before, stage, crossed),
        min((at for at in moments if at is not None and at > now), default=None),
        evaluation,
    )


def rest(before: RuleStanding, reason: str, now: datetime, *, is_over: bool) -> Decision:
    """Returns the standing of what cannot be evaluated: the data are too old, or rule or subject are off or gone.

    Args:
        before: where the rule stands.
        reason: why it rests.
        now: the time of the evaluation.
        is_over: an open alert is closed, since nobody wants to hear more of it; else it stays open until the data are
            back, for old data are no recovery.
    """
    place = ConditionPlace(
        replace(before.place.standing, is_open=before.is_open and not is_over, anchor=None),
        before.place.leaving_since if before.is_open and not is_over else None,
    )
    after = RuleStanding(
        Stage.NO_DATA, before.episode, _since(before, place, Stage.NO_DATA, now), place, is_resting=True
    )
    edge = Edge.CLOSED if before.is_open and is_over else Edge.NO_DATA
    has_moved = before.stage is not Stage.NO_DATA or before.is_open != after.is_open
    return Decision(after, reason, edge if has_moved and not before.is_new else None)


def doubt(before: RuleStanding, reason: str, now: datetime) -> Decision:
    """Returns the standing of what seems well where runs may be missing: it is neither well nor over."""
    place = replace(before.place, leaving_since=before.place.leaving_since if before.is_open else None)
    after = RuleStanding(Stage.NO_DATA, before.episode, _since(before, place, Stage.NO_DATA, now), place)
    return Decision(after, reason, _edge(before, Stage.NO_DATA, None), now + AFTER_DOUBT)


def fail(before: RuleStanding, reason: str, now: datetime) -> Decision:
    """Returns the standing of what could not be evaluated, by a fault of ours or of the rule's options."""
    place = replace(before.place, leaving_since=before.place.leaving_since if before.is_open else None)
    after = RuleStanding(Stage.ERROR, before.episode, _since(before, place, Stage.ERROR, now), place)
    edge = None if before.stage is Stage.ERROR else Edge.ERROR
    return Decision(after, reason, edge, now + AFTER_ERROR)


def _stage(place: ConditionPlace, found: ConditionState) -> Stage:
    if found is ConditionState.LEARNING:
        return Stage.LEARNING
    if found in (ConditionState.NO_DATA, ConditionState.EMPTY):
        return Stage.NO_DATA
    if place.standing.is_open:
        return Stage.FIRING if place.leaving_since is None else Stage.RECOVERING
    return Stage.OK if place.leaving_since is None else Stage.PENDING


def _since(before: RuleStanding, place: ConditionPlace, stage: Stage, now: datetime) -> datetime:
    has_moved = before.stage is not stage or before.is_open != place.standing.is_open
    return now if has_moved or before.is_new else before.since


def _edge(before: RuleStanding, stage: Stage, crossed: EdgeKind | None) -> Edge | None:
    if crossed is not None:
        return _CROSSED[crossed]
    if before.stage is stage or (before.is_new and stage is not Stage.PENDING):
        return None
    # Runs that are too few today and enough tomorrow come and go with each run: they are a state and no event.
    if not before.is_open and not before.is_resting and {before.stage, stage} == {Stage.OK, Stage.NO_DATA}:
        return None
    if stage in (Stage.PENDING, Stage.RECOVERING, *BLIND):
        return Edge(stage.value)
    if before.stage in (Stage.PENDING, Stage.RECOVERING):
        return Edge.CLEARED if before.stage is Stage.PENDING else Edge.RELAPSED
    return Edge.DATA_BACK
