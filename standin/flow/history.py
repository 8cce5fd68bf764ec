"""Draws the runs of one hour of a flow, from a generator that knows only (seed, flow, hour)."""

import math
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from standin.chance import org_prefix, poisson, rng
from standin.clock import hour_start
from standin.flow.catalogue import DAILY, HOURLY, SHOP, FlowTemplate, template
from standin.flow.failures import RERUN_AFTER, FailureKind, draw_kind

# Shares of a day's work by hour of the organisation's day; each list sums to 24, so the mean is 1.
OFFICE_HOURS = (0.1, 0.1, 0.1, 0.1, 0.1, 0.2, 0.5, 1.1, 2.0, 2.7, 2.8, 2.5, 1.8, 2.1, 2.6, 2.3, 1.7, 0.6,
                0.2, 0.1, 0.1, 0.1, 0.05, 0.05)  # fmt: skip
SHOP_HOURS = (0.5, 0.3, 0.2, 0.2, 0.2, 0.3, 0.5, 0.8, 1.0, 1.2, 1.3, 1.4, 1.5, 1.3, 1.2, 1.2, 1.3, 1.5,
              1.8, 1.9, 1.7, 1.4, 0.8, 0.5)  # fmt: skip
# Factors of a weekday and of a weekend day, so that a week's mean is 1.
WEEK = {"office": (1.27, 0.325), SHOP: (0.92, 1.2)}
MAX_RUN_MS = 290_000  # a flow may run for five minutes: docs/reference/zoho-flow.md, "Plans and limits"
DAILY_HOUR = 4
HOURS_KEPT = 20_000  # about 10 MB
EXTRA, ADDED, RETRIED = 20_000, 40_000, 60_000  # where the numbers of other kinds of run begin in an hour


@dataclass(frozen=True, slots=True)
class Draft:
    """Holds a run that begins unless the flow is off by then; whether it fails is already drawn."""

    execution_id: str
    started: datetime
    duration_ms: int
    kind: FailureKind | None
    step: int
    luck: tuple[bool, ...]


def execution_id(prefix: str, flow_index: int, hour: int, number: int) -> str:
    """Returns a long id that grows with time: organisation, hour, flow, number in the hour."""
    return f"{prefix}{hour:06d}{flow_index % 1000:03d}{number:05d}"


def _mean_factor(chosen: FlowTemplate, at: datetime) -> float:
    table = SHOP_HOURS if chosen.shape == SHOP else OFFICE_HOURS
    return table[at.hour] * WEEK[chosen.shape][at.weekday() >= 5]


def _seconds_in_hour(chosen: FlowTemplate, hour: int, per_hour: float, dice: random.Random) -> list[int]:
    at = hour_start(hour)
    if chosen.shape == HOURLY:
        return [7 * 60 + dice.randint(0, 20)]
    if chosen.shape == DAILY:
        return [15 * 60 + dice.randint(0, 40)]
    count = min(poisson(dice, per_hour * _mean_factor(chosen, at)), EXTRA - 1)
    return sorted(dice.randrange(3600) for _ in range(count))


def draw_duration(chosen: FlowTemplate, dice: random.Random) -> int:
    """Draws milliseconds, log-normal around the flow's median and never over the documented five minutes."""
    return min(MAX_RUN_MS, max(120, round(chosen.median_ms * math.exp(dice.gauss(0, 0.45)))))


def draw_luck(dice: random.Random) -> tuple[bool, ...]:
    """Returns which automatic re-runs would go well: most the first, a few none at all."""
    return tuple(dice.random() < 0.75 for _ in RERUN_AFTER) if dice.random() < 0.94 else (False,) * 8


@lru_cache(maxsize=HOURS_KEPT)
def draft_hour(*, seed: int, flow_index: int, hour: int, per_hour: float) -> tuple[Draft, ...]:
    """Returns the runs that one flow of the catalogue begins in one hour (number since 1970), oldest first.

    Kept, since it depends on its arguments only and the tests begin the same organisation again and again.
    """
    chosen = template(flow_index)[0]
    if chosen.shape == DAILY and hour_start(hour).hour != DAILY_HOUR:
        return ()
    dice, prefix = rng("hour", seed, flow_index, hour), org_prefix(seed)
    return tuple(
        draw_draft(
            execution_id(prefix, flow_index, hour, number), hour_start(hour) + timedelta(seconds=second), chosen, dice
        )
        for number, second in enumerate(_seconds_in_hour(chosen, hour, per_hour, dice))
    )


def draw_draft(identity: str, started: datetime, chosen: FlowTemplate, dice: random.Random) -> Draft:
    """Draws one run: how long it takes and whether it fails."""
    duration = draw_duration(chosen, dice)
    outcome, step = dice.random(), dice.randrange(len(chosen.actions))
    kind: FailureKind | None = None
    if outcome < chosen.transient_share:
        kind = draw_kind(dice, transient=True)
    elif outcome < chosen.transient_share + chosen.permanent_share:
        kind = draw_kind(dice, transient=False)
    luck = draw_luck(dice) if kind is not None and kind.transient else ()
    return Draft(identity, started, duration, kind, step, luck)
