"""Which problems are judged: no change of their failures is lost, whoever dies or comes second."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from monitor.models import CountedHour, Execution, Failure, Problem, RetryPolicy, User
from monitor.triage import acts, judge
from monitor.triage.judge import judge_problems
from monitor.triage.take import take
from monitor.triage.write_off import write_off
from tests.bystander import own
from tests.triage.conftest import Fail, Triage, problem

pytestmark = pytest.mark.django_db
State = Problem.State
MINUTE, HOUR, TICK = timedelta(minutes=1), timedelta(hours=1), timedelta(microseconds=1)


def take_and_die(now: datetime, *runs: Execution) -> None:
    """Enters runs, and forgets which problems they belong to."""
    CountedHour.objects.mark((run.flow_id, run.started_time) for run in runs if run.started_time is not None)
    while take(now).hours:
        pass


def test_what_was_entered_by_one_who_died_is_judged_by_the_next(
    fail: Fail, triage: Triage, operator: User, now: datetime
) -> None:
    run = fail()
    triage(run)
    acts.archive(problem(), operator, now, after_more=1)
    take_and_die(now, fail(minutes_ago=5))
    assert problem().state == State.ARCHIVED
    judge_problems([], now)
    assert problem().state == State.ONGOING
    assert problem().unjudged == 0


@pytest.mark.parametrize("is_known", [True, False])
def test_a_problem_is_judged_by_what_it_is_also_where_nobody_marked_it(
    fail: Fail, triage: Triage, operator: User, now: datetime, is_known: bool
) -> None:
    run = fail()
    triage(run)
    own(Failure).update(fate="recovered")
    judge_problems([], now)
    assert problem().state == State.RESOLVED
    if is_known:
        Problem.objects.filter(pk=problem().pk).update(resolved_before=run.started_time)
    own(Failure).update(fate="open")
    judge_problems([], now)
    assert problem().state == State.REGRESSED


def test_an_open_failure_from_before_it_was_solved_does_not_count(
    fail: Fail, triage: Triage, operator: User, now: datetime
) -> None:
    triage(fail())
    acts.resolve(problem(), operator, now)
    assert not Problem.objects.filter(judge.due(now), pk=problem().pk).exists()


def test_one_that_has_lost_its_failures_is_gone_or_resolved_where_somebody_was_on_it(
    fail: Fail, triage: Triage, operator: User, now: datetime
) -> None:
    triage(fail("Tax", minutes_ago=50), fail("Token", minutes_ago=40))
    _, token = own(Problem).order_by("first_seen_at")
    acts.assign(token, operator, operator, now)
    own(Execution).all().delete()
    judge_problems([], now)
    assert list(own(Problem)) == [token]
    assert Problem.objects.get(pk=token.pk).state == State.RESOLVED


def test_one_that_a_policy_of_retries_names_is_kept_with_it(
    fail: Fail, triage: Triage, operator: User, now: datetime
) -> None:
    triage(fail("Tax", minutes_ago=50), fail("Token", minutes_ago=40))
    _, token = own(Problem).order_by("first_seen_at")
    policy = RetryPolicy.objects.create(
        account=token.account, name="Tokens", problem=token, set_by=operator, set_at=now
    )
    own(Execution).all().delete()
    judge_problems([], now)
    assert list(own(Problem)) == [token]
    assert list(own(RetryPolicy)) == [policy]


def test_a_change_between_the_look_and_the_judgement_is_judged_the_next_time(
    fail: Fail, triage: Triage, operator: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    triage(fail())
    acts.archive(problem(), operator, now, after_more=1)
    facts_of: Callable[..., dict[int, object]] = judge.facts_of

    def look_and_be_overtaken(*args: object) -> dict[int, object]:
        facts = facts_of(*args)
        take_and_die(now, fail(minutes_ago=5))
        return facts

    with monkeypatch.context() as patch:
        patch.setattr(judge, "facts_of", look_and_be_overtaken)
        judge_problems([problem().pk], now)
    assert problem().state == State.ARCHIVED
    judge_problems([], now)
    assert problem().state == State.ONGOING


def test_a_judgement_that_came_second_is_given_again(
    fail: Fail, triage: Triage, operator: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody changes it between look and judgement: the mark stays, and it is judged by what it is then."""
    triage(fail())
    acts.archive(problem(), operator, now, after_more=1)
    facts_of: Callable[..., dict[int, object]] = judge.facts_of

    def look_and_be_overtaken(*args: object) -> dict[int, object]:
        facts = facts_of(*args)
        monkeypatch.undo()
        acts.archive(problem(), operator, now, until=now + MINUTE)
        acts.archive(problem(), operator, now + MINUTE)
        return facts

    take_and_die(now, fail(minutes_ago=5))
    monkeypatch.setattr(judge, "facts_of", look_and_be_overtaken)
    judge_problems([], now)
    assert (problem().state, problem().unjudged > 0) == (State.ARCHIVED, True)
    judge_problems([], now)
    assert problem().unjudged == 0


def test_an_act_judges_the_problems_that_it_is_about_alone(
    fail: Fail, triage: Triage, operator: User, now: datetime
) -> None:
    run, other = fail("Tax", minutes_ago=50), fail("Token", minutes_ago=40)
    triage(run, other)
    own(Failure).filter(pk=other.pk).update(fate="recovered")
    write_off([run.pk], operator, "lost", now)
    assert {one.title: one.state for one in own(Problem)} == {"Tax": State.RESOLVED, "Token": State.NEW}


def test_the_hours_of_a_problem_are_counted_from_the_present_back(fail: Fail, triage: Triage, now: datetime) -> None:
    ago = [
        timedelta(0),
        HOUR - TICK,
        HOUR,
        HOUR + TICK,
        2 * HOUR - TICK,
        24 * HOUR,
        168 * HOUR - TICK,
        168 * HOUR + TICK,
    ]
    triage(*[fail(started_time=now - HOUR, first_failed_at=now - one, completed_time=now - one) for one in ago])
    facts = judge.facts_of([problem()], now)[problem().pk]
    assert facts.this_hour == 2
    assert {len(facts.by_hour) - place: count for place, count in enumerate(facts.by_hour) if count} == {
        1: 3,
        24: 1,
        167: 1,
    }
