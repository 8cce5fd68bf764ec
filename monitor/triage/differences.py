"""Finds what the failed runs of a problem have in common that good runs do not. Pure.

For each field of a run (what triggered it, the hour, the flow's version, how long it took) the shares of its values
among the failed runs are held against those among the good ones. What is told has to be sure: the least that the share
among the failed may be (Wilson's bound, 95 %) lies above the most that it may be among the good. So nothing is said
where nothing differs, or where there are too few runs to tell.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitor.languages import gettext_noop

FEWEST = 5  # failed runs, and good ones, below which nothing can be told
MOST_VALUES = 50  # of a field: an id differs in each run and explains none
MOST_TOLD = 8
DEEPEST = 3  # keys in a path
ABSENT = gettext_noop("(absent)")
TRIGGER = "trigger"
Path = tuple[str, ...]
Fields = Mapping[Path, str]
_Z = 1.96


@dataclass(frozen=True, slots=True)
class Difference:
    """Holds one value of a field that marks the failed runs.

    Attributes:
        path: the field's keys; those of trigger data begin with `TRIGGER`. A key may hold any text, dots too.
        value: as text, whole; `ABSENT` where the field is not there.
        failed: failed runs with it, of `of_failed`.
        good: good runs with it, of `of_good`.
    """

    path: Path
    value: str
    failed: int
    of_failed: int
    good: int
    of_good: int

    @property
    def field(self) -> str:
        return ".".join(self.path)

    @property
    def lift(self) -> float:
        """Returns how many times as frequent it is among the failed; what no good run has counts as half a run."""
        return (self.failed / self.of_failed) / (max(self.good, 0.5) / self.of_good)


def differences(failed: Sequence[Fields], good: Sequence[Fields]) -> list[Difference]:
    """Returns what marks the failed runs, the greatest lift first; empty where nothing does.

    Args:
        failed: fields of each failed run as text, see `fields_of`.
        good: the same of good runs of the same flows and time.
    """
    if len(failed) < FEWEST or len(good) < FEWEST:
        return []
    bad, fine = _counts(failed), _counts(good)
    found = []
    for name in bad.keys() | fine.keys():
        if len(bad[name].keys() | fine[name].keys()) > MOST_VALUES:
            continue
        for value, count in _with_absent(bad[name], len(failed)).items():
            other = _with_absent(fine[name], len(good))[value]
            if _least(count, len(failed)) > _most(other, len(good)):
                found.append(Difference(name, value, count, len(failed), other, len(good)))
    return sorted(found, key=lambda one: (-one.lift, -one.failed, one.field, one.value))[:MOST_TOLD]


def _counts(runs: Sequence[Fields]) -> defaultdict[Path, Counter[str]]:
    found: defaultdict[Path, Counter[str]] = defaultdict(Counter)
    for run in runs:
        for name, value in run.items():
            found[name][value] += 1
    return found


def _with_absent(counts: Counter[str], runs: int) -> Counter[str]:
    """Adds how many runs do not have the field."""
    missing = runs - counts.total()
    return counts + Counter({ABSENT: missing}) if missing else counts


def _least(count: int, of: int) -> float:
    centre, half = _wilson(count, of)
    return centre - half


def _most(count: int, of: int) -> float:
    centre, half = _wilson(count, of)
    return centre + half


def _wilson(count: int, of: int) -> tuple[float, float]:
    """Returns centre and half width of Wilson's interval of a share."""
    share, square = count / of, _Z * _Z
    below = 1 + square / of
    half = _Z * math.sqrt(share * (1 - share) / of + square / (4 * of * of)) / below
    return (share + square / (2 * of)) / below, half


def fields_of(trigger_data: Any, **more: str) -> dict[Path, str]:
    """Flattens what a run is described by: the plain values of its trigger data, and `more`.

    Args:
        trigger_data: whatever JSON it is.
        more: further fields by name, such as the hour; empty ones are left out.
    """
    found: dict[Path, str] = {(name,): value for name, value in more.items() if value}
    found.update(_plain(trigger_data, (TRIGGER,)) if isinstance(trigger_data, Mapping) else ())
    return found


def _plain(data: Mapping[str, Any], before: Path) -> Iterator[tuple[Path, str]]:
    for key, value in data.items():
        path = (*before, key)
        if isinstance(value, Mapping) and len(path) <= DEEPEST:
            yield from _plain(value, path)
        elif (text := plain_text(value)) is not None:
            yield path, text


def plain_text(value: Any) -> str | None:
    """Returns a plain value of JSON as text; None for a list or an object."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, str | int | float):
        text = str(value) if not isinstance(value, int) or value.bit_length() < 1000 else ""
        return text or "(empty)"
    return None
