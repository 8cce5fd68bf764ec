"""An hour of a flow's history, drawn from a generator that knows only (seed, flow, hour)."""

import math
import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from standin.chance import poisson, rng
from standin.clock import hour_start
from standin.flow.catalogue import DAILY, HOURLY, SHOP, FlowTemplate
from standin.flow.failures import RERUN_AFTER, FailureKind, draw_kind

# Shares of a day's work by hour of the organisation's day; each list sums to 24, so the mean is 1.
OFFICE_HOURS = (0.1, 0.1, 0.1, 0.1, 0.1, 0.2, 0.5, 1.1, 2.0, 2.7, 2.8, 2.5, 1.8, 2.1, 2.6, 2.3, 1.7, 0.6,
                0.2, 0.1, 0.1, 0.1, 0.05, 0.05)  # fmt: skip
SHOP_HOURS = (0.5, 0.3, 0.2, 0.2, 0.2, 0.3, 0.5, 0.8, 1.0, 1.2, 1.3, 1.4, 1.5, 1.3, 1.2, 1.2, 1.3, 1.5,
              1.8, 1.9, 1.7, 1.4, 0.8, 0.5)  # fmt: skip
# Factors of a weekday and of a weekend day, so that a week's mean is 1.
WEEK = {"office": (1.27, 0.325), SHOP: (0.92, 1.2)}
MAX_RUN_MS = 290_000  # the seed allows a flow five minutes
EXTRA, ADDED, RETRIED = 20_000, 40_000, 60_000  # where the numbers of other kinds of run begin in an hour


@dataclass(frozen=True, slots=True)
class Draft:
    """A run that will happen unless the flow is off by then; what may befall it is already drawn."""

    execution_id: str
    started: datetime
    duration_ms: int
    kind: FailureKind | None
    step: int
    luck: tuple[bool, ...]


def execution_id(prefix: str, flow_index: int, hour: int, number: int) -> str:
    """A long id that grows with time: organisation, hour, flow, number in the hour."""
    return f"{prefix}{hour:06d}{flow_index % 1000:03d}{number:05d}"


def _mean_factor(template: FlowTemplate, at: datetime) -> float:
    table = SHOP_HOURS if template.shape == SHOP else OFFICE_HOURS
    return table[at.hour] * WEEK[template.shape][at.weekday() >= 5]


def _seconds_in_hour(template: FlowTemplate, hour: int, per_hour: float, dice: random.Random) -> list[int]:
    at = hour_start(hour)
    if template.shape == HOURLY:
        return [7 * 60 + dice.randint(0, 20)]
    if template.shape == DAILY:
        return [15 * 60 + dice.randint(0, 40)] if at.hour == 4 else []
    count = min(poisson(dice, per_hour * _mean_factor(template, at)), EXTRA - 1)
    return sorted(dice.randrange(3600) for _ in range(count))


def draw_duration(template: FlowTemplate, dice: random.Random) -> int:
    """Milliseconds, log-normal around the template's median and never over the documented five minutes."""
    return min(MAX_RUN_MS, max(120, round(template.median_ms * math.exp(dice.gauss(0, 0.45)))))


def draw_luck(dice: random.Random) -> tuple[bool, ...]:
    """Which automatic re-runs would go well: most the first, a few none at all."""
    return tuple(dice.random() < 0.75 for _ in RERUN_AFTER) if dice.random() < 0.94 else (False,) * 8


def draft_hour(
    *, seed: int, prefix: str, flow_index: int, template: FlowTemplate, hour: int, per_hour: float
) -> list[Draft]:
    """The runs that one flow begins in one hour (number since 1970), oldest first."""
    dice = rng("hour", seed, flow_index, hour)
    drafts = []
    for number, second in enumerate(_seconds_in_hour(template, hour, per_hour, dice)):
        drafts.append(
            draw_draft(
                execution_id(prefix, flow_index, hour, number),
                hour_start(hour) + timedelta(seconds=second),
                template,
                dice,
            )
        )
    return drafts


def draw_draft(identity: str, started: datetime, template: FlowTemplate, dice: random.Random) -> Draft:
    """One run with its length and its fate."""
    duration = draw_duration(template, dice)
    fate, step = dice.random(), dice.randrange(len(template.actions))
    kind: FailureKind | None = None
    if fate < template.transient_share:
        kind = draw_kind(dice, transient=True)
    elif fate < template.transient_share + template.permanent_share:
        kind = draw_kind(dice, transient=False)
    luck = draw_luck(dice) if kind is not None and kind.transient else ()
    return Draft(identity, started, duration, kind, step, luck)
