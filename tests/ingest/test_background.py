"""The background's sweeps: who waits comes first, a page is followed at once, a long list takes several sweeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import datetime, timedelta
from typing import Any

import pytest
from pytest_django import DjangoDbBlocker

from monitor.connection import Gate
from monitor.ingest.base.read_soon import hint, want
from monitor.models import AlertState, ApiBudget, ApiCall, Flow, SyncState, ZohoAccount
from monitor.zoho.errors import BadAnswer, GrantRevoked, NotAvailable, Wait
from tests.around import around_tests
from tests.bystander import own
from tests.factories import NOON, make_account, make_alert_rule
from tests.fake_zoho import Clock, FakeFlow, Run, Zoho, a_task, sync
from tests.ingest.mirror import mirrored, stream, upstream

pytestmark = pytest.mark.django_db


def background(account: ZohoAccount, zoho: Zoho) -> None:
    sync(account, zoho, patience=a_task(zoho))


def run_now(zoho: Zoho, flow: FakeFlow, status: str = "success") -> None:
    flow.runs.append(Run(zoho.clock() - timedelta(seconds=5), status))


@pytest.fixture(scope="module")
def mirrored_list(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[tuple[ZohoAccount, Zoho]]:
    with around_tests(django_db_blocker):
        account, zoho = make_account(), Zoho(Clock(NOON))
        zoho.flows = [FakeFlow(name=f"Flow {number:03}", runs=[Run(zoho.clock())]) for number in range(100)]
        sync(account, zoho)
        zoho.clock.pause(60)
        zoho.calls.clear()
        yield account, zoho


@pytest.fixture
def long(mirrored_list: tuple[ZohoAccount, Zoho], db: None) -> Zoho:
    """A hundred flows on five pages, mirrored."""
    return deepcopy(mirrored_list[1])


@pytest.fixture
def account(request: pytest.FixtureRequest, db: None) -> ZohoAccount:
    """The account of the test; of the hundred flows, where it looks at those."""
    if "long" not in request.fixturenames:
        return make_account()
    mirrored_account, _ = request.getfixturevalue("mirrored_list")
    return ZohoAccount.objects.get(pk=mirrored_account.pk)


def test_a_hundred_flows_are_five_pages_once_zohos_total_was_seen_to_be_right(account: ZohoAccount, long: Zoho) -> None:
    background(account, long)

    assert long.asked("flows page") == 5
    assert stream(account, "flows").last_read_at == long.clock()
    long.clock.pause(3_700)
    long.calls.clear()
    background(account, long)
    assert long.asked("flows page") == 6, "once an hour the empty page is asked for as well"


def test_a_flow_that_moved_is_read_right_after_its_page(account: ZohoAccount, long: Zoho) -> None:
    run_now(long, long.flows[25])

    background(account, long)

    at = long.calls.index("flows page 2")
    assert long.calls[at + 1].startswith(f"executions {long.flows[25].flow_id}")
    assert long.calls[at + 2] == "flows page 3"
    assert mirrored(account) == upstream(long)


def test_who_waits_for_a_flow_has_its_page_asked_first_and_is_answered(account: ZohoAccount, long: Zoho) -> None:
    flow = Flow.objects.get(flow_id=long.flows[77].flow_id)
    run_now(long, long.flows[77])
    want(flow, long.clock())

    background(account, long)

    assert long.calls[0] == "flows page 4"
    assert long.calls[1].startswith(f"executions {flow.flow_id}")
    flow.refresh_from_db()
    assert flow.progress.wanted_at is None
    assert mirrored(account) == upstream(long)


@pytest.mark.parametrize("ask", [want, hint])
def test_only_who_waits_may_use_what_is_kept_for_people(
    account: ZohoAccount, long: Zoho, monkeypatch: pytest.MonkeyPatch, ask: Callable[[Flow, datetime], object]
) -> None:
    """A callback, too, has its flow read out of turn; but from the background's share."""
    flow = Flow.objects.get(flow_id=long.flows[77].flow_id)
    run_now(long, long.flows[77])
    ask(flow, long.clock())
    kinds: set[str] = set()
    original = Gate.doing

    def doing(gate: Gate, kind: str, **how: Any) -> Any:
        kinds.add(kind)
        return original(gate, kind, **how)

    monkeypatch.setattr(Gate, "doing", doing)
    background(account, long)

    assert long.calls[0] == "flows page 4"
    assert long.calls[1].startswith(f"executions {flow.flow_id}")
    assert (ApiCall.Kind.PEOPLE in kinds) == (ask is want)
    flow.refresh_from_db()
    assert (flow.progress.wanted_at, flow.progress.hinted_at) == (None, None)
    assert mirrored(account) == upstream(long)


def test_who_has_the_answer_asks_again_after_thirty_seconds_and_no_sooner(account: ZohoAccount, long: Zoho) -> None:
    flow = Flow.objects.get(flow_id=long.flows[3].flow_id)
    asked = long.clock()
    assert want(flow, asked)
    background(account, long)
    flow.refresh_from_db()
    assert flow.progress.wanted_at is None

    assert not want(flow, asked + timedelta(seconds=29))
    flow.refresh_from_db()
    assert flow.progress.wanted_at is None, "Zoho is not asked"
    assert want(flow, asked + timedelta(seconds=30))


def test_who_asked_while_it_was_being_read_waits_for_the_next_reading(account: ZohoAccount, long: Zoho) -> None:
    flow = Flow.objects.get(flow_id=long.flows[3].flow_id)
    run_now(long, long.flows[3])

    def asked_meanwhile(number: int, what: str) -> None:
        if what.startswith("executions"):
            long.clock.pause(1)
            want(flow, long.clock())

    long.before_call = asked_meanwhile
    background(account, long)

    flow.refresh_from_db()
    assert flow.progress.wanted_at is not None


def test_a_list_that_does_not_fit_the_minute_goes_on_where_it_stopped(account: ZohoAccount, long: Zoho) -> None:
    ZohoAccount.objects.filter(pk=account.pk).update(plan="free")
    account.refresh_from_db()
    busy = [long.clock() - timedelta(seconds=20)] * 5
    ApiCall.objects.bulk_create(
        ApiCall(account=account, product="flow", method="GET", path="/", started_at=at, finished_at=at) for at in busy
    )
    began = long.clock()
    listed_before = stream(account, "flows").last_read_at
    background(account, long)
    first = long.asked("flows page")
    assert 0 < first < 5
    assert stream(account, "flows").last_read_at == listed_before, "half a list is no list"
    for _ in range(10):
        long.clock.pause(200)
        background(account, long)
        if stream(account, "flows").last_read_at != listed_before:
            break

    assert stream(account, "flows").last_read_at == began
    assert [call for call in long.calls if call.startswith("flows page")] == [
        f"flows page {page}" for page in range(1, 6)
    ]
    assert own(Flow).filter(gone_at=None, missed_sweeps=0).count() == 100


def test_without_a_free_slot_the_list_waits_and_nothing_is_called_incomplete(account: ZohoAccount, long: Zoho) -> None:
    at = long.clock() - timedelta(seconds=20)
    ApiCall.objects.bulk_create(
        ApiCall(account=account, product="flow", method="GET", path="/", started_at=at, finished_at=at)
        for _ in range(108)
    )

    background(account, long)

    assert long.asked("flows") == 0
    assert stream(account, "flows").state == "ok"
    due = stream(account, "flows").next_due_at
    assert due is not None
    assert long.clock() < due <= at + timedelta(seconds=61)


def test_a_page_that_cannot_be_read_does_not_keep_those_before_it_from_being_read(
    account: ZohoAccount, long: Zoho
) -> None:
    def broken(number: int, what: str) -> None:
        if what == "flows page 3":
            raise BadAnswer("HTML")

    long.before_call = broken
    background(account, long)
    long.clock.pause(60)
    long.calls.clear()
    background(account, long)

    assert long.calls[:3] == ["flows page 1", "flows page 2", "flows page 3"]
    assert stream(account, "flows").state == "failing"


def test_executions_that_cannot_be_read_do_not_end_the_list(account: ZohoAccount, long: Zoho) -> None:
    for flow in long.flows[:3]:
        run_now(long, flow)

    def broken(number: int, what: str) -> None:
        if what.startswith("executions"):
            raise NotAvailable("403", status=403)

    long.before_call = broken
    background(account, long)

    assert long.asked("flows page") == 5
    assert stream(account, "flows").state == "ok"


def test_a_flow_with_an_open_alert_is_read_before_the_others_of_its_page(account: ZohoAccount, long: Zoho) -> None:
    for flow in long.flows[:5]:
        run_now(long, flow)
    rule = make_alert_rule(account)
    flow = Flow.objects.get(flow_id=long.flows[4].flow_id)
    AlertState.objects.create(rule=rule, flow=flow, is_open=True, since=long.clock(), evaluated_at=long.clock())

    background(account, long)

    assert long.calls[1].startswith(f"executions {long.flows[4].flow_id}")


def test_a_throttled_flow_leaves_crm_going_and_is_not_asked_before_its_time(account: ZohoAccount, busy: Zoho) -> None:
    sync(account, busy)
    ApiBudget.objects.filter(account=account, product="flow").update(
        blocked_until=busy.clock() + timedelta(minutes=10), blocked_reason="Zoho asked us to wait (429)"
    )
    busy.clock.pause(120)
    busy.calls.clear()

    background(account, busy)

    assert busy.asked("rules") == 1
    assert busy.asked("flows") == busy.asked("executions") == 0


def test_a_throttled_crm_leaves_flow_going(account: ZohoAccount, busy: Zoho) -> None:
    sync(account, busy)
    run_now(busy, busy.flows[0])
    busy.clock.pause(120)

    def throttled(number: int, what: str) -> None:
        if what.startswith("rules"):
            raise Wait("429", retry_after=300)

    busy.before_call = throttled
    background(account, busy)
    assert mirrored(account) == upstream(busy)


def test_the_organisation_is_asked_for_once_a_day_and_sets_crms_limits(account: ZohoAccount, busy: Zoho) -> None:
    sync(account, busy)
    busy.clock.pause(3_600)
    background(account, busy)
    assert busy.asked("org") == 1
    row = ApiBudget.objects.get(account=account, product="crm")
    assert (row.edition, row.users) == ("enterprise", 3)

    busy.clock.pause(86_400)
    background(account, busy)
    assert busy.asked("org") == 2


def test_flows_that_do_not_fit_the_minute_are_read_in_the_next_and_our_own_gate_is_never_run_into(
    account: ZohoAccount, long: Zoho
) -> None:
    ZohoAccount.objects.filter(pk=account.pk).update(plan="free")
    account.refresh_from_db()
    made: list[datetime] = []

    def write_down(call: int, what: str) -> None:
        if what.startswith(("flow", "execution")):
            at = long.clock()
            made.append(at)
            ApiCall.objects.create(
                account=account, product="flow", method="GET", path="/", started_at=at, finished_at=at
            )

    long.before_call = write_down
    for flow in long.flows[:12]:
        run_now(long, flow)

    first = sync(account, long, patience=a_task(long))

    assert first.flows_read > 3
    assert stream(account, "executions").state == "incomplete"
    assert stream(account, "executions").next_due_at - long.clock() < timedelta(seconds=62)
    assert SyncState.objects.get(account=account).last_fresh_at != long.clock(), "what waits is not called mirrored"
    for _ in range(12):
        long.clock.pause(61)
        assert not isinstance(sync(account, long, patience=a_task(long)).stopped, Wait)
    assert mirrored(account) == upstream(long)
    assert stream(account, "executions").state == "ok"
    assert max(sum(at <= other < at + timedelta(seconds=60) for other in made) for at in made) <= 9


def test_what_was_read_before_the_grant_was_revoked_is_not_due_again(account: ZohoAccount, zoho: Zoho) -> None:
    sync(account, zoho)
    zoho.clock.pause(2 * 86_400)

    def revoke(number: int, what: str) -> None:
        if what.startswith("webhook failures"):
            raise GrantRevoked("the grant was revoked")

    zoho.before_call = revoke
    background(account, zoho)

    assert any(what.startswith("webhook failures") for what in zoho.calls)
    due = stream(account, "connected").next_due_at
    assert due is not None
    assert due > zoho.clock()
