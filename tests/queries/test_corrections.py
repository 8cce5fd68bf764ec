"""Rates on pages leave marked periods out; counts keep them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from monitor.models import Correction, Flow, HourBucket
from monitor.periods import Window, last_days
from monitor.queries import corrections, counts, overview
from monitor.queries.flows import FlowFilter
from monitor.queries.together import together
from tests import factories
from tests.queries.listed_flows import listed

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
Bucket = Callable[..., HourBucket]


@pytest.fixture
def flow(account) -> Flow:
    return factories.make_flow(account, flow_name="Lead sync")


@pytest.fixture
def outage(flow: Flow, now: datetime, bucket: Bucket) -> datetime:
    """Nine of ten fail in one hour, and one of a hundred in another."""
    at = now - 5 * HOUR
    bucket(flow, at, succeeded=1, failed=9, first_succeeded=1)
    bucket(flow, now - 30 * HOUR, succeeded=99, failed=1, first_succeeded=98)
    return at


def leave_out(flow: Flow, at: datetime, *, whole: bool = False) -> None:
    factories.make_correction(flow.account, flow=None if whole else flow, starts_at=at, ends_at=at + HOUR)


@pytest.mark.parametrize("whole", [False, True])
def test_the_rate_leaves_it_out_and_no_count_does(flow: Flow, outage: datetime, now: datetime, whole: bool) -> None:
    leave_out(flow, outage, whole=whole)
    for figures in (
        overview.period(now, 7),
        overview.period(now, 7, flow_id=flow.pk),
        overview.period(now, 7, account_id=flow.account_id),
    ):
        totals = figures.totals
        assert (totals.succeeded, totals.failed, totals.finished) == (100, 10, 110)
        assert (totals.rate, totals.first_rate) == (99.0, 98.0)
        assert (totals.left_out, totals.rated, totals.rated_failed) == (10, 100, 1)
        assert [one.why for one in figures.corrections] == ["A known outage"]
    of_flow = counts.by_flow(last_days(now, 7))[flow.pk]
    assert (of_flow.failed, of_flow.rate) == (10, 99.0)
    (found,) = listed(FlowFilter(), now)
    assert (found.failures, found.runs, found.counts.rate, found.counts.left_out) == (10, 110, 99.0, 10)


def test_what_is_read_along_with_other_questions_is_left_out_alike(flow: Flow, outage: datetime, now: datetime) -> None:
    otto = factories.make_user("otto")
    factories.make_correction(flow.account, flow=flow, starts_at=outage, ends_at=outage + HOUR, by=otto)
    factories.make_correction(flow.account, starts_at=outage, ends_at=outage + HOUR, taken_back_at=now)
    window = last_days(now, 7)
    read = corrections.marks_from(together({"marks": corrections.marks_part(window)})["marks"])
    alone = corrections.marks_of(window)
    assert read == alone
    assert [one.by.get_username() for one in read.rows if one.by is not None] == ["otto"]
    assert overview.period(now, 7, marks=read).totals == overview.period(now, 7).totals
    assert overview.period(now, 7, marks=read).totals.left_out == 10


def test_what_is_taken_back_counts_again(flow: Flow, outage: datetime, now: datetime) -> None:
    factories.make_correction(flow.account, starts_at=outage, ends_at=outage + HOUR, taken_back_at=now)
    assert round(overview.period(now, 7).totals.rate or 0, 1) == 90.9
    assert [round(row.counts.rate, 1) for row in listed(FlowFilter(), now)] == [90.9]


def test_that_of_another_flow_or_account_leaves_this_one_alone(flow: Flow, outage: datetime, now: datetime) -> None:
    leave_out(factories.make_flow(flow.account), outage)
    leave_out(factories.make_flow(), outage, whole=True)
    assert overview.period(now, 7, flow_id=flow.pk).totals.left_out == 0
    assert overview.period(now, 7, flow_id=flow.pk).corrections == []


def test_two_that_overlap_leave_a_run_out_once(flow: Flow, outage: datetime, now: datetime) -> None:
    leave_out(flow, outage)
    leave_out(flow, outage, whole=True)
    assert overview.period(now, 7).totals.left_out == 10
    assert [row.counts.left_out for row in listed(FlowFilter(), now)] == [10]


def test_a_group_of_a_storm_is_one_reason_beside_a_rate_and_one_term_in_the_statement(
    flow: Flow, outage: datetime, now: datetime
) -> None:
    given = {"account": flow.account, "starts_at": outage, "ends_at": outage + HOUR, "why": "A storm", "at": now}
    head = Correction.objects.create(**given, flow=flow)
    base = factories.make_flow(flow.account)
    columns = {f.attname: getattr(base, f.attname) for f in Flow._meta.concrete_fields if not f.primary_key}
    stormy = Flow.objects.bulk_create(Flow(**columns | {"flow_id": f"storm-{n}"}) for n in range(1200))
    Correction.objects.bulk_create(Correction(**given, flow=one, head=head) for one in stormy)
    leave_out(flow, now - 30 * HOUR)
    figures = overview.period(now, 7, account_id=flow.account_id)
    assert figures.totals.left_out == 110
    assert [one.why for one in figures.corrections] == ["A storm", "A known outage"]
    shown = {one.why: (one.more_flows, len(one.other_rows), one.unnamed_flows) for one in corrections.corrections()}
    assert shown["A storm"] == (1200, 50, 1150)
    assert shown["A known outage"] == (0, 0, 0)


def test_where_all_is_left_out_there_is_no_rate(flow: Flow, outage: datetime, now: datetime) -> None:
    factories.make_correction(flow.account, starts_at=now - 3 * DAY, ends_at=now)
    totals = overview.period(now, 7).totals
    assert (totals.rate, totals.first_rate, totals.finished) == (None, None, 110)
    assert [row.counts.rate for row in listed(FlowFilter(), now)] == [None]


def test_the_time_before_leaves_its_own_out(flow: Flow, now: datetime, bucket: Bucket) -> None:
    bucket(flow, now - 8 * DAY, succeeded=0, failed=10)
    bucket(flow, now - 9 * DAY, succeeded=10)
    leave_out(flow, now - 8 * DAY)
    figures = overview.period(now, 7)
    assert (figures.before.rate, figures.before.failed) == (100.0, 10)
    assert figures.corrections == [], "no run of the window itself"


@pytest.mark.parametrize(("zone", "days"), [("UTC", 1), ("Asia/Kolkata", 7), ("Asia/Kathmandu", 30), ("UTC", 365)])
def test_slots_of_any_zone_and_length_leave_it_out(
    flow: Flow, outage: datetime, now: datetime, zone: str, days: int
) -> None:
    for day in {outage.date(), (now - 30 * HOUR).date()}:
        rows = HourBucket.objects.filter(flow=flow, hour__date=day)
        factories.make_day(
            flow=flow,
            day=day,
            succeeded=sum(row.succeeded for row in rows),
            failed=sum(row.failed for row in rows),
            first_succeeded=sum(row.first_succeeded for row in rows),
        )
    leave_out(flow, outage)
    figures = overview.period(now, days, slot_hours=1 if days == 1 else 24, zone=ZoneInfo(zone))
    assert figures.totals.left_out == 10
    assert figures.totals.failed == (9 if days == 1 else 10)
    assert figures.totals.rated_failed == (0 if days == 1 else 1)
    window = last_days(now, days)
    assert counts.by_flow(window)[flow.pk] == figures.totals == counts.total(window)


@pytest.mark.parametrize("of", ["everything", "account", "flow"])
def test_an_hour_that_a_slot_cuts_is_left_out_of_a_year_once(
    flow: Flow, now: datetime, bucket: Bucket, of: str
) -> None:
    """In Kolkata days begin at half past six in the evening of UTC."""
    at = (now - 3 * DAY).replace(hour=18, minute=0)
    run = factories.make_hour(flow, at, succeeded=10, failed=10)
    factories.make_day(flow=flow, day=at.date(), succeeded=10, failed=10)
    leave_out(flow, run.hour)
    whose = {"everything": {}, "account": {"account_id": flow.account_id}, "flow": {"flow_id": flow.pk}}[of]
    totals = overview.period(now, 365, zone=ZoneInfo("Asia/Kolkata"), **whose).totals
    assert (totals.finished, totals.left_out, totals.rated) == (20, 20, 0)


def test_where_hours_are_gone_a_day_stays_whole(flow: Flow, now: datetime) -> None:
    old = now - 200 * DAY
    factories.make_day(flow=flow, day=old.date(), succeeded=1, failed=9)
    factories.make_correction(flow.account, starts_at=old - 2 * DAY, ends_at=old + 2 * DAY)
    totals = counts.total(Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)))
    assert (totals.finished, totals.left_out) == (10, 0)
