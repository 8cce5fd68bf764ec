from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.retry.safety import Earlier, FailedRun, RetryFacts, judge
from tests.fake_zoho.retrying import PERMANENT, TRANSIENT

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
UNCLEAR = ("ACTION_FAILED", "It went wrong", "")


def facts(error=PERMANENT, age: timedelta | None = HOUR, **changes) -> RetryFacts:
    run = FailedRun(error, None if age is None else NOW - age)
    return RetryFacts(**({"status": "failed", "runs": (run,)} | changes))


REFUSED = [
    ("not_failed", {"status": "success"}),
    ("not_failed", {"status": "running"}),
    ("not_failed", {"status": "queued"}),
    ("not_failed", {"status": ""}),
    *[("open_retry", {"earlier": (Earlier(state),)}) for state in ("requested", "sending", "accepted", "unknown")],
    ("already_succeeded", {"earlier": (Earlier("succeeded"),)}),
    ("already_succeeded", {"earlier": (Earlier("failed_again", "failed"), Earlier("succeeded"))}),
    ("already_succeeded", {"earlier": (Earlier("failed_again", "success"),)}),
    ("run_running", {"earlier": (Earlier("failed_again", "running"),)}),
    ("retry_row", {"retry_of": "98765"}),
    ("flow_gone", {"flow_gone": True}),
    ("account_paused", {"account_active": False}),
    ("no_flow_api", {"has_flow_api": False}),
]


@pytest.mark.parametrize(("code", "changes"), REFUSED)
def test_it_is_refused(code: str, changes: dict) -> None:
    verdict = judge(facts(**changes), NOW)
    assert (verdict.kind, verdict.code) == ("refused", code)


def test_a_refusal_names_every_reason() -> None:
    verdict = judge(facts(status="success", flow_gone=True), NOW)
    assert len(verdict.reasons) == 2


@pytest.mark.parametrize("error", [TRANSIENT, UNCLEAR, ("", "", "")])
@pytest.mark.parametrize("age", [timedelta(0), HOUR, 25 * HOUR - timedelta(seconds=1), -HOUR, None])
def test_it_is_risky_while_zoho_may_still_run_it_by_itself(error, age) -> None:
    verdict = judge(facts(error, age), NOW)
    assert (verdict.kind, verdict.code) == ("risky", "auto_rerun")


@pytest.mark.parametrize(("days", "kind"), [(-3, "risky"), (-1, "safe"), (0, "safe"), (3, "safe")])
def test_a_failure_is_old_only_by_both_clocks(days: int, kind: str) -> None:
    ahead = timedelta(days=days)
    assert judge(facts(TRANSIENT, 60 * HOUR, zoho_ahead=ahead), NOW).kind == kind
    assert judge(facts(TRANSIENT, HOUR, zoho_ahead=ahead), NOW).kind == "risky"


def test_the_time_until_which_it_is_risky_is_told_by_the_readers_clock() -> None:
    run = FailedRun(TRANSIENT, NOW - HOUR - timedelta(days=3))
    verdict = judge(RetryFacts("failed", (run,), zoho_ahead=timedelta(days=-3)), NOW)
    assert "until 2026-11-23 12:00 UTC" in verdict.reasons[0]


@pytest.mark.parametrize("error", [TRANSIENT, UNCLEAR])
def test_it_is_safe_an_hour_after_zohos_last_own_run(error) -> None:
    assert judge(facts(error, 25 * HOUR), NOW).kind == "safe"


@pytest.mark.parametrize("age", [timedelta(0), HOUR, 25 * HOUR])
def test_a_permanent_error_is_safe_at_once(age) -> None:
    verdict = judge(facts(PERMANENT, age), NOW)
    assert verdict.kind == "safe"
    assert "permanent" in verdict.reasons[0]


def test_the_run_of_an_earlier_retry_counts_with_its_own_error_and_time() -> None:
    old = FailedRun(TRANSIENT, NOW - 40 * HOUR)
    fresh = FailedRun(TRANSIENT, NOW - HOUR)
    earlier = (Earlier("failed_again", "failed"),)
    assert judge(facts(runs=(old, fresh), earlier=earlier), NOW).kind == "risky"
    assert judge(facts(runs=(old, FailedRun(PERMANENT, NOW - HOUR)), earlier=earlier), NOW).kind == "safe"


def test_a_retry_that_a_person_closed_as_not_run_makes_the_next_one_risky() -> None:
    verdict = judge(facts(earlier=(Earlier("not_run"),)), NOW)
    assert (verdict.kind, verdict.code) == ("risky", "closed_by_hand")


@pytest.mark.parametrize("state", ["rejected", "cancelled", "failed_again"])
def test_an_earlier_retry_that_surely_did_no_work_does_not_stand_in_the_way(state: str) -> None:
    assert judge(facts(earlier=(Earlier(state),)), NOW).kind == "safe"


_times = st.none() | st.datetimes() | st.datetimes(timezones=st.timezones())
_runs = st.builds(FailedRun, st.tuples(st.text(), st.text(), st.text()), _times)
_states = st.sampled_from(
    ["requested", "sending", "accepted", "unknown", "succeeded", "failed_again", "rejected", "cancelled", "not_run"]
)
_earlier = st.builds(Earlier, _states | st.text(), st.sampled_from(["", "failed", "success", "running"]) | st.text())
_facts = st.builds(
    RetryFacts,
    status=st.sampled_from(["failed", "success", "running"]) | st.text(),
    runs=st.lists(_runs, max_size=3).map(tuple),
    earlier=st.lists(_earlier, max_size=4).map(tuple),
    retry_of=st.just("") | st.text(),
    flow_gone=st.booleans(),
    account_active=st.booleans(),
    has_flow_api=st.booleans(),
    zoho_ahead=st.timedeltas(),
)


@given(_facts, st.datetimes() | st.datetimes(timezones=st.timezones()))
def test_every_fact_gives_a_verdict_with_a_reason(found: RetryFacts, now: datetime) -> None:
    verdict = judge(found, now)
    assert verdict.kind in ("safe", "risky", "refused")
    assert verdict.code
    assert all(verdict.reasons)
    assert verdict.reasons


@given(_facts, st.datetimes(timezones=st.just(UTC)))
def test_nothing_open_done_or_unfailed_is_ever_let_through(found: RetryFacts, now: datetime) -> None:
    states = {earlier.state for earlier in found.earlier}
    runs = {earlier.run_status for earlier in found.earlier}
    if found.status != "failed" or states & {"requested", "sending", "accepted", "unknown", "succeeded"}:
        assert judge(found, now).kind == "refused"
    if runs & {"success", "running"}:
        assert judge(found, now).kind == "refused"


def test_the_risk_of_a_second_run_names_the_sign_by_which_the_error_looks_temporary() -> None:
    assert "The error looks temporary (" in judge(facts(TRANSIENT), NOW).reasons[0]
    assert "The error does not look permanent" in judge(facts(("", "", "")), NOW).reasons[0]
