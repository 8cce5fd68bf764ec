"""Finds a mirror that does not follow Zoho: old, refused, throttled or with gaps. Pure.

`monitor.freshness` is the judge of the state; here stands how long each may last. The worker's own silence is not
evaluated here, since the worker evaluates: `/healthz/ready` tells of it. What it missed while it was silent is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from monitor.alert_numbers import EXPLAINS
from monitor.alerting.kinds import limits
from monitor.alerting.kinds.interface import AlertStanding, ConditionState, Evaluation

# The states of `monitor.freshness` by what they mean for people.
FINE = "ok"
REFUSED = ("revoked", "foreign", "locked")  # nothing comes until a person acts
OLD = ("stale", "silent", "never")
HELD_UP = ("throttled", "unreachable", "schema")
INCOMPLETE = "incomplete"


@dataclass(frozen=True, slots=True)
class MirrorMaterial:
    """Holds what is known of an account's mirror.

    Attributes:
        state: as `monitor.freshness` judges it.
        label: that in words.
        reason: why, masked.
        since: since when; None where that is not known.
        is_reading: nothing is missing but history that is being read for the first time.
    """

    state: str
    label: str
    reason: str = ""
    since: datetime | None = None
    is_reading: bool = False


@dataclass(frozen=True, slots=True)
class MirrorBehind:
    """Asks that the mirror follows Zoho.

    Attributes:
        stale_after_minutes: how long it may be out of date, or not be read at all.
        held_up_after_minutes: how long Zoho may throttle it, not be reached or not be understood.
        incomplete_after_hours: how long something may be missing; 0 for ever.
    """

    kind: ClassVar[str] = "mirror"
    cause: ClassVar[str] = "account"

    stale_after_minutes: int = 15
    held_up_after_minutes: int = 30
    incomplete_after_hours: int = 24

    def __post_init__(self) -> None:
        limits.whole("stale_after_minutes", self.stale_after_minutes, 1, 7 * 24 * 60)
        limits.whole("held_up_after_minutes", self.held_up_after_minutes, 1, 7 * 24 * 60)
        limits.whole("incomplete_after_hours", self.incomplete_after_hours, 0, 30 * 24)

    def evaluate(self, material: MirrorMaterial, at: datetime, standing: AlertStanding) -> Evaluation:
        texts = {"label": material.label, "reason": material.reason}
        numbers = {EXPLAINS: int(material.state in (*REFUSED, *OLD))}
        bearable = self._bearable(material)
        if bearable is None:
            return Evaluation(ConditionState.CLEAR, numbers, texts=texts)
        since = min(material.since or at, at)
        if at - since < bearable and not (standing.is_open and material.state != INCOMPLETE):
            # An open alert has recovered where only gaps are left that may be; no other trouble is a recovery.
            return Evaluation(ConditionState.CLEAR, numbers, again_at=since + bearable, texts=texts)
        return Evaluation(ConditionState.BREACHED, numbers, standing.began_at or since, texts=texts)

    def _bearable(self, material: MirrorMaterial) -> timedelta | None:
        """Returns how long the state may last; None for ever."""
        if material.state in REFUSED:
            return timedelta(0)
        if material.state in OLD:
            return timedelta(minutes=self.stale_after_minutes)
        if material.state in HELD_UP:
            return timedelta(minutes=self.held_up_after_minutes)
        if material.state == INCOMPLETE and not material.is_reading and self.incomplete_after_hours:
            return timedelta(hours=self.incomplete_after_hours)
        return None


CONDITION = MirrorBehind
