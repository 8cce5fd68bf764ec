"""Rows → counts, and percentiles of the counts."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.rollups.count_runs import DURATION_BOUNDS_MS, CountedRun, RunCounts, bin_of, fold, merge, percentile

runs = st.builds(
    CountedRun,
    status=st.sampled_from(["success", "failed", "running", "paused", ""]),
    first_status=st.sampled_from(["", "success", "failed"]),
    duration_ms=st.none() | st.integers(-10_000, 10**9),
    is_retry=st.booleans(),
    is_rescued=st.booleans(),
)
histograms = st.lists(st.integers(0, 50), max_size=len(DURATION_BOUNDS_MS) + 1)


def test_a_failed_run_counts_as_failed_in_both_rates() -> None:
    counts = fold([CountedRun("failed", "failed"), CountedRun("success", "success")])
    assert (counts.succeeded, counts.failed, counts.first_succeeded) == (1, 1, 1)


def test_a_failed_run_whose_retry_succeeded_counts_once_as_success_but_not_at_its_first_attempt() -> None:
    counts = fold([CountedRun("failed", "failed", is_rescued=True), CountedRun("success", "success", is_retry=True)])
    assert (counts.succeeded, counts.failed, counts.first_succeeded, counts.retried) == (1, 0, 0, 1)


def test_a_run_that_zoho_re_ran_to_success_counts_as_success_but_not_at_its_first_attempt() -> None:
    counts = fold([CountedRun("success", "failed")])
    assert (counts.succeeded, counts.failed, counts.first_succeeded) == (1, 0, 0)


def test_running_and_unknown_statuses_are_counted_apart_from_the_finished() -> None:
    counts = fold([CountedRun("running"), CountedRun("paused"), CountedRun("SUCCESS")])
    assert (counts.finished, counts.running, counts.other) == (0, 1, 2)


def test_durations_are_those_of_the_finished_runs_and_negative_ones_are_ignored() -> None:
    counts = fold(
        [
            CountedRun("success", duration_ms=100),
            CountedRun("failed", duration_ms=300),
            CountedRun("success", duration_ms=-5),
        ]
    )
    assert (counts.duration_count, counts.duration_sum_ms, counts.duration_max_ms) == (2, 400, 300)
    skipped = fold([CountedRun("running", duration_ms=100), CountedRun("success", duration_ms=100, is_retry=True)])
    assert (skipped.duration_count, skipped.durations) == (0, [])
    assert fold([CountedRun("success", duration_ms=2**62)]).duration_sum_ms == 0


def test_the_bins_are_geometric_and_reach_beyond_five_minutes() -> None:
    assert list(DURATION_BOUNDS_MS) == sorted(set(DURATION_BOUNDS_MS))
    assert DURATION_BOUNDS_MS[-1] > 5 * 60 * 1000
    ratios = [b / a for a, b in pairwise(DURATION_BOUNDS_MS)]
    assert 1.15 < min(ratios) <= max(ratios) < 1.35


@given(st.lists(runs), st.randoms())
def test_each_row_is_counted_exactly_once_in_any_order(rows: list[CountedRun], random) -> None:
    counts = fold(rows)
    total = counts.succeeded + counts.failed + counts.running + counts.other + counts.retried
    assert total == len(rows)
    assert counts.first_succeeded <= counts.finished
    assert sum(counts.durations) == counts.duration_count <= counts.finished
    random.shuffle(rows)
    assert fold(rows) == counts


@given(st.lists(runs), st.lists(runs))
def test_merging_histograms_equals_the_histogram_of_all_rows(some: list[CountedRun], more: list[CountedRun]) -> None:
    assert merge(fold(some).durations, fold(more).durations) == fold(some + more).durations


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


def test_counts_start_empty() -> None:
    assert fold([]) == RunCounts()
