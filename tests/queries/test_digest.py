"""What a digest is made of: rates beside the week before, new problems, open failures, what sleeps or is broken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from monitor.digest_facts import DigestAsked, RunShare, is_worse
from monitor.models import (
    AlertRule,
    AlertState,
    Connection,
    Flow,
    HourBucket,
    Incident,
    SyncState,
    Tag,
    User,
    WorkflowRule,
    ZohoAccount,
)
from monitor.queries.digest import alive, digest_of
from tests import factories

pytestmark = pytest.mark.django_db
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
Bucket = Callable[..., HourBucket]


@pytest.fixture
def flow(account: ZohoAccount) -> Flow:
    return factories.make_flow(account, flow_name="Lead sync")


@pytest.fixture
def asked(account: ZohoAccount, now: datetime) -> DigestAsked:
    return DigestAsked([account.pk], now - 7 * DAY, now, 7)


class TestWorse:
    @pytest.mark.parametrize(
        ("now", "before", "worse"),
        [
            ((10, 100), (1, 100), True),
            ((10, 100), (10, 100), False),
            ((2, 2), (0, 100), False),  # two failures are chance
            ((3, 7), (0, 7), True),
            ((3, 100), (0, 5), False),
            ((10, 10), (0, 10), True),
            ((10, 10), (10, 10), False),
            ((10, 10), (0, 0), False),  # nothing to compare it with
            ((0, 0), (5, 10), False),
        ],
    )
    def test_by_more_than_chance(self, now: tuple[int, int], before: tuple[int, int], worse: bool) -> None:
        assert is_worse(RunShare(*now), RunShare(*before)) is worse

    @given(
        now=st.tuples(st.integers(0, 500), st.integers(0, 500)),
        before=st.tuples(st.integers(0, 500), st.integers(0, 500)),
    )
    def test_only_where_a_greater_share_fails(self, now: tuple[int, int], before: tuple[int, int]) -> None:
        here, there = RunShare(now[0], sum(now)), RunShare(before[0], sum(before))
        if is_worse(here, there):
            assert here.failed * there.finished > there.failed * here.finished
            assert not is_worse(there, here)

    def test_a_week_is_held_against_the_week_before(
        self, flow: Flow, asked: DigestAsked, now: datetime, bucket: Bucket
    ) -> None:
        bucket(flow, now - DAY, succeeded=40, failed=9)
        bucket(flow, now - 8 * DAY, succeeded=90, failed=1)
        bucket(flow, now - 15 * DAY, succeeded=0, failed=50)
        (found,) = digest_of(asked).worse
        assert (found.flow.name, found.now, found.before) == ("Lead sync", RunShare(9, 49), RunShare(1, 91))

    def test_a_day_is_held_against_the_seven_before(
        self, flow: Flow, asked: DigestAsked, now: datetime, bucket: Bucket
    ) -> None:
        bucket(flow, now - HOUR, succeeded=40, failed=9)
        bucket(flow, now - 7 * DAY, succeeded=90, failed=1)
        (found,) = digest_of(replace(asked, days=1)).worse
        assert found.before == RunShare(1, 91)

    def test_the_one_that_failed_most_beyond_its_usual_is_first_and_deleted_ones_are_left_out(
        self, account: ZohoAccount, asked: DigestAsked, now: datetime, bucket: Bucket
    ) -> None:
        for name, failed in (("Small", 10), ("Large", 60), ("Gone", 90)):
            one = factories.make_flow(account, flow_name=name, gone_at=now if name == "Gone" else None)
            bucket(one, now - DAY, succeeded=100, failed=failed)
            bucket(one, now - 8 * DAY, succeeded=100)
        found = digest_of(asked).worse
        assert [one.flow.name for one in found] == ["Large", "Small"]
        for one in found:
            flow = Flow.objects.get(account=account, flow_name=one.flow.name)
            assert one.flow.page == f"{flow.get_absolute_url()}?days=7", "with the time that is compared"


def test_nothing_of_an_account_that_the_person_may_not_see(
    flow: Flow, asked: DigestAsked, now: datetime, bucket: Bucket
) -> None:
    other = factories.make_account("Other")
    theirs = factories.make_flow(other, flow_name="Theirs")
    bucket(theirs, now - DAY, succeeded=1, failed=50)
    bucket(theirs, now - 8 * DAY, succeeded=100)
    factories.make_failure(factories.make_execution(theirs, "failed"))
    factories.make_rule(other, last_executed_time=now - 90 * DAY, first_seen_at=now - 99 * DAY)
    Connection.objects.create(
        account=other,
        connection_id="1",
        connection_name="Books",
        status="disconnected",
        status_since=now,
        first_seen_at=now,
        seen_at=now,
    )
    rule = factories.make_alert_rule(other, severity="digest")
    alert = AlertState.objects.create(rule=rule, flow=theirs, since=now, evaluated_at=now, episode=1)
    factories.make_incident(alert, severity="digest")
    found = digest_of(asked)
    assert (found.worse, found.problems, found.incidents) == ([], [], [])
    assert (found.dormant_crm, found.dormant_alerts, found.connections) == ([], [], [])
    assert sum(count for _, count, _ in found.open_by_age) == 0
    assert [one.account.name for one in found.ages] == [ZohoAccount.objects.get(pk=flow.account_id).name]


class TestProblems:
    def test_new_ones_with_their_failures_and_open_failures_by_age(
        self, flow: Flow, asked: DigestAsked, now: datetime
    ) -> None:
        for age in (2 * HOUR, 20 * DAY):
            run = factories.make_execution(flow, "failed", started_time=now - age)
            factories.make_failure(run)
        found = digest_of(asked)
        (new,) = found.problems
        assert (new.problem.name, new.failed, new.still_open) == ("It failed", 1, 1)
        counts = {words: count for words, count, _ in found.open_by_age}
        assert counts == {"up to a day": 1, "up to a week": 0, "up to a month": 1, "older": 0}

    def test_each_age_is_linked_to_the_list_of_exactly_these_failures(
        self, flow: Flow, asked: DigestAsked, now: datetime, ada: User, signed_in: Any
    ) -> None:
        for age in (2 * HOUR, 3 * HOUR, 20 * DAY):
            factories.make_failure(factories.make_execution(flow, "failed", started_time=now - age))
        for words, count, page in digest_of(asked).open_by_age:
            listed = signed_in(ada).get(page).context["rows"]
            assert len(listed) == count, words

    def test_one_that_was_mirrored_late_is_new_once(self, flow: Flow, asked: DigestAsked, now: datetime) -> None:
        problem = factories.make_failure(
            factories.make_execution(flow, "failed", started_time=asked.since - HOUR)
        ).group.problem
        assert digest_of(asked).problems == []
        assert [one.key for one in digest_of(replace(asked, told=[])).problems] == [problem.pk]
        assert digest_of(replace(asked, told=[problem.pk])).problems == []


class TestDormant:
    @pytest.mark.parametrize(
        ("fields", "dormant"),
        [
            ({"last_executed_time": factories.NOON - 31 * DAY}, True),
            ({"last_executed_time": factories.NOON - 29 * DAY}, False),
            ({}, True),  # it never ran
            ({"active": False}, False),
            ({"active": None}, False),
            ({"gone_at": factories.NOON}, False),
            ({"modified_time": factories.NOON - 2 * DAY}, False),  # somebody works on it
        ],
    )
    def test_workflow_rules(
        self, account: ZohoAccount, asked: DigestAsked, now: datetime, fields: dict[str, Any], dormant: bool
    ) -> None:
        factories.make_rule(account, **({"first_seen_at": now - 99 * DAY} | fields))
        assert bool(digest_of(asked).dormant_crm) is dormant

    @pytest.mark.parametrize(
        ("state", "age", "dormant"),
        [
            ("no_data", 8, True),
            ("no_data", 6, False),
            ("error", 8, True),
            ("ok", 8, False),
            ("learning", 20, False),
            ("firing", 8, False),
        ],
    )
    def test_an_alert_rule_none_of_whose_flows_can_be_looked_at(
        self, flow: Flow, asked: DigestAsked, now: datetime, state: str, age: int, dormant: bool
    ) -> None:
        rule = factories.make_alert_rule(flow.account)
        AlertRule.objects.filter(pk=rule.pk).update(created_at=now - 60 * DAY)
        AlertState.objects.create(rule=rule, flow=flow, state=state, since=now - age * DAY, evaluated_at=now)
        assert bool(digest_of(asked).dormant_alerts) is dormant

    def test_an_alert_rule_for_a_flow_that_is_gone_and_no_new_or_disabled_one(
        self, flow: Flow, asked: DigestAsked, now: datetime
    ) -> None:
        gone = factories.make_flow(flow.account, gone_at=now)
        old, new, off = (
            factories.make_alert_rule(flow.account, flow=gone, name=name) for name in ("old", "new", "off")
        )
        AlertRule.objects.filter(pk__in=[old.pk, off.pk]).update(created_at=now - 60 * DAY)
        AlertRule.objects.filter(pk=new.pk).update(created_at=now - DAY)
        AlertRule.objects.filter(pk=off.pk).update(is_active=False)
        assert [one.name for one in digest_of(asked).dormant_alerts] == ["old"]

    @pytest.mark.parametrize("scope", ["flow", "tag", "owner"])
    def test_an_alert_rule_for_what_never_was_there_but_none_of_a_whole_account(
        self, flow: Flow, asked: DigestAsked, now: datetime, scope: str, ada: User
    ) -> None:
        value = {"flow": flow, "tag": Tag.objects.create(name="orders"), "owner": ada}[scope]
        rule = factories.make_alert_rule(flow.account, kind="in_a_row", name="Scoped", **{scope: value})
        factories.make_alert_rule(flow.account, kind="failing_now", name="Wide")
        AlertRule.objects.filter(account=flow.account).update(created_at=now - 60 * DAY)
        assert [one.name for one in digest_of(asked).dormant_alerts] == ["Scoped"]
        AlertState.objects.create(rule=rule, flow=flow, state="ok", since=now - 20 * DAY, evaluated_at=now)
        assert digest_of(asked).dormant_alerts == []

    @pytest.mark.parametrize("scope", ["subject_key", "tag", "owner", "module"])
    def test_an_alert_rule_for_workflow_rules_that_are_not_there(
        self, account: ZohoAccount, asked: DigestAsked, now: datetime, scope: str, ada: User
    ) -> None:
        workflow = factories.make_rule(account, module="Deals", modified_time=now)
        tag = factories.own_thing(rule=workflow, owner=ada, tags=["orders", "night"]).tags.get(name="night")
        value = {"subject_key": str(workflow.pk), "tag": tag, "owner": ada, "module": "Deals"}[scope]
        factories.make_alert_rule(account, kind="crm", name="Scoped", **{scope: value})
        factories.make_alert_rule(account, kind="crm", name="Wide")
        AlertRule.objects.filter(account=account).update(created_at=now - 60 * DAY)
        assert digest_of(asked).dormant_alerts == []
        WorkflowRule.objects.filter(pk=workflow.pk).update(gone_at=now)
        assert [one.name for one in digest_of(asked).dormant_alerts] == ["Scoped"]


@pytest.mark.parametrize(
    ("severity", "notice", "channel", "quiet"),
    [
        ("notify", {"dispatch_state": "dispatched", "recipients": 2}, False, False),
        ("notify", {"dispatch_state": "dispatched", "recipients": 0}, True, False),
        ("notify", {"dispatch_state": "new"}, False, False),  # its mail goes out in a moment
        ("notify", {"dispatch_state": "new", "why_silent": "snoozed"}, False, True),
        ("notify", {"dispatch_state": "silent", "why_silent": "silenced"}, False, True),
        ("notify", {"dispatch_state": "silent", "why_silent": "flaps"}, False, True),
        ("digest", {"dispatch_state": "silent"}, False, True),
    ],
)
def test_quiet_is_what_nobody_was_told_of_for_whatever_reason(
    flow: Flow,
    asked: DigestAsked,
    now: datetime,
    severity: str,
    notice: dict[str, Any],
    channel: bool,
    quiet: bool,
) -> None:
    rule = factories.make_alert_rule(flow.account, severity=severity)
    # It flaps by now: the mails of earlier went out all the same.
    fields = {"since": now, "evaluated_at": now, "episode": 1, "flaps_until": now + DAY}
    alert = AlertState.objects.create(rule=rule, flow=flow, **fields)
    incident = factories.make_incident(alert, severity=severity, opened_at=now)
    incident.notices.update(**notice)
    if channel:
        factories.make_channel_message(incident.notices.get())
    assert bool(digest_of(asked).incidents) is quiet


def test_quiet_incidents_broken_connections_and_plans(flow: Flow, asked: DigestAsked, now: datetime) -> None:
    for severity, opened_at in (("digest", now - 30 * DAY), ("notify", now)):
        rule = factories.make_alert_rule(flow.account, severity=severity, kind=f"{severity}_kind")
        alert = AlertState.objects.create(rule=rule, flow=flow, since=now, evaluated_at=now, episode=1)
        incident = factories.make_incident(alert, severity=severity, opened_at=opened_at)
        incident.notices.update(dispatch_state="dispatched", recipients=int(severity == "notify"))
    for status in ("disconnected", "active"):
        Connection.objects.create(
            account=flow.account,
            connection_id=status,
            connection_name=status,
            status=status,
            status_since=now,
            first_seen_at=now,
            seen_at=now,
        )
    factories.make_day(flow=flow, day=(now - 8 * DAY).date(), succeeded=70_000)
    found = digest_of(asked)
    assert [one.name for one in found.incidents] == ["Lead sync"]
    Incident.objects.filter(severity="digest").update(closed_at=now - 8 * DAY, closed_how="recovered")
    assert digest_of(asked).incidents == [], "it was over before the digest before"
    assert [one.name for one in found.connections] == ["disconnected"]
    (plan,) = found.plans
    assert (plan.executions, plan.executions_limit, plan.is_short) == (70_000, 200_000, False)


def test_it_says_as_of_when_an_account_is_known_and_what_is_wrong(
    account: ZohoAccount, asked: DigestAsked, now: datetime
) -> None:
    SyncState.objects.filter(account=account).update(
        state="throttled", reason="Zoho throttles us", since=now, last_finished_at=now, last_complete_at=now - HOUR
    )
    (age,) = digest_of(asked).ages
    assert (age.as_of, age.trouble) == (now - HOUR, "Zoho throttles us")
    assert alive([account.pk], now - 3 * HOUR, now).up_for == 3 * HOUR


def test_it_reads_no_run_and_costs_the_same_however_many_there_are(
    flow: Flow, asked: DigestAsked, now: datetime, bucket: Bucket
) -> None:
    def cost() -> list[str]:
        with CaptureQueriesContext(
            connection,
        ) as caught:
            digest_of(asked)
        return [row["sql"] for row in caught.captured_queries]

    few = cost()
    for number in range(12):
        one = factories.make_flow(flow.account)
        bucket(one, now - DAY, succeeded=40, failed=9)
        bucket(one, now - 8 * DAY, succeeded=90)
        factories.make_failure(factories.make_execution(one, "failed", started_time=now - number * HOUR))
        factories.make_rule(flow.account, first_seen_at=now - 99 * DAY)
    many = cost()
    assert len(many) <= len(few) + 4, "in_bulk and the counts of problems, once each"
    assert not [sql for sql in many if 'FROM "monitor_execution"' in sql]
