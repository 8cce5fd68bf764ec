"""Lets a flow go bad: from some moment on every run fails in one way, runs come every few seconds, until it is healed.

This is the one implementation. It begins by the mutation `break_flow`, which `World.go_bad` calls for the command's
`--flow-goes-bad-after` (and so for the demo) and for the stories `flow-goes-bad` and `downstream-outage`, and the
control endpoint for tests. It ends by the mutation `heal_flow`, or by a person's retry where that fixes it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from standin.chance import rng
from standin.flow.catalogue import FlowTemplate
from standin.flow.failures import SICKNESS, FailureKind
from standin.flow.history import EXTRA, Draft, draw_duration, draw_luck
from standin.timeline import Timeline

CALM_DOWN = timedelta(minutes=20)  # the flood goes on for a while after the flow is well, as a backlog does
# How long between two runs, in seconds: quick at first so that a rule trips within minutes, then rare so
# that a demo left alone for days does not fill its disk.
PACE = ((200, 4, 16), (500, 60, 180), (10**9, 600, 1200))


@dataclass(slots=True)
class _Flood:
    """Holds where the flood of runs is: how many came, and when the next one begins."""

    start: datetime
    next_at: datetime
    count: int = 0


class GoesBad:
    """Decides when one flow is bad, how its runs fail then, and the runs that come on top."""

    def __init__(self, template: FlowTemplate, key: tuple[object, ...]) -> None:
        """Begins with a flow that is well; `key` seeds the draws."""
        self._template = template
        self._key = key
        self._is_bad = Timeline(initial=False)
        self._flood: _Flood | None = None
        self._fixed_by_retry = True
        self.kind = SICKNESS

    def at(self, moment: datetime) -> bool:
        """Returns whether runs that begin at `moment` fail."""
        return self._is_bad.at(moment)

    def is_planned(self, now: datetime) -> bool:
        """Returns whether the flow is bad or will be."""
        return self._is_bad.at(now) or self._is_bad.planned(now)

    def begin(self, at: datetime, kind: FailureKind, *, fixed_by_retry: bool, flood: bool) -> None:
        """Lets every run fail with `kind` from `at` on; `flood` brings runs every few seconds."""
        self._is_bad.turn_on(at)
        self.kind = kind
        self._fixed_by_retry = fixed_by_retry
        self._flood = _Flood(at, at) if flood else None

    def end(self, at: datetime) -> None:
        """Heals the flow at `at`, or call off what is planned."""
        self._is_bad.turn_off(at)
        if self._flood is not None and self._flood.start > at:
            self._flood = None

    def fixed_by_retry(self, at: datetime) -> bool:
        """Takes note of a person's retry: whoever retries has fixed the cause first. Tells whether that healed it."""
        healed = self.at(at) and self._fixed_by_retry
        if healed:
            self._is_bad.turn_off(at)
        return healed

    def is_repaired(self, began: datetime, now: datetime) -> bool:
        """Tells whether a person has repaired by now what made a run fail that began at `began`."""
        return self._fixed_by_retry and self.at(began) and not self.at(now)

    def extra_runs(self, now: datetime, next_id: Callable[[int, datetime], str]) -> Iterator[Draft]:
        """Yields the runs of the flood that begin up to `now` and were not given yet.

        They come at seeded intervals until the flow has been well for `CALM_DOWN`.
        """
        flood = self._flood
        while flood is not None and flood.next_at <= now:
            at = flood.next_at
            changed = self._is_bad.last_change(at)
            if not self.at(at) and changed is not None and at > changed + CALM_DOWN:
                self._flood = None
                return
            dice = rng("burst", *self._key, flood.start.isoformat(), flood.count)
            identity, started = next_id(EXTRA, at), at.replace(microsecond=0)
            yield Draft(identity, started, draw_duration(self._template, dice), None, 0, draw_luck(dice))
            low, high = next((low, high) for below, low, high in PACE if flood.count < below)
            flood.count += 1
            flood.next_at = at + timedelta(seconds=dice.randint(low, high))
