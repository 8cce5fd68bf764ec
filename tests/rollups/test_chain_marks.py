"""Which runs lists leave out, because they are counted otherwise than their status says."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from monitor.models import ChainMark, DirtyHour, Execution, Flow, RetryAttempt
from monitor.notify.facts import top_errors
from monitor.periods import HOUR, last_days, last_hours
from monitor.queries import counts, executions
from monitor.queries.executions import ExecutionFilter
from monitor.rollups.recount import rebuild_dirty
from tests import factories
from tests.bystander import own
from tests.dashboard.world import make_attempt

pytestmark = pytest.mark.django_db


@pytest.fixture
def flow() -> Flow:
    return factories.make_flow()


def retried(original: Execution, now: datetime, state: str, new: Execution | None = None) -> RetryAttempt:
    person = factories.make_user()
    return make_attempt(original, person, now, state=state, new_execution_id=new.execution_id if new else "")


def recount(flow: Flow, now: datetime) -> None:
    DirtyHour.objects.mark((flow.pk, at) for at in own(Execution).values_list("started_time", flat=True) if at)
    while rebuild_dirty(now):
        pass


def marks() -> dict[int, str]:
    return dict(own(ChainMark).values_list("execution_id", "kind"))


def listed(flow: Flow, status: str) -> set[Execution]:
    return set(executions.matching(ExecutionFilter(flow_id=flow.pk, status=status)))


def test_a_retry_that_succeeds_marks_both_runs_and_lists_agree_with_the_counts(flow: Flow, now: datetime) -> None:
    failed, hopeless = (factories.make_execution(flow, "failed", started_time=now - HOUR) for _ in range(2))
    good = factories.make_execution(flow, "success", started_time=now - HOUR)
    retried(failed, now, "succeeded", good)
    recount(flow, now)

    assert marks() == {failed.pk: "made_good", good.pk: "retry"}
    assert listed(flow, "failed") == {hopeless}
    assert listed(flow, "success") == listed(flow, "made_good") == {failed}
    assert listed(flow, "finished") == {failed, hopeless}
    assert listed(flow, "retry") == {good}
    assert listed(flow, "") == {failed, hopeless, good}
    total = counts.total(last_days(now, 1), flow_id=flow.pk)
    assert (total.failed, total.succeeded, total.finished) == (1, 1, 2)


def test_a_chain_that_fails_on_is_one_failure_its_first_run(flow: Flow, now: datetime) -> None:
    first, second, third = (factories.make_execution(flow, "failed", started_time=now - HOUR) for _ in range(3))
    retried(first, now, "failed_again", second)
    retried(second, now, "failed_again", third)
    recount(flow, now)

    assert listed(flow, "failed") == {first}
    assert [times for times, _ in top_errors([flow.pk], last_hours(now, 24))] == [1]
    assert listed(flow, "retry") == {second, third}
    assert counts.total(last_days(now, 1), flow_id=flow.pk).failed == 1


def test_marks_follow_what_becomes_of_a_retry(flow: Flow, now: datetime) -> None:
    failed = factories.make_execution(flow, "failed", started_time=now - HOUR)
    new = factories.make_execution(flow, "running", started_time=now - HOUR)
    attempt = retried(failed, now, "accepted")
    recount(flow, now)
    assert marks() == {}

    own(RetryAttempt).filter(pk=attempt.pk).update(new_execution_id=new.execution_id)
    recount(flow, now)
    assert marks() == {new.pk: "retry"}

    own(Execution).filter(pk=new.pk).update(status="success")
    recount(flow, now)
    assert marks() == {new.pk: "retry", failed.pk: "made_good"}

    own(Execution).filter(pk=failed.pk).update(status="success")
    recount(flow, now)
    assert marks() == {new.pk: "retry"}, "Zoho ran it again by itself: it is a success as it stands"

    own(RetryAttempt).filter(pk=attempt.pk).delete()
    recount(flow, now)
    assert marks() == {}


def test_where_nothing_changed_no_mark_is_written(flow: Flow, now: datetime) -> None:
    failed = factories.make_execution(flow, "failed", started_time=now - HOUR)
    retried(failed, now, "succeeded")
    recount(flow, now)
    (pk,) = own(ChainMark).values_list("pk", flat=True)
    recount(flow, now + timedelta(minutes=1))

    assert list(own(ChainMark).values_list("pk", flat=True)) == [pk]
