"""How long runs took, in bins, and percentiles of the bins."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.rollups.run_time_histogram import DURATION_BOUNDS_MS, bin_of, percentile
from monitor.rollups.success_rate import CountedRun, fold

histograms = st.lists(st.integers(0, 50), max_size=len(DURATION_BOUNDS_MS) + 1)


def test_the_bins_are_geometric_and_reach_beyond_five_minutes() -> None:
    assert list(DURATION_BOUNDS_MS) == sorted(set(DURATION_BOUNDS_MS))
    assert DURATION_BOUNDS_MS[-1] > 5 * 60 * 1000
    ratios = [b / a for a, b in pairwise(DURATION_BOUNDS_MS)]
    assert 1.15 < min(ratios) <= max(ratios) < 1.35


@given(st.integers(0, 10**9))
def test_a_duration_lies_within_its_bin(duration: int) -> None:
    place = bin_of(duration)
    assert place == 0 or DURATION_BOUNDS_MS[place - 1] < duration
    assert place == len(DURATION_BOUNDS_MS) or duration <= DURATION_BOUNDS_MS[place]


def test_no_durations_have_no_percentile() -> None:
    assert percentile([], 50) is None
    assert percentile([0, 0, 0], 95) is None


@given(st.lists(st.integers(10, 9_000_000), min_size=1), st.integers(1, 100))
def test_a_percentile_is_off_by_less_than_a_bin(durations: list[int], q: int) -> None:
    counts = fold([CountedRun("success", duration_ms=d) for d in durations])
    exact = sorted(durations)[max(-(-len(durations) * q // 100) - 1, 0)]
    found = percentile(counts.durations, q)
    assert found is not None
    assert bin_of(exact) == 0 or 1 / 1.3 < found / exact < 1.3


@given(histograms.filter(any))
def test_a_higher_percentile_is_never_shorter(histogram: list[int]) -> None:
    found = [percentile(histogram, q) for q in (0, 1, 25, 50, 75, 95, 99, 100)]
    assert found == sorted(found)  # type: ignore[type-var]


def test_longer_than_the_last_bound_is_given_as_at_least_the_last_bound() -> None:
    assert percentile(fold([CountedRun("success", duration_ms=10**9)]).durations, 50) == DURATION_BOUNDS_MS[-1]


@pytest.mark.parametrize("q", [0.95, -1, 100.5])
def test_a_fraction_taken_for_a_percentage_is_refused(q: float) -> None:
    with pytest.raises(ValueError, match="per cent"):
        percentile([1], q)
