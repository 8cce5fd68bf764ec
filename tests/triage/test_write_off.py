"""Failed runs that people give up."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from monitor.models import AuditEntry, Execution, Failure, Problem, ProblemAct, RetryAttempt, Role, User, WriteOff
from monitor.triage.acts import ActRefused
from monitor.triage.write_off import take_back, write_off
from tests import factories
from tests.bystander import own
from tests.triage.conftest import Fail, Triage, fates, problem
from tests.triage.test_take import retried

pytestmark = pytest.mark.django_db


def test_open_ones_are_given_up_with_a_reason_and_the_problem_is_over(
    fail: Fail, triage: Triage, operator: User, now: datetime
) -> None:
    runs = [fail(minutes_ago=50), fail(minutes_ago=40)]
    triage(*runs)
    assert write_off([run.pk for run in runs], operator, " Test\0 data ", now) == [run.pk for run in runs]
    assert {row.reason for row in own(WriteOff)} == {"Test data"}
    assert fates() == ["written_off", "written_off"]
    act = own(ProblemAct).get(kind="written_off")
    assert (act.kind, act.detail, act.actor) == ("written_off", {"runs": 2}, operator)
    assert own(AuditEntry).filter(action="problem.written_off").count() == 1
    assert problem().state == Problem.State.RESOLVED
    triage(*runs)
    assert fates() == ["written_off", "written_off"]


def test_an_empty_selection_is_nothing(fail: Fail, triage: Triage, operator: User, now: datetime) -> None:
    triage(fail())
    assert write_off([], operator, "none", now) == []
    assert take_back([], operator, now) == []
    assert fates() == ["open"]


def test_only_what_was_chosen_and_is_open(fail: Fail, triage: Triage, operator: User, now: datetime) -> None:
    chosen, recovered, other = fail(minutes_ago=50), fail(minutes_ago=40, status="success"), fail(minutes_ago=30)
    triage(chosen, recovered, other)
    assert write_off([chosen.pk, recovered.pk], operator, "lost", now) == [chosen.pk]
    assert fates() == ["written_off", "recovered", "open"]


def test_it_is_taken_back_within_ten_minutes_and_not_later(
    fail: Fail, triage: Triage, operator: User, now: datetime
) -> None:
    run = fail()
    triage(run)
    write_off([run.pk], operator, "lost", now)
    assert take_back([run.pk], operator, now + timedelta(minutes=10)) == []
    assert take_back([run.pk], operator, now + timedelta(minutes=10, seconds=-1)) == [run.pk]
    assert fates() == ["open"]
    assert problem().state == Problem.State.REGRESSED
    assert not own(WriteOff).exists()


def test_what_was_given_up_and_succeeds_after_all_has_recovered(
    fail: Fail, triage: Triage, operator: User, now: datetime
) -> None:
    run = fail()
    triage(run)
    write_off([run.pk], operator, "lost", now)
    type(run).objects.filter(pk=run.pk).update(status="success")
    triage(run)
    assert fates() == ["recovered"]


def test_one_that_a_later_run_for_the_same_record_made_good_is_superseded(
    fail: Fail, triage: Triage, operator: User, now: datetime
) -> None:
    run = fail(minutes_ago=50, trigger_data={"id": "1"})
    triage(run, fail(minutes_ago=45, trigger_data={"id": "2"}))
    write_off([run.pk], operator, "lost", now)
    triage(fail(minutes_ago=5, status="success", first_failed_at=None, trigger_data={"id": "1"}))
    assert fates() == ["superseded", "open"]


def test_taken_back_it_is_what_has_become_of_it_meanwhile(
    fail: Fail, triage: Triage, operator: User, now: datetime
) -> None:
    runs = [fail(minutes_ago=n) for n in (50, 40, 30)]
    triage(*runs)
    keys = [run.pk for run in runs]
    write_off(keys, operator, "lost", now)
    Execution.objects.filter(pk=keys[0]).update(status="success")
    retried(runs[1], operator, RetryAttempt.State.SUCCEEDED)
    assert take_back(keys, operator, now) == keys
    assert fates() == ["recovered", "retried", "open"]


def test_taken_back_it_is_looked_for_among_the_runs_that_came_before(
    fail: Fail, triage: Triage, operator: User, now: datetime
) -> None:
    run = fail(minutes_ago=50, trigger_data={"id": "1"})
    triage(run, fail(minutes_ago=45, trigger_data={"id": "2"}))
    write_off([run.pk], operator, "lost", now)
    fail(minutes_ago=5, status="success", first_failed_at=None, trigger_data={"id": "1"})
    take_back([run.pk], operator, now)
    triage()
    assert fates() == ["superseded", "open"]


@pytest.mark.parametrize(("reason", "code"), [("", "text_missing"), (" \0", "text_missing"), ("x" * 501, "text_long")])
def test_without_a_reason_nothing_is_given_up(
    fail: Fail, triage: Triage, operator: User, now: datetime, reason: str, code: str
) -> None:
    run = fail()
    triage(run)
    with pytest.raises(ActRefused) as refusal:
        write_off([run.pk], operator, reason, now)
    assert refusal.value.code == code
    assert fates() == ["open"]


def test_a_viewer_may_not(fail: Fail, triage: Triage, now: datetime) -> None:
    run = fail()
    triage(run)
    viewer = factories.make_user("vera", Role.VIEWER)
    for act in (lambda: write_off([run.pk], viewer, "lost", now), lambda: take_back([run.pk], viewer, now)):
        with pytest.raises(ActRefused) as refusal:
            act()
        assert refusal.value.code == "not_permitted"
    assert own(Failure).get().fate == "open"
