"""When a password is looked at: guessing becomes slow, and nobody's guesses keep a known person out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sign_in.how_long_to_wait import (
    DAY,
    LIMITS,
    WARNED,
    ZERO,
    CountedBy,
    Limit,
    Place,
    SignInVerdict,
    Tried,
    counted,
    counts_of,
    judge,
)

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
gaps = st.floats(0, 40_000).map(lambda seconds: timedelta(seconds=seconds))


@dataclass
class Door:
    """Plays one name's door: `knock` is an attempt with a wrong password."""

    tried: dict[tuple[CountedBy, str], Tried] = field(default_factory=dict)
    looked_at: list[datetime] = field(default_factory=list)

    def see(self, place: Place, network: str, now: datetime) -> SignInVerdict:
        mine = {kind: self.tried[kind, self.by(kind, network)] for kind in counts_of(place) if self.has(kind, network)}
        return judge(place, mine, now)

    def knock(self, place: Place, network: str, now: datetime) -> SignInVerdict:
        verdict = self.see(place, network, now)
        if verdict.is_open:
            self.looked_at.append(now)
            for kind in counts_of(place):
                key = kind, self.by(kind, network)
                self.tried[key] = counted(kind, self.tried.get(key), now)
        return verdict

    def by(self, kind: CountedBy, network: str) -> str:
        return "" if kind is CountedBy.NAME else network

    def has(self, kind: CountedBy, network: str) -> bool:
        return (kind, self.by(kind, network)) in self.tried


def test_five_slips_are_free_and_each_further_one_costs_twice_the_wait() -> None:
    door, now, waits = Door(), NOON, []
    for _ in range(12):
        door.knock(Place.STRANGE, "office", now)
        wait = door.see(Place.STRANGE, "office", now).wait
        waits.append(wait.total_seconds())
        now += wait
    assert waits == [0, 0, 0, 0, 5, 10, 20, 40, 80, 160, 320, 640]


def test_a_refused_attempt_lengthens_no_wait() -> None:
    door = Door()
    for _ in range(5):
        door.knock(Place.STRANGE, "office", NOON)
    for tenths in range(49):
        assert not door.knock(Place.STRANGE, "office", NOON + tenths * SECOND / 10).is_open
    assert door.see(Place.STRANGE, "office", NOON + 5 * SECOND).is_open


def test_what_one_network_gets_wrong_stops_no_other() -> None:
    door = Door()
    for second in range(100):
        door.knock(Place.STRANGE, "attacker", NOON + second * SECOND)
    assert not door.see(Place.STRANGE, "attacker", NOON + 100 * SECOND).is_open
    assert door.see(Place.STRANGE, "elsewhere", NOON + 100 * SECOND).is_open


def test_guesses_from_everywhere_wait_for_each_other() -> None:
    door = Door()
    for number in range(1000):
        door.knock(Place.STRANGE, f"network {number}", NOON + number * SECOND)
    assert 20 < len(door.looked_at) < 50


def test_a_network_that_errs_with_many_names_is_warned_and_stopped_only_in_a_flood() -> None:
    busy = {CountedBy.NETWORK: Tried(WARNED.free, NOON)}
    assert judge(Place.STRANGE, busy, NOON) == SignInVerdict(ZERO, SECOND)
    flood = {CountedBy.NETWORK: Tried(LIMITS[CountedBy.NETWORK].free, NOON)}
    assert judge(Place.STRANGE, flood, NOON).wait == SECOND
    for place in (Place.KNOWN_NETWORK, Place.KNOWN_BROWSER):
        assert judge(place, flood, NOON) == SignInVerdict()


@given(knocks=st.lists(st.tuples(st.integers(0, 30), gaps), max_size=80), place=st.sampled_from(list(Place)[1:]))
def test_whatever_strangers_do_a_known_person_is_let_in(knocks: list[tuple[int, timedelta]], place: Place) -> None:
    door, now = Door(), NOON
    for number, gap in knocks:
        now += gap
        door.knock(Place.STRANGE, f"network {number}", now)
        assert door.see(place, "home", now) == SignInVerdict()


@given(knocks=st.lists(st.tuples(st.integers(0, 5), gaps), max_size=120))
def test_strangers_together_look_at_no_more_than_the_free_ones_and_one_a_wait(
    knocks: list[tuple[int, timedelta]],
) -> None:
    door, now = Door(), NOON
    for number, gap in knocks:
        now += gap
        door.knock(Place.STRANGE, f"network {number}", now)
    limit = LIMITS[CountedBy.NAME]
    for first in range(len(door.looked_at) - limit.free):
        apart = door.looked_at[first + limit.free] - door.looked_at[first]
        assert apart >= limit.first


@given(
    limit=st.sampled_from([*LIMITS.values(), WARNED]),
    failures=st.integers(0, 10**9),
    off=st.timedeltas(-400 * DAY, 400 * DAY),
)
def test_no_wait_is_longer_than_the_longest_whatever_the_clock_does(
    limit: Limit, failures: int, off: timedelta
) -> None:
    wait = limit.wait(Tried(failures, NOON), NOON + off)
    assert ZERO <= wait <= limit.longest
    if failures < limit.free or off >= limit.longest:
        assert wait == ZERO
    elif off <= ZERO:
        assert wait >= limit.first


@pytest.mark.parametrize("kind", list(CountedBy))
def test_after_a_quiet_time_the_count_begins_anew(kind: CountedBy) -> None:
    limit = LIMITS[kind]
    before = Tried(limit.free + 3, NOON)
    assert counted(kind, before, NOON + limit.forgotten) == Tried(1, NOON + limit.forgotten)
    almost = NOON + limit.forgotten - SECOND
    assert counted(kind, before, almost) == Tried(limit.free + 4, almost)
