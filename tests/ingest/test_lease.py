"""One sweep per account at a time; who has lost the lease writes nothing more."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from monitor.ingest.base.lease import LENGTH, Lease, LeaseLost
from monitor.ingest.base.mode import Mode, Patience
from monitor.ingest.history import first_reading
from monitor.ingest.run import Busy
from monitor.models import Execution, Flow, SyncState, ZohoAccount
from tests.bystander import own
from tests.fake_zoho import Clock, FakeFlow, Killed, Run, Zoho, sync


def a_zoho(zoho: Zoho) -> Zoho:
    zoho.flows = [FakeFlow(runs=[Run(zoho.clock() - timedelta(minutes=n)) for n in range(1, 90)])]
    zoho.cap = 50
    return zoho


def test_of_two_sweeps_at_once_one_works_and_the_other_is_told_that_it_is_busy(
    account: ZohoAccount, zoho: Zoho
) -> None:
    a_zoho(zoho)
    refusals = []

    def second(number: int, what: str) -> None:
        zoho.before_call = lambda number, what: None
        with pytest.raises(Busy) as busy:
            sync(account, zoho)
        refusals.append(busy.value.until)

    zoho.before_call = second

    assert sync(account, zoho).complete
    assert refusals == [zoho.clock() + LENGTH]


def test_sweeps_of_two_accounts_do_not_know_each_other(account: ZohoAccount, zoho: Zoho) -> None:
    from tests.factories import make_account

    Lease.take(make_account(), zoho.clock())

    assert sync(account, a_zoho(zoho)).complete


def test_the_lease_is_given_back_at_the_end_and_when_the_sweep_dies(account: ZohoAccount, zoho: Zoho) -> None:
    def die(number: int, what: str) -> None:
        raise Killed

    a_zoho(zoho).before_call = die
    with pytest.raises(Killed):
        sync(account, zoho)

    assert own(SyncState).get().lease_until is None


def test_a_lease_that_a_kill_left_ends_after_a_minute(account: ZohoAccount, now: datetime) -> None:
    assert Lease.take(account, now) is not None

    assert Lease.take(account, now + timedelta(seconds=59)) is None
    assert Lease.take(account, now + timedelta(seconds=60)) is not None


def test_a_clock_that_was_set_back_does_not_lock_an_account_for_an_hour(account: ZohoAccount, now: datetime) -> None:
    Lease.take(account, now + timedelta(hours=1))

    assert Lease.take(account, now) is not None


def test_a_lease_outlives_any_single_call(account: ZohoAccount, now: datetime) -> None:
    """A call may last 45 s; whatever was left before it, it begins with more."""
    clock = Clock(now)
    lease = Lease.take(account, now)
    assert lease is not None
    for _ in range(20):
        clock.pause(7)
        lease.keep(clock)
        until = own(SyncState).get().lease_until
        assert until is not None
        assert until - clock() > timedelta(seconds=45)


def take_over(account: ZohoAccount, clock: Clock) -> None:
    clock.pause(61)
    assert Lease.take(account, clock()) is not None


def test_a_holder_whose_lease_was_taken_over_writes_nothing_more(account: ZohoAccount, zoho: Zoho) -> None:
    """As after a suspended process: the page came, but the account is somebody else's."""
    a_zoho(zoho)

    def slow(number: int, what: str) -> None:
        if "page 2 " in what:
            take_over(account, zoho.clock)

    zoho.before_call = slow
    before = own(SyncState).get()

    result = sync(account, zoho)

    assert isinstance(result.stopped, LeaseLost)
    assert own(Execution).count() == 50, "the first page only"
    assert own(Flow).get().progress.executions_read_at is None
    after = own(SyncState).get()
    assert after.lease_until is not None, "the new holder's lease is left alone"
    assert (after.state, after.last_finished_at) == (before.state, before.last_finished_at)


def test_a_holder_finds_out_before_its_next_call(account: ZohoAccount, zoho: Zoho) -> None:
    a_zoho(zoho)

    def slow(number: int, what: str) -> None:
        if what.startswith("connections"):
            take_over(account, zoho.clock)

    zoho.before_call = slow

    result = sync(account, zoho)

    assert isinstance(result.stopped, LeaseLost)
    assert zoho.calls[-1] == "connections"


def test_a_flow_is_not_called_read_under_a_lost_lease(account: ZohoAccount, zoho: Zoho) -> None:
    """Lost between the last page and the closing of the flow."""
    a_zoho(zoho)
    original = first_reading.close

    def late(*args: object) -> None:
        take_over(account, zoho.clock)
        original(*args)  # type: ignore[arg-type]

    first_reading.close = late
    try:
        result = sync(account, zoho)
    finally:
        first_reading.close = original

    assert isinstance(result.stopped, LeaseLost)
    assert own(Flow).get().progress.executions_read_at is None


def test_the_fence_grows_with_each_taking(account: ZohoAccount, now: datetime) -> None:
    first = Lease.take(account, now)
    second = Lease.take(account, now + timedelta(seconds=61))

    assert first is not None
    assert second is not None
    assert second.fence == first.fence + 1
    with pytest.raises(LeaseLost):
        first.keep(lambda: now + timedelta(seconds=61))
    first.release()
    assert own(SyncState).get().lease_owner == second.owner


@pytest.mark.parametrize(("mode", "seconds"), [(Mode.SYNC, 60), (Mode.TASK, 30), (Mode.SYNC_WITHOUT_WAITING, 30)])
def test_a_task_that_is_killed_keeps_the_account_for_half_a_minute_at_most_a_persons_sync_for_a_whole_one(
    account: ZohoAccount, zoho: Zoho, mode: Mode, seconds: int
) -> None:
    """Tasks make short calls; work has to go on within 60 s of a kill, the next tick included."""
    left = []

    def look(number: int, what: str) -> None:
        until = own(SyncState).get().lease_until
        left.append(until - zoho.clock() if until else None)

    a_zoho(zoho).before_call = look
    sync(account, zoho, patience=Patience(mode, pause=zoho.clock.pause))

    assert max(filter(None, left)) == timedelta(seconds=seconds)
