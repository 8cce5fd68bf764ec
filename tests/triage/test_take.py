"""From counted hours to the ledger and to problems."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from monitor.models import CountedHour, Execution, Failure, FailureGroup, Flow, Problem, RecordField, RetryAttempt, User
from monitor.triage import acts, groups
from monitor.triage import take as take_module
from monitor.triage.take import take
from tests import factories
from tests.bystander import own
from tests.triage.conftest import Fail, Triage, fates, problem

pytestmark = pytest.mark.django_db
State = Problem.State


class Deadlock(Exception):  # noqa: N818 - as PostgreSQL's driver has it
    sqlstate = "40P01"


def retried(run: Execution, person: User, state: str, new: Execution | None = None) -> RetryAttempt:
    return RetryAttempt.objects.create(
        account=run.account,
        execution=run,
        requested_by=person,
        requested_at=factories.NOON,
        reason="again",
        client_token=f"token-{own(RetryAttempt).count()}",
        state=state,
        new_execution_id=new.execution_id if new else "",
        runs_in_place=new is None,
    )


def test_one_outage_over_three_flows_is_one_problem(fail: Fail, triage: Triage, flow: Flow) -> None:
    others = [factories.make_flow(flow.account) for _ in range(2)]
    runs = [fail(minutes_ago=50), fail(minutes_ago=40, flow=others[0]), fail(minutes_ago=30, flow=others[1])]
    triage(*runs)
    found = problem()
    assert own(Failure).filter(group__problem=found).count() == 3
    assert (found.first_seen_at, found.last_seen_at) == (runs[0].first_failed_at, runs[2].first_failed_at)
    assert (found.state, found.account) == (State.NEW, flow.account)


def test_two_causes_are_two_problems_and_an_account_has_its_own(fail: Fail, triage: Triage) -> None:
    elsewhere = factories.make_flow()
    triage(fail("Tax 'VAT 19' does not exist"), fail("The token has expired"), fail(flow=elsewhere))
    assert own(Problem).count() == own(FailureGroup).count() == 3


@pytest.mark.parametrize(
    ("data", "name", "said", "told"),
    [
        (
            {"Full_Name": "Quilla Zorn"},
            "Zorn",
            "No mail address for Zorn in the list",
            "No mail address for [hidden] in the list",
        ),
        ({"Full_Name": "Quilla Zorn"}, "ZORN", "Contact QUILLA ZORN is locked", "Contact [hidden] is locked"),
        (
            {"Last_Name": "Zorn", "First_Name": "Quilla"},
            "quilla",
            "Nobody is called zorn, quilla here",
            "Nobody is called [hidden], [hidden] here",
        ),
        (
            {"contact": {"name": "S\u00f8ren \u00d8deg"}},
            "\u00d8deg",
            "No one is called s\u00f8ren",
            "No one is called [hidden]",
        ),
    ],
)
def test_a_problem_names_nobody_whom_the_pages_of_its_runs_hide(
    fail: Fail, triage: Triage, data: Any, name: str, said: str, told: str
) -> None:
    triage(*(fail(said, trigger_data=data, error_code=f"NO {name}", minutes_ago=ago) for ago in (10, 20)))
    group = own(FailureGroup).get()
    assert (problem().title, group.template, group.error_code) == (told, told, "NO [hidden]")


def test_a_word_that_the_page_of_one_of_its_runs_shows_stands_in_a_problem(fail: Fail, triage: Triage) -> None:
    said = "The website is not reached"
    triage(
        fail(said, trigger_data={"name": "Website Redesign"}, minutes_ago=10),
        fail(said, trigger_data={"name": "Quilla Zorn"}, minutes_ago=20),
    )
    assert problem().title == said


def test_taking_the_same_hour_again_changes_nothing(fail: Fail, triage: Triage, now: datetime) -> None:
    run = fail()
    triage(run)
    before = own(Failure).values().get()
    CountedHour.objects.mark([(run.flow_id, run.started_time)])
    assert take(now + timedelta(hours=5)).failures == 0
    assert own(Failure).values().get() == before


def test_a_failure_that_zoho_ran_again_has_recovered_and_keeps_its_problem(fail: Fail, triage: Triage) -> None:
    run = fail()
    triage(run)
    Execution.objects.filter(pk=run.pk).update(status="success", error_message="", error_code="", rerun_count=1)
    triage(run)
    assert fates() == ["recovered"]
    assert problem().state == State.RESOLVED


def test_a_run_that_never_failed_is_not_in_the_ledger(fail: Fail, triage: Triage) -> None:
    triage(fail(status="success", first_failed_at=None), fail(status="running", first_failed_at=None))
    assert not own(Failure).exists()


def test_a_run_that_a_retry_made_good_is_retried_and_the_retrys_own_run_is_none(
    fail: Fail, triage: Triage, operator: User
) -> None:
    first = fail(minutes_ago=50)
    again = fail(minutes_ago=20)  # mirrored before its retry was known to have caused it
    triage(first, again)
    assert fates() == ["open", "open"]
    attempt = retried(first, operator, RetryAttempt.State.FAILED_AGAIN, again)
    triage(first, again)
    assert fates() == ["open"]
    good = fail(minutes_ago=5, status="success", first_failed_at=None)
    RetryAttempt.objects.filter(pk=attempt.pk).update(state="succeeded", new_execution_id=good.execution_id)
    triage(first, good)
    assert fates() == ["retried", "open"]  # what no retry caused any more is a failure of its own


def test_a_retry_in_the_same_row_is_a_retry_and_no_recovery(fail: Fail, triage: Triage, operator: User) -> None:
    run = fail(status="success", error_message="")
    retried(run, operator, RetryAttempt.State.SUCCEEDED)
    triage(run)
    assert fates() == ["retried"]


def test_an_error_in_other_words_moves_the_failure_to_another_problem(fail: Fail, triage: Triage) -> None:
    run = fail("The token has expired")
    triage(run)
    Execution.objects.filter(pk=run.pk).update(error_message="Tax does not exist")
    triage(run)
    assert problem().title == "Tax does not exist", "what nobody touched and nothing belongs to is gone"
    assert own(Failure).get().group.problem == problem()


def test_a_problem_that_somebody_has_touched_is_resolved_when_its_last_failure_leaves_it(
    fail: Fail, triage: Triage, operator: User, now: datetime
) -> None:
    run = fail("The token has expired")
    triage(run)
    old = problem()
    acts.add_note(old, "I look at it", operator, now)
    Execution.objects.filter(pk=run.pk).update(error_message="Tax does not exist")
    triage(run)
    assert Problem.objects.get(pk=old.pk).state == State.RESOLVED
    assert own(Failure).get().group.problem != old


class TestADefinitionThatChanges:
    """A failure belongs to the problem that people decided about, whatever the flow's definition says later."""

    @pytest.fixture
    def run(self, fail: Fail) -> Execution:
        return fail(error_action_id="a1")

    @staticmethod
    def define(flow: Flow, number: int, *actions: tuple[str, str, str]) -> None:
        content = {"actions": [{"action_id": key, "app": app, "action": kind} for key, app, kind in actions]}
        factories.make_version(flow, number=number, content=content)

    def test_it_stays_where_its_app_is_renamed_and_where_its_action_is_gone(
        self, run: Execution, flow: Flow, triage: Triage, operator: User, now: datetime
    ) -> None:
        self.define(flow, 1, ("a1", "Zoho CRM", "Create Lead"))
        triage(run)
        acts.assign(problem(), operator, operator, now)
        self.define(flow, 2, ("a1", "Zoho CRM Plus", "Create Lead"))
        triage(run)
        self.define(flow, 3, ("b2", "Zoho Books", "Create Invoice"))
        triage(run)
        assert problem().owner == operator
        assert own(Failure).get().group.app == "Zoho CRM"

    def test_a_later_failure_of_an_action_that_has_gone_is_the_same_problem(
        self, run: Execution, flow: Flow, triage: Triage, fail: Fail
    ) -> None:
        self.define(flow, 1, ("a1", "Zoho CRM", "Create Lead"))
        triage(run)
        self.define(flow, 2, ("b2", "Zoho Books", "Create Invoice"))
        triage(fail(error_action_id="a1"), fail("Other words", error_action_id="a1", minutes_ago=200))
        assert {group.app for group in own(FailureGroup)} == {"Zoho CRM"}
        assert own(FailureGroup).count() == 2

    def test_one_that_was_entered_before_its_definition_moves_once_and_its_problem_stays(
        self, run: Execution, flow: Flow, triage: Triage, fail: Fail, operator: User, now: datetime
    ) -> None:
        older = fail(error_action_id="a1", minutes_ago=300)
        triage(run, older)
        acts.assign(problem(), operator, operator, now)
        self.define(flow, 1, ("a1", "Zoho CRM", "Create Lead"))
        triage(run)
        assert own(Failure).get(pk=run.pk).group.app == "Zoho CRM"
        assert problem().owner == operator
        triage(older)
        self.define(flow, 2, ("a1", "Zoho Books", "Create Invoice"))
        triage(run, older)
        assert {failure.group.app for failure in own(Failure)} == {"Zoho CRM"}
        assert problem().owner == operator

    def test_one_that_moves_to_what_is_known_leaves_no_empty_problem_behind(
        self, run: Execution, flow: Flow, triage: Triage, fail: Fail
    ) -> None:
        triage(run)
        self.define(flow, 1, ("a1", "Zoho CRM", "Create Lead"))
        triage(fail(error_action_id="a1", minutes_ago=300))
        triage(run)
        assert own(Failure).filter(group__problem=problem()).count() == 2

    def test_other_rules_leave_old_failures_where_they_are(
        self, run: Execution, triage: Triage, fail: Fail, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        triage(run)
        read = groups.cause_of
        monkeypatch.setattr(groups, "cause_of", lambda **said: replace(read(**said), fingerprint="f" * 32))
        triage(run)
        assert own(FailureGroup).count() == 1
        triage(fail(minutes_ago=20))
        assert own(FailureGroup).count() == own(Problem).count() == 2


class TestWhatCannotBeRead:
    def test_a_run_that_no_rule_can_read_is_put_aside_where_people_see_it(
        self, fail: Fail, triage: Triage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cause_of = groups.cause_of

        def read(**said: object) -> object:
            if said["message"] == "poison":
                raise RecursionError
            return cause_of(**said)  # type: ignore[arg-type]

        with monkeypatch.context() as patch:
            patch.setattr(groups, "cause_of", read)
            run = fail("poison")
            triage(run, fail("Tax"))
            triage(run)
        assert {one.title for one in own(Problem)} == {groups.UNREAD.template, "Tax"}
        triage(run)
        assert {one.title for one in own(Problem)} == {"poison", "Tax"}, "it is read once it can be"

    def test_one_whose_entry_is_refused_keeps_no_other_and_no_hour_back(
        self, fail: Fail, triage: Triage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        enter, bad = take_module.enter, fail(minutes_ago=30)

        def refuse(keys: list[int], now: datetime, **options: bool) -> object:
            if bad.pk in keys and not options:
                raise ValueError("what no column takes")
            return enter(keys, now, **options)

        monkeypatch.setattr(take_module, "enter", refuse)
        triage(bad, *[fail(minutes_ago=n) for n in (29, 31, 700)])
        assert fates() == ["open"] * 4
        assert own(Failure).get(pk=bad.pk).group.template == groups.UNREAD.template

    def test_a_database_in_trouble_is_no_run_that_cannot_be_read(
        self, fail: Fail, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = fail()
        CountedHour.objects.mark([(run.flow_id, run.started_time)])

        def fall(*args: object, **options: object) -> None:
            raise OperationalError("disk full")

        monkeypatch.setattr(take_module, "enter", fall)
        with pytest.raises(OperationalError):
            take(now)
        assert CountedHour.objects.exists()

    def test_one_that_was_chosen_to_end_a_deadlock_is_done_again(
        self, fail: Fail, triage: Triage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        enter, deadlocks = take_module.enter, [Deadlock()]

        def fall(*args: Any, **options: Any) -> object:
            if deadlocks:
                raise OperationalError("deadlock detected") from deadlocks.pop()
            return enter(*args, **options)

        monkeypatch.setattr(take_module, "enter", fall)
        triage(fail())
        assert fates() == ["open"]


def test_what_is_too_much_for_one_transaction_is_left_for_the_next(
    fail: Fail, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(take_module, "RUNS_AT_ONCE", 3)
    monkeypatch.setattr(take_module, "CHUNK", 2)
    runs = [fail(minutes_ago=n) for n in (1, 2, 61, 62, 121, 122, 123, 124)]
    CountedHour.objects.mark((run.flow_id, run.started_time) for run in runs)
    entered = []
    while (taken := take(now)).hours:
        entered.append(taken.failures)
    assert entered == [2, 2, 4]
    assert own(Failure).count() == 8


def test_what_has_lost_its_payload_keeps_its_group_and_its_record(fail: Fail, triage: Triage, now: datetime) -> None:
    run = fail(error_details="no such tax", trigger_data={"id": "1"})
    fail(trigger_data={"id": "2"}, minutes_ago=90)
    triage(run)
    before = own(Failure).values().get(pk=run.pk)
    Execution.objects.filter(pk=run.pk).update(error_details="", trigger_data=None, payload_removed_at=now)
    triage(run)
    assert own(Failure).values().get(pk=run.pk) == before
    assert before["record"]


class TestTheSameRecord:
    def test_a_later_success_for_it_closes_the_failure(self, fail: Fail, triage: Triage) -> None:
        run = fail(minutes_ago=50, trigger_data={"id": "1"})
        other = fail(minutes_ago=45, trigger_data={"id": "2"})
        triage(run, other)
        good = fail(minutes_ago=10, status="success", first_failed_at=None, trigger_data={"id": "1"})
        triage(good)
        assert fates() == ["superseded", "open"]
        assert own(Failure).get(pk=run.pk).superseded_by == good
        assert problem().state == State.NEW

    def test_an_earlier_success_and_one_of_another_flow_do_not(self, fail: Fail, triage: Triage, flow: Flow) -> None:
        run = fail(minutes_ago=50, trigger_data={"id": "1"})
        earlier = fail(minutes_ago=55, status="success", first_failed_at=None, trigger_data={"id": "1"})
        other = factories.make_flow(flow.account)
        elsewhere = fail(minutes_ago=5, status="success", first_failed_at=None, trigger_data={"id": "1"}, flow=other)
        fail(minutes_ago=58, trigger_data={"id": "3"}, status="success", first_failed_at=None)
        triage(run, earlier, elsewhere)
        assert fates() == ["open"]

    def test_a_success_that_was_mirrored_first_closes_it_too(self, fail: Fail, triage: Triage) -> None:
        good = fail(minutes_ago=10, status="success", first_failed_at=None, trigger_data={"id": "1"})
        fail(minutes_ago=9, status="success", first_failed_at=None, trigger_data={"id": "2"})
        triage(good)
        triage(fail(minutes_ago=200, trigger_data={"id": "1"}))
        assert fates() == ["superseded"]

    def test_while_the_history_is_read_one_look_is_put_off(self, fail: Fail, triage: Triage, flow: Flow) -> None:
        factories.change_flow(flow, executions_read_at=None)
        good = fail(minutes_ago=10, status="success", first_failed_at=None, trigger_data={"id": "1"})
        fail(minutes_ago=9, status="success", first_failed_at=None, trigger_data={"id": "2"})
        triage(good)
        triage(fail(minutes_ago=200, trigger_data={"id": "1"}))
        assert fates() == ["open"]
        factories.change_flow(flow, executions_read_at=factories.NOON)
        triage()
        assert fates() == ["superseded"]

    def test_a_field_that_a_person_chose_is_the_one(self, fail: Fail, triage: Triage, flow: Flow) -> None:
        RecordField.objects.create(flow=flow, found="id", found_at=factories.NOON, chosen="number")
        run = fail(minutes_ago=50, trigger_data={"id": "1", "number": "A"})
        triage(run)
        triage(fail(minutes_ago=10, status="success", first_failed_at=None, trigger_data={"id": "1", "number": "B"}))
        assert fates() == ["open"]
        triage(fail(minutes_ago=5, status="success", first_failed_at=None, trigger_data={"id": "9", "number": "A"}))
        assert fates() == ["superseded"]

    def test_where_the_later_run_is_gone_it_stays_closed(self, fail: Fail, triage: Triage) -> None:
        run = fail(minutes_ago=50, trigger_data={"id": "1"})
        good = fail(minutes_ago=10, status="success", first_failed_at=None, trigger_data={"id": "1"})
        fail(minutes_ago=9, status="success", first_failed_at=None, trigger_data={"id": "2"})
        triage(run, good)
        assert fates() == ["superseded"]
        good.delete()
        triage(run)
        assert fates() == ["superseded"]


def test_statements_do_not_grow_with_the_failures(fail: Fail, triage: Triage, now: datetime, flow: Flow) -> None:
    def statements(runs: int) -> int:
        made = [fail(minutes_ago=n) for n in range(runs)]
        CountedHour.objects.mark((one.flow_id, one.started_time) for one in made)
        with CaptureQueriesContext(
            connection,
        ) as found:
            take(now)
        return len(found)

    triage(fail())
    assert statements(2) == statements(40)
