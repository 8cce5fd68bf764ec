"""What a batch does next."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.retry.steps import BatchFacts, NextStep, due_starts, next_start, next_step, pace_within, time_needed
from tests.depth import tried

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
FACTS = BatchFacts(
    canary=1, step=0, waiting=20, open=0, started=0, succeeded=0, failed=0, per_minute=60, next_start_at=None
)


def does(**facts: object) -> NextStep:
    return next_step(replace(FACTS, **facts), NOW)  # type: ignore[arg-type]


def test_the_canary_goes_alone_and_is_waited_for() -> None:
    assert does() == NextStep("start", 1)
    assert does(started=1, open=1).do == "wait"
    assert does(started=1, succeeded=1).do == "advance"


def test_a_canary_that_fails_stops_the_batch() -> None:
    step = does(started=1, failed=1)
    assert (step.do, step.reason) == (
        "stop",
        "Half or more of the first step did not succeed: 1 of 1 failed or stayed unknown.",
    )


def test_five_more_go_before_the_rest() -> None:
    long_ago = NOW - 60 * SECOND
    assert does(step=1, next_start_at=long_ago) == NextStep("start", 5)
    assert does(step=1, started=5, succeeded=4, open=1).do == "wait"
    assert does(step=1, started=5, succeeded=3, failed=2).do == "advance"
    assert does(step=1, started=6, succeeded=3, failed=3).do == "stop"


def test_the_rest_is_judged_as_it_goes_on() -> None:
    assert does(step=2, started=8, succeeded=0, failed=5, open=3).do == "start"
    assert does(step=2, started=8, succeeded=3, failed=3, open=2).do == "stop"
    assert does(step=2, started=8, succeeded=4, failed=3, open=1).do == "start"


def test_it_is_over_when_nothing_waits_and_nothing_is_open() -> None:
    assert does(step=2, waiting=0, started=9, succeeded=9).do == "finish"
    assert does(step=2, waiting=0, started=9, succeeded=8, open=1).do == "wait"
    assert does(step=0, waiting=0, started=0).do == "finish", "all of them were skipped"
    assert does(step=0, waiting=0, started=1, failed=1).do == "finish", "nothing is left that it could stop before"


@pytest.mark.parametrize(("seconds_late", "count"), [(-1, 0), (0, 1), (1, 2), (4.9, 5), (3600, 11)])
def test_the_pace(seconds_late: float, count: int) -> None:
    assert due_starts(60, NOW - timedelta(seconds=seconds_late), NOW) == count


def test_what_was_missed_is_not_caught_up_with() -> None:
    assert next_start(60, NOW - timedelta(hours=3), NOW, 11) == NOW + SECOND
    assert next_start(60, NOW, NOW, 2) == NOW + 2 * SECOND
    assert next_start(30, None, NOW, 1) == NOW + 2 * SECOND
    assert time_needed(90, 30) == timedelta(minutes=3)
    assert time_needed(10, pace_within(30, 10)) == timedelta(minutes=4)
    assert pace_within(30, None) == pace_within(30, 150) == 30


@tried(quick=60, deep=3000)
@given(
    items=st.integers(1, 60),
    canary=st.integers(1, 8),
    per_minute=st.integers(1, 600),
    ends=st.lists(st.sampled_from(["succeeded", "failed"]), min_size=60, max_size=60),
    pauses=st.lists(st.integers(1, 90), min_size=1, max_size=10),
)
def test_every_batch_ends_and_never_faster_than_its_pace(
    items: int, canary: int, per_minute: int, ends: list[str], pauses: list[int]
) -> None:
    facts = replace(FACTS, waiting=items, canary=canary, per_minute=per_minute)
    now, starts, open_ones, done = NOW, [], 0, iter(ends)
    for turn in range(20_000):
        step = next_step(replace(facts, open=open_ones), now)
        if step.do in ("finish", "stop"):
            break
        if step.do == "advance":
            facts = replace(facts, step=facts.step + 1, started=0, succeeded=0, failed=0)
        elif step.do == "start":
            assert facts.size is None or facts.started + step.count <= facts.size
            starts += [now] * step.count
            open_ones += step.count
            at = next_start(per_minute, facts.next_start_at, now, step.count)
            facts = replace(
                facts, waiting=facts.waiting - step.count, started=facts.started + step.count, next_start_at=at
            )
        else:
            if open_ones:
                name = next(done)
                open_ones -= 1
                facts = replace(facts, **{name: getattr(facts, name) + 1})
            now += pauses[turn % len(pauses)] * SECOND
    else:
        raise AssertionError("it never came to an end")
    assert step.do == "stop" or (len(starts) == items and open_ones == 0)
    for begin in starts:
        within = sum(begin <= at < begin + timedelta(minutes=1) for at in starts)
        assert within <= per_minute * 70 / 60 + 2, "ten seconds that were missed may be made up for, no more"
