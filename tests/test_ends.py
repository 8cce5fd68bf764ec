"""Ends of runs, packed and unpacked."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.ends import RunEnd, pack_ends, unpack_ends, unpack_running, unpack_unfinished

HOUR = int(timedelta(hours=1).total_seconds() * 1000)
LONG = int(timedelta(days=36500).total_seconds() * 1000)  # a century: no delay of a flow is longer

runs = st.builds(
    RunEnd,
    ended=st.integers(0, LONG),
    has_failed=st.booleans(),
    has_failed_first=st.booleans(),
    started=st.integers(0, HOUR - 1),
    duration_ms=st.none() | st.integers(0, LONG),
    waits_since=st.none() | st.integers(-LONG, LONG),
)


@given(st.lists(runs, max_size=50))
def test_what_is_packed_comes_out_in_the_order_in_which_it_ended(given_runs: list[RunEnd]) -> None:
    found = unpack_ends(pack_ends(given_runs))
    assert sorted(found, key=repr) == sorted(given_runs, key=repr)
    assert [run.ended for run in found] == sorted(run.ended for run in given_runs)


@given(
    st.lists(runs, max_size=20),
    st.none() | st.integers(0, HOUR - 1),
    st.lists(st.integers(0, 2**32 - 1), max_size=3),
)
def test_the_start_of_a_run_without_a_result_is_kept_beside_the_others(
    given_runs: list[RunEnd], unfinished: int | None, running: list[int]
) -> None:
    packed = pack_ends(given_runs, unfinished, running)
    assert unpack_unfinished(packed) == unfinished
    assert unpack_running(packed) == ([] if unfinished is None else sorted(running))
    assert unpack_ends(packed) == unpack_ends(pack_ends(given_runs))


def test_an_hour_without_finished_runs_takes_no_room() -> None:
    assert pack_ends([]) == b""
    assert unpack_ends(b"") == []
    assert unpack_running(b"") == []


@pytest.mark.parametrize("count", [1, 10, 1000])
def test_a_run_takes_at_most_two_dozen_bytes(count: int) -> None:
    kept = pack_ends(
        RunEnd(60_000 * n, has_failed=False, has_failed_first=False, started=1000, duration_ms=59_000)
        for n in range(count)
    )
    assert len(kept) <= 24 * count + 8
