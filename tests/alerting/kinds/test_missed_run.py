"""Missed runs: by a schedule, by an interval, and by the flow's own week."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerting.kinds.interface import AlertStanding, ConditionState, EndedRun, Runs
from monitor.alerting.kinds.missed_run import words
from monitor.alerting.kinds.missed_run.condition import MissedRun
from monitor.alerting.kinds.missed_run.rates import WeekOfRates, learn
from tests.alerting.kinds.histories import START, edges, kinds
from tests.alerting.kinds.traffic import BERLIN, runs_of, starts

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


def at(*moments: datetime) -> list[EndedRun]:
    """Runs that started at moments."""
    return runs_of([moment.timestamp() for moment in moments])


def nights(first: datetime, count: int) -> list[datetime]:
    """The same time by the clock of a zone on so many days."""
    return [datetime.combine(first.date() + place * DAY, first.time(), first.tzinfo) for place in range(count)]


# By a schedule


def test_a_night_without_its_run_fires_when_the_grace_is_over_and_the_next_run_recovers() -> None:
    rule = MissedRun(cron="0 2 * * *", zone="Europe/Berlin", grace=30)
    came = nights(datetime(2026, 9, 1, 2, 0, 5, tzinfo=BERLIN), 10)
    found = edges(rule, at(*came[:5], *came[6:]))
    assert kinds(found) == ["firing", "recovered"]
    assert found[0].at == datetime(2026, 9, 6, 2, 30, tzinfo=BERLIN)
    assert found[0].evaluation.began_at == came[4]
    assert found[1].evaluation.runs_since_change == 1
    assert words.describe(rule, found[0].evaluation, BERLIN) == (
        "no run since 2026-09-05 02:00; one was due at 2026-09-06 02:00"
    )


def test_a_run_that_starts_a_moment_before_it_is_due_is_the_one_that_is_due() -> None:
    rule = MissedRun(cron="0 2 * * *", zone="Europe/Berlin", grace=30)
    assert edges(rule, at(*nights(datetime(2026, 9, 1, 1, 59, 58, tzinfo=BERLIN), 10))) == []


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Santiago", "Asia/Kathmandu", "UTC"])
@pytest.mark.parametrize("hour", [0, 2, 3])
def test_a_change_of_the_clock_is_no_missed_run(zone: str, hour: int) -> None:
    rule = MissedRun(cron=f"15 {hour} * * *", zone=zone, grace=70)
    came = nights(datetime(2026, 1, 1, hour, 15, 3, tzinfo=ZoneInfo(zone)), 360)
    assert edges(rule, at(*came)) == []


def test_days_off_in_the_schedule_are_not_missed() -> None:
    rule = MissedRun(cron="0 9 * * 1-5", grace=10)
    came = [day for day in nights(datetime(2026, 9, 1, 9, 0, 1, tzinfo=UTC), 20) if day.weekday() < 5]
    assert edges(rule, at(*came)) == []


def test_an_interval_is_missed_after_its_grace_and_not_asked_about_in_between() -> None:
    rule = MissedRun(every=15, grace=5)
    found = edges(rule, at(START, START + 15 * MINUTE, START + 90 * MINUTE))
    assert [(edge.edge.value, edge.at) for edge in found] == [
        ("firing", START + 35 * MINUTE),
        ("recovered", START + 90 * MINUTE + timedelta(seconds=3)),
    ]


def test_of_a_flow_with_a_schedule_that_never_ran_the_beginning_of_the_history_counts() -> None:
    rule = MissedRun(every=60, grace=0)
    assert rule.evaluate(Runs([]), START, AlertStanding()).found is ConditionState.NO_DATA
    known = Runs([], known_from=START)
    assert rule.evaluate(known, START + 59 * MINUTE, AlertStanding()).found is ConditionState.CLEAR
    assert rule.evaluate(known, START + 60 * MINUTE, AlertStanding()).found is ConditionState.BREACHED
    made = Runs([]).watched(START)
    assert rule.evaluate(made, START + 59 * MINUTE, AlertStanding()).found is ConditionState.CLEAR
    assert rule.evaluate(made, START + 60 * MINUTE, AlertStanding()).found is ConditionState.BREACHED


def test_a_run_that_goes_on_for_hours_is_not_missed() -> None:
    rule = MissedRun(every=60, grace=15)
    long = [run._replace(ended=run.started + 3 * 3600) for run in at(*(START + n * 60 * MINUTE for n in range(12)))]
    found = edges(rule, long, until=START + timedelta(hours=15))
    assert [edge.at for edge in found] == [START + timedelta(hours=12, minutes=15)]
    now = START + 5 * 60 * MINUTE + 10 * MINUTE
    ended = [run for run in long if run.ended <= now.timestamp()]
    going = [run.started for run in long if run.started <= now.timestamp() and run not in ended]
    assert rule.evaluate(Runs(ended), now, AlertStanding()).found is ConditionState.BREACHED
    assert rule.evaluate(Runs(ended, unfinished=going), now, AlertStanding()).found is ConditionState.CLEAR


@pytest.mark.parametrize(
    ("options", "days"),
    [
        ({"every": 366 * 24 * 60}, 360),
        ({"cron": "0 2 1 1 *"}, 360),
        ({"cron": "0 2 29 2 *"}, 1400),
        ({"cron": "0 2 31 * *", "grace": 60 * 24 * 60.0}, 110),
        ({"every": 60}, 90),
    ],
)
def test_the_newest_run_is_read_however_far_back_a_schedule_allows_it(options: dict, days: int) -> None:
    assert MissedRun(**options).needs_from(START, AlertStanding()) <= START - days * DAY


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"cron": "0 2 * *"}, "cron '0 2 \\* \\*' is no schedule such as"),
        ({"cron": "0 2 30 2 *"}, "is no schedule"),
        ({"cron": "61 2 * * *"}, "bad minute"),
        ({"zone": "Mars/Olympus"}, "zone 'Mars/Olympus' is no time zone"),
        ({"zone": "../etc"}, "is no time zone"),
        ({"every": 0.01}, "every must be at least 1 minute, or 0 for none"),
        ({"every": -1}, "every must be a number"),
        ({"grace": float("nan")}, "grace must be a number"),
        ({"every": 5, "cron": "* * * * *"}, "every cannot be given beside cron"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(options: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        MissedRun(**options)


# By the flow's own week


BEGIN = datetime(2026, 8, 31, tzinfo=BERLIN)
OUTAGE = datetime(2026, 10, 6, 10, tzinfo=BERLIN)  # a Tuesday
OWN = MissedRun(zone="Europe/Berlin")


def history(shape: str, until: datetime = OUTAGE, seed: int = 1) -> list[EndedRun]:
    return runs_of([start for start in starts(shape, seed, BEGIN, 36) if start < until.timestamp()])


def test_it_learns_for_three_weeks() -> None:
    runs = Runs(history("office hours"))
    for days, found in ((20, ConditionState.LEARNING), (23, ConditionState.CLEAR)):
        evaluation = OWN.evaluate(runs, BEGIN + days * DAY, AlertStanding())
        assert evaluation.found is found
    assert words.describe(OWN, OWN.evaluate(runs, BEGIN + DAY, AlertStanding()), BERLIN).startswith("learning")


def test_an_outage_in_office_hours_is_found_the_same_day_and_a_weekend_is_none() -> None:
    found = edges(OWN, history("office hours"), until=OUTAGE + DAY)
    assert kinds(found) == ["firing"]
    assert timedelta(hours=3) < found[0].at - OUTAGE <= timedelta(hours=6)
    assert "should have come since" in words.describe(OWN, found[0].evaluation, BERLIN)


def test_the_first_run_after_the_silence_recovers() -> None:
    back = history("office hours") + at(OUTAGE + 2 * DAY)
    found = edges(OWN, back)
    assert kinds(found) == ["firing", "recovered"]
    assert found[1].at == OUTAGE + 2 * DAY + timedelta(seconds=3)


def test_a_nightly_run_is_missed_in_the_first_night_and_a_weekly_one_within_three_weeks() -> None:
    nightly = at(*nights(datetime(2026, 7, 1, 2, 3, tzinfo=BERLIN), 60))
    found = edges(OWN, nightly, until=BEGIN + 7 * DAY)
    assert [edge.at.astimezone(BERLIN).date().isoformat() for edge in found] == ["2026-08-30"]
    weekly = at(*nights(datetime(2026, 6, 1, 9, 0, tzinfo=BERLIN), 90)[::7])
    last = datetime(2026, 8, 24, 9, tzinfo=BERLIN)
    found = edges(OWN, weekly, until=last + 40 * DAY)
    assert 7 * DAY < found[0].at - last <= 25 * DAY


def test_a_clock_that_is_set_back_makes_no_hour_expected_twice() -> None:
    came = nights(datetime(2026, 8, 1, 2, 30, tzinfo=BERLIN), 120)
    assert edges(OWN, at(*came)) == []


def test_a_holiday_in_the_weeks_of_learning_does_not_make_it_blind() -> None:
    holiday = [BEGIN + 9 * DAY, BEGIN + 11 * DAY]
    runs = [
        run for run in history("office hours")
        if not holiday[0].timestamp() <= run.started < holiday[1].timestamp()
    ]  # fmt: skip
    found = edges(OWN, runs, until=OUTAGE + DAY)
    assert found[-1].at - OUTAGE <= timedelta(hours=7)


def test_expected_runs_and_the_moment_of_the_alarm_belong_together() -> None:
    runs = Runs(history("weekend-heavy"))
    newest = runs.rows[-1].started
    learned = learn(runs, len(runs.rows), newest, "Europe/Berlin")
    assert learned is not None
    week = WeekOfRates("Europe/Berlin", learned.values[0], learned.values[1:])
    late_at = week.alarm_at(newest)
    assert late_at is not None
    assert week.expected(newest, late_at) == pytest.approx(week.threshold, abs=0.01)


@given(st.integers(0, 167), st.floats(0.01, 3), st.floats(0.1, 40), st.integers(0, 600_000))
def test_the_alarm_comes_when_as_many_are_missing_as_may_be(
    hour: int, rate: float, threshold: float, offset: int
) -> None:
    rates = [0.01] * 168 + [0.0]
    rates[hour] = rate
    week = WeekOfRates("Europe/Berlin", threshold, rates)
    start = START.timestamp() + offset
    late_at = week.alarm_at(start)
    assert late_at is not None
    assert week.expected(start, late_at) >= threshold - 1e-6
    assert week.expected(start, late_at - 2) <= threshold + 1e-6


def test_a_week_without_any_rate_never_alarms() -> None:
    assert WeekOfRates("UTC", 9, [0.0] * 169).alarm_at(0.0) is None


@given(st.lists(st.integers(0, 50 * 24 * 60), min_size=5, max_size=60), st.integers(0, 50 * 24 * 60))
def test_what_comes_later_changes_nothing_of_what_was_found_before(minutes: list[int], cut: int) -> None:
    runs = at(*(START + minute * MINUTE for minute in minutes))
    until = START + cut * MINUTE
    early = [run for run in runs if run.started <= until.timestamp()]
    assert edges(OWN, early, until) == edges(OWN, runs, until)
    assert edges(OWN, list(reversed(runs)), until) == edges(OWN, runs, until)


@given(st.lists(st.integers(0, 50 * 24 * 60), min_size=2, max_size=60, unique=True))
def test_a_replay_fires_for_each_gap_that_is_too_long_and_for_no_other(minutes: list[int]) -> None:
    late = timedelta(minutes=360)
    came = sorted(START + minute * MINUTE for minute in minutes)
    until = START + 60 * DAY
    gaps = [earlier for earlier, later in pairwise([*came, until]) if later - earlier >= late]
    found = edges(MissedRun(every=300, grace=60), at(*came), until=until)
    assert [edge.at for edge in found if edge.edge.value == "firing"] == [earlier + late for earlier in gaps]
