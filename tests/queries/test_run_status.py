"""What may still become of a run, in words."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.models import Execution, Flow, RetryAttempt
from monitor.queries.executions import STUCK, WAITING, ExecutionFilter, capped_count, page
from monitor.queries.run_status import standing
from monitor.standing.facts import with_facts
from monitor.zoho.reruns import LAST_LOOK, OVER_AFTER, STUCK_AFTER
from tests import factories
from tests.depth import tried

SECOND = timedelta(seconds=1)


def failed(now: datetime, ago: timedelta, details: str, **fields: Any) -> Execution:
    at = now - ago
    times = {"started_time": at - SECOND, "completed_time": at, "first_failed_at": at}
    return factories.make_execution(status="failed", error_message="", error_details=details, **(times | fields))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("details", "ago", "code", "words"),
    [
        ("HTTP 503 from Books", timedelta(minutes=3), "retry", "Zoho will run it again by itself at"),
        ("It went wrong", timedelta(minutes=3), "may", "does not tell whether Zoho runs it again"),
        ("Invalid email format", timedelta(minutes=3), "final", "Zoho does not run this kind of error again"),
        ("HTTP 503 from Books", LAST_LOOK - SECOND, "retry", "Zoho will run it again by itself at"),
        ("HTTP 503 from Books", LAST_LOOK, "late", "may come late, until"),
        ("It went wrong", OVER_AFTER - SECOND, "late", "may come late, until"),
        ("It went wrong", OVER_AFTER, "old", "for a day at most"),
        ("Invalid email format", OVER_AFTER, "final", "Zoho does not run this kind of error again"),
    ],
)
def test_a_failure_says_whether_zoho_runs_it_again(
    now: datetime, details: str, ago: timedelta, code: str, words: str
) -> None:
    found = standing(failed(now, ago, details), now)

    assert found.code == code
    assert words in found.text
    assert (found.at is not None) == (code in ("retry", "may", "late"))


@pytest.mark.django_db
def test_the_time_is_that_of_the_next_re_run(now: datetime) -> None:
    run = failed(now, timedelta(minutes=12), "HTTP 503 from Books")

    assert standing(run, now).at == run.first_failed_at + timedelta(minutes=30)


@pytest.mark.django_db
def test_the_time_is_told_by_the_readers_clock_where_zohos_goes_wrong(now: datetime) -> None:
    ahead = timedelta(hours=2)
    run = failed(now + ahead, timedelta(minutes=12), "HTTP 503 from Books")

    assert standing(run, now, zoho_ahead=ahead).at == run.first_failed_at - ahead + timedelta(minutes=30)


@pytest.mark.django_db
def test_after_a_retry_in_the_same_row_the_clock_begins_anew(now: datetime) -> None:
    run = failed(now, 3 * OVER_AFTER, "HTTP 503 from Books", completed_time=now - timedelta(minutes=3))

    assert standing(run, now).code == "old"
    assert standing(run, now, was_retried=True).at == now + timedelta(minutes=2)


@pytest.mark.django_db
def test_of_a_failure_without_any_time_nothing_is_called_final(now: datetime) -> None:
    run = failed(now, timedelta(0), "It went wrong")
    run.started_time = run.completed_time = run.first_failed_at = None

    found = standing(run, now)

    assert (found.code, found.at) == ("late", None)
    assert found.text == "Failed; a last re-run by Zoho may come late"


@pytest.mark.django_db
def test_zoho_runs_nothing_again_of_a_flow_that_is_gone(now: datetime) -> None:
    flow = factories.make_flow(gone_at=now)
    run = failed(now, timedelta(minutes=3), "HTTP 503 from Books", flow=flow)

    assert standing(run, now).code == "final"


@pytest.mark.django_db
def test_a_run_that_goes_on_for_too_long_is_stuck_and_stays_running(now: datetime) -> None:
    run = factories.make_execution(status="running", started_time=now - STUCK_AFTER - SECOND)
    young = factories.make_execution(status="running", started_time=now - STUCK_AFTER)

    assert standing(run, now).code == "stuck"
    assert run.status == "running"
    assert standing(young, now).code == standing(factories.make_execution(), now).code == ""


# Minutes before the present: the start, the first failure (None for none), when it was seen to run.
BEFORE = st.tuples(st.integers(0, 30), st.none() | st.integers(0, 30), st.integers(0, 30))


@pytest.mark.django_db
@given(runs=st.lists(BEFORE, max_size=6), unlisted=st.booleans())
@example(runs=[(60, 59, 2)], unlisted=False)  # Zoho runs it again since two minutes, and keeps its first start
@example(runs=[(60, 59, 20)], unlisted=False)
@example(runs=[(2, 59, 1)], unlisted=False)  # and here it has given it a new one
@tried(15, 100)
def test_the_list_the_page_and_the_standing_of_a_flow_call_the_same_runs_stuck(
    now: datetime, runs: list[tuple[int, int | None, int]], unlisted: bool
) -> None:
    minute = timedelta(minutes=1)
    made = []
    account = factories.make_account()
    for started, failed_at, changed in runs:
        made.append(
            factories.make_execution(
                factories.make_flow(account),
                status="running",
                started_time=now - started * minute,
                first_failed_at=None if failed_at is None else now - failed_at * minute,
                changed_at=now - changed * minute,
                unlisted_at=now if unlisted else None,
            )
        )
    stuck = {run.pk for run in made if standing(run, now).code == "stuck"}
    listed = page(ExecutionFilter(status=STUCK, now=now, account_id=account.pk)).rows
    assert {run.pk for run in listed} == stuck
    flows = with_facts(Flow.objects.filter(account=account), now)
    assert {flow.pk for flow in flows if flow.is_stuck} == {run.flow_id for run in made if run.pk in stuck}
    by_hand = set()
    for run, (started, failed_at, changed) in zip(made, runs, strict=True):
        newest = started if failed_at is None or started < failed_at else min(started, changed)
        if newest > 10 and not unlisted:
            by_hand.add(run.pk)
    assert stuck == by_hand
    account.delete()


@pytest.mark.django_db
def test_a_long_run_of_a_flow_with_a_step_that_waits_is_not_stuck(now: datetime) -> None:
    flow = factories.make_flow(may_wait=True)
    run = factories.make_execution(flow, status="running", started_time=now - timedelta(hours=48))

    assert standing(run, now).code == "delayed"
    assert page(ExecutionFilter(status=STUCK, now=now)).rows == []


@pytest.mark.django_db
def test_a_run_that_zoho_has_deleted_says_so(now: datetime) -> None:
    assert standing(factories.make_execution(unlisted_at=now), now).code == "unlisted"


@pytest.mark.django_db
def test_the_list_can_be_narrowed_to_what_is_stuck_or_waits_for_zoho(now: datetime) -> None:
    stuck = factories.make_execution(status="running", started_time=now - timedelta(minutes=11))
    factories.make_execution(status="running", started_time=now - timedelta(minutes=9))
    factories.make_execution(status="running", started_time=now - timedelta(days=9), unlisted_at=now)
    due = now + timedelta(minutes=2)
    waiting = failed(now, timedelta(minutes=3), "HTTP 503 from Books", rerun_due_at=due)
    failed(now, timedelta(minutes=3), "Invalid email format")
    failed(now, LAST_LOOK + SECOND, "HTTP 503 from Books", rerun_due_at=due)

    assert page(ExecutionFilter(status=STUCK, now=now)).rows == [stuck]
    assert page(ExecutionFilter(status=WAITING, now=now)).rows == [waiting]
    assert capped_count(ExecutionFilter(status=WAITING)) == 0


@pytest.mark.django_db
def test_a_row_of_the_list_says_of_a_retried_run_what_the_runs_own_page_says(now: datetime) -> None:
    run = failed(now, 3 * OVER_AFTER, "HTTP 503 from Books", completed_time=now - timedelta(minutes=3))
    other = failed(now, 3 * OVER_AFTER, "HTTP 503 from Books")
    person = factories.make_user()
    for execution, sent_at in ((run, now - timedelta(minutes=4)), (other, None)):
        RetryAttempt.objects.create(
            account=execution.account,
            execution=execution,
            requested_by=person,
            requested_at=now - timedelta(minutes=5),
            reason="try",
            client_token=f"token-{execution.pk}",
            sent_at=sent_at,
        )

    rows = page(ExecutionFilter(flow_id=run.flow_id)).rows + page(ExecutionFilter(flow_id=other.flow_id)).rows

    assert [standing(row, now, was_retried=row.was_retried).code for row in rows] == ["retry", "old"]
