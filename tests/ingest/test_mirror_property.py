"""Whatever Zoho's list looks like, and wherever a sync dies: the next one makes the mirror equal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.depth import tried
from tests.factories import make_account
from tests.fake_zoho import Clock, FakeFlow, Killed, Run, Zoho, sync
from tests.ingest.mirror import fingerprint, mirrored, upstream

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
OFTEN = tried(3, 25)  # each lives a whole sync or three
STATUSES = st.sampled_from(["success", "success", "success", "failed", "running", "skipped"])
PAYLOADS = st.none() | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just("a\x00b\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def runs(least: int = 0, most: int = 30) -> st.SearchStrategy[list[Run]]:
    one = st.builds(
        lambda ago, status, payload: Run(NOW - timedelta(minutes=ago), status, payload=payload),
        st.integers(1, 60 * 24 * 20) | st.integers(10, 30),
        STATUSES,
        PAYLOADS,
    )
    return st.lists(one, min_size=least, max_size=most)


def a_flow() -> st.SearchStrategy[FakeFlow]:
    return st.builds(
        lambda rows, before, counters: FakeFlow(runs=rows, before=before, counters=counters),
        runs(),
        st.sampled_from([(0, 0), (0, 0), (120, 7), (1, 0)]),
        st.sampled_from(["life", "life", "life", "none"]),
    )


@st.composite
def a_zoho(draw: st.DrawFn) -> Zoho:
    cap = draw(st.sampled_from([1, 7, 50, 200]))
    return Zoho(
        Clock(NOW),
        flows=draw(st.lists(a_flow(), min_size=1, max_size=3)),
        cap=cap,
        order=draw(st.sampled_from(["newest", "oldest", "shuffled"])),
        doubled=draw(st.booleans()),
        paging=draw(st.sampled_from(["good", "good", "clamped"])),
        refuses_above=draw(st.sampled_from([None, None, 100, 50])),
    )


def change(data: st.DataObject, zoho: Zoho) -> None:
    """Something happens at Zoho: new runs, late rows, re-runs, ends of running ones."""
    zoho.clock.pause(data.draw(st.integers(60, 5000)))
    for flow in zoho.flows:
        for run in flow.runs:
            what = data.draw(st.sampled_from(["", "", "", "end", "rerun"]))
            if what == "end" and run.status == "running":
                run.status = data.draw(st.sampled_from(["success", "failed"]))
            elif what == "rerun" and run.status == "failed":
                run.succeed()
        flow.runs += data.draw(runs(most=10))


@pytest.mark.property
@pytest.mark.django_db
@OFTEN
@given(data=st.data(), zoho=a_zoho())
def test_after_one_undisturbed_sync_the_mirror_equals_zoho_and_one_more_changes_nothing(
    data: st.DataObject, zoho: Zoho
) -> None:
    account = make_account()
    dies_at = data.draw(st.integers(1, 12))

    def kill(number: int, what: str) -> None:
        if number == dies_at:
            raise Killed

    zoho.before_call = kill
    try:
        sync(account, zoho)
    except Killed:
        if data.draw(st.booleans()):
            change(data, zoho)
    zoho.before_call = lambda number, what: None
    zoho.clock.pause(61)

    result = sync(account, zoho)

    assert mirrored(account) == upstream(zoho)
    assert result.stopped is None
    assert not result.missing
    before = fingerprint(account)
    zoho.clock.pause(61)
    sync(account, zoho)
    assert mirrored(account) == upstream(zoho)
    if all(flow.counters == "life" for flow in zoho.flows):
        assert fingerprint(account) == before
    else:
        assert fingerprint(account)[0] == before[0]


@pytest.mark.property
@pytest.mark.django_db
@OFTEN
@given(data=st.data(), zoho=a_zoho())
def test_what_changes_at_zoho_is_found_by_the_next_sync(data: st.DataObject, zoho: Zoho) -> None:
    account = make_account()
    sync(account, zoho)

    change(data, zoho)
    result = sync(account, zoho)

    assert mirrored(account) == upstream(zoho)
    assert result.complete
