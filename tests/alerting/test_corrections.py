"""Marked periods and alerts: what is left out fires nothing, live, in a preview and in a backtest alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import PermissionDenied
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerting.actions import AlertActRefused
from monitor.alerting.backtest import ExportedRuns, edges_of
from monitor.alerting.corrections import leave_out, take_back
from monitor.alerting.kinds.in_a_row.condition import FailedInARow
from monitor.alerting.kinds.interface import EndedRun, RunResult
from monitor.alerting.kinds.missed_run.condition import MissedRun
from monitor.alerting.preview import TriedRule, preview
from monitor.left_out import MarkedTimes
from monitor.models import AlertState, AuditEntry, Correction, Flow, HourBucket, Transition, User, ZohoAccount
from monitor.periods import Window
from tests import factories
from tests.alerting.conftest import Watch
from tests.alerting.test_preview import every, make_history
from tests.bystander import own
from tests.depth import tried

pytestmark = pytest.mark.django_db
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def broken(watch: Watch, now: datetime) -> datetime:
    """An hour in which six runs of the watched flow fail, beside twenty good ones earlier that day; its beginning."""
    watch.ran([now - 6 * HOUR + n * MINUTE for n in range(20)], "success")
    hour = now - 2 * HOUR
    watch.ran([hour + n * MINUTE for n in range(5, 11)])
    return hour


def mark(watch: Watch, otto: User, hour: datetime, now: datetime, **more: object) -> Correction:
    given = {"account": watch.account, "starts_at": hour, "ends_at": hour + HOUR, "why": "The shop moved"} | more
    (row,) = leave_out(otto, now, **given)
    return row


def test_an_alert_that_fires_only_for_what_is_left_out_ends_and_says_why(
    watch: Watch, broken: datetime, otto: User, now: datetime
) -> None:
    factories.make_alert_rule(watch.account, window_hours=24, min_runs=20, waits_for_reruns=False)
    assert watch.at(now) == ["firing"]
    row = mark(watch, otto, broken, now)
    assert watch.at(now + MINUTE) == ["resolved"]
    state = own(AlertState).get()
    assert (state.rate, state.runs, state.first_attempt_rate) == (100.0, 20, 100.0)
    assert "6 runs are left out by corrections" in state.reason
    take_back(row, otto, now + MINUTE)
    assert watch.at(now + 2 * MINUTE) == [], "what failed before the recovery is over"


def test_what_is_left_out_before_it_is_looked_at_never_fires_and_fires_once_it_counts(
    watch: Watch, broken: datetime, otto: User, now: datetime
) -> None:
    factories.make_alert_rule(watch.account, kind="in_a_row", count=3, waits_for_reruns=False)
    row = mark(watch, otto, broken, now, flows=[watch.flow])
    assert watch.at(now) == []
    take_back(row, otto, now)
    assert watch.at(now + MINUTE) == ["firing"]
    fired = own(Transition).get(kind="firing")
    assert not fired.is_first, "no rule was changed"


def test_a_correction_looks_at_what_cannot_have_changed_otherwise(
    watch: Watch, broken: datetime, otto: User, now: datetime
) -> None:
    factories.make_alert_rule(watch.account, window_hours=24, min_runs=20, waits_for_reruns=False)
    watch.at(now)
    before = own(AlertState).get().evaluated_at
    watch.at(now + MINUTE)
    assert own(AlertState).get().evaluated_at == before
    mark(watch, otto, broken - 20 * HOUR, now + MINUTE)
    watch.at(now + 2 * MINUTE)
    assert own(AlertState).get().evaluated_at == now + 2 * MINUTE


def test_other_flows_of_the_account_are_left_alone(watch: Watch, broken: datetime, otto: User, now: datetime) -> None:
    factories.make_alert_rule(watch.account, kind="in_a_row", count=3, waits_for_reruns=False)
    other = factories.make_flow(watch.account, executions_read_at=now)
    watch.ran([broken + n * MINUTE for n in range(5, 11)], flow=other)
    mark(watch, otto, broken, now, flows=[watch.flow])
    assert watch.at(now) == ["firing"]
    assert own(AlertState).get(is_open=True).flow == other


def test_runs_that_are_left_out_have_come_all_the_same(now: datetime) -> None:
    hourly = [EndedRun((at := now - n * HOUR).timestamp(), RunResult.SUCCEEDED, at.timestamp() - 1) for n in range(48)]
    marked = MarkedTimes.of([Window(now - 30 * HOUR, now - 20 * HOUR)])
    came = {"1": ExportedRuns(hourly)}
    missed = MissedRun(every=60, grace=30)
    assert list(edges_of(missed, came, left_out=marked)) == list(edges_of(missed, came))
    failed = {"1": ExportedRuns([run._replace(result=RunResult.FAILED) for run in hourly])}
    everything = MarkedTimes.of([Window(now - 99 * HOUR, now + HOUR)])
    assert list(edges_of(FailedInARow(3), failed))
    assert not list(edges_of(FailedInARow(3), failed, left_out=everything))


@given(
    results=st.lists(st.booleans(), min_size=1, max_size=40),
    marks=st.lists(st.tuples(st.integers(0, 40), st.integers(1, 6)), max_size=3),
)
@tried(15, 150)
def test_live_preview_and_backtest_leave_the_same_out(
    now: datetime, results: list[bool], marks: list[tuple[int, int]]
) -> None:
    account = factories.make_account()
    flow = factories.make_flow(account)
    history = every(HOUR, "".join("-" if failed else "+" for failed in results), now - HOUR)
    make_history(flow, history)
    windows = [Window(now - (back + length) * HOUR, now - back * HOUR) for back, length in marks]
    for window in windows:
        factories.make_correction(account, starts_at=window.start, ends_at=window.end)
    runs = [
        EndedRun(at.timestamp(), RunResult.FAILED if failed else RunResult.SUCCEEDED, at.timestamp())
        for at, failed in history
    ]
    found = preview(TriedRule(account, FailedInARow(2)), 30, now, UTC)
    edges = list(edges_of(FailedInARow(2), {"1": ExportedRuns(runs)}, until=now, left_out=MarkedTimes.of(windows)))
    fired = [datetime.fromisoformat(edge["at"]) for edge in edges if edge["edge"] == "firing"]
    assert sorted(firing.fired_at for firing in found.firings) == fired
    account.delete()


class TestActs:
    def test_it_is_widened_to_whole_hours_audited_and_changes_no_count(
        self, flow_hour: HourBucket, otto: User, now: datetime
    ) -> None:
        before = HourBucket.objects.values().get(pk=flow_hour.pk)
        account = flow_hour.flow.account
        (row,) = leave_out(
            otto, now, account=account, starts_at=now - 90 * MINUTE, ends_at=now - 80 * MINUTE, why=" The\nshop moved "
        )
        assert (row.starts_at, row.ends_at, row.why) == (now - 2 * HOUR, now - HOUR, "The shop moved")
        take_back(row, otto, now)
        with pytest.raises(AlertActRefused, match="taken back already"):
            take_back(row, otto, now)
        said = list(own(AuditEntry).order_by("pk").values_list("action", "account", "object_id"))
        assert said == [
            ("correction.add", account.pk, str(row.pk)),
            ("correction.take_back", account.pk, str(row.pk)),
        ]
        assert HourBucket.objects.values().get(pk=flow_hour.pk) == before

    @pytest.fixture
    def flow_hour(self, account: ZohoAccount, now: datetime) -> HourBucket:
        return factories.make_hour(factories.make_flow(account), now - 90 * MINUTE, 1, 9)

    @pytest.mark.parametrize(
        ("start", "end", "why", "words"),
        [
            (-2, -2, "x", "end after it starts"),
            (-2, -3, "x", "end after it starts"),
            (-2, 2, "x", "over by now"),
            (1, 2, "x", "over by now"),
            (-93 * 24, -1, "x", "92 days"),
            (-370 * 24, -369 * 24, "x", "a year ago"),
            (-2, -1, " \n ", "Say why"),
        ],
    )
    def test_a_time_that_is_none_too_long_too_old_or_ahead_and_no_reason_are_refused(
        self, account: ZohoAccount, otto: User, now: datetime, start: int, end: int, why: str, words: str
    ) -> None:
        with pytest.raises(AlertActRefused, match=words):
            leave_out(otto, now, account=account, starts_at=now + start * HOUR, ends_at=now + end * HOUR, why=why)
        assert not own(Correction).exists()

    def test_the_hour_under_way_may_be_marked(self, account: ZohoAccount, otto: User, now: datetime) -> None:
        (row,) = leave_out(
            otto, now + 20 * MINUTE, account=account, starts_at=now, ends_at=now + 20 * MINUTE, why="It goes on"
        )
        assert row.ends_at == now + HOUR

    def test_a_viewer_may_neither(self, account: ZohoAccount, vera: User, now: datetime) -> None:
        row = factories.make_correction(account, now=now)
        with pytest.raises(PermissionDenied):
            leave_out(vera, now, account=account, starts_at=now - HOUR, ends_at=now, why="x")
        with pytest.raises(PermissionDenied):
            take_back(row, vera, now)
        row.refresh_from_db()
        assert (row.taken_back_at, own(Correction).count()) == (None, 1)

    def test_several_flows_are_one_group_with_one_entry_in_the_trail_taken_back_in_one_go(
        self, account: ZohoAccount, otto: User, ada: User, now: datetime
    ) -> None:
        flows: list[Flow] = [factories.make_flow(account) for _ in range(3)]
        alone = factories.make_correction(account, now=now, flow=flows[0], why="Another reason")
        rows = leave_out(
            otto, now, account=account, flows=flows, starts_at=now - HOUR, ends_at=now, why="The books were away"
        )
        assert [row.flow for row in rows] == flows
        assert [row.head for row in rows] == [None, rows[0], rows[0]]
        entry = own(AuditEntry).get()
        assert (entry.object_id, entry.detail["flows"]) == (str(rows[0].pk), [flow.pk for flow in flows])
        take_back(rows[2], ada, now + MINUTE)
        group = own(Correction).exclude(pk=alone.pk).values_list("taken_back_at", "taken_back_by")
        assert set(group) == {(now + MINUTE, ada.pk)}
        alone.refresh_from_db()
        assert alone.taken_back_at is None
        entry = own(AuditEntry).get(action="correction.take_back")
        assert (entry.object_id, entry.detail) == (str(rows[0].pk), {"flows": 3})
        with pytest.raises(AlertActRefused, match="taken back already"):
            take_back(rows[0], otto, now + MINUTE)
        assert own(AuditEntry).count() == 2
