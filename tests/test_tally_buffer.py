"""What is counted in memory is written once a second, and nothing of it is lost or counted twice."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.tally_buffer import CountedAct, TallyBuffer

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ROOM = 3  # networks of a thing that have a count of their own


def act(thing: str = "7", network: str = "198.51.100.9", minutes: int = 0) -> CountedAct:
    return CountedAct("refused", ("person", thing), network, NOON + timedelta(minutes=minutes))


class Store:
    """Counts as the database does: some networks of a thing by themselves, the rest together."""

    def __init__(self) -> None:
        self.counts: Counter[object] = Counter()
        self.writes = 0
        self.fails = False
        self.written = threading.Event()

    def write(self, act: CountedAct, times: int) -> bool:
        if self.fails:
            raise ConnectionError
        self.writes += 1
        of_thing = [key for key in self.counts if key[:3] == act.key[:3] and key[3]]
        is_apart = act.key in of_thing or len(of_thing) < ROOM or not act.network
        self.counts[(act if is_apart else act.of_all).key] += times
        self.written.set()
        return is_apart


def nothing() -> None:
    """Lets go of nothing."""


@given(
    st.lists(
        st.one_of(st.just("flush"), st.tuples(st.sampled_from("78"), st.integers(0, 6), st.sampled_from([0, 30, 70]))),
        max_size=60,
    )
)
def test_whatever_comes_is_counted_once(steps: list[object]) -> None:
    store = Store()
    buffer = TallyBuffer(store.write)
    given_acts: Counter[object] = Counter()
    with buffer.in_memory(nothing, every=3600):
        for step in steps:
            if step == "flush":
                buffer.flush()
                continue
            thing, network, minutes = step
            one = act(thing, str(network), minutes)
            given_acts[one.key[:3]] += 1
            buffer.add(one)
    found: Counter[object] = Counter()
    for key, times in store.counts.items():
        found[key[:3]] += times
    assert found == given_acts


def test_a_flood_is_a_write_for_the_first_and_one_for_the_rest() -> None:
    store = Store()
    buffer = TallyBuffer(store.write)
    with buffer.in_memory(nothing, every=3600):
        for _ in range(1000):
            buffer.add(act())
        assert store.writes == 1
    assert (store.writes, sum(store.counts.values())) == (2, 1000)


def test_networks_that_have_no_room_are_held_too() -> None:
    store = Store()
    buffer = TallyBuffer(store.write)
    with buffer.in_memory(nothing, every=3600):
        for number in range(1000):
            buffer.add(act(network=f"network {number}"))
        assert store.writes == ROOM + 1
    assert store.counts[act(network="").key] == 1000 - ROOM


def test_who_holds_counts_again_knows_nothing_of_the_time_before() -> None:
    store = Store()
    buffer = TallyBuffer(store.write)
    for _ in range(2):
        with buffer.in_memory(lambda: None, every=3600):
            writes = store.writes
            buffer.add(act())
            assert store.writes == writes + 1


def test_the_first_of_each_hour_is_written_at_once() -> None:
    store = Store()
    buffer = TallyBuffer(store.write)
    with buffer.in_memory(nothing, every=3600):
        for minutes in (0, 1, 60, 61):
            buffer.add(act(minutes=minutes))
        assert store.writes == 2
    assert sorted(store.counts.values()) == [2, 2]


def test_what_cannot_be_written_is_kept_and_written_the_next_time() -> None:
    store = Store()
    buffer = TallyBuffer(store.write)
    with buffer.in_memory(nothing, every=3600):
        for thing in "78":
            buffer.add(act(thing))
            buffer.add(act(thing))
        store.fails = True
        for _ in range(2):
            with pytest.raises(ConnectionError):
                buffer.flush()
        buffer.add(act())
        store.fails = False
        buffer.flush()
        assert sorted(store.counts.values()) == [2, 3]


def test_what_is_lost_at_the_end_is_said(caplog: pytest.LogCaptureFixture) -> None:
    store = Store()
    buffer = TallyBuffer(store.write)
    with buffer.in_memory(nothing, every=3600):
        buffer.add(act())
        buffer.add(act())
        store.fails = True
    assert [record.message for record in caplog.records] == [
        "counts for the audit trail cannot be written, they are lost: ConnectionError"
    ]


def test_what_is_held_is_written_while_the_server_runs() -> None:
    store, ended = Store(), threading.Event()
    buffer = TallyBuffer(store.write)
    with buffer.in_memory(ended.set, every=0.01):
        buffer.add(act())
        store.written.clear()
        buffer.add(act())
        assert store.written.wait(10)
        assert ended.wait(10)
        assert store.counts[act().key] == 2


def test_of_many_at_once_none_is_lost() -> None:
    store = Store()
    buffer = TallyBuffer(store.write)
    with buffer.in_memory(nothing, every=0.001), ThreadPoolExecutor(8) as pool:
        buffer.add(act())
        list(pool.map(lambda _: buffer.add(act()), range(2000)))
    assert sum(store.counts.values()) == 2001


def test_without_memory_each_is_written_at_once() -> None:
    store = Store()
    buffer = TallyBuffer(store.write)
    for _ in range(3):
        buffer.add(act())
    assert store.writes == 3
