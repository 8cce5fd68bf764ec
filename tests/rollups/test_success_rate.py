"""Rows → counts: a run and its retries once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from monitor.rollups.run_time_histogram import merge
from monitor.rollups.success_rate import CountedRun, RunCounts, fold

runs = st.builds(
    CountedRun,
    status=st.sampled_from(["success", "failed", "running", "paused", ""]),
    first_status=st.sampled_from(["", "success", "failed"]),
    duration_ms=st.none() | st.integers(-10_000, 10**9),
    is_retry=st.booleans(),
    is_rescued=st.booleans(),
)


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


def test_counts_start_empty() -> None:
    assert fold([]) == RunCounts()
