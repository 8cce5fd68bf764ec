"""Seeded shapes of traffic: when the runs of a flow start, by the clock of a zone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from monitor.alerting.kinds.interface import EndedRun, RunResult

Rate = Callable[[datetime], float]  # runs an hour at a local time
BERLIN = ZoneInfo("Europe/Berlin")
TOOK = 3.0  # seconds


def is_office(at: datetime) -> bool:
    return at.weekday() < 5 and 9 <= at.hour < 18


def _steady(at: datetime) -> float:
    return 2.0


def _office(at: datetime) -> float:
    return 2.0 if is_office(at) else 0.0


def _bursts(at: datetime) -> float:
    return 1.4 if is_office(at) else 0.0


def _nightly(at: datetime) -> float:
    return 60.0 if at.hour == 2 and at.minute < 20 else 0.0


def _weekend(at: datetime) -> float:
    return 4.0 if at.weekday() >= 5 else 0.7


def _day_and_night(at: datetime) -> float:
    return 40.0 if 7 <= at.hour < 22 else 5.0


def _quiet(at: datetime) -> float:
    return 1 / 24


RATES: dict[str, Rate] = {
    "steady": _steady,
    "office hours": _office,
    "bursty": _bursts,
    "nightly batch": _nightly,
    "weekend-heavy": _weekend,
    "day and night": _day_and_night,
    "one a day, at random": _quiet,
}
SHAPES = ("steady", "office hours", "bursty", "nightly batch", "weekend-heavy")


def starts(shape: str, seed: int, begin: datetime, days: float, zone: ZoneInfo = BERLIN) -> list[float]:
    """Draws the starts of a shape, in seconds since 1970; a burst is of one and a half runs in the mean."""
    random = Random(f"{shape} {seed}")
    rate = RATES[shape]
    found: list[float] = []
    step = timedelta(minutes=10)
    at = begin
    while at < begin + timedelta(days=days):
        left = step.total_seconds()
        moment = at.timestamp()
        hourly = rate(at.astimezone(zone))
        while hourly and (gap := random.expovariate(hourly / 3600)) < left:
            left -= gap
            moment += gap
            found.append(round(moment, 3))
            if shape == "bursty":
                later = moment
                while random.random() < 0.3:
                    later += random.uniform(20, 120)
                    found.append(round(later, 3))
        at += step
    return sorted(found)


def runs_of(found: list[float]) -> list[EndedRun]:
    return [EndedRun(start + TOOK, RunResult.SUCCEEDED, start, round(TOOK * 1000)) for start in found]
