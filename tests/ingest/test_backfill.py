"""The first reading of histories: breadth first, newest first, within its calls, pausable, exact in the end."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.ingest.history import backfill
from monitor.models import ApiCall, Execution, Flow, SyncState, ZohoAccount
from monitor.zoho.errors import BadAnswer, NotAvailable
from tests.bystander import own
from tests.depth import tried
from tests.factories import make_account
from tests.fake_zoho import Clock, FakeFlow, Killed, Run, Zoho, a_task, sync
from tests.ingest.mirror import mirrored, stream, upstream
from tests.ingest.test_mirror_property import NOW, change

OFTEN = tried(3, 20)  # each lives dozens of tasks


def history(zoho: Zoho, runs: int, *, every: float = 10, before: tuple[int, int] = (1000, 10)) -> FakeFlow:
    """A flow with so many runs, one each so many minutes."""
    made = [Run(zoho.clock() - timedelta(minutes=every * (n + 1))) for n in range(runs)]
    zoho.flows.append(FakeFlow(runs=made, before=before))
    return zoho.flows[-1]


def row(flow: FakeFlow) -> Flow:
    return Flow.objects.get(flow_id=flow.flow_id)


def count(flow: FakeFlow) -> int:
    return Execution.objects.filter(flow__flow_id=flow.flow_id).count()


def task(account: ZohoAccount, zoho: Zoho) -> None:
    """What the worker does."""
    sync(account, zoho, patience=a_task(zoho))


def minutes(account: ZohoAccount, zoho: Zoho, number: int) -> None:
    """A task a minute."""
    for _ in range(number):
        zoho.clock.pause(61)
        task(account, zoho)


@pytest.fixture
def few_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """History may take six calls a task."""
    monkeypatch.setattr(backfill.Backfill, "_share", lambda self: 6)


def test_every_flows_newest_page_comes_before_anybodys_second_and_the_failing_first(
    account: ZohoAccount, zoho: Zoho
) -> None:
    zoho.cap = 50
    large, small, sick = history(zoho, 400), history(zoho, 60), history(zoho, 120, before=(10, 500))
    sync(account, zoho)
    asked = [call.split()[1] for call in zoho.calls if call.startswith("executions")]
    assert asked[:3] == [sick.flow_id, large.flow_id, small.flow_id]


def test_older_pages_are_of_the_flow_that_is_known_the_least_far_back(
    account: ZohoAccount, zoho: Zoho, few_calls: None
) -> None:
    zoho.cap = 50
    busy, calm = history(zoho, 1200, every=1), history(zoho, 400, every=60)
    task(account, zoho)
    minutes(account, zoho, 1)
    reach_of_busy, reach_of_calm = row(busy).progress.covered_from, row(calm).progress.covered_from
    assert count(calm) <= 100, "its newest page, and a second to see how long a page is"
    assert count(busy) > 200
    assert reach_of_calm is not None
    assert reach_of_busy is not None
    assert reach_of_busy > reach_of_calm


def test_in_the_very_first_sweep_newest_pages_come_right_after_the_list(account: ZohoAccount, zoho: Zoho) -> None:
    history(zoho, 400), history(zoho, 300)
    task(account, zoho)
    what = [call.split()[0] for call in zoho.calls]
    assert what[:3] == ["flows", "executions", "executions"]
    assert what.index("connections") == what.index("rules") - 1 == 3


def test_what_is_read_so_far_is_said_and_is_no_hole(account: ZohoAccount, zoho: Zoho, few_calls: None) -> None:
    flow, other = history(zoho, 3000), history(zoho, 20)
    task(account, zoho)
    stored = row(flow)
    assert stored.progress.hole_reason == ""
    assert stored.progress.executions_read_at is None
    assert stored.progress.covered_from == Execution.objects.filter(flow=stored).earliest("started_time").started_time
    assert row(other).progress.executions_read_at is not None
    state = SyncState.objects.get(account=account)
    assert state.state == "incomplete"
    assert state.reason == "Executions: history is being read: 1 of 2 flows complete"
    assert stream(account, "executions").state == "incomplete"
    assert state.last_fresh_at == state.last_started_at
    assert state.last_complete_at is None


def test_a_flow_that_was_refused_is_refused_no_longer_once_its_newest_pages_come(
    account: ZohoAccount, zoho: Zoho, few_calls: None
) -> None:
    flow, other = history(zoho, 3000), history(zoho, 20)

    def refuse(number: int, what: str) -> None:
        if what.startswith(f"executions {flow.flow_id}"):
            raise NotAvailable("not in this plan")

    zoho.before_call = refuse
    task(account, zoho)
    assert row(flow).progress.is_refused
    assert not row(other).progress.is_refused

    zoho.before_call = lambda number, what: None
    minutes(account, zoho, 1)
    begun = row(flow).progress
    assert (begun.executions_read_at, begun.hole_reason, begun.is_refused) == (None, "", False)
    assert begun.covered_from is not None

    zoho.before_call = refuse
    minutes(account, zoho, 1)
    assert row(flow).progress.is_refused, "what has come so far is not its present any more"


def test_all_runs_since_the_date_that_is_told_are_mirrored_at_every_moment(
    account: ZohoAccount, zoho: Zoho, few_calls: None
) -> None:
    zoho.cap = 50
    flows = [history(zoho, 300, every=n + 1) for n in range(3)]
    task(account, zoho)
    for _ in range(12):
        here = set(own(Execution).values_list("execution_id", flat=True))
        for flow in flows:
            if (since := row(flow).progress.covered_from) is not None:
                assert {run.execution_id for run in flow.runs if run.started >= since} <= here
        minutes(account, zoho, 1)
    assert mirrored(account) == upstream(zoho)


def test_new_runs_of_a_half_read_flow_are_read_before_its_older_pages(
    account: ZohoAccount, zoho: Zoho, few_calls: None
) -> None:
    flow = history(zoho, 3000)
    task(account, zoho)
    zoho.clock.pause(61)
    flow.runs.append(Run(zoho.clock() - timedelta(seconds=30), "failed"))
    zoho.calls.clear()
    task(account, zoho)
    assert own(Execution).filter(status="failed").count() == 1
    assert row(flow).progress.executions_read_at is None
    assert row(flow).progress.newest_started == flow.runs[-1].started


def test_a_half_read_flow_that_stands_still_costs_no_call_for_new_runs(
    account: ZohoAccount, zoho: Zoho, few_calls: None
) -> None:
    history(zoho, 3000)
    task(account, zoho)
    zoho.clock.pause(61)
    zoho.calls.clear()
    task(account, zoho)
    assert zoho.asked("executions") == 6


def test_history_takes_no_more_calls_than_it_is_given_and_comes_back_for_the_rest(
    account: ZohoAccount, zoho: Zoho, few_calls: None
) -> None:
    history(zoho, 3000)
    task(account, zoho)
    state = SyncState.objects.get(account=account)
    assert zoho.asked("executions") == 1 + 6, "the newest page, and its share"
    assert sum(state.history_calls.values()) == own(Flow).get().progress.history_calls == 7
    assert state.next_due_at is not None
    assert state.next_due_at <= zoho.clock() + timedelta(seconds=60)


@pytest.mark.deep
def test_a_day_whose_share_is_spent_reads_no_more_history(account: ZohoAccount, zoho: Zoho) -> None:
    own(ZohoAccount).update(plan="", calls_per_minute=100, calls_per_day=1000)
    account.refresh_from_db()
    flow = history(zoho, 3000)
    spent = zoho.clock() - timedelta(minutes=30)
    calls = [
        ApiCall(account=account, product="flow", kind="history", started_at=spent, finished_at=spent)
        for _ in range(300)
    ]
    ApiCall.objects.bulk_create(calls)
    task(account, zoho)
    minutes(account, zoho, 2)
    assert zoho.asked("executions") == 1
    zoho.clock.pause(25 * 3600)
    minutes(account, zoho, 2)
    assert row(flow).progress.executions_read_at is not None
    assert mirrored(account) == upstream(zoho)


def test_a_pause_holds_older_pages_back_at_once_and_new_runs_and_new_flows_not(
    account: ZohoAccount, zoho: Zoho
) -> None:
    flow = history(zoho, 3000)

    def pause(number: int, what: str) -> None:
        if zoho.asked("executions") == 3:
            own(ZohoAccount).update(backfill_paused=True)

    zoho.before_call = pause
    task(account, zoho)
    assert zoho.asked("executions") == 3
    flow.runs.append(Run(zoho.clock() + timedelta(seconds=20)))
    young = history(zoho, 1000, every=1)
    minutes(account, zoho, 3)
    assert count(young) == 200
    assert own(Execution).filter(execution_id=flow.runs[-1].execution_id).exists()
    assert count(flow) < 1000
    assert "the reading of history is paused" in own(SyncState).get().reason

    own(ZohoAccount).update(backfill_paused=False)
    minutes(account, zoho, 2)
    assert mirrored(account) == upstream(zoho)
    assert not own(Flow).filter(progress__executions_read_at=None).exists()


def test_a_persons_sync_reads_everything_though_history_is_paused(account: ZohoAccount, zoho: Zoho) -> None:
    history(zoho, 1000)
    own(ZohoAccount).update(backfill_paused=True)
    assert sync(account, zoho).complete
    assert mirrored(account) == upstream(zoho)


def test_what_was_known_stays_known_while_a_person_has_it_begun_anew(
    account: ZohoAccount, zoho: Zoho, few_calls: None
) -> None:
    flow = history(zoho, 3000)
    task(account, zoho)
    minutes(account, zoho, 1)
    reach = row(flow).progress.covered_from

    def die(number: int, what: str) -> None:
        if what.startswith("executions") and "page 1" in what and not dying:
            dying.append(1)
        elif dying and what.startswith("executions"):
            raise Killed

    dying: list[int] = []
    zoho.before_call = die
    zoho.clock.pause(61)
    with pytest.raises(Killed):
        sync(account, zoho)
    assert row(flow).progress.covered_from == reach


@pytest.mark.deep
@pytest.mark.parametrize("order", ["newest", "oldest", "shuffled"])
@pytest.mark.parametrize("paging", ["good", "clamped"])
@pytest.mark.parametrize("call", [1, 3, 9])
def test_killed_at_any_call_it_goes_on_and_ends_exact(
    account: ZohoAccount, zoho: Zoho, order: str, paging: str, call: int
) -> None:
    zoho.cap, zoho.order, zoho.paging = 50, order, paging
    flows = [history(zoho, 240, every=3), history(zoho, 130, every=50), history(zoho, 5)]

    def die(number: int, what: str) -> None:
        if what.startswith("executions") and zoho.asked("executions") == call:
            raise Killed

    zoho.before_call = die
    with pytest.raises(Killed):
        task(account, zoho)
    zoho.before_call = lambda number, what: None
    flows[0].runs += [Run(zoho.clock() - timedelta(seconds=n)) for n in range(60)]
    minutes(account, zoho, 3)
    assert mirrored(account) == upstream(zoho)
    assert not own(Flow).exclude(progress__hole_reason="").exists()


@pytest.mark.parametrize("order", ["oldest", "shuffled"])
def test_a_list_in_another_order_is_of_use_before_all_of_it_is_read(
    account: ZohoAccount, zoho: Zoho, few_calls: None, order: str
) -> None:
    zoho.order = order
    flow = history(zoho, 3000)
    task(account, zoho)
    stored = row(flow)
    assert stored.progress.executions_read_at is None
    assert stored.progress.covered_from is not None
    assert stored.progress.covered_from <= zoho.clock() - timedelta(hours=24)
    here = set(own(Execution).values_list("execution_id", flat=True))
    assert {run.execution_id for run in flow.runs if run.started >= stored.progress.covered_from} <= here


def test_a_server_that_does_not_heed_dates_is_read_by_pages(
    account: ZohoAccount, zoho: Zoho, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.fake_zoho import FakeFlowClient

    original = FakeFlowClient.list_executions

    def undated(self: FakeFlowClient, flow_id: str, **how: object):  # type: ignore[no-untyped-def]
        return original(self, flow_id, **{k: v for k, v in how.items() if not k.endswith("_date")})  # type: ignore[arg-type]

    monkeypatch.setattr(FakeFlowClient, "list_executions", undated)
    for order in ("newest", "oldest"):
        zoho.order = order
        history(zoho, 700)
        task(account, zoho)
        minutes(account, zoho, 1)
        assert mirrored(account) == upstream(zoho)


def test_a_second_with_more_runs_than_a_page_is_read_by_pages(account: ZohoAccount, zoho: Zoho) -> None:
    flow = history(zoho, 300)
    at = flow.runs[250].started
    flow.runs += [Run(at) for _ in range(450)]
    task(account, zoho)
    minutes(account, zoho, 1)
    assert mirrored(account) == upstream(zoho)


@pytest.mark.deep
def test_a_failure_that_zoho_runs_again_while_the_history_is_read_is_right_in_the_end(
    account: ZohoAccount, zoho: Zoho, few_calls: None
) -> None:
    flow = history(zoho, 3000, every=30)
    flow.runs[5].status = "failed"
    task(account, zoho)
    assert own(Execution).get(status="failed").execution_id == flow.runs[5].execution_id
    flow.runs[5].succeed()
    minutes(account, zoho, 4)
    assert row(flow).progress.executions_read_at is not None
    assert mirrored(account) == upstream(zoho)
    assert (row(flow).progress.baseline_success, row(flow).progress.baseline_failed) == (1000, 10)


def test_a_flow_that_cannot_be_read_does_not_hold_up_the_others(account: ZohoAccount, zoho: Zoho) -> None:
    sick, well = history(zoho, 900, before=(0, 500)), history(zoho, 900)

    def fail(number: int, what: str) -> None:
        if sick.flow_id in what:
            raise BadAnswer("HTML")

    zoho.before_call = fail
    task(account, zoho)
    minutes(account, zoho, 1)
    assert row(well).progress.executions_read_at is not None
    assert count(sick) == 0
    zoho.before_call = lambda number, what: None
    minutes(account, zoho, 1)
    assert mirrored(account) == upstream(zoho)


def spread() -> st.SearchStrategy[list[Run]]:
    """Enough runs for some pages of ten, many of them in the same second."""
    ago = st.integers(1, 60 * 24 * 20) | st.sampled_from([30, 31, 600, 601])
    return st.lists(
        st.builds(lambda n, s: Run(NOW - timedelta(minutes=n), s), ago, st.sampled_from(["success", "failed"])),
        max_size=60,
    )


@st.composite
def a_zoho(draw: st.DrawFn) -> Zoho:
    made = draw(st.lists(spread(), min_size=1, max_size=3))
    return Zoho(
        Clock(NOW),
        flows=[FakeFlow(runs=runs, before=draw(st.sampled_from([(0, 0), (90, 8)]))) for runs in made],
        cap=draw(st.sampled_from([8, 10, 20, 200])),
        order=draw(st.sampled_from(["newest", "newest", "oldest", "shuffled"])),
        doubled=draw(st.booleans()),
        paging=draw(st.sampled_from(["good", "good", "clamped", "ignored"])),
    )


@pytest.mark.property
@pytest.mark.django_db
@OFTEN
@given(data=st.data(), zoho=a_zoho())
def test_tasks_that_die_anywhere_and_are_given_few_calls_end_with_a_mirror_equal_to_zoho(
    data: st.DataObject, zoho: Zoho
) -> None:
    account = make_account()
    deaths = data.draw(st.lists(st.integers(1, 40), max_size=3))
    share = data.draw(st.integers(3, 9))
    before, backfill.Backfill._share = backfill.Backfill._share, lambda self: share  # type: ignore[method-assign]

    def kill(number: int, what: str) -> None:
        if number in deaths:
            raise Killed

    zoho.before_call = kill
    try:
        for _ in range(60):
            zoho.clock.pause(61)
            try:
                task(account, zoho)
            except Killed:
                for flow in zoho.flows:
                    flow.runs.append(Run(zoho.clock() - timedelta(seconds=5)))
            if (
                not Flow.objects.filter(account=account, progress__executions_read_at=None).exists()
                and own(Flow).exists()
            ):
                break
    finally:
        backfill.Backfill._share = before  # type: ignore[method-assign]
    zoho.before_call = lambda number, what: None
    assert set(mirrored(account)) <= set(upstream(zoho))
    if zoho.paging != "ignored":
        zoho.clock.pause(61)
        task(account, zoho)
        assert mirrored(account) == upstream(zoho)
        change(data, zoho)
        sync(account, zoho)
        assert mirrored(account) == upstream(zoho)
