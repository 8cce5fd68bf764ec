"""What a machine of retries does with policies: an admin's orders to retry by themselves, in random order.

Whatever else happens, a policy's retry bears its name, is one of as many as were allowed, is asked for only where that
is safe, and leaves only while its policy is on (docs/retries.md, "By themselves").
"""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from monitor.access import may
from monitor.models import POLICY_TOKEN, AuditEntry, Execution, Failure, RetryAttempt, RetryPolicy, Role, User
from monitor.retry.policies import add_policy, change_policy, delete_policy, switch_off, switch_on
from monitor.retry.run_policies import run_policies
from monitor.triage.take import enter
from tests import factories
from tests.bystander import own
from tests.fake_zoho.retrying import Fault, require
from tests.retry.test_machine import Retries, faults, mostly, pick

MOST_POLICIES = 2  # each turn of each reads the tables anew
MOST_RUNS = 9
DAY = timedelta(hours=24)
things = st.sampled_from(["flow", "problem"])
tries_of = st.integers(1, 3)
waits = st.sampled_from([1, 1, 10, 45])
caps = st.sampled_from([1, 3, 20])
ENDS = {"off": switch_off, "delete": delete_policy}


class Policies(Retries):
    """What `Retries` does, and policies that retry by themselves."""

    def open_up(self, *, policy_of: str, **world: object) -> None:
        super().open_up(**world)
        self.policies_made = 0
        self.bring_up_the_ledger()
        if policy_of:
            self._set_a_policy(of=policy_of, who=0, hours=100, tries=2, wait_minutes=1, per_day=20)

    def _admins(self) -> list[User]:
        if len(self.people) < 3:
            self.people.append(factories.make_user(role=Role.ADMIN))
        return self.people[1:]

    def _admin(self, who: int) -> User:
        return User.objects.get(pk=self._admins()[who].pk)

    @rule(
        of=things,
        tries=tries_of,
        wait=waits,
        cap=caps,
        hours=st.sampled_from([2, 2, 100, 0]),
        who=st.integers(0, 1),
    )
    def set_a_policy(self, of: str, tries: int, wait: int, cap: int, hours: int, who: int) -> None:
        if own(RetryPolicy).count() < MOST_POLICIES:
            self._set_a_policy(of, who, hours, tries=tries, wait_minutes=wait, per_day=cap)

    def _set_a_policy(self, of: str, who: int, hours: int, **given: int) -> None:
        """One that is on since `hours` ago: before the first runs failed, mostly."""
        thing, admin, since = self.executions[0].flow, self._admin(who), self.clock() - timedelta(hours=hours)
        if of == "problem":
            thing = own(Failure).select_related("group__problem").order_by("pk").first().group.problem
        self.policies_made += 1
        name = f"Order {self.policies_made}"
        self._try(lambda: switch_on(add_policy(thing, admin, since, name=name, **given), admin, since))

    @precondition(lambda self: getattr(self, "policies_made", 0))
    @rule(which=pick, act=st.sampled_from(["on", "off", "change", "delete"]), tries=tries_of, cap=caps, who=pick)
    def change_a_policy(self, which: int, act: str, tries: int, cap: int, who: int) -> None:
        policy, admin, now = self._some_policy(which), self._admin(who % 2), self.clock()
        if policy is None:
            return
        if act == "change":
            given = {"name": f"{policy.name}!", "tries": tries, "wait_minutes": policy.wait_minutes, "per_day": cap}
            self._try(lambda: change_policy(policy, admin, now, **given))
        else:
            self._try(lambda: (ENDS | {"on": switch_on})[act](policy, admin, now))

    @precondition(lambda self: getattr(self, "policies_made", 0))
    @rule(
        where=st.sampled_from(["during_look", "during_post"]),
        fault=faults,
        how=st.sampled_from(sorted(ENDS)),
        which=pick,
    )
    def a_policy_ends_while_its_retry_is_sent(self, where: str, fault: Fault, how: str, which: int) -> None:
        admin = self._admins()[0]

        def meanwhile() -> None:
            policy = self._some_policy(which)
            if policy is not None:
                self._try(lambda: ENDS[how](policy, User.objects.get(pk=admin.pk), self.clock()))

        self.clock.forward(seconds=61)
        self._turn()
        self.zoho.post_faults.append(fault)
        setattr(self.zoho, where, meanwhile)
        self._sweep()

    @precondition(lambda self: getattr(self, "policies_made", 0))
    @rule(
        wait=st.sampled_from([0, 61, 700, 5400]),
        times=st.integers(1, 2),
        is_swept=mostly,
        luck=st.booleans(),
        fault=st.none() | faults,
    )
    def policies_have_their_turn(self, wait: int, times: int, is_swept: bool, luck: bool, fault: Fault | None) -> None:
        self.clock.forward(seconds=wait)
        for _ in range(times):
            self._turn()
        if is_swept:
            self.zoho.luck = luck
            self.zoho.post_faults.extend([fault] if fault else [])
            self._sweep()

    @precondition(lambda self: hasattr(self, "zoho") and len(self.zoho.runs) < MOST_RUNS)
    @rule(which=pick, count=st.integers(1, 2), wait=st.sampled_from([0, 61]), is_taken=mostly)
    def runs_fail_of_which_nobody_knows_yet(self, which: int, count: int, wait: int, is_taken: bool) -> None:
        for number in range(count):
            self.the_flow_runs_naturally(which + number, "failed")
        self.mirror()
        self.bring_up_the_ledger()
        self.clock.forward(seconds=wait)
        if is_taken:
            self._turn()

    @precondition(lambda self: getattr(self, "policies_made", 0))
    @rule()
    def bring_up_the_ledger(self) -> None:
        """What triage does, later than the mirror: the run of a retry is told by what was retried, once it is known."""
        caused = own(RetryAttempt).exclude(new_execution_id="").values("new_execution_id")
        own(Failure).filter(execution__execution_id__in=caused).delete()
        runs = own(Execution).filter(first_failed_at__isnull=False) | own(Execution).filter(status="failed")
        keys = runs.exclude(execution_id__in=caused).values_list("pk", flat=True)
        enter(list(keys), self.clock())

    def _some_policy(self, which: int) -> RetryPolicy | None:
        policies = list(own(RetryPolicy).select_related("account").order_by("pk"))
        return policies[which % len(policies)] if policies else None

    def _turn(self) -> None:
        if not self.policies_made:
            return
        policies = own(RetryPolicy).select_related("account", "set_by").in_bulk()
        newest = own(RetryAttempt).order_by("-pk").values_list("pk", flat=True).first() or 0
        require(not run_policies(self.clock())["errors"], "a fault of ours")
        for row in own(RetryAttempt).filter(pk__gt=newest).order_by("pk"):
            policy = policies[row.policy_id]
            self._bears_its_name(row, policy)
            self._is_one_of_as_many_as_were_allowed(row, policy)
            self._is_its_business(row, policy)

    def _bears_its_name(self, row: RetryAttempt, policy: RetryPolicy) -> None:
        assert f"“{policy.name}”" in row.reason
        assert row.requested_by_id == policy.set_by_id
        assert may(policy.set_by, "retry.policies", policy.account), "a policy of who may not"
        assert not row.accept_risk
        asked = AuditEntry.objects.get(action="retry.requested", object_id=str(row.pk))
        assert asked.detail["verdict"] == "safe"

    def _is_one_of_as_many_as_were_allowed(self, row: RetryAttempt, policy: RetryPolicy) -> None:
        """What was called off was never sent, and is none of them."""
        its = (
            own(RetryAttempt).filter(client_token__startswith=f"{POLICY_TOKEN}{policy.pk}-").exclude(state="cancelled")
        )
        in_a_day = its.filter(requested_at__gt=self.clock() - DAY).count()
        assert in_a_day <= policy.per_day, f"{in_a_day} retries in 24 hours"
        earlier = [one.settled_at for one in its.filter(execution=row.execution_id).exclude(pk=row.pk)]
        assert len(earlier) < policy.tries, f"retry {len(earlier) + 1} of a run"
        if earlier:
            pause = timedelta(minutes=policy.wait_minutes) * 2 ** len(earlier)
            assert max(earlier) + pause <= self.clock(), "a retry came too soon after the last one"

    def _is_its_business(self, row: RetryAttempt, policy: RetryPolicy) -> None:
        assert policy.is_on
        assert row.execution_id not in self.succeeded, "R8: a new row after a success"
        failure = own(Failure).select_related("group").get(pk=row.execution_id)
        assert failure.fate == "open"
        of = (failure.flow_id, None) if policy.flow_id else (None, failure.group.problem_id)
        assert of == (policy.flow_id, policy.problem_id)
        peoples = own(RetryAttempt).filter(execution=row.execution_id).exclude(client_token__startswith=POLICY_TOKEN)
        assert not peoples.exists(), "a person has this one in hand"
