"""Whether a notice of an incident is mailed now, later or never."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.notify.hours import WorkingHours, next_open
from monitor.notify.when_to_send import LOOK_AGAIN, Fate, Hush, NoticeFacts, NoticeVerdict, Why, decide
from tests.factories import NOON  # a Sunday

HOUR = timedelta(hours=1)
KINDS = ("firing", "update", "repeat", "resolved")
OFFICE = WorkingHours(UTC, frozenset(range(5)), time(8), time(17))
MONDAY = datetime(2026, 11, 23, 8, tzinfo=UTC)
SEND = Fate(NoticeVerdict.SEND)


def facts(**fields: Any) -> NoticeFacts:
    known = {"kind": "firing", "waited": "", "is_open": True, "is_acknowledged": False, "severity": "notify"}
    return NoticeFacts(**(known | {"hushes": [None], "hours": [None]} | fields))


@pytest.mark.parametrize("kind", ["firing", "update", "repeat"])
def test_what_fires_is_mailed_and_what_is_over_is_too(kind: str) -> None:
    assert decide(facts(kind=kind), NOON) == SEND
    assert decide(facts(kind="resolved", is_open=False, hushes=[]), NOON) == SEND


def test_an_incident_that_is_over_before_its_first_mail_gets_one_that_says_both() -> None:
    assert decide(facts(is_open=False, hushes=[]), NOON) == Fate(NoticeVerdict.SEND, says_both=True)


@pytest.mark.parametrize("kind", ["update", "repeat"])
def test_nobody_is_told_of_more_alerts_of_what_is_over(kind: str) -> None:
    assert decide(facts(kind=kind, is_open=False, hushes=[]), NOON) == Fate(NoticeVerdict.SILENT, Why.OVER)


def test_an_acknowledged_incident_is_not_repeated_and_what_joins_it_is_told() -> None:
    assert decide(facts(kind="repeat", is_acknowledged=True), NOON) == Fate(NoticeVerdict.SILENT, Why.ACKNOWLEDGED)
    assert decide(facts(kind="update", is_acknowledged=True), NOON) == SEND


@pytest.mark.parametrize("why", [Why.SNOOZED, Why.SILENCED])
def test_what_is_kept_quiet_waits_until_the_first_of_its_alerts_is_so_no_longer(why: Why) -> None:
    hushes = [Hush(why, NOON + 3 * HOUR), Hush(why, NOON + HOUR)]
    assert decide(facts(hushes=hushes), NOON) == Fate(NoticeVerdict.WAIT, why, NOON + HOUR)


def test_one_loud_alert_is_enough() -> None:
    assert decide(facts(hushes=[Hush(Why.SNOOZED, NOON + HOUR), None]), NOON) == SEND


def test_what_follows_from_the_accounts_incident_is_looked_at_again_soon() -> None:
    assert decide(facts(hushes=[Hush(Why.MUTED, None)]), NOON) == Fate(NoticeVerdict.WAIT, Why.MUTED, NOON + LOOK_AGAIN)


@pytest.mark.parametrize("waited", [Why.SNOOZED, Why.SILENCED, Why.MUTED])
def test_what_was_over_while_it_was_kept_quiet_is_not_mailed(waited: Why) -> None:
    assert decide(facts(waited=waited, is_open=False, hushes=[]), NOON) == Fate(NoticeVerdict.SILENT, Why.OVER)


@pytest.mark.parametrize("kind", KINDS)
def test_a_digests_alerts_are_not_mailed_by_themselves(kind: str) -> None:
    assert decide(facts(kind=kind, severity="digest"), NOON) == Fate(NoticeVerdict.SILENT, Why.DIGEST)


def test_what_is_not_urgent_waits_for_the_working_hours_and_a_page_does_not() -> None:
    assert decide(facts(hours=[OFFICE]), NOON) == Fate(NoticeVerdict.WAIT, Why.HOURS, MONDAY)
    assert decide(facts(hours=[OFFICE], severity="page"), NOON) == SEND
    assert decide(facts(hours=[OFFICE, None]), NOON) == SEND
    assert decide(facts(hours=[OFFICE]), MONDAY) == SEND


def test_what_is_over_before_the_working_hours_begin_is_told_in_one_mail_then() -> None:
    late = facts(hours=[OFFICE], waited=Why.HOURS, is_open=False, hushes=[])
    assert decide(late, MONDAY) == Fate(NoticeVerdict.SEND, says_both=True)


class TestWorkingHours:
    def test_they_are_read_as_a_rule_stores_them(self) -> None:
        stored = {"zone": "Europe/Berlin", "days": [0, 1], "from": "09:00", "to": "17:30", "holidays": ["2026-12-25"]}
        assert WorkingHours.read(stored) == WorkingHours(
            ZoneInfo("Europe/Berlin"), frozenset({0, 1}), time(9), time(17, 30), frozenset({date(2026, 12, 25)})
        )

    @pytest.mark.parametrize(
        "stored",
        [{}, {"zone": "Not/AZone"}, {"from": "25:00"}, {"days": ["Monday"]}, {"holidays": ["soon"]}, {"zone": "../x"}],
    )
    def test_hours_that_cannot_be_read_keep_no_mail_back(self, stored: dict[str, Any]) -> None:
        assert WorkingHours.read(stored) is None

    def test_a_holiday_and_a_weekend_are_no_working_days(self) -> None:
        off = WorkingHours(UTC, frozenset(range(5)), time(8), time(17), frozenset({date(2026, 11, 23)}))
        assert off.opens(NOON) == MONDAY + timedelta(days=1)

    def test_hours_over_midnight_reach_into_the_next_day(self) -> None:
        night = WorkingHours(UTC, frozenset({5}), time(22), time(6))  # Saturday night
        assert night.opens(datetime(2026, 11, 22, 5, 59, tzinfo=UTC)) == datetime(2026, 11, 22, 5, 59, tzinfo=UTC)
        assert night.opens(datetime(2026, 11, 22, 6, tzinfo=UTC)) == datetime(2026, 11, 28, 22, tzinfo=UTC)

    def test_they_are_of_their_zones_clock_also_where_that_changes(self) -> None:
        berlin = WorkingHours(ZoneInfo("Europe/Berlin"), frozenset(range(7)), time(8), time(17))
        assert berlin.opens(datetime(2026, 10, 24, 20, tzinfo=UTC)) == datetime(2026, 10, 25, 7, tzinfo=UTC)
        assert berlin.opens(datetime(2026, 10, 23, 20, tzinfo=UTC)) == datetime(2026, 10, 24, 6, tzinfo=UTC)

    def test_hours_in_which_nobody_ever_works_keep_no_mail_back(self) -> None:
        never = WorkingHours(days=frozenset())
        assert never.opens(NOON) is None
        assert next_open([never], NOON) == NOON
        assert next_open([never, OFFICE], NOON) == MONDAY

    @given(
        st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata", "America/Santiago", "Pacific/Apia"]),
        st.frozensets(st.integers(0, 6), min_size=1),
        st.times(timezones=st.none()),
        st.times(timezones=st.none()),
        st.integers(0, 366 * 24 * 60),
    )
    def test_when_it_opens_is_never_past_and_is_open_itself(
        self, zone: str, days: frozenset[int], begins: time, ends: time, minutes: int
    ) -> None:
        hours = WorkingHours(ZoneInfo(zone), days, begins, ends)
        now = NOON + timedelta(minutes=minutes)
        opens = hours.opens(now)
        assert opens is not None
        assert opens >= now
        assert hours.opens(opens) == opens


hushes = st.none() | st.builds(
    Hush,
    st.sampled_from([Why.SNOOZED, Why.SILENCED, Why.MUTED]),
    st.none() | st.integers(1, 99).map(lambda n: NOON + n * HOUR),
)


@given(
    st.builds(
        NoticeFacts,
        kind=st.sampled_from(KINDS),
        waited=st.sampled_from([why.value for why in Why]),
        is_open=st.booleans(),
        is_acknowledged=st.booleans(),
        severity=st.sampled_from(["page", "notify", "digest"]),
        hushes=st.lists(hushes, max_size=4),
        hours=st.lists(st.sampled_from([None, OFFICE]), max_size=3),
    )
)
def test_what_waits_waits_for_a_time_that_is_ahead_and_says_why(known: NoticeFacts) -> None:
    fate = decide(known, NOON)
    assert (fate.verdict == NoticeVerdict.WAIT) == (fate.until is not None)
    assert fate.until is None or fate.until > NOON
    assert bool(fate.why) == (fate.verdict != NoticeVerdict.SEND)
    assert not fate.says_both or (known.kind == "firing" and not known.is_open)


@pytest.mark.parametrize(
    ("hours", "hour_count"),
    [
        (WorkingHours(begins=time(8), ends=time(18)), 14),
        (WorkingHours(days=frozenset(range(5)), begins=time(8), ends=time(18)), 62),
        (WorkingHours(days=frozenset(range(5)), begins=time(22), ends=time(6)), 64),
        (WorkingHours(begins=time(8), ends=time(18), holidays=frozenset({date(2026, 12, 1)})), 38),
        (WorkingHours(begins=time(8), ends=time(18), holidays=frozenset({date(2027, 6, 1)})), 14),
        (WorkingHours(), 0),
        (WorkingHours(days=frozenset()), 0),
    ],
)
def test_a_mail_waits_for_the_longest_pause_of_the_next_weeks_at_the_most(hours: WorkingHours, hour_count: int) -> None:
    assert hours.longest_pause(NOON) == timedelta(hours=hour_count)
