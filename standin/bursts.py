"""The flood of runs of a flow that goes bad while somebody watches."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from standin.chance import rng
from standin.generate import EXTRA, Draft, draw_duration, draw_luck

if TYPE_CHECKING:
    from standin.flows import Flow

CALM_DOWN = timedelta(minutes=20)  # the flood goes on for a while after the flow is well, as a backlog does
# How long between two runs, in seconds: quick at first so that a rule trips within minutes, then rare so
# that a demo left alone for days does not fill its disk.
PACE = ((200, 4, 16), (500, 60, 180), (10**9, 600, 1200))


@dataclass(slots=True)
class Burst:
    """Runs from `start` on, at seeded intervals, until the flow has been well for `CALM_DOWN`."""

    start: datetime
    count: int = 0
    next_at: datetime | None = None
    over: bool = False

    def drafts(self, flow: "Flow", now: datetime) -> Iterator[Draft]:
        """The runs that begin up to `now` and were not given yet."""
        while not self.over:
            at = self.next_at or self.start
            if at > now:
                return
            well_since = flow.sick.last_change(at)
            if not flow.sick.at(at) and well_since is not None and at > well_since + CALM_DOWN:
                self.over = True
                return
            dice = rng("burst", flow.seed, flow.index, self.start.isoformat(), self.count)
            yield Draft(
                flow.next_number(EXTRA, at),
                at.replace(microsecond=0),
                draw_duration(flow.template, dice),
                None,
                0,
                draw_luck(dice),
            )
            low, high = next((low, high) for below, low, high in PACE if self.count < below)
            self.count += 1
            self.next_at = at + timedelta(seconds=dice.randint(low, high))
