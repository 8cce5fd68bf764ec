"""What Zoho refuses of a flow's executions: how often it is asked for, how it is told, what is remembered."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from monitor.ingest.base.page_habits import sizes_left
from monitor.models import Flow, StreamState, SyncState, ZohoAccount
from monitor.zoho.errors import NotAvailable, NotFound, Refused, ZohoError
from monitor.zoho.read_answer import read
from tests.bystander import own
from tests.fake_zoho import FakeFlow, Run, Zoho, a_task, sync
from tests.ingest.adds_up import report
from tests.ingest.mirror import mirrored, stream, upstream
from tests.zoho.helpers import answer

GIVEN_NO_LONGER = "Zoho no longer gives this flow's executions"


def a_flow(zoho: Zoho) -> FakeFlow:
    zoho.flows.append(FakeFlow(runs=[Run(zoho.clock() - timedelta(minutes=30))], before=(100, 3)))
    return zoho.flows[-1]


def flow_counts(account: ZohoAccount, zoho: Zoho) -> list[dict[str, Any]]:
    """What `status` says of each flow."""
    found: list[dict[str, Any]] = report(account, zoho)["completeness"]["flows"]
    return found


def new_run(zoho: Zoho, flow: FakeFlow) -> None:
    flow.runs.append(Run(zoho.clock() - timedelta(seconds=20)))


def fail(zoho: Zoho, what: str, error: ZohoError) -> None:
    def raise_it(number: int, asked: str) -> None:
        if asked.startswith(what):
            raise error

    zoho.before_call = raise_it


def heal(zoho: Zoho) -> None:
    zoho.before_call = lambda number, what: None


def asked_in(account: ZohoAccount, zoho: Zoho, flow: FakeFlow, sweeps: int) -> int:
    """Calls for a flow's executions in so many background sweeps, each with the list of flows."""
    zoho.calls.clear()
    for _ in range(sweeps):
        zoho.clock.pause(3)
        own(StreamState).filter(stream="flows").update(next_due_at=None)
        sync(account, zoho, patience=a_task(zoho))
    return zoho.asked(f"executions {flow.flow_id}")


@pytest.mark.parametrize("error", [NotAvailable("403", status=403), Refused("no", status=400)])
def test_a_flow_that_moved_and_is_refused_is_not_asked_for_in_every_sweep(
    account: ZohoAccount, zoho: Zoho, error: ZohoError
) -> None:
    a_flow(zoho)
    sick = a_flow(zoho)
    sync(account, zoho)
    fail(zoho, f"executions {sick.flow_id}", error)
    new_run(zoho, sick)
    a_reading = asked_in(account, zoho, sick, sweeps=1)

    assert a_reading > 0
    assert asked_in(account, zoho, sick, sweeps=6) == 0
    new_run(zoho, sick)
    assert asked_in(account, zoho, sick, sweeps=1) == a_reading, "its counters moved again"
    heal(zoho)
    zoho.clock.pause(90)
    asked_in(account, zoho, sick, sweeps=1)
    assert mirrored(account) == upstream(zoho)
    assert Flow.objects.get(flow_id=sick.flow_id).progress.tried_counters == ""


def test_that_zoho_no_longer_gives_what_it_gave_is_told_until_it_does(account: ZohoAccount, zoho: Zoho) -> None:
    a_flow(zoho)
    sick = a_flow(zoho)
    sync(account, zoho)
    fail(zoho, f"executions {sick.flow_id}", NotAvailable("403", status=403))
    new_run(zoho, sick)
    for _ in range(2):
        asked_in(account, zoho, sick, sweeps=1)
        assert Flow.objects.get(flow_id=sick.flow_id).progress.hole_reason == f"{GIVEN_NO_LONGER}: 403"
        # Where it was all that was asked for in a sweep, executions as a whole are not to be had in that sweep.
        assert stream(account, "executions").state in ("incomplete", "not_available")
        assert own(SyncState).get().state == "incomplete"

    heal(zoho)
    zoho.clock.pause(90)
    asked_in(account, zoho, sick, sweeps=1)
    assert Flow.objects.get(flow_id=sick.flow_id).progress.hole_reason == ""
    assert stream(account, "executions").state == "ok"


@pytest.mark.parametrize(
    "error", [NotAvailable("403 NO_PERMISSION: not yours", status=403), NotFound("404 GONE", status=404)]
)
def test_a_flow_that_was_never_given_says_so_in_zohos_words_and_the_account_is_not_complete(
    account: ZohoAccount, zoho: Zoho, error: ZohoError
) -> None:
    a_flow(zoho)
    sick = a_flow(zoho)
    fail(zoho, f"executions {sick.flow_id}", error)
    for _ in range(2):  # what is not found the first time may have been deleted since it was listed
        sync(account, zoho)
        zoho.clock.pause(60)

    result = sync(account, zoho)

    assert not result.complete
    assert Flow.objects.get(flow_id=sick.flow_id).progress.hole_reason == (
        f"Zoho does not give this flow's executions: {error}"
    )
    assert own(SyncState).get().state == "incomplete"
    told = next(flow for flow in flow_counts(account, zoho) if flow["flow_id"] == sick.flow_id)
    assert (told["complete"], told["standing"]) == (False, "unread")
    assert str(error) in told["reason"]

    heal(zoho)
    zoho.clock.pause(60)
    assert sync(account, zoho).complete
    assert Flow.objects.get(flow_id=sick.flow_id).progress.hole_reason == ""
    assert mirrored(account) == upstream(zoho)


def test_why_a_flow_is_not_given_is_told_without_what_names_people(account: ZohoAccount, zoho: Zoho) -> None:
    a_flow(zoho)
    sick = a_flow(zoho)
    with pytest.raises(NotAvailable) as refused:
        read(answer(403, {"code": "NO_PERMISSION", "message": "ask jane.doe@example.com"}))
    fail(zoho, f"executions {sick.flow_id}", refused.value)

    sync(account, zoho)

    reason = Flow.objects.get(flow_id=sick.flow_id).progress.hole_reason
    assert reason.startswith(
        "Zoho does not give this flow's executions: GET flow.zoho.com/x answered 403 NO_PERMISSION"
    )
    assert reason.endswith(": ask [e-mail]")


def test_a_flow_that_was_just_deleted_is_no_hole_at_once(account: ZohoAccount, zoho: Zoho) -> None:
    sick = a_flow(zoho)
    sync(account, zoho)
    fail(zoho, f"executions {sick.flow_id}", NotFound("no such flow", status=404))
    new_run(zoho, sick)
    asked_in(account, zoho, sick, sweeps=1)
    assert own(Flow).get().progress.hole_reason == ""
    zoho.clock.pause(40)
    asked_in(account, zoho, sick, sweeps=1)
    assert own(Flow).get().progress.hole_reason == f"{GIVEN_NO_LONGER}: no such flow"


def test_a_page_size_that_was_refused_is_tried_again_once_a_day(account: ZohoAccount, zoho: Zoho) -> None:
    zoho.refuses_above = 50
    flow = a_flow(zoho)
    asked_in(account, zoho, flow, sweeps=1)
    assert zoho.calls.count(f"executions {flow.flow_id} page 1 of 200") == 1
    for _ in range(3):
        new_run(zoho, flow)
        assert asked_in(account, zoho, flow, sweeps=1) > 0
        assert not any(call.endswith("of 200") for call in zoho.calls)

    zoho.refuses_above = None
    zoho.clock.pause(86_400)
    new_run(zoho, flow)
    asked_in(account, zoho, flow, sweeps=1)
    assert not any(call.endswith("of 50") for call in zoho.calls)
    assert mirrored(account) == upstream(zoho)


def test_a_flow_that_is_refused_in_every_size_says_nothing_about_the_size(account: ZohoAccount, zoho: Zoho) -> None:
    sick, well = a_flow(zoho), a_flow(zoho)
    sick.before = (900, 0)  # the larger one comes first
    fail(zoho, f"executions {sick.flow_id}", Refused("no", status=400))
    asked_in(account, zoho, sick, sweeps=1)
    assert any(call == f"executions {well.flow_id} page 1 of 200" for call in zoho.calls)
    assert "page_size" not in stream(account, "executions").cursor


def test_what_is_known_of_page_sizes_holds_for_a_day(zoho: Zoho) -> None:
    now, sizes = zoho.clock(), [200, 50, None]
    known = {"page_size": 50, "page_size_at": (now - timedelta(hours=23)).isoformat()}
    assert sizes_left(sizes, known, now) == [50, None]
    assert sizes_left(sizes, known | {"page_size": None}, now) == [None]
    for other in ({}, known | {"page_size": 7}, known | {"page_size_at": "x"}):
        assert sizes_left(sizes, other, now) == sizes
    assert sizes_left(sizes, known, now + timedelta(hours=2)) == sizes
    assert sizes_left(sizes, known, now - timedelta(days=2)) == sizes, "the clock was set back"
