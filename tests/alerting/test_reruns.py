"""Failures that Zoho runs again by itself: pending for a while, if the rule waits for them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from monitor.models import Execution
from tests import factories
from tests.alerting.conftest import MINUTE, Watch

pytestmark = pytest.mark.django_db
NOW = factories.NOON
AGAIN = {"error_message": "HTTP 503 Service Unavailable"}


def heal(rows: list[Execution], after: timedelta) -> None:
    for row in rows:
        ended = row.completed_time
        row.status, row.first_status, row.first_failed_at = "success", "failed", ended
        row.completed_time = ended + after if ended else None
        row.save()


def test_a_503_that_zohos_own_re_run_heals_gives_no_edge_at_all(watch: Watch) -> None:
    factories.make_alert_rule(watch.account, min_runs=5)
    rows = watch.ran([NOW - n * MINUTE for n in range(20)], **AGAIN)
    for minutes in range(11):
        assert watch.at(NOW + minutes * MINUTE) == []
    assert watch.state.reason == "no runs in the window; 20 failed, and Zoho runs them again by itself"
    heal(rows, 10 * MINUTE)
    watch.count(*rows)
    for minutes in (11, 36, 60):
        assert watch.at(NOW + minutes * MINUTE) == []
    assert watch.edges == []
    assert (watch.state.state, watch.state.rate, watch.state.first_attempt_rate) == ("ok", 100.0, 0.0)


def test_with_the_switch_off_it_fires_at_once(watch: Watch) -> None:
    factories.make_alert_rule(watch.account, min_runs=5, waits_for_reruns=False)
    watch.ran([NOW - n * MINUTE for n in range(20)], **AGAIN)
    assert watch.at(NOW) == ["firing"]


@pytest.mark.parametrize("patience", [35, 5])
def test_it_fires_when_the_patience_is_over_though_no_run_ends_then(watch: Watch, patience: int) -> None:
    factories.make_alert_rule(watch.account, min_runs=5, patience_minutes=patience)
    watch.ran([NOW + n * timedelta(seconds=1) for n in range(5)], **AGAIN)
    assert watch.at(NOW + MINUTE) == []
    due = watch.state.again_at
    assert due == NOW + patience * MINUTE
    assert watch.at(NOW + (patience + 1) * MINUTE) == ["firing"]
    assert watch.edges[0].began_at == NOW


def test_the_patience_begins_with_the_first_failure_and_not_anew_with_each_re_run(watch: Watch) -> None:
    factories.make_alert_rule(watch.account, min_runs=5)
    ended = [NOW + n * timedelta(seconds=1) for n in range(5)]
    rows = watch.ran(ended, **AGAIN)
    for row in rows:
        row.first_failed_at, row.completed_time = row.completed_time, row.completed_time + 30 * MINUTE
        row.save()
    watch.count(*rows)
    assert watch.at(NOW + 34 * MINUTE) == []
    assert watch.at(NOW + 36 * MINUTE) == ["firing"]


def test_an_error_that_zoho_does_not_run_again_is_not_waited_for(watch: Watch) -> None:
    factories.make_alert_rule(watch.account, min_runs=5)
    watch.ran([NOW - n * MINUTE for n in range(20)])
    assert watch.at(NOW) == ["firing"]


@pytest.mark.parametrize(
    ("kind", "options"),
    [("failing_now", {}), ("in_a_row", {"count": 3}), ("success_rate", {"window_hours": 3, "min_runs": 5})],
)
def test_an_outage_of_errors_that_zoho_runs_again_is_found_once_the_patience_is_over(
    watch: Watch, kind: str, options: dict[str, Any]
) -> None:
    factories.make_alert_rule(watch.account, kind=kind, options=options)
    watch.ran([NOW - n * MINUTE for n in range(600, 100, -5)], "success")
    watch.at(NOW - 100 * MINUTE)
    for minutes in range(-60, 0, 5):
        watch.ran([NOW + minutes * MINUTE], **AGAIN)
        watch.at(NOW + minutes * MINUTE)
        if watch.edges:
            break
    assert [edge.kind for edge in watch.edges] == ["firing"]
    assert watch.edges[0].began_at == NOW - 60 * MINUTE


@pytest.mark.parametrize(
    ("kind", "options"), [("failing_now", {}), ("success_rate", {"window_hours": 3, "min_runs": 5, "last_good": 5})]
)
def test_a_flow_of_which_every_second_run_waits_for_zoho_is_neither_good_nor_repaired(
    watch: Watch, kind: str, options: dict[str, Any]
) -> None:
    factories.make_alert_rule(watch.account, kind=kind, options=options)
    watch.ran([NOW - n * MINUTE for n in range(600, 101, -5)], "success")
    for minutes in range(-100, 60, 4):
        watch.ran([NOW + minutes * MINUTE], **AGAIN)
        watch.ran([NOW + (minutes + 2) * MINUTE], "success")
        watch.at(NOW + (minutes + 2) * MINUTE)
    assert [edge.kind for edge in watch.edges] == ["firing"]


def test_failures_that_are_mirrored_after_a_good_run_that_ended_later_are_found(watch: Watch) -> None:
    factories.make_alert_rule(watch.account, kind="failing_now", options={})
    watch.ran([NOW - n * MINUTE for n in range(900, 100, -5)], "success")
    watch.ran([NOW], "success")
    assert watch.at(NOW) == []
    watch.ran([NOW - n * MINUTE for n in range(50, 10, -5)], lasted=timedelta(hours=3))
    assert watch.at(NOW + MINUTE) == ["firing"]


@pytest.mark.parametrize(
    ("kind", "options", "patience", "every"),
    [
        ("failures_per_hour", {"most": 10}, 35, 6),  # 25 minutes of the hour would hold four
        ("failures_per_hour", {"most": 4}, 35, 15),
        ("failures_per_hour", {"most": 3, "window_hours": 2}, 300, 30),
        ("success_rate", {"window_hours": 0.5, "min_runs": 5}, 35, 5),
        ("success_rate", {"window_hours": 1, "min_runs": 10}, 60, 5),
        ("success_rate", {"window_hours": 1, "min_runs": 12}, 35, 5),  # all runs of the window are needed
        pytest.param("success_rate", {"window_hours": 0.25, "min_runs": 3}, 1500, 4, marks=pytest.mark.deep),
    ],
)
def test_a_window_no_longer_than_the_wait_sees_what_failed_in_it(
    watch: Watch, kind: str, options: dict[str, Any], patience: int, every: int
) -> None:
    factories.make_alert_rule(watch.account, kind=kind, options=options, patience_minutes=patience)
    watch.ran([NOW - n * MINUTE for n in range(60, 0, -3)], "success")
    watch.at(NOW)
    fired_at = None
    for minutes in range(every, patience + 240, every):
        now = NOW + minutes * MINUTE
        watch.ran([now], **AGAIN)
        if watch.at(now) and fired_at is None:
            fired_at = now
    assert [edge.kind for edge in watch.edges] == ["firing"], "once, and it stays while it lasts"
    assert watch.edges[0].began_at is not None
    assert watch.edges[0].began_at >= NOW
    assert fired_at is not None
    assert fired_at <= NOW + (patience + 60 * options.get("window_hours", 1) + every) * MINUTE
    assert watch.edges[0].began_at <= NOW + 2 * every * MINUTE


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("failures_per_hour", {"most": 5}),
        ("success_rate", {"window_hours": 0.5, "min_runs": 4, "last_good": 50}),
    ],
)
def test_such_an_outage_recovers_after_it_is_over_though_no_run_tells(
    watch: Watch, kind: str, options: dict[str, Any]
) -> None:
    factories.make_alert_rule(watch.account, kind=kind, options=options)
    for minutes in range(0, 120, 6):
        watch.ran([NOW + minutes * MINUTE], **AGAIN)
        watch.at(NOW + minutes * MINUTE)
    assert [edge.kind for edge in watch.edges] == ["firing"]
    last = NOW + 114 * MINUTE
    while (again_at := watch.state.again_at) is not None and again_at < last + timedelta(hours=9):
        watch.at(again_at)
    assert len(watch.edges) == 2
    assert watch.edges[1].kind in ("resolved", "closed")
    assert last < watch.edges[1].at <= last + 35 * MINUTE + timedelta(hours=1)


def test_an_outage_that_zohos_re_runs_never_heal_and_that_is_over_meanwhile_does_not_fire_and_recover_at_once(
    watch: Watch,
) -> None:
    factories.make_alert_rule(watch.account, window_hours=0.25, min_runs=3, last_good=100)
    for minutes in range(0, 20, 4):
        watch.ran([NOW + minutes * MINUTE], **AGAIN)
        watch.at(NOW + minutes * MINUTE)
    for minutes in range(20, 120, 4):
        watch.ran([NOW + minutes * MINUTE], "success")
        watch.at(NOW + minutes * MINUTE)
    assert watch.edges == []


def test_what_ended_before_a_recovery_and_waited_for_zoho_then_counts_when_it_turns_out_to_have_failed(
    watch: Watch,
) -> None:
    factories.make_alert_rule(watch.account, kind="failures_per_hour", options={"most": 4})
    watch.ran([NOW + n * MINUTE for n in range(4)])
    assert watch.at(NOW + 4 * MINUTE) == ["firing"]
    assert watch.at(NOW + 63 * MINUTE) == ["resolved"]
    watch.ran([NOW + minutes * MINUTE for minutes in (61, 64, 65, 66)], **AGAIN)
    assert watch.at(NOW + 67 * MINUTE) == []
    assert watch.at(NOW + 102 * MINUTE) == ["firing"]
