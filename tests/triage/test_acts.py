"""What people do with problems."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.models import AuditEntry, Execution, Failure, FailureGroup, Occasion, Problem, ProblemAct, Role, User
from monitor.triage import acts
from monitor.triage.acts import ActRefused
from monitor.triage.judge import judge_problems
from tests import factories
from tests.bystander import own
from tests.triage.conftest import Fail, Triage, problem

pytestmark = pytest.mark.django_db
State = Problem.State
MINUTE = timedelta(minutes=1)


@pytest.fixture
def found(fail: Fail, triage: Triage) -> Problem:
    triage(fail())
    return problem()


def last_act() -> ProblemAct:
    act = own(ProblemAct).first()
    assert act is not None
    return act


def assert_refused(code: str, act: Callable[..., object], *args: Any, **more: Any) -> None:
    before = list(own(Problem).order_by("pk").values()), own(ProblemAct).count(), own(AuditEntry).count()
    with pytest.raises(ActRefused) as refusal:
        act(*args, **more)
    assert refusal.value.code == code
    assert refusal.value.message.endswith(".")
    assert (list(own(Problem).order_by("pk").values()), own(ProblemAct).count(), own(AuditEntry).count()) == before


def test_a_viewer_may_nothing(found: Problem, now: datetime) -> None:
    viewer = factories.make_user("vera", Role.VIEWER)
    assert_refused("not_permitted", acts.assign, found, viewer, viewer, now)
    assert_refused("not_permitted", acts.add_note, found, "I see", viewer, now)
    assert_refused("not_permitted", acts.resolve, found, viewer, now)
    assert_refused("not_permitted", acts.archive, found, viewer, now)
    assert_refused("not_permitted", acts.reopen, found, viewer, now)
    assert_refused("not_permitted", acts.merge, [found], found, viewer, now)
    assert_refused("not_permitted", acts.split, found, found.groups.get(), viewer, now)


class TestOwner:
    def test_it_is_given_to_a_person_and_taken_back_and_both_are_logged(
        self, found: Problem, operator: User, now: datetime
    ) -> None:
        acts.assign(found, operator, operator, now)
        assert problem().owner == operator
        assert last_act().detail == {"from": None, "to": "olga"}
        acts.assign(found, operator, operator, now)  # twice is once
        acts.assign(found, None, operator, now)
        assert problem().owner is None
        assert own(ProblemAct).filter(kind="assigned").count() == 2
        assert own(AuditEntry).filter(action="problem.assigned", object_type="problem").count() == 2

    def test_nobody_owns_it_who_can_do_nothing_about_it(self, found: Problem, operator: User, now: datetime) -> None:
        assert_refused("no_owner", acts.assign, found, factories.make_user("vera", Role.VIEWER), operator, now)
        gone = factories.make_user("gone", Role.OPERATOR, is_active=False)
        assert_refused("no_owner", acts.assign, found, gone, operator, now)


class TestNotes:
    def test_a_note_stands_in_the_log_and_its_words_in_no_trail(
        self, found: Problem, operator: User, now: datetime
    ) -> None:
        acts.add_note(found, "  Asked Quilla in accounting \0 ", operator, now)
        assert (last_act().kind, last_act().text, last_act().actor) == ("note", "Asked Quilla in accounting", operator)
        assert "Quilla" not in str(own(AuditEntry).filter(action="problem.note").values().get())

    def test_a_note_that_is_sent_twice_is_one_note_and_one_mail(
        self, found: Problem, operator: User, now: datetime
    ) -> None:
        ida, ned = factories.make_user("ida", Role.OPERATOR), factories.make_user("ned", Role.OPERATOR)
        for at in (now, now + timedelta(seconds=2)):
            assert acts.add_note(found, "Ask @ida and @ghost", operator, at) == ["ghost"]
        notes = own(ProblemAct).filter(kind="note")
        assert notes.count() == 1
        assert own(Occasion).filter(recipient=ida).count() == 1
        acts.add_note(found, "Ask @ida and @ghost", ned, now)
        acts.add_note(found, "Ask @ida", operator, now)
        acts.add_note(found, "Ask @ida and @ghost", operator, now + timedelta(minutes=1))
        assert notes.count() == 4

    @pytest.mark.parametrize(
        ("text", "code"), [("", "text_missing"), (" \0 ", "text_missing"), ("x" * 2001, "text_long")]
    )
    def test_an_empty_or_endless_note_is_refused(
        self, found: Problem, operator: User, now: datetime, text: str, code: str
    ) -> None:
        assert_refused(code, acts.add_note, found, text, operator, now)


class TestResolved:
    def test_a_run_that_began_before_does_not_bring_it_back_and_a_later_one_does(
        self, found: Problem, operator: User, now: datetime, fail: Fail, triage: Triage
    ) -> None:
        acts.resolve(found, operator, now, text="Made the tax")
        assert (problem().state, last_act().text) == (State.RESOLVED, "Made the tax")
        triage(fail(started_time=now - MINUTE, completed_time=now + MINUTE, first_failed_at=now + MINUTE))
        assert problem().state == State.RESOLVED
        triage(fail(started_time=now + MINUTE, completed_time=now + 2 * MINUTE, first_failed_at=now + 2 * MINUTE))
        assert problem().state == State.REGRESSED
        assert last_act().actor is None

    def test_by_the_change_at_a_time(
        self, found: Problem, operator: User, now: datetime, fail: Fail, triage: Triage
    ) -> None:
        acts.resolve(found, operator, now, by_change_at=now - 10 * MINUTE)
        triage(fail(minutes_ago=11))
        assert problem().state == State.RESOLVED
        triage(fail(minutes_ago=10))
        assert problem().state == State.REGRESSED

    def test_a_change_that_is_still_to_come_solves_nothing_yet(
        self, found: Problem, operator: User, now: datetime
    ) -> None:
        assert_refused("bad_time", acts.resolve, found, operator, now, by_change_at=now + MINUTE)

    def test_twice_is_refused(self, found: Problem, operator: User, now: datetime) -> None:
        acts.resolve(found, operator, now)
        assert_refused("already_so", acts.resolve, found, operator, now)

    def test_by_itself_it_is_resolved_once_nothing_is_open_and_any_new_failure_brings_it_back(
        self, fail: Fail, triage: Triage
    ) -> None:
        run = fail()
        triage(run)
        Execution.objects.filter(pk=run.pk).update(status="success")
        triage(run)
        assert problem().state == State.RESOLVED
        triage(fail(minutes_ago=90))
        assert problem().state == State.REGRESSED


class TestArchived:
    def test_for_a_time(self, found: Problem, operator: User, now: datetime) -> None:
        acts.archive(found, operator, now, until=now + timedelta(days=2))
        judge_problems([found.pk], now + timedelta(days=2) - MINUTE)
        assert problem().state == State.ARCHIVED
        judge_problems([], now + timedelta(days=2))
        assert (problem().state, problem().archived_until) == (State.ONGOING, None)

    def test_until_so_many_more(
        self, found: Problem, operator: User, now: datetime, fail: Fail, triage: Triage
    ) -> None:
        acts.archive(found, operator, now, after_more=2)
        triage(fail())
        assert problem().state == State.ARCHIVED
        triage(fail())
        assert problem().state == State.ONGOING

    @pytest.mark.parametrize(
        ("options", "code"),
        [
            ({"until": timedelta(0)}, "bad_time"),
            ({"until": timedelta(days=366)}, "bad_time"),
            ({"after_more": 0}, "bad_number"),
            ({"after_more": 10**9}, "bad_number"),
            ({"after_more": 3, "until": timedelta(days=1)}, "bad_number"),
        ],
    )
    def test_times_and_numbers_without_sense_are_refused(
        self, found: Problem, operator: User, now: datetime, options: dict[str, Any], code: str
    ) -> None:
        if "until" in options:
            options = options | {"until": now + options["until"]}
        assert_refused(code, acts.archive, found, operator, now, **options)

    def test_it_is_taken_out_by_hand(self, found: Problem, operator: User, now: datetime) -> None:
        acts.archive(found, operator, now)
        acts.reopen(found, operator, now)
        assert problem().state == State.ONGOING
        assert_refused("already_so", acts.reopen, found, operator, now)


def test_who_comes_second_changes_nothing(found: Problem, operator: User, now: datetime) -> None:
    as_read = problem()
    acts.archive(found, operator, now)
    assert_refused("changed_meanwhile", acts.resolve, as_read, operator, now)


class TestMerge:
    @pytest.fixture
    def two(self, fail: Fail, triage: Triage) -> list[Problem]:
        triage(fail("Tax does not exist", minutes_ago=90), fail("No such tax", minutes_ago=30))
        return list(own(Problem).order_by("first_seen_at"))

    def test_it_holds_for_what_comes_later(
        self, two: list[Problem], operator: User, now: datetime, fail: Fail, triage: Triage
    ) -> None:
        acts.merge([two[1]], two[0], operator, now)
        triage(fail("No such tax", minutes_ago=5))
        whole = problem()
        assert whole.pk == two[0].pk
        assert own(Failure).filter(group__problem=whole).count() == 3
        assert whole.last_seen_at == now - 5 * MINUTE + timedelta(seconds=2)
        assert {act.kind for act in own(ProblemAct)} >= {"merged", "took_in"}

    def test_a_split_gives_a_group_a_problem_of_its_own_again(
        self, two: list[Problem], operator: User, now: datetime, fail: Fail, triage: Triage
    ) -> None:
        acts.merge([two[1]], two[0], operator, now)
        group = FailureGroup.objects.get(template__contains="No such tax")
        apart = acts.split(two[0], group, operator, now)
        triage(fail("No such tax", minutes_ago=5))
        assert own(Failure).filter(group__problem=apart).count() == 2
        assert own(Failure).filter(group__problem=two[0]).count() == 1
        assert_refused("one_group", acts.split, apart, FailureGroup.objects.get(pk=group.pk), operator, now)

    def test_the_owner_comes_along_where_there_is_none(self, two: list[Problem], operator: User, now: datetime) -> None:
        acts.assign(two[1], operator, operator, now)
        acts.merge([two[1]], two[0], operator, now)
        assert problem().owner == operator
        assert last_act().detail == {"from": None, "to": "olga"}

    def test_an_owner_stays(self, two: list[Problem], operator: User, now: datetime) -> None:
        other = factories.make_user("otis", Role.OPERATOR)
        acts.assign(two[0], other, operator, now)
        acts.assign(two[1], operator, operator, now)
        acts.merge([two[1]], two[0], operator, now)
        assert problem().owner == other

    def test_what_is_open_brings_a_solved_one_back_at_once(
        self, two: list[Problem], operator: User, now: datetime
    ) -> None:
        own(Failure).filter(group__problem=two[0]).update(fate="recovered")
        judge_problems([], now)
        acts.merge([two[1]], two[0], operator, now)
        assert problem().state == State.REGRESSED

    def test_the_failures_that_it_brings_along_are_no_more_failures_for_an_archived_one(
        self, two: list[Problem], operator: User, now: datetime, fail: Fail, triage: Triage
    ) -> None:
        triage(fail("No such tax", minutes_ago=20), fail("No such tax", minutes_ago=21))
        acts.archive(two[0], operator, now, after_more=2)
        acts.merge([two[1]], two[0], operator, now)
        assert (problem().state, problem().archived_after) == (State.ARCHIVED, 6)
        triage(fail("No such tax", minutes_ago=5))
        assert problem().state == State.ARCHIVED
        triage(fail("Tax does not exist", minutes_ago=4))
        assert problem().state == State.ONGOING

    def test_who_has_read_either_before_acts_on_what_is_no_longer_so(
        self, two: list[Problem], operator: User, now: datetime
    ) -> None:
        acts.merge([Problem.objects.get(pk=two[1].pk)], Problem.objects.get(pk=two[0].pk), operator, now)
        assert_refused("changed_meanwhile", acts.resolve, two[0], operator, now)
        assert_refused("changed_meanwhile", acts.resolve, two[1], operator, now)
        assert_refused("merged_away", acts.add_note, two[1], "Too late", operator, now)
        assert_refused("merged_away", acts.assign, two[1], operator, operator, now)
        assert_refused("merged_away", acts.archive, two[1], operator, now)
        assert_refused("merged_away", acts.split, two[1], two[1].groups.model(pk=1), operator, now)

    def test_a_split_leaves_both_in_the_state_that_their_failures_say(
        self, two: list[Problem], operator: User, now: datetime
    ) -> None:
        own(Failure).filter(group__problem=two[1]).update(fate="recovered")
        acts.merge([two[1]], two[0], operator, now)
        group = FailureGroup.objects.get(template__contains="No such tax")
        apart = acts.split(Problem.objects.get(pk=two[0].pk), group, operator, now)
        assert apart.state == State.RESOLVED
        assert Problem.objects.get(pk=two[0].pk).is_unresolved

    def test_what_apps_say_stands_in_no_trail(self, fail: Fail, triage: Triage, operator: User, now: datetime) -> None:
        triage(fail("Mail of quilla.zorn@example.com", minutes_ago=90), fail("Ask Quilla Zorn", minutes_ago=30))
        one, other = own(Problem).order_by("first_seen_at")
        acts.merge([other], one, operator, now)
        acts.split(
            Problem.objects.get(pk=one.pk), other.groups.model.objects.get(template__contains="Ask"), operator, now
        )
        said = str(list(own(AuditEntry).values())) + str(list(own(ProblemAct).values()))
        assert "Ask" not in said
        assert "Mail of" not in said

    def test_what_makes_no_sense_is_refused(self, two: list[Problem], operator: User, now: datetime) -> None:
        elsewhere = Problem.objects.create(
            account=factories.make_account(), title="x", first_seen_at=now, last_seen_at=now, state_since=now
        )
        assert_refused("itself", acts.merge, [two[0]], two[0], operator, now)
        assert_refused("other_account", acts.merge, [elsewhere], two[0], operator, now)
        acts.merge([two[1]], two[0], operator, now)
        gone = Problem.objects.get(pk=two[1].pk)
        assert_refused("merged_away", acts.merge, [gone], two[0], operator, now)
        assert_refused("merged_away", acts.resolve, gone, operator, now)
        assert_refused("not_its_group", acts.split, two[0], FailureGroup(pk=10**9), operator, now)
        assert_refused("changed_meanwhile", acts.merge, [two[1]], two[0], operator, now)
