"""Zoho's statistics of a flow beside the mirror's rows: learnt, not believed; a difference is read, then shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.ingest.night import statistics as stats
from monitor.ingest.night.statistics import Ours, Tally
from monitor.models import Flow, ZohoAccount
from monitor.periods import Window
from tests.bystander import own
from tests.fake_zoho import FakeFlow, Run, Zoho, sync
from tests.ingest.mirror import mirrored, stream, upstream
from tests.ingest.test_nightly import a_night, background, connect, cursor, frozen, owe_a_round


def busy_flows(zoho: Zoho, count: int = 4, **fields: Any) -> list[FakeFlow]:
    """Runs every hour and a half for sixteen days."""
    at = zoho.clock()
    flows = [
        FakeFlow(
            runs=[
                Run(at - timedelta(minutes=90 * n + 20 + index), "failed" if n % 9 == index else "success",
                    over={"error": {"message": "Invalid email format"}} if n % 9 == index else {})
                for n in range(250)
            ],
            **({"before": (900, 30)} | fields),
        )
        for index in range(count)
    ]  # fmt: skip
    zoho.flows += flows
    return flows


def holes() -> list[str]:
    return list(own(Flow).exclude(progress__hole_reason="").values_list("progress__hole_reason", flat=True))


def votes(account: ZohoAccount) -> dict[str, int]:
    found: dict[str, int] = cursor(account, "votes")  # type: ignore[assignment]
    return found


@pytest.mark.parametrize(("means", "name"), [("rolling", "rolling"), ("days", "days-with-today"), ("life", "life")])
def test_what_a_server_counts_is_learnt_and_makes_no_hole(
    account: ZohoAccount, zoho: Zoho, means: str, name: str
) -> None:
    zoho.statistics = means
    busy_flows(zoho)
    connect(account, zoho)

    a_night(account, zoho)

    assert stats.credible(votes(account)) == {name}
    assert holes() == []
    assert zoho.asked("statistics") == 4


def test_statistics_that_follow_no_rule_we_know_make_no_hole(account: ZohoAccount, zoho: Zoho) -> None:
    zoho.statistics = "strange"
    busy_flows(zoho)
    connect(account, zoho)

    a_night(account, zoho)

    assert stats.credible(votes(account)) == set()
    assert holes() == []
    assert cursor(account, "full")["done"]


def test_a_server_without_statistics_is_compared_by_its_rows(account: ZohoAccount, zoho: Zoho) -> None:
    zoho.statistics = "none"
    flows = [frozen(flow) for flow in busy_flows(zoho)]
    connect(account, zoho)
    flows[0].runs.append(Run(zoho.clock() - timedelta(days=5)))
    owe_a_round()

    a_night(account, zoho)

    assert stream(account, "statistics").state == "ok"
    assert mirrored(account) == upstream(zoho)


def test_a_difference_has_the_week_read_again_at_once(account: ZohoAccount, zoho: Zoho) -> None:
    flows = [frozen(flow) for flow in busy_flows(zoho)]
    connect(account, zoho)
    a_night(account, zoho, sweeps=10)
    flows[2].runs.append(Run(zoho.clock() - timedelta(days=5)))

    a_night(account, zoho)

    assert mirrored(account) == upstream(zoho)
    assert holes() == []
    # Three days of each flow every night, the week of the one that differed, and one flow's whole history at most.
    share, keys = cursor(account, "full")["share"], dict(own(Flow).values_list("flow_id", "pk"))
    whole = [2 if keys[flow.flow_id] % 7 == share else 0 for flow in flows]
    asked = [zoho.asked(f"executions {flow.flow_id}") for flow in flows]
    assert [calls - more for calls, more in zip(asked, whole, strict=True)] == [2, 2, 4, 2]


def test_a_difference_that_stays_is_a_hole_until_the_statistics_agree(account: ZohoAccount, zoho: Zoho) -> None:
    flows = busy_flows(zoho)
    connect(account, zoho)
    a_night(account, zoho)
    flows[1].counted_over = {"execution_count": 900, "success_count": 850, "failure_count": 50}

    a_night(account, zoho)

    (reason,) = holes()
    assert reason.startswith("Zoho's statistics of the last 7 days count ")
    assert reason.endswith(" more runs than it lists")
    assert stream(account, "executions").state == "incomplete"
    flows[1].runs.append(Run(zoho.clock() - timedelta(seconds=30)))
    background(account, zoho)
    assert holes() == [reason], "counters that agree say nothing of the statistics"
    flows[1].counted_over = {}
    a_night(account, zoho)
    assert holes() == []


def test_a_hole_that_the_counters_show_is_not_closed_by_statistics_that_agree(account: ZohoAccount, zoho: Zoho) -> None:
    flows = busy_flows(zoho)
    connect(account, zoho)
    a_night(account, zoho)
    flows[1].before = (flows[1].before[0] + 1, flows[1].before[1])
    sync(account, zoho)
    (reason,) = holes()

    a_night(account, zoho)

    assert zoho.asked(f"statistics {flows[1].flow_id}") > 0
    assert holes() == [reason]


def test_a_deleted_run_is_no_difference_once_it_is_marked(account: ZohoAccount, zoho: Zoho) -> None:
    flows = busy_flows(zoho)
    connect(account, zoho)
    a_night(account, zoho)
    del flows[0].runs[40]
    flows[0].before = (flows[0].before[0] + 1, flows[0].before[1])

    a_night(account, zoho)
    a_night(account, zoho)

    assert holes() == []
    assert stats.credible(votes(account)) == {"rolling"}


def test_a_run_under_way_is_no_difference(account: ZohoAccount, zoho: Zoho) -> None:
    flows = busy_flows(zoho)
    connect(account, zoho)
    a_night(account, zoho)
    flows[0].runs.append(Run(zoho.clock() + timedelta(days=1), "running"))
    zoho.calls.clear()

    a_night(account, zoho, sweeps=1)

    assert holes() == []


def test_a_person_who_waits_does_not_wait_for_the_night(account: ZohoAccount, zoho: Zoho) -> None:
    busy_flows(zoho)
    connect(account, zoho)
    zoho.clock.pause(86_400)
    zoho.calls.clear()

    sync(account, zoho)

    assert zoho.asked("statistics") == 0


NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
NUMBERS = st.integers(0, 500)


@given(NUMBERS, NUMBERS, st.integers(0, 5), st.integers(-5, 5))
def test_numbers_agree_within_the_runs_of_the_moment(good: int, bad: int, loose: int, off: int) -> None:
    ours = Ours(good + bad, good, bad, loose)

    assert stats.agrees(Tally(good + bad + off, good + off, bad), ours) is (abs(off) <= loose)
    assert stats.agrees(Tally(None, None, None), ours)


def test_a_reading_is_believed_after_two_flows_and_by_more_than_half() -> None:
    votes: dict[str, int] = {}
    for matched in ({"rolling", "life"}, {"rolling"}, {"rolling"}):
        votes = stats.learn(votes, matched)

    assert stats.credible({"flows": 1, "rolling": 1}) == set()
    assert stats.credible(votes) == {"rolling"}
    assert stats.credible({"flows": 8, "rolling": 4}) == set()


def test_a_difference_is_followed_unless_the_rule_is_unknown() -> None:
    assert stats.is_worth_reading(set(), set(), {"flows": 1})
    assert not stats.is_worth_reading(set(), set(), {"flows": stats.UNKNOWN_AFTER + 1})
    assert stats.is_worth_reading({"life"}, {"rolling"}, {"flows": 90})
    assert not stats.is_worth_reading({"life", "rolling"}, {"rolling"}, {})


def test_what_is_missing_is_told_by_the_kindest_reading() -> None:
    candidates = {"rolling": Ours(90, 80, 10, 2), "life": Ours(40, 30, 10, 0)}

    assert stats.missing(Tally(100, 88, 12), candidates, {"rolling", "life"}) == 8
    assert stats.missing(Tally(92, 82, 10), candidates, {"rolling"}) == 0
    assert stats.missing(Tally(40, 30, 10), candidates, {"rolling", "life"}) == 0
    assert stats.missing(Tally(10, 10, 0), candidates, {"rolling"}) == 0
    assert stats.missing(Tally(100, 88, 12), candidates, set()) == 0
    assert stats.text(1) == "Zoho's statistics of the last 7 days count 1 more run than it lists"


def test_the_meanings_of_a_week() -> None:
    midnight = NOW.replace(hour=0)
    spans = stats.windows(NOW)

    assert spans["rolling"] == Window(NOW - timedelta(days=7), NOW)
    assert spans["days-with-today"] == Window(midnight - timedelta(days=6), NOW)
    assert spans["days-before-today"] == Window(midnight - timedelta(days=7), midnight)
    assert min(window.start for window in spans.values()) > stats.widest(NOW)
