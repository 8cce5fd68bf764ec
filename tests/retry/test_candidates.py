"""Which runs a retry of unknown outcome may have caused, as the mirror shows them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.models import Execution, RetryAttempt, User
from monitor.retry import candidates
from monitor.retry.candidates import Traces, traces_of
from tests import factories
from tests.dashboard.world import make_attempt

SENT = datetime(2026, 11, 22, 11, 0, 0, 700_000, tzinfo=factories.NOON.tzinfo)
DATA = {"Deal": 7}


@pytest.fixture
def attempt(failed: Execution, ada: User) -> RetryAttempt:
    failed.trigger_data, failed.started_time = DATA, SENT - timedelta(days=1)
    failed.save()
    return make_attempt(failed, ada, SENT, state="unknown", sent_at=SENT)


def began(attempt: RetryAttempt, seconds: float, data: Any = DATA, **fields: Any) -> str:
    """A run that began so many seconds after the retry was sent."""
    at = SENT + timedelta(seconds=seconds)
    given = {"started_time": at, "trigger_data": data, "flow": attempt.execution.flow} | fields
    return factories.make_execution(given.pop("flow"), "success", **given).execution_id


def traces(attempt: RetryAttempt) -> Traces:
    return traces_of([RetryAttempt.objects.select_related("execution").get(pk=attempt.pk)])[attempt.pk]


def ids(attempt: RetryAttempt) -> list[str]:
    return [one.run.execution_id for one in traces(attempt).candidates]


def test_runs_of_the_flow_that_began_in_its_time_are_candidates(attempt: RetryAttempt) -> None:
    wanted = [began(attempt, seconds) for seconds in (-5, 0, 419)]
    for seconds in (-7, 423):
        began(attempt, seconds)
    began(attempt, 1, flow=factories.make_flow(attempt.account))
    assert ids(attempt) == wanted


def test_those_with_the_same_trigger_data_come_first_and_what_cannot_be_compared_before_what_differs(
    attempt: RetryAttempt,
) -> None:
    other, none, same = began(attempt, 1, {"Deal": 8}), began(attempt, 2, None), began(attempt, 3)
    found = traces(attempt).candidates
    assert [(one.run.execution_id, one.is_alike) for one in found] == [(same, True), (none, None), (other, False)]


def test_a_run_of_another_retry_is_none_and_its_own_is_one(attempt: RetryAttempt, ada: User) -> None:
    taken, own = began(attempt, 1), began(attempt, 2)
    other = factories.make_execution(attempt.execution.flow, "failed", started_time=SENT - timedelta(days=1))
    make_attempt(other, ada, SENT, state="succeeded", new_execution_id=taken)
    RetryAttempt.objects.filter(pk=attempt.pk).update(new_execution_id=own)
    assert ids(attempt) == [own]


def test_it_is_by_the_clock_of_zoho(attempt: RetryAttempt) -> None:
    RetryAttempt.objects.filter(pk=attempt.pk).update(zoho_ahead=timedelta(hours=1))
    began(attempt, 1)
    theirs = began(attempt, 3601)
    assert ids(attempt) == [theirs]


def test_of_many_the_likely_ones_are_shown_and_it_is_said_that_there_are_more(
    attempt: RetryAttempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidates, "MOST_SHOWN", 2)
    monkeypatch.setattr(candidates, "MOST_LOOKED_AT", 4)
    for seconds in range(3):
        began(attempt, seconds, {"Deal": seconds})
    assert traces(attempt).is_cut
    same = began(attempt, 4)
    assert ids(attempt)[0] == same
    late = began(attempt, 5)
    assert late not in ids(attempt)


def test_two_are_shown_without_a_word_of_more(attempt: RetryAttempt) -> None:
    began(attempt, 1), began(attempt, 2)
    assert not traces(attempt).is_cut


@pytest.mark.parametrize(
    ("status", "ended", "is_moved"),
    [("failed", -60, False), ("failed", 60, True), ("success", -60, True), ("running", None, True),
     ("failed", None, False)],
)  # fmt: skip
def test_the_original_that_has_ended_anew_is_told(
    attempt: RetryAttempt, status: str, ended: Any, is_moved: bool
) -> None:
    at = SENT + timedelta(seconds=ended) if ended is not None else None
    Execution.objects.filter(pk=attempt.execution_id).update(status=status, completed_time=at)
    assert traces(attempt).ran_again is is_moved


def test_the_statements_do_not_grow(attempt: RetryAttempt, ada: User, django_assert_num_queries: Any) -> None:
    before = {"started_time": SENT - timedelta(days=1), "trigger_data": DATA}
    more = [factories.make_execution(attempt.execution.flow, "failed", **before) for _ in range(5)]
    made = [attempt, *(make_attempt(one, ada, SENT, state="unknown", sent_at=SENT) for one in more)]
    for seconds in range(6):
        began(attempt, seconds)
    rows = list(RetryAttempt.objects.filter(pk__in=[one.pk for one in made]).select_related("execution"))
    with django_assert_num_queries(2):
        assert {len(one.candidates) for one in traces_of(rows).values()} == {6}
