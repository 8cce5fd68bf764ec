"""The one judge of freshness: of the worker, of each account, and whether alerts may judge by a mirror."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from monitor.freshness import (
    ALERT,
    PAGE,
    Judged,
    MirrorFacts,
    ReadTimes,
    Tolerance,
    facts_of,
    is_list_old,
    judge_account,
    judge_worker,
    problems,
    why_unfit,
)
from monitor.models import ApiBudget, FlowProgress, StreamState, SyncState, WorkerBeat, ZohoAccount
from monitor.notify.facts import as_of
from monitor.queries.freshness import mirror
from tests import factories
from tests.bystander import own
from tests.commands.commandline import run

MINUTE = timedelta(minutes=1)
LIVES = Judged("ok")
SILENT = Judged("silent", "the worker does not run", datetime(2026, 11, 22, 11, 0))  # noqa: DTZ001 - only passed on


def facts(now: datetime, state: str = "ok", **changes: Any) -> MirrorFacts:
    """An account read half a minute ago, every minute."""
    values: dict[str, Any] = {
        "is_mirrored": True,
        "stored": Judged(state, "the reason", now - 600 * MINUTE),
        "as_of": now - MINUTE,
        "finished_at": now - MINUTE / 2,
        "due_at": now + MINUTE / 2,
    }
    return MirrorFacts(**(values | changes))


@pytest.mark.parametrize(("age", "state"), [(0, "ok"), (75, "ok"), (76, "silent"), (86_400, "silent")])
def test_a_worker_is_silent_after_75_seconds_without_a_task(now: datetime, age: int, state: str) -> None:
    heard = now - timedelta(seconds=age)
    found = judge_worker({"canary": heard, "supervisor": now}, now)
    assert found.state == state
    assert found.since == (heard if state == "silent" else None)


def test_where_to_look_depends_on_the_supervisor(now: datetime) -> None:
    old = now - 5 * MINUTE
    assert "no task comes through" in judge_worker({"canary": old, "supervisor": now}, now).reason
    assert "does not run" in judge_worker({"canary": old, "supervisor": old}, now).reason
    assert "does not run" in judge_worker({"canary": old}, now).reason


def test_any_task_is_a_sign_of_life_a_supervisor_alone_is_none(now: datetime) -> None:
    assert judge_worker({"canary": now - 5 * MINUTE, "task": now}, now).state == "ok"
    assert judge_worker({"supervisor": now}, now).state == "never"


def test_problems_name_what_makes_the_installation_unready(now: datetime) -> None:
    assert problems(LIVES, now) == []
    assert problems(judge_worker({}, now), now) == ["the worker has not run yet (manage.py worker)"]
    assert problems(judge_worker({"canary": now - 5 * MINUTE}, now), now) == [
        "the worker is silent: no task came through for 300 s; the worker does not run (manage.py worker)"
    ]


@pytest.mark.parametrize("state", ["ok", "incomplete", "throttled", "unreachable", "revoked", "schema", "never"])
def test_what_the_last_sweep_said_holds_while_sweeps_come(now: datetime, state: str) -> None:
    found = judge_account(facts(now, state), LIVES, now)
    assert found == Judged(state, "the reason", now - 600 * MINUTE)


@pytest.mark.parametrize("state", ["ok", "incomplete", "throttled", "unreachable", "revoked", "schema", "never"])
def test_of_what_a_silent_poller_said_nobody_knows_whether_it_holds(now: datetime, state: str) -> None:
    assert judge_account(facts(now, state), SILENT, now) == SILENT


def test_a_pause_stands_above_a_silent_poller(now: datetime) -> None:
    assert judge_account(facts(now, is_mirrored=False), SILENT, now).state == "paused"


def test_old_data_of_a_healthy_account_is_stale_since_it_was_read(now: datetime) -> None:
    old = now - timedelta(seconds=181)
    assert judge_account(facts(now, as_of=old), LIVES, now).since == old
    assert judge_account(facts(now, as_of=old), LIVES, now).state == "stale"
    assert judge_account(facts(now, as_of=old, due_at=now + 2 * MINUTE), LIVES, now).state == "ok"
    assert judge_account(facts(now, as_of=None), LIVES, now).state == "stale"


@pytest.mark.parametrize("state", ["ok", "incomplete", "throttled", "unreachable", "schema"])
def test_a_sweep_that_was_due_and_did_not_come_is_told_whatever_the_last_one_said(now: datetime, state: str) -> None:
    old = now - 10 * MINUTE
    found = judge_account(facts(now, state, finished_at=old, due_at=old + MINUTE), LIVES, now)
    assert (found.state, found.since) == ("stale", old)
    pause = facts(now, state, finished_at=old, due_at=now + 60 * MINUTE)
    assert judge_account(pause, LIVES, now).state == state


def test_an_account_never_read_says_that_no_worker_ran(now: datetime) -> None:
    waiting = facts(now, "never", stored=Judged("never"))
    assert judge_account(waiting, judge_worker({}, now), now).reason == "the worker has not run yet (manage.py worker)"
    assert judge_account(waiting, LIVES, now).reason == ""


@pytest.mark.parametrize(("tolerance", "shortest"), [(PAGE, MINUTE), (ALERT, MINUTE / 2)])
def test_intervals_lie_between_the_shortest_and_an_hour(
    now: datetime, tolerance: Tolerance, shortest: timedelta
) -> None:
    assert tolerance.interval(now, now + timedelta(seconds=10)) == shortest
    assert tolerance.interval(now, now + 5 * MINUTE) == 5 * MINUTE
    assert tolerance.interval(now, now + 600 * MINUTE) == 60 * MINUTE
    assert tolerance.interval(None, now) == tolerance.interval(now, None) == tolerance.interval(now, now) == MINUTE


def test_the_list_that_leads_stretches_the_patience_of_a_page(now: datetime) -> None:
    old = now - 29 * MINUTE
    seldom = ReadTimes(old, old + 10 * MINUTE)
    assert judge_account(facts(now, as_of=old, leading=seldom), LIVES, now).state == "ok"
    assert judge_account(facts(now, as_of=old, leading=ReadTimes(old, old + MINUTE)), LIVES, now).state == "stale"


def test_a_list_with_a_pace_of_its_own_is_old_after_three_intervals(now: datetime) -> None:
    assert is_list_old(ReadTimes(), now)
    assert not is_list_old(ReadTimes(now - 30 * MINUTE, now - 20 * MINUTE), now)
    assert is_list_old(ReadTimes(now - 31 * MINUTE, now - 21 * MINUTE), now)


def test_as_of_is_the_older_of_the_newest_whole_read_and_the_leading_list(now: datetime) -> None:
    sync = SyncState(last_complete_at=now - 5 * MINUTE, last_fresh_at=now - MINUTE)
    flows = StreamState(stream="flows", state="ok", last_read_at=now - 7 * MINUTE)
    rules = StreamState(stream="rules", state="ok", last_read_at=now - 9 * MINUTE)
    streams = {"flows": flows, "rules": rules}

    assert facts_of(sync, {}, is_mirrored=True).as_of == now - 5 * MINUTE
    assert facts_of(sync, streams, is_mirrored=True).as_of == now - 7 * MINUTE
    assert facts_of(sync, {"rules": rules}, is_mirrored=True).as_of == now - 9 * MINUTE
    assert facts_of(sync, {}, is_mirrored=True, is_reading=True).as_of == now - MINUTE
    assert facts_of(None, streams, is_mirrored=True).as_of is None
    flows.state = StreamState.State.NOT_AVAILABLE
    assert facts_of(sync, streams, is_mirrored=True).as_of == now - 9 * MINUTE


@pytest.mark.django_db
def test_a_mail_and_the_page_are_as_of_the_same_moment_while_history_is_read(
    account: ZohoAccount, now: datetime
) -> None:
    bystander = factories.make_account()
    SyncState.objects.filter(account=bystander).update(last_complete_at=now, last_fresh_at=now)
    SyncState.objects.filter(account=account).update(last_complete_at=None, last_fresh_at=now - 3 * MINUTE)
    StreamState.objects.create(account=account, stream="flows", state="ok", last_read_at=now - 4 * MINUTE)
    flow = factories.make_flow(account)
    assert as_of(account.pk) == mirror(now).of(account.pk).as_of == now - 4 * MINUTE

    FlowProgress.objects.filter(flow=flow).update(executions_read_at=now)
    assert as_of(account.pk) is mirror(now).of(account.pk).as_of is None
    assert as_of(bystander.pk) == mirror(now).of(bystander.pk).as_of == now


def test_executions_fail_since_their_stream_says_so(now: datetime) -> None:
    row = StreamState(stream="executions", state=StreamState.State.FAILING, since=now - MINUTE)
    assert facts_of(None, {"executions": row}, is_mirrored=True).executions_lost_since == now - MINUTE
    row.state = StreamState.State.OK
    assert facts_of(None, {"executions": row}, is_mirrored=True).executions_lost_since is None


@pytest.mark.parametrize("stream", ["executions", "flows"])
@pytest.mark.parametrize("state", [*StreamState.State.values])
@pytest.mark.parametrize("was_read", [True, False])
def test_what_pages_call_unread_for_long_is_unfit_for_alerts_too(
    now: datetime, stream: str, state: str, was_read: bool
) -> None:
    long_ago = now - 480 * MINUTE
    read = StreamState(stream="flows", state="ok", last_read_at=now - MINUTE, next_due_at=now)
    lost = StreamState(stream=stream, state=state, since=long_ago, last_read_at=long_ago if was_read else None)
    sync = SyncState(state="ok", last_finished_at=now - MINUTE, last_complete_at=now - MINUTE, next_due_at=now)
    facts = facts_of(sync, {"flows": read} | {stream: lost}, is_mirrored=True)
    if facts.unread and (was_read or stream == "executions"):
        assert "could not be read since" in why_unfit(facts, now) or f"{facts.unread} since" in why_unfit(facts, now)
    if stream == "executions" and not facts.unread:
        assert why_unfit(facts, now) == "", "an account that never had the list is judged by the others"


@pytest.mark.parametrize("stream", ["executions", "flows"])
def test_a_list_that_is_refused_leaves_no_flows_present_known(now: datetime, stream: str) -> None:
    row = StreamState(stream=stream, last_read_at=now)
    for state, is_unread in {"ok": False, "incomplete": False, "failing": True, "not_available": True}.items():
        row.state = state
        assert bool(facts_of(None, {stream: row}, is_mirrored=True).unread) == is_unread
    never = StreamState(stream=stream, state="not_available")
    assert facts_of(None, {stream: never}, is_mirrored=True).unread == "", "the account does not have it"


@pytest.fixture
def fresh(now: datetime) -> MirrorFacts:
    """An account read a minute ago, its list every two minutes."""
    return MirrorFacts(
        stored=Judged("ok", "", now - 600 * MINUTE),
        finished_at=now - MINUTE,
        flows=ReadTimes(now - MINUTE, now + MINUTE),
    )


def test_a_healthy_account_is_fit_to_be_judged(fresh: MirrorFacts, now: datetime) -> None:
    assert why_unfit(fresh, now) == ""


def test_an_incomplete_account_that_is_read_is_fresh(fresh: MirrorFacts, now: datetime) -> None:
    assert not why_unfit(replace(fresh, stored=Judged("incomplete")), now)


def test_an_account_never_read_is_stale(now: datetime) -> None:
    assert why_unfit(MirrorFacts(), now) == "the account has not been read yet"


def test_ten_minutes_without_a_sweep_make_it_stale(fresh: MirrorFacts, now: datetime) -> None:
    assert not why_unfit(replace(fresh, finished_at=now - 10 * MINUTE), now)
    assert "2026-11-22 11:49 UTC" in why_unfit(replace(fresh, finished_at=now - 11 * MINUTE), now)


def test_where_the_list_is_read_seldom_three_intervals_are_allowed(fresh: MirrorFacts, now: datetime) -> None:
    slow = replace(fresh, flows=ReadTimes(now - 5 * MINUTE, now + 5 * MINUTE))
    assert not why_unfit(replace(slow, finished_at=now - 29 * MINUTE), now)
    assert why_unfit(replace(slow, finished_at=now - 31 * MINUTE), now)


@pytest.mark.parametrize("state", ["throttled", "unreachable", "revoked", "schema"])
def test_a_sick_account_is_stale_after_three_intervals(fresh: MirrorFacts, now: datetime, state: str) -> None:
    def sick(minutes: int) -> MirrorFacts:
        return replace(fresh, stored=Judged(state, "Zoho does not answer", now - minutes * MINUTE))

    assert not why_unfit(sick(6), now)
    assert why_unfit(sick(7), now) == "Zoho does not answer"


def test_sweeps_that_end_without_the_list_of_flows_are_stale(fresh: MirrorFacts, now: datetime) -> None:
    old = replace(fresh, stored=Judged("incomplete"), flows=ReadTimes(now - 60 * MINUTE, now - 58 * MINUTE))
    assert "list of flows" in why_unfit(old, now)
    assert not why_unfit(replace(old, flows=ReadTimes(now - 10 * MINUTE, now - 8 * MINUTE)), now)
    assert why_unfit(replace(old, flows=ReadTimes(now - 11 * MINUTE, now - 9 * MINUTE)), now)


def test_executions_that_cannot_be_read_are_stale(fresh: MirrorFacts, now: datetime) -> None:
    assert "executions" in why_unfit(replace(fresh, executions_lost_since=now - 7 * MINUTE), now)
    assert not why_unfit(replace(fresh, executions_lost_since=now - 6 * MINUTE), now)


def test_an_account_that_a_person_switched_off_is_stale_at_once(fresh: MirrorFacts, now: datetime) -> None:
    assert "switched it off" in why_unfit(replace(fresh, is_mirrored=False), now)


def stored(state: str, reason: str = "") -> Callable[[ZohoAccount, datetime], object]:
    def change(account: ZohoAccount, now: datetime) -> None:
        SyncState.objects.filter(account=account).update(state=state, reason=reason, since=now - 7 * MINUTE)

    return change


def stale(account: ZohoAccount, now: datetime) -> None:
    SyncState.objects.filter(account=account).update(last_complete_at=now - 60 * MINUTE)


def silent(account: ZohoAccount, now: datetime) -> None:
    WorkerBeat.objects.update(beat_at=now - 9 * MINUTE)


def no_worker(account: ZohoAccount, now: datetime) -> None:
    WorkerBeat.objects.all().delete()


def paused(account: ZohoAccount, now: datetime) -> None:
    ZohoAccount.objects.filter(pk=account.pk).update(is_active=False)


def spent(account: ZohoAccount, now: datetime) -> None:
    stored("incomplete", "the calls of 24 h are spent")(account, now)
    own(ApiBudget).update(blocked_until=now + 60 * MINUTE, blocked_reason="the calls of 24 h are spent")


# name: (what has happened, the account's state, whether the installation is ready)
STATES: dict[str, tuple[Callable[[ZohoAccount, datetime], object], str, bool]] = {
    "ok": (lambda account, now: None, "ok", True),
    "never": (stored("never"), "never", True),
    "incomplete": (stored("incomplete", "31 runs are missing"), "incomplete", True),
    "throttled": (stored("throttled", "asked too often"), "throttled", True),
    "unreachable": (stored("unreachable", "no answer"), "unreachable", True),
    "revoked": (stored("revoked", "invalid_code"), "revoked", True),
    "schema": (stored("schema", "no list"), "schema", True),
    "budget spent": (spent, "incomplete", True),
    "stale": (stale, "stale", True),
    "paused": (paused, "paused", True),
    "silent": (silent, "silent", False),
    "never run": (no_worker, "ok", False),
}


@pytest.mark.parametrize("name", STATES)
def test_status_and_ready_tell_the_same_of_every_state(
    nobody_else: None, account: ZohoAccount, client: Client, now: datetime, name: str
) -> None:
    happens, state, is_ready = STATES[name]
    SyncState.objects.filter(account=account).update(
        state="ok", since=now, last_complete_at=now, last_finished_at=now, next_due_at=now + MINUTE
    )
    StreamState.objects.create(account=account, stream="flows", state="ok", last_read_at=now)
    WorkerBeat.objects.create(name="canary", beat_at=now)
    WorkerBeat.objects.create(name="supervisor", beat_at=now)
    happens(account, now)

    with time_machine.travel(now, tick=False):
        answer = client.get(reverse("healthz_ready"))
        told = json.loads(run("status", "--json").out)
        words = run("status").out
    ready = answer.json()

    assert (answer.status_code == 200, told["ready"]) == (is_ready, is_ready)
    assert told["problems"] == ready["problems"]
    assert bool(told["problems"]) is not is_ready
    assert {key: told["worker"][key] for key in ("state", "reason", "since")} == ready["worker"]
    (line,) = told["accounts"]
    assert line["state"] == state
    assert ready["mirror"]["states"] == [{"state": line["state"], "since": line["since"]}]
    assert words.startswith(f"{account.name}: {state}")
    assert ("NOT ready" in words) is not is_ready
    assert account.name not in answer.content.decode()
    if state not in ("ok", "never"):
        assert line["reason"]
    if state not in ("never", "paused"):
        assert line["since"]
