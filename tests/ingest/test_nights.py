"""Whose turn it is by night: every flow each night, and each flow's whole history once in seven."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest

from monitor.ingest.night import checks
from monitor.ingest.night.checks import FULL, begun, first_cursors, found_in_words, is_due, is_in_share, night_of
from monitor.models import Flow, StreamState, ZohoAccount
from tests.bystander import own
from tests.fake_zoho import Run, Zoho, sync
from tests.ingest.mirror import mirrored, stream, upstream
from tests.ingest.test_nightly import DAY, a_night, background, connect, cursor, frozen, quiet_flow


@pytest.mark.deep
def test_a_night_compares_each_flow_once_and_reads_those_whole_whose_turn_it_is(
    account: ZohoAccount, zoho: Zoho
) -> None:
    flows = [quiet_flow(zoho) for _ in range(3)]
    connect(account, zoho)
    keys = dict(own(Flow).values_list("flow_id", "pk"))

    whole: dict[str, int] = dict.fromkeys(keys, 0)
    for night in range(14):
        a_night(account, zoho)
        assert zoho.asked("statistics") == 3
        assert stream(account, "statistics").item_count == 3
        asked = {flow.flow_id: zoho.asked(f"executions {flow.flow_id}") for flow in flows}
        for flow_id, calls in asked.items():
            # Three days and, once in seven nights, everything: a page and the empty one after it each.
            is_its_turn = keys[flow_id] % 7 == night % 7
            assert calls == min(asked.values()) + (2 if is_its_turn else 0)
            whole[flow_id] += is_its_turn
    assert set(whole.values()) == {2}


@pytest.mark.deep
def test_a_row_of_last_month_is_found_within_seven_nights(account: ZohoAccount, zoho: Zoho) -> None:
    flow = frozen(quiet_flow(zoho))
    connect(account, zoho)
    a_night(account, zoho)
    flow.runs.append(Run(zoho.clock() - timedelta(days=30)))
    found = []
    for _ in range(7):
        a_night(account, zoho)
        found.append(mirrored(account) == upstream(zoho))

    assert found[-1]
    its_night = (own(Flow).get().pk - 1) % 7
    assert found == [False] * its_night + [True] * (7 - its_night)


@pytest.mark.deep
def test_a_flow_that_is_new_has_its_turn_within_seven_nights_and_takes_nobody_elses(
    account: ZohoAccount, zoho: Zoho
) -> None:
    flows = [frozen(quiet_flow(zoho)) for _ in range(2)]
    connect(account, zoho)
    for _ in range(3):
        a_night(account, zoho)
    flows += [frozen(quiet_flow(zoho)) for _ in range(8)]
    zoho.clock.pause(4000)
    sync(account, zoho)
    lone = zoho.clock() - timedelta(days=30)
    for flow in flows:
        flow.runs.append(Run(lone))
    for _ in range(7):
        a_night(account, zoho, sweeps=10)

    assert mirrored(account) == upstream(zoho)


@pytest.mark.deep
@pytest.mark.parametrize("missed", [1, 3, 30])
def test_the_shares_of_missed_nights_are_made_up_for(account: ZohoAccount, zoho: Zoho, missed: int) -> None:
    flows = [frozen(quiet_flow(zoho, rows=3)) for _ in range(7)]
    connect(account, zoho)
    a_night(account, zoho)
    assert cursor(account, "full")["share"] == 0
    for flow in flows:
        flow.runs.append(Run(zoho.clock() - timedelta(days=60)))
    zoho.clock.pause(missed * DAY.total_seconds())
    a_night(account, zoho, sweeps=10)

    owed = {share % 7 for share in range(1, 2 + min(missed, 6))}
    late = {key for key, pk in own(Flow).values_list("flow_id", "pk") if pk % 7 not in owed}
    assert {flow for flow in late if zoho.asked(f"executions {flow}") > 2} == set()
    assert len(upstream(zoho)) - len(mirrored(account)) == (len(late) if missed < 6 else 0)
    assert cursor(account, "full")["night"] == night_of(zoho.clock()).isoformat()


@pytest.mark.deep
@pytest.mark.parametrize("after", [0, 1])
def test_an_account_whose_whole_history_one_night_used_to_read_goes_on_from_where_it_stood(
    account: ZohoAccount, zoho: Zoho, after: int
) -> None:
    flows = [frozen(quiet_flow(zoho)) for _ in range(3)]
    connect(account, zoho)
    for flow in flows:
        flow.runs.append(Run(zoho.clock() - timedelta(days=20)))
    keys = list(own(Flow).order_by("pk").values_list("pk", flat=True))
    night = night_of(zoho.clock())
    under_way = {"night": night.isoformat(), "done": False, "after": keys[after], "until": None, "flows": after + 1}
    state = StreamState.objects.get(account=account, stream="statistics")
    state.cursor["full"] = under_way | {"new": 5}
    state.save(update_fields=["cursor"])
    zoho.clock.pause(1800)
    background(account, zoho)

    at = cursor(account, "full")
    assert (at["done"], at["flows"], at["new"]) == (True, 3, 5 + 2 - after), (
        "what one night began is brought to its end"
    )
    for _ in range(7):
        a_night(account, zoho)
    assert mirrored(account) == upstream(zoho)
    assert cursor(account, "full")["share"] == 6


def test_a_flow_that_is_stepped_over_in_the_middle_counts_once_and_begins_anew_another_night() -> None:
    at = {"night": "x", "done": False, "after": 7, "until": "2026-11-20T00:00:00+00:00", "flows": 3}
    for _ in range(checks.SILENT):
        at = checks.without_answer(at, 7)
        assert (at["until"], at.get("failed")) == ("2026-11-20T00:00:00+00:00", None)
    at = checks.without_answer(at, 7)
    assert (at["after"], at["until"], at["flows"], at["failed"]) == (7, None, 3, 1)
    assert checks.without_answer(at, 8)["silent"] == {"flow": 8, "times": 1}, "the next flow is counted for itself"


def test_a_night_begins_at_one_and_is_due_until_it_is_done(now: datetime) -> None:
    one = now.replace(hour=1)
    assert night_of(now) == one
    assert night_of(one - timedelta(seconds=1)) == one - DAY
    assert [job.name for job in checks.JOBS] == ["recent", "statistics", "full"]
    for at in first_cursors(now).values():
        assert not is_due(at, now + timedelta(hours=12))
        assert not is_due(at, one + DAY - timedelta(seconds=1))
        assert is_due(at, one + DAY)
    assert is_due({"night": one.isoformat(), "done": False}, now)


@pytest.mark.parametrize("seed", range(20))
def test_each_flow_is_read_whole_once_in_seven_nights_whatever_nights_are_missed(now: datetime, seed: int) -> None:
    chance = random.Random(seed)
    at, on, begin = first_cursors(now)["full"], night_of(now), night_of(now)
    read: dict[int, datetime] = dict.fromkeys(range(7), begin)
    off = timedelta()
    for _ in range(200):
        on += DAY
        if chance.random() < 0.3:
            off += DAY
            continue
        rounds = 0
        while is_due(at, on):
            at = begun(FULL, at, on)
            turn = {flow for flow in range(700) if is_in_share(FULL, at, flow)}
            assert len(turn) == 100
            (share,) = {flow % 7 for flow in turn}
            assert on - read[share] <= 7 * DAY + off
            read[share], rounds = on, rounds + 1
            at = at | {"done": True, "ended_at": on.isoformat()}
        assert rounds == min(7, 1 + off / DAY)
        off = timedelta()
        assert on - min(read.values()) <= 13 * DAY, "never two rounds"


def test_without_a_missed_night_each_share_comes_every_seventh_night(now: datetime) -> None:
    at, shares = first_cursors(now)["full"], []
    for night in range(1, 22):
        at = begun(FULL, at, now + night * DAY) | {"done": True}
        shares.append(at["share"])
        assert not is_due(at, now + night * DAY)

    assert shares == [*range(7)] * 3


def test_work_that_takes_longer_than_a_night_goes_round_all_the_same(now: datetime) -> None:
    at, shares = first_cursors(now)["full"], []
    for night in range(2, 80, 2):  # each share takes two nights
        at = begun(FULL, at, now + night * DAY) | {"done": True}
        shares.append(at["share"])

    assert shares == ([*range(7)] * 6)[: len(shares)]


def test_what_a_night_found_is_told_of_all_its_jobs(now: datetime) -> None:
    tonight = night_of(now)
    recent = {"new": 1, "failed": 2}
    assert (
        found_in_words([recent, {}, {"new": 2, "vanished": 1, "failed": 1}])
        == "3 late, 1 no longer listed, 2 not compared"
    )
    assert found_in_words([{}]) == ""
    owed = begun(FULL, {"night": (tonight - 4 * DAY).isoformat(), "done": True}, now) | {"done": True, "new": 3}
    assert begun(FULL, owed | {"ended_at": now.isoformat()}, now)["new"] == 3, "shares made up for in one night add up"
    assert "new" not in begun(FULL, owed | {"ended_at": now.isoformat()}, now + DAY)
