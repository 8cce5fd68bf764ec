"""What cannot be sent for want of a connection, or while an account is paused, is neither used up nor given up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from monitor.models import Execution, RetryAttempt, RetryBatch, RetryPolicy, Role, User, ZohoAccount
from monitor.queries.policies import use_of
from monitor.retry.batches import resume
from monitor.retry.policies import add_policy, switch_on
from monitor.retry.run_batches import run_batches
from monitor.retry.run_policies import run_policies
from monitor.retry.settle import sweep
from monitor.zoho.errors import ClientRefused, GrantRevoked, ScopeMissing, Unreachable
from tests import factories
from tests.bystander import own
from tests.fake_zoho.retrying import FAULTS
from tests.retry.floor import Floor, fresh, states

State = RetryBatch.State
HOUR = timedelta(hours=1)
Break = Callable[[Floor, pytest.MonkeyPatch], Callable[[], object]]


def no_token(error: Exception) -> Break:
    def act(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> Callable[[], object]:
        def refuse() -> str:
            raise error

        honest = floor.zoho.current
        monkeypatch.setattr(floor.zoho, "current", refuse)
        return lambda: monkeypatch.setattr(floor.zoho, "current", honest)

    return act


def unreachable(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> Callable[[], object]:
    floor.zoho.read_faults.extend([lambda: Unreachable("no answer")] * 500)
    return floor.zoho.read_faults.clear


def no_way_out(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> Callable[[], object]:
    floor.zoho.post_faults.extend([FAULTS["no_connection"]] * 3)
    return floor.zoho.post_faults.clear


def no_address(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> Callable[[], object]:
    floor.zoho.has_flow = False
    return lambda: setattr(floor.zoho, "has_flow", True)


def address_taken_away(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> Callable[[], object]:
    rows = ZohoAccount.objects.filter(pk=floor.account.pk)
    before = rows.values_list("flow_url", flat=True).get()
    rows.update(flow_url="")
    return lambda: rows.update(flow_url=before)


def another_organisation(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> Callable[[], object]:
    monkeypatch.setattr("monitor.retry.send.organisation.is_foreign", lambda account: True)
    return lambda: monkeypatch.setattr("monitor.retry.send.organisation.is_foreign", lambda account: False)


LOST = {
    "grant": (no_token(GrantRevoked("The grant was revoked")), 60, "The grant was revoked"),
    "client": (no_token(ClientRefused("Zoho refused the client")), 60, "Zoho refused the client"),
    "scope": (no_token(ScopeMissing("The scope is missing")), 60, "The scope is missing"),
    "an hour's outage": (unreachable, 3700, "Nothing was sent for an hour"),
    "no connection three times": (no_way_out, 120, "no connection"),
    "no address when it opens": (no_address, 60, "no address for Zoho Flow"),
    "no address any more": (address_taken_away, 60, "no address for Zoho Flow"),
    "another organisation": (another_organisation, 60, "another organisation"),
}


@pytest.mark.parametrize("what", LOST)
def test_a_lost_connection_stops_a_batch_which_goes_on_where_it_was_once_it_is_back(
    floor: Floor, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    lose, seconds, words = LOST[what]
    batch = floor.ask(floor.fail(3), canary=1)
    mend = lose(floor, monkeypatch)
    if seconds > 600:
        run_batches(floor.clock())
        sweep(floor.clock, open_account=floor.zoho.open_account)
        floor.clock.forward(seconds=seconds)
        seconds = 10
    floor.work(seconds)
    stopped = fresh(batch)
    assert (stopped.state, states(batch)) == (State.STOPPED, {"waiting": 3})
    assert words in stopped.state_reason
    assert not floor.zoho.caused
    mend()
    resume(stopped, floor.user, floor.clock())
    floor.work(5)
    assert fresh(batch).step == 0
    assert states(batch)["waiting"] == 2  # one goes first, as if nothing had been
    floor.work(60)
    assert (fresh(batch).state, states(batch)) == (State.FINISHED, {"succeeded": 3})


@pytest.mark.parametrize("what", ["account", "person"])
def test_a_pause_or_a_lost_right_between_wish_and_post_costs_no_item(floor: Floor, what: str) -> None:
    batch = floor.ask(floor.fail(3), canary=2)
    run_batches(floor.clock())
    rows = {"account": ZohoAccount.objects.filter(pk=floor.account.pk), "person": User.objects.filter(pk=floor.user.pk)}
    off: dict[str, Any] = {"account": {"is_active": False}, "person": {"role": Role.VIEWER}}
    on: dict[str, Any] = {"account": {"is_active": True}, "person": {"role": Role.ADMIN}}
    rows[what].update(**off[what])
    sweep(floor.clock, open_account=floor.zoho.open_account)
    floor.work(30)
    assert states(batch) == {"waiting": 3}
    rows[what].update(**on[what])
    if what == "person":
        assert fresh(batch).state == State.STOPPED
        resume(fresh(batch), User.objects.get(pk=floor.user.pk), floor.clock())
    floor.work(60)
    assert states(batch) == {"succeeded": 3}


def test_an_item_that_came_back_is_skipped_where_the_batch_was_cancelled_meanwhile(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = floor.ask(floor.fail(2), canary=2)
    run_batches(floor.clock())
    no_token(GrantRevoked("The grant was revoked"))(floor, monkeypatch)
    sweep(floor.clock, open_account=floor.zoho.open_account)
    RetryBatch.objects.filter(pk=batch.pk).update(state=State.CANCELLED)
    run_batches(floor.clock())
    assert states(batch) == {"skipped": 2}


def set_policy(floor: Floor, **settings: Any) -> RetryPolicy:
    given = {"name": "Missing tax", "tries": 1, "wait_minutes": 1, "per_day": 1} | settings
    policy = add_policy(floor.flow, floor.user, floor.clock() - HOUR, **given)
    switch_on(policy, floor.user, floor.clock() - HOUR)
    return policy


def turns(floor: Floor, minutes: int) -> list[RetryAttempt]:
    for _ in range(minutes):
        run_policies(floor.clock())
        sweep(floor.clock, open_account=floor.zoho.open_account)
        floor.clock.forward(minutes=1)
    return list(own(RetryAttempt).order_by("pk"))


@pytest.mark.parametrize("what", ["grant", "another organisation", "no address when it opens"])
def test_what_a_policy_could_not_send_is_no_try_and_none_of_its_day(
    floor: Floor, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    policy = set_policy(floor)
    [key] = floor.fail()
    factories.make_failure(Execution.objects.get(pk=key))
    mend = LOST[what][0](floor, monkeypatch)
    lost = turns(floor, 40)
    assert {one.state for one in lost} == {"cancelled"}
    assert len(lost) == 3  # not one each turn: it looks four times an hour whether the connection is back
    assert use_of(policy, floor.clock()).today == 0
    mend()
    assert [one.state for one in turns(floor, 20)] == ["cancelled"] * 3 + ["succeeded"]
    assert use_of(policy, floor.clock()).today == 1
    assert len(floor.zoho.posts) == 1


def test_a_wish_of_a_policy_that_a_pause_of_the_account_called_off_is_no_try(floor: Floor) -> None:
    set_policy(floor)
    [key] = floor.fail()
    factories.make_failure(Execution.objects.get(pk=key))
    run_policies(floor.clock())
    rows = ZohoAccount.objects.filter(pk=floor.account.pk)
    rows.update(is_active=False)
    assert [one.state for one in turns(floor, 5)] == ["cancelled"]
    rows.update(is_active=True)
    assert [one.state for one in turns(floor, 3)] == ["cancelled", "succeeded"]
