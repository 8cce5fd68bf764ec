"""The planner: whatever was called before, its pace never meets the limit, and it always goes on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.connection.ledger import SLOT, WINDOW, LedgerSlot
from monitor.connection.limits import CallLimits, share
from monitor.ingest.base import list_pace
from monitor.ingest.steps.moved_flows import Interest, order
from monitor.models import Stream

NOW = datetime(2026, 11, 22, 12, 3, 20, tzinfo=UTC)
FIRST = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

limits = st.sampled_from([10, 900, 9_000, 45_000, 180_000])


@st.composite
def histories(draw: st.DrawFn) -> tuple[int, list[LedgerSlot]]:
    """A limit, and what was called in the last day: anything up to the limit, at any time."""
    allowed = draw(limits)
    places = draw(st.lists(st.integers(0, 144), unique=True, max_size=20))
    left, slots = allowed, []
    for place in sorted(places):
        spent = draw(st.integers(0, left))
        left -= spent
        if spent:
            slots.append(LedgerSlot(FIRST + place * SLOT, spent, draw(st.integers(0, spent))))
    return allowed, slots


def fullest(slots: list[LedgerSlot], rate: float) -> float:
    """The most calls that any 24 h hold when it goes on at `rate` for two days, slots leaving at their ends."""
    most = 0.0
    for minute in range(0, 2 * 24 * 60, 5):
        then = NOW + timedelta(minutes=minute)
        old = sum(slot.spent for slot in slots if slot.start + SLOT + WINDOW > then)
        most = max(most, old + rate * min(minute * 60.0, WINDOW.total_seconds()))
    return most


@given(histories())
def test_going_on_at_the_pace_never_exceeds_the_day_whatever_was_called_before(
    history: tuple[int, list[LedgerSlot]],
) -> None:
    allowed, slots = history

    assert fullest(slots, list_pace.pace(list_pace.Budget(allowed, slots), NOW)) <= allowed


@given(histories())
def test_history_takes_only_what_leaves_the_lists_their_pace(history: tuple[int, list[LedgerSlot]]) -> None:
    allowed, slots = history
    spare = list_pace.spare(list_pace.Budget(allowed, slots), NOW)
    if spare:
        after = [*slots, LedgerSlot(NOW - timedelta(seconds=200), spare, history=spare)]
        even = list_pace.Budget(allowed).allowed / WINDOW.total_seconds()
        assert (
            list_pace.pace(list_pace.Budget(allowed, after), NOW) >= (list_pace.HISTORY_FLOOR - 0.02) * even - 1 / 600
        )


@given(histories(), st.integers(1, 50))
def test_the_list_always_goes_on_within_half_an_hour_a_page(history: tuple[int, list[LedgerSlot]], pages: int) -> None:
    allowed, slots = history
    apart = list_pace.spacing(pages, list_pace.Budget(allowed, slots), NOW)

    assert timedelta(0) < apart <= list_pace.LONGEST_WAIT
    assert list_pace.batch(pages, apart) >= 1


@given(histories(), st.integers(0, 200_000))
def test_calls_that_others_made_only_ever_slow_the_pace(history: tuple[int, list[LedgerSlot]], others: int) -> None:
    allowed, slots = history

    assert list_pace.pace(list_pace.Budget(allowed, slots, others), NOW) <= list_pace.pace(
        list_pace.Budget(allowed, slots), NOW
    )


def test_without_a_burst_the_lists_get_the_whole_allowance() -> None:
    apart = list_pace.spacing(5, list_pace.Budget(45_000), NOW)

    assert apart.total_seconds() == pytest.approx(86_400 / 45_000, rel=0.02)
    assert list_pace.batch(5, apart) == 5, "a whole list of Professional with 100 flows about every ten seconds"


def test_a_burst_is_paid_back_by_a_slower_pace_and_not_by_a_stop() -> None:
    burst = [LedgerSlot(FIRST + 143 * SLOT, 9_000, history=9_000)]

    slow = list_pace.pace(list_pace.Budget(45_000, burst), NOW)

    assert slow == pytest.approx(0.8 * list_pace.pace(list_pace.Budget(45_000), NOW), rel=0.02)


def test_what_reads_really_use_is_left_out_of_the_lists_pace() -> None:
    slots = [LedgerSlot(FIRST + place * SLOT, 30, 0) for place in range(145)]
    budget = list_pace.Budget(45_000, slots)

    rate = 1 / list_pace.spacing(5, budget, NOW).total_seconds()

    assert rate == pytest.approx(list_pace.pace(budget, NOW) - 30 / 600, rel=0.02)


def test_a_list_that_was_late_is_due_as_if_it_had_not_been() -> None:
    apart = timedelta(seconds=2)

    assert list_pace.next_due(NOW - timedelta(seconds=3), 5, apart, NOW) == NOW + timedelta(seconds=7)
    assert list_pace.next_due(NOW - timedelta(hours=3), 5, apart, NOW) == NOW + timedelta(seconds=10)
    assert list_pace.next_due(None, 5, apart, NOW) == NOW + timedelta(seconds=10)


def test_who_waits_comes_first_then_open_alerts_then_what_is_due_and_history_last() -> None:
    nothing = {"wanted": False, "alerting": False, "due": False, "history": False, "begun": False, "count": 0}
    ways = {
        "moved": {},
        "large history": {"history": True, "count": 500},
        "wanted": {"wanted": True, "history": True},
        "due": {"due": True},
        "begun history": {"history": True, "begun": True},
        "alerting": {"alerting": True},
    }
    ordered = sorted(ways, key=lambda way: order(Interest(**(nothing | ways[way]))))  # type: ignore[arg-type]

    assert ordered == ["wanted", "alerting", "due", "moved", "begun history", "large history"]


def test_rules_are_listed_every_minute_where_the_credits_allow_it_and_connections_every_five() -> None:
    assert list_pace.interval(Stream.RULES, 1, list_pace.Budget(47_000), NOW) == timedelta(seconds=60)
    assert list_pace.interval(Stream.RULES, 1, list_pace.Budget(900), NOW) > timedelta(seconds=300)
    assert list_pace.interval(Stream.CONNECTIONS, 1, list_pace.Budget(45_000), NOW) == timedelta(minutes=5)
    assert list_pace.interval(Stream.CONNECTIONS, 1, list_pace.Budget(900), NOW) > timedelta(hours=1)


@given(st.integers(1, 200), st.integers(0, 200), st.integers(0, 60), st.booleans())
def test_whatever_is_left_of_a_minute_something_is_kept_for_new_runs_and_something_can_go_on(
    per_minute: int, used: int, wanted: int, history: bool
) -> None:
    background = share(CallLimits(per_minute, None), for_people=False).per_minute or 0
    free, kept = max(0, background - used), list_pace.reads_kept(per_minute, history=history)

    unhurried = list_pace.unhurried(wanted, free, per_minute)

    assert 0 <= unhurried <= wanted
    assert not unhurried or free - unhurried >= list_pace.reads_kept(per_minute) // 2, "new runs have the rest"
    assert list_pace.fits(background, kept), "in an empty minute the list is asked for, however small the limit is"
    assert list_pace.fits(background - list_pace.lists_kept(per_minute)), "and history goes on"
    assert list_pace.fits(free, kept) == (free > kept)
    assert list_pace.unhurried(wanted, None, None) == wanted


def test_a_list_that_could_fill_the_minute_leaves_room_for_reads_and_half_where_history_waits() -> None:
    assert [list_pace.reads_kept(each) for each in (10, 30, 60, 120)] == [1, 2, 3, 6]
    assert [list_pace.reads_kept(each, history=True) for each in (10, 120)] == [5, 60]
    assert all(list_pace.lists_kept(each) < list_pace.reads_kept(each, history=True) for each in (10, 30, 60, 120))
