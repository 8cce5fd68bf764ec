"""Which runs a rule counts: by when they ended, to the second, and none that lies ahead (cases B1, B2, B3)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitor.models import AlertRule, AlertState
from tests import factories
from tests.alerting.conftest import MINUTE, Watch

pytestmark = pytest.mark.django_db
HOUR, SECOND, DAY = timedelta(hours=1), timedelta(seconds=1), timedelta(days=1)
ELEVEN = factories.NOON - HOUR


def test_a_window_of_an_hour_is_the_last_hour_and_not_the_clocks(watch: Watch) -> None:
    factories.make_alert_rule(watch.account, window_hours=1, min_runs=5)
    watch.ran(ELEVEN - n * MINUTE for n in range(5, 11))

    assert watch.at(ELEVEN - 2 * MINUTE) == ["firing"]
    for later in (5 * SECOND, 15 * MINUTE, 40 * MINUTE):
        assert watch.at(ELEVEN + later) == []
    assert watch.state.runs == 6
    assert watch.at(ELEVEN + 50 * MINUTE) == []
    assert watch.state.again_at == ELEVEN + 51 * MINUTE, "nothing is asked of it before the next run leaves"


@pytest.mark.parametrize("hours", [1, 24, 168])
@pytest.mark.parametrize("minute", [0, 1, 29, 59])
def test_a_run_is_in_a_window_for_as_long_as_the_window_is(watch: Watch, hours: int, minute: int) -> None:
    factories.make_alert_rule(watch.account, window_hours=hours, min_runs=1, threshold=50)
    ended = ELEVEN + minute * MINUTE + 7 * SECOND
    watch.ran([ended])
    assert watch.at(ended) == ["firing"]
    assert watch.at(ended + hours * HOUR - SECOND) == []
    assert watch.at(ended + hours * HOUR) == ["closed"]
    assert watch.state.reason == "no runs in the window"


def test_what_ends_ahead_of_now_is_not_evaluated_and_it_is_said(watch: Watch) -> None:
    factories.make_alert_rule(watch.account, min_runs=20)
    future = datetime(2062, 5, 1, tzinfo=UTC)
    watch.ran((future + n * MINUTE for n in range(20)), flow=watch.flow)
    for later in (timedelta(), 2 * DAY, 400 * DAY):
        assert watch.at(factories.NOON + later) == []
    assert watch.state.state == "no_data"
    assert "20 runs end ahead of our clock" in watch.state.reason
    assert watch.at(future + HOUR) == ["firing"]


def test_runs_of_a_zoho_whose_clock_is_a_little_ahead_count_as_soon_as_they_have_ended_by_ours(watch: Watch) -> None:
    factories.make_alert_rule(watch.account, min_runs=5)
    watch.ran(ELEVEN + n * SECOND for n in range(50, 56))
    assert watch.at(ELEVEN) == []
    assert watch.state.reason == "no runs in the window"
    assert watch.state.again_at == ELEVEN + 50 * SECOND
    assert watch.at(ELEVEN + MINUTE) == ["firing"]


@pytest.mark.parametrize("lasted", [6 * HOUR, 48 * HOUR, 40 * DAY])
def test_a_run_that_a_delay_step_held_counts_when_it_ended(watch: Watch, lasted: timedelta) -> None:
    factories.make_alert_rule(watch.account, window_hours=1, min_runs=20)
    watch.ran((ELEVEN - 2 * n * MINUTE for n in range(20)), lasted=lasted)
    assert watch.at(ELEVEN) == ["firing"]
    assert watch.state.runs == 20
    assert watch.edges[0].began_at == ELEVEN - 38 * MINUTE


def test_since_is_when_it_began_by_zohos_clock_beside_when_it_was_noticed(watch: Watch) -> None:
    factories.make_alert_rule(watch.account, min_runs=5)
    watch.ran((ELEVEN - n * MINUTE for n in range(60, 120)), "success")
    watch.ran(ELEVEN - n * MINUTE for n in range(10, 30))
    assert watch.at(ELEVEN) == ["firing"]
    state = watch.state
    assert (state.began_at, state.since, state.fired_at) == (ELEVEN - 29 * MINUTE, ELEVEN, ELEVEN)
    (edge,) = watch.edges
    assert (edge.began_at, edge.at, edge.numbers["failed"], edge.failed) == (state.began_at, ELEVEN, 20, 20)


@pytest.mark.parametrize(
    ("kind", "options", "fields"),
    [
        ("success_rate", {"window_hours": 1, "min_runs": 3}, {"status": "failed"}),
        ("duration", {"window_hours": 1, "above_ms": 1000}, {"status": "success", "lasted": MINUTE}),
    ],
)
def test_a_window_that_is_empty_ends_an_alert_without_a_recovery(
    watch: Watch, kind: str, options: dict[str, Any], fields: dict[str, Any]
) -> None:
    factories.make_alert_rule(watch.account, kind=kind, options=options, keep_firing_minutes=30, is_default=False)
    status = fields.pop("status")
    watch.ran([factories.NOON - n * MINUTE for n in range(12, 0, -1)], status, **fields)
    assert watch.at(factories.NOON) == ["firing"]
    watch.at(factories.NOON + 58 * MINUTE)
    assert watch.at(factories.NOON + 2 * HOUR) == ["closed"]
    state = watch.state
    assert (state.state, state.is_open, state.reason) == ("no_data", False, "no runs in the window")
    assert watch.at(factories.NOON + 3 * HOUR) == []


def test_a_flow_that_was_repaired_is_so_with_its_tenth_good_run_and_broken_again_it_fires_again(watch: Watch) -> None:
    factories.make_alert_rule(watch.account)
    watch.ran(ELEVEN - n * MINUTE for n in range(40))
    assert watch.at(ELEVEN) == ["firing"]
    watch.ran((ELEVEN + n * MINUTE for n in range(1, 10)), "success")
    assert watch.at(ELEVEN + 10 * MINUTE) == []
    watch.ran([ELEVEN + 11 * MINUTE], "success")
    assert watch.at(ELEVEN + 12 * MINUTE) == ["resolved"]
    assert watch.at(ELEVEN + 2 * HOUR) == [], "its old failures are over"
    watch.ran(ELEVEN + DAY - n * MINUTE for n in range(30))
    assert watch.at(ELEVEN + DAY) == ["firing"]
    assert watch.state.episode == 2


def test_a_flow_that_begins_to_fail_is_found_by_its_own_usual_which_is_learned_once(watch: Watch) -> None:
    factories.make_alert_rule(watch.account, kind="failing_now")
    start = ELEVEN - 60 * DAY
    watch.ran((start + n * 6 * HOUR for n in range(230)), "success")
    assert watch.at(ELEVEN) == []
    learned = watch.state.learned
    assert learned is not None
    watch.ran(ELEVEN + n * MINUTE for n in range(1, 5))
    assert watch.at(ELEVEN + 5 * MINUTE) == ["firing"]
    state = watch.state
    assert (state.began_at, state.learned) == (ELEVEN + MINUTE, learned)
    watch.ran((ELEVEN + n * MINUTE for n in range(6, 16)), "success")
    assert watch.at(ELEVEN + 16 * MINUTE) == ["resolved"]


HOURLY = {"every": 60.0, "grace": 10.0}


def test_an_hourly_flow_whose_runs_go_on_for_hours_misses_none(watch: Watch) -> None:
    factories.make_alert_rule(watch.account, kind="missed_run", options=HOURLY, flow=watch.flow)
    watch.ran([ELEVEN - 4 * HOUR], "success", lasted=3 * HOUR)
    rows = [
        factories.make_execution(watch.flow, "running", started_time=ELEVEN - n * HOUR, completed_time=None)
        for n in (2, 1, 0)
    ]
    watch.count(*rows)
    assert watch.at(ELEVEN) == []
    assert watch.at(ELEVEN + 69 * MINUTE) == []
    assert watch.at(ELEVEN + 71 * MINUTE) == ["firing"]
    watch.count(factories.make_execution(watch.flow, "running", started_time=ELEVEN + 72 * MINUTE, completed_time=None))
    assert watch.at(ELEVEN + 73 * MINUTE) == ["resolved"]


def test_a_flow_that_never_ran_since_the_rule_was_made_is_missed(watch: Watch) -> None:
    rule = factories.make_alert_rule(watch.account, kind="missed_run", options=HOURLY, flow=watch.flow)
    AlertRule.objects.filter(pk=rule.pk).update(created_at=ELEVEN)
    assert watch.at(ELEVEN + 69 * MINUTE) == []
    assert watch.state.again_at == ELEVEN + 70 * MINUTE
    assert watch.at(ELEVEN + 70 * MINUTE) == ["firing"]
    assert watch.at(ELEVEN + 9 * HOUR) == []


def test_a_yearly_run_of_half_a_year_ago_is_known(watch: Watch) -> None:
    options = {"every": 366 * 24 * 60.0, "grace": 60.0}
    rule = factories.make_alert_rule(watch.account, kind="missed_run", options=options, flow=watch.flow)
    AlertRule.objects.filter(pk=rule.pk).update(created_at=ELEVEN)
    began = ELEVEN - timedelta(days=180)
    watch.ran([began + MINUTE], "success")
    assert watch.at(ELEVEN) == []
    assert watch.state.again_at == began + timedelta(days=366, minutes=60)


def test_what_was_learned_under_other_options_of_a_rule_is_learned_anew(watch: Watch) -> None:
    rule = factories.make_alert_rule(watch.account, kind="duration", options={"times_usual": 3.0})
    watch.ran([ELEVEN - DAY - n * HOUR for n in range(60, 0, -1)], "success")
    watch.ran([ELEVEN - n * MINUTE for n in range(25, 0, -1)], "success")
    watch.at(ELEVEN)
    old = {"until": (ELEVEN + 7 * DAY).timestamp(), "values": [4000.0]}
    AlertState.objects.filter(flow=watch.flow).update(learned=old, anchor=ELEVEN)
    watch.ran([ELEVEN + MINUTE], "success")
    watch.at(ELEVEN + 2 * MINUTE)
    assert watch.state.numbers["usual_ms"] == 4000
    AlertRule.objects.filter(pk=rule.pk).update(options={"times_usual": 4.0})
    watch.at(ELEVEN + 3 * MINUTE)
    assert (watch.state.numbers["usual_ms"], watch.state.numbers["limit_ms"]) == (60_000, 240_000)
