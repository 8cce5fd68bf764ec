"""Whose turn it is: every newest page first, then the flow that is known the least far back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from monitor.ingest.history.newest_first import EVIDENCE, is_falling, is_newest_first
from monitor.ingest.history.whose_turn import ReadSoFar, next_turn

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TIMES = st.integers(0, 10_000).map(lambda minutes: NOW - timedelta(minutes=minutes))
STANDINGS = st.lists(
    st.builds(
        ReadSoFar,
        key=st.integers(),
        failures=st.none() | st.integers(0, 99),
        runs=st.none() | st.integers(0, 9999),
        is_begun=st.booleans(),
        by_pages=st.booleans(),
        reach=st.none() | TIMES,
    ),
    min_size=1,
    unique_by=lambda one: one.key,
)


def test_the_flow_that_fails_most_has_the_first_turn() -> None:
    quiet, sick = ReadSoFar(1, failures=0, runs=9000), ReadSoFar(2, failures=4, runs=10)
    assert next_turn([quiet, sick]) is sick


def test_nobody_has_a_second_page_before_everybody_has_a_first() -> None:
    begun = ReadSoFar(1, failures=99, runs=9000, is_begun=True, reach=NOW)
    assert next_turn([begun, ReadSoFar(2, failures=None, runs=None)]).key == 2  # type: ignore[union-attr]


def test_of_begun_flows_the_one_known_the_least_far_back_is_next() -> None:
    far = ReadSoFar(1, 50, 900, is_begun=True, reach=NOW - timedelta(days=3))
    near = ReadSoFar(2, 0, 10, is_begun=True, reach=NOW - timedelta(hours=1))
    assert next_turn([far, near]) is near


def test_the_recent_days_of_a_list_in_another_order_come_before_older_pages_and_the_whole_of_it_after() -> None:
    older = ReadSoFar(1, 0, 10, is_begun=True, reach=NOW)
    unknown = ReadSoFar(2, 0, 10, is_begun=True, by_pages=True)
    known = ReadSoFar(3, 0, 10, is_begun=True, by_pages=True, reach=NOW)
    assert next_turn([known, older, unknown]) is unknown
    assert next_turn([known, older]) is older


def test_where_nothing_is_left_it_is_nobodys_turn() -> None:
    assert next_turn([]) is None


@given(STANDINGS)
def test_whatever_the_standings_somebody_is_next_and_a_newest_page_goes_first(standings: list[ReadSoFar]) -> None:
    chosen = next_turn(standings)
    assert chosen in standings
    if any(not one.is_begun for one in standings):
        assert not chosen.is_begun
        assert (chosen.failures or 0) == max(one.failures or 0 for one in standings if not one.is_begun)


@given(st.lists(TIMES, min_size=EVIDENCE, unique=True))
def test_a_page_is_newest_first_exactly_if_no_run_began_after_the_one_before_it(times: list[datetime]) -> None:
    assert is_newest_first(sorted(times, reverse=True))
    assert not is_newest_first(sorted(times))
    assert is_newest_first(times) == (times == sorted(times, reverse=True))


def test_a_few_runs_or_one_without_a_time_are_no_evidence_of_an_order() -> None:
    falling = [NOW - timedelta(minutes=n) for n in range(EVIDENCE)]
    assert is_newest_first(falling)
    assert not is_newest_first(falling[:-1])
    assert not is_newest_first([*falling[:-1], falling[-2]])
    assert not is_newest_first([*falling, None])
    assert not is_falling([])
