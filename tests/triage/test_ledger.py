"""failed = recovered + retried + superseded + written off + open, after any sequence of events."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from unittest import mock

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from monitor.models import DirtyHour, Execution, Failure, FailureGroup, Flow, Problem, RetryAttempt, Role, User
from monitor.rollups.recount import rebuild_dirty
from monitor.triage import acts, groups
from monitor.triage.acts import ActRefused
from monitor.triage.fingerprint import LENGTH, FailureCause, cause_of
from monitor.triage.judge import judge_problems
from monitor.triage.take import by_earlier_successes, take
from monitor.triage.write_off import take_back, write_off
from tests import factories
from tests.depth import tried

MINUTE = timedelta(minutes=1)
NUMBERS = count()  # an address in memory is given to the next machine as well
MESSAGES = ("Tax does not exist", "The token has expired", "Time-out after 30 s")


class Ledger(RuleBasedStateMachine):
    """Two flows of one account; whatever happens, each run that failed is in exactly one fate."""

    def __init__(self) -> None:
        super().__init__()
        self.now: datetime = factories.NOON
        self.flows: list[Flow] = []
        self.person: User
        self.rules = 1

    @initialize()
    def begin(self) -> None:
        Flow.objects.filter(account__name__startswith="Ledger").delete()
        number = next(NUMBERS)
        account = factories.make_account(f"Ledger {number}")
        self.flows = [factories.make_flow(account, executions_read_at=factories.NOON) for _ in range(2)]
        self.person = factories.make_user(f"person {number}", Role.OPERATOR)

    def runs(self, **wanted: Any) -> list[Execution]:
        return list(Execution.objects.filter(flow__in=self.flows, **wanted).order_by("pk"))

    def changed(self, *runs: Execution) -> None:
        DirtyHour.objects.mark((run.flow_id, run.started_time) for run in runs if run.started_time is not None)

    @rule(
        flow=st.integers(0, 1),
        message=st.sampled_from(MESSAGES),
        record=st.integers(1, 3),
        ago=st.integers(0, 300),
        action=st.sampled_from(["a1", "b2"]),
    )
    def fails(self, flow: int, message: str, record: int, ago: int, action: str) -> None:
        at = self.now - ago * MINUTE
        given = {"started_time": at, "completed_time": at, "first_failed_at": at, "error_message": message}
        given |= {"error_action_id": action}
        self.changed(factories.make_execution(self.flows[flow], "failed", **given, trigger_data={"id": str(record)}))

    @rule(flow=st.integers(0, 1), record=st.integers(1, 3), ago=st.integers(0, 300))
    def succeeds(self, flow: int, record: int, ago: int) -> None:
        at = self.now - ago * MINUTE
        data = {"id": str(record)}
        self.changed(factories.make_execution(self.flows[flow], "success", started_time=at, trigger_data=data))

    @precondition(lambda self: self.runs(status="failed"))
    @rule(data=st.data())
    def is_run_again_by_zoho(self, data: st.DataObject) -> None:
        run = data.draw(st.sampled_from(self.runs(status="failed")))
        Execution.objects.filter(pk=run.pk).update(status="success", rerun_count=1)
        self.changed(run)

    @precondition(lambda self: self.runs(status="failed"))
    @rule(data=st.data(), state=st.sampled_from(["succeeded", "failed_again", "rejected", "not_run"]))
    def is_retried(self, data: st.DataObject, state: str) -> None:
        run = data.draw(st.sampled_from(self.runs(status="failed")))
        caused = ""
        if state in ("succeeded", "failed_again"):
            status = "success" if state == "succeeded" else "failed"
            failed_at = self.now if status == "failed" else None
            new = factories.make_execution(run.flow, status, started_time=self.now, first_failed_at=failed_at)
            caused = new.execution_id
            self.changed(new)
        RetryAttempt.objects.create(
            account=run.account,
            execution=run,
            requested_by=self.person,
            requested_at=self.now,
            reason="again",
            client_token=f"ledger-{next(NUMBERS)}",
            state=state,
            new_execution_id=caused,
        )
        self.changed(run)

    @rule(data=st.data(), is_undone=st.booleans())
    def is_given_up(self, data: st.DataObject, is_undone: bool) -> None:
        keys = list(Failure.objects.filter(flow__in=self.flows).values_list("pk", flat=True))
        some = data.draw(st.lists(st.sampled_from(keys), max_size=3, unique=True)) if keys else []
        if is_undone:
            take_back(some, self.person, self.now)
        else:
            write_off(some, self.person, "given up", self.now)

    @rule(data=st.data(), act=st.sampled_from(["resolve", "archive", "reopen"]))
    def a_person_acts(self, data: st.DataObject, act: str) -> None:
        problems = list(Problem.objects.filter(account=self.flows[0].account))
        if problems:
            code = ""
            try:
                getattr(acts, act)(data.draw(st.sampled_from(problems)), self.person, self.now)
            except ActRefused as refusal:
                code = refusal.code
            assert code in ("", "already_so", "merged_away")

    @rule(data=st.data())
    def two_are_merged(self, data: st.DataObject) -> None:
        problems = list(Problem.objects.filter(account=self.flows[0].account, merged_into=None))
        if len(problems) > 1:
            one, other = data.draw(st.permutations(problems))[:2]
            acts.merge([one], other, self.person, self.now)

    @rule(data=st.data())
    def one_is_split(self, data: st.DataObject) -> None:
        problems = [one for one in Problem.objects.filter(account=self.flows[0].account) if one.groups.count() > 1]
        if problems:
            problem = data.draw(st.sampled_from(problems))
            acts.split(problem, data.draw(st.sampled_from(list(problem.groups.order_by("pk")))), self.person, self.now)

    @rule(flow=st.integers(0, 1), app=st.sampled_from(["Zoho CRM", "Zoho Books"]), action=st.sampled_from(["a1", "b2"]))
    def its_definition_changes(self, flow: int, app: str, action: str) -> None:
        number = self.flows[flow].versions.count() + 1
        content = {"actions": [{"action_id": action, "app": app, "action": "Create"}]}
        factories.make_version(self.flows[flow], number=number, content=content)
        self.changed(*self.runs(flow=self.flows[flow]))

    @rule()
    def our_rules_change(self) -> None:
        """Every run is told by other rules from now on: what is entered stays where it is."""
        self.triage()
        self.rules += 1
        before = self.groups()
        self.changed(*self.runs())
        self.triage()
        for key, group in before.items():
            assert group.pk == self.groups()[key].pk or not group.app, "moved once, where the app was not known"

    def groups(self) -> dict[int, FailureGroup]:
        rows = Failure.objects.filter(flow__in=self.flows, execution__status="failed").select_related("group")
        return {row.pk: row.group for row in rows}

    @precondition(lambda self: self.runs(status="failed"))
    @rule(data=st.data(), message=st.sampled_from(MESSAGES))
    def it_fails_in_other_words(self, data: st.DataObject, message: str) -> None:
        run = data.draw(st.sampled_from(self.runs(status="failed")))
        Execution.objects.filter(pk=run.pk).update(error_message=message)
        self.changed(run)

    @rule(minutes=st.integers(1, 12 * 1440))
    def time_goes_by(self, minutes: int) -> None:
        self.now += minutes * MINUTE
        judge_problems([], self.now)

    @rule()
    def triage(self) -> None:
        while rebuild_dirty(self.now):
            pass
        with mock.patch.object(groups, "cause_of", self.cause_of):
            while take(self.now).hours:
                pass
        by_earlier_successes(self.now)
        judge_problems([], self.now)
        self.adds_up()

    def cause_of(self, **error: Any) -> FailureCause:
        cause = cause_of(**error)
        return replace(cause, fingerprint=f"{self.rules}-{cause.fingerprint}"[:LENGTH])

    def adds_up(self) -> None:
        """Holds the ledger against the runs themselves, once all that changed was taken."""
        caused = set(
            RetryAttempt.objects.filter(execution__flow__in=self.flows).values_list("new_execution_id", flat=True)
        )
        failed = {run.pk for run in self.runs(first_failed_at__isnull=False) if run.execution_id not in caused}
        failed |= {run.pk for run in self.runs(status="failed") if run.execution_id not in caused}
        entered = Counter(dict.fromkeys(failed, 0))
        for failure in Failure.objects.filter(flow__in=self.flows).select_related("execution", "group__problem"):
            entered[failure.pk] += 1
            assert (failure.flow_id, failure.account_id) == (failure.execution.flow_id, failure.execution.account_id)
            assert failure.group.problem.merged_into_id is None
            assert (failure.fate == "recovered") <= (failure.execution.status == "success")
            assert (failure.fate == "open") <= (failure.execution.status != "success")
            assert (failure.fate == "written_off") <= hasattr(failure, "write_off")
            if failure.execution.status != "success":
                run = failure.execution
                now_said = cause_of(message=run.error_message, details=run.error_details, trigger_data=run.trigger_data)
                assert failure.group.template == now_said.template
        assert entered == Counter(dict.fromkeys(failed, 1))
        for problem in Problem.objects.filter(account=self.flows[0].account, merged_into=None):
            of_it = Failure.objects.filter(group__problem=problem)
            assert problem.unjudged == 0
            if problem.is_unresolved:
                assert of_it.filter(fate="open").exists(), "what has nothing open is resolved"

    @invariant()
    def every_failure_has_one_fate(self) -> None:
        rows = Failure.objects.filter(flow__in=self.flows)
        assert sum(rows.filter(fate=fate).count() for fate in Failure.Fate.values) == rows.count()


@pytest.mark.property
@pytest.mark.django_db
def test_every_failed_run_ends_in_exactly_one_way_whatever_happens() -> None:
    run_state_machine_as_test(Ledger, settings=tried(quick=6, deep=300, stateful_step_count=25))
