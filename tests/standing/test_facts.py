"""The standing by which a list is filtered is the one that its rows show, whatever is stored."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from monitor.models import AlertState, Flow, HourBucket, ZohoAccount
from monitor.periods import hour_of
from monitor.queries.flows import FlowFilter, by_standing, in_order, in_order_of_standing, rows, week_sums
from monitor.standing.facts import Presents, silent_among, standing_in_sql, standing_of, with_facts
from monitor.standing.judge import WORDS, AccountPresent
from tests import factories
from tests.bystander import own
from tests.depth import tried
from tests.queries.listed_flows import listed

pytestmark = pytest.mark.django_db
NOW = factories.NOON
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)

one_flow = st.fixed_dictionaries(
    {
        "gone": st.sampled_from([False, False, False, True]),
        "status": st.sampled_from(["active", "active", "active", "inactive", "draft", "", "live"]),
        "read": st.sampled_from(["all", "all", "newest", "nothing"]),
        "hole": st.sampled_from(["", "", "3 runs are missing"]),
        "alert": st.sampled_from([None, None, False, True]),
        "week": st.tuples(st.integers(0, 40), st.integers(0, 40)),
        "others": st.sampled_from([0, 0, 0, 30]),
        "newest": st.sampled_from(["", "success", "success", "failed"]),
        "running": st.sampled_from([None, 9, 11, 600]),
        "regular": st.booleans(),
    }
)
presents = st.sampled_from(["", "", "", "paused", "unread", "unknown"])


def store(account: ZohoAccount, wanted: dict[str, Any]) -> Flow:
    read = {"all": {"executions_read_at": NOW}, "newest": {"covered_from": NOW - HOUR}, "nothing": {}}[wanted["read"]]
    flow = factories.make_flow(
        account,
        status=wanted["status"],
        gone_at=NOW if wanted["gone"] else None,
        hole_reason=wanted["hole"],
        **read,
        **dict.fromkeys(("read_execution_count", "read_success_count", "read_failure_count"), 0),
    )
    if wanted["alert"] is not None:
        rule = factories.make_alert_rule(account)
        AlertState.objects.create(rule=rule, flow=flow, since=NOW, evaluated_at=NOW, is_open=wanted["alert"])
    failed, succeeded = wanted["week"]
    if wanted["regular"]:
        for n in range(9):
            HourBucket.objects.create(flow=flow, hour=hour_of(NOW - (40 + 4 * n) * HOUR), succeeded=1)
    elif failed or succeeded or wanted["others"]:
        counts = {"failed": failed, "succeeded": succeeded, "other": wanted["others"]}
        HourBucket.objects.create(flow=flow, hour=hour_of(NOW - HOUR), **counts)
    if wanted["newest"]:
        factories.make_execution(flow, wanted["newest"], started_time=NOW - HOUR)
        factories.make_execution(flow, "success", started_time=NOW - 2 * HOUR)
    if wanted["running"]:
        factories.make_execution(flow, "running", started_time=NOW - wanted["running"] * MINUTE)
    return flow


@pytest.mark.property
@tried(15, 300)
@given(wanted=st.lists(st.tuples(one_flow, presents), min_size=1, max_size=4))
def test_filters_rows_and_counts_agree(wanted: list[tuple[dict[str, Any], str]]) -> None:
    with transaction.atomic():
        accounts, shown = {}, {}
        for fields, code in wanted:
            account = factories.make_account()
            store(account, fields)
            accounts[account.pk] = AccountPresent(code, "why" if code else "")
        flows = list(with_facts(own(Flow).select_related("progress"), NOW))
        presents_now = Presents(accounts, silent_among(NOW))
        shown = {flow.pk: standing_of(flow, presents_now).code for flow in flows}
        coded = with_facts(own(Flow), NOW).annotate(code=standing_in_sql(presents_now))
        assert dict(coded.values_list("pk", "code")) == shown
        sums = week_sums(NOW)
        assert {row.pk: standing_of(row, presents_now).code for row in rows(list(shown), sums, NOW)} == shown
        for code in WORDS:
            found = in_order(FlowFilter(standing=code), sums, presents_now, NOW)
            assert shown.keys() & found == {key for key, one in shown.items() if one == code}
        transaction.set_rollback(True)


def test_the_counts_of_standings_are_those_of_the_lists_behind_them(nobody_else: None, now: datetime) -> None:
    account = factories.make_account()
    known = {account.pk: AccountPresent()}
    for status, newest in (("active", "failed"), ("active", "success"), ("active", ""), ("inactive", "failed")):
        flow = factories.make_flow(account, status=status, executions_read_at=now)
        if newest:
            factories.make_execution(flow, newest, started_time=now - HOUR)
    factories.make_flow(account, gone_at=now)
    factories.make_flow(account)
    counted = in_order_of_standing(by_standing(known, silent_among(now), now))
    assert counted == Counter(failing=1, healthy=1, unknown=1, paused=1, unread=1)
    assert list(counted) == [code for code in WORDS if code in counted]
    for code, number in counted.items():
        assert len(listed(FlowFilter(standing=code), now, known)) == number
    assert len(listed(FlowFilter(standing="gone"), now, known)) == 1


def test_a_run_that_is_no_longer_listed_makes_nobody_stuck(account: ZohoAccount, now: datetime) -> None:
    flow = factories.make_flow(account, executions_read_at=now)
    factories.make_execution(flow, "success", started_time=now - 30 * HOUR)
    run = factories.make_execution(flow, "running", started_time=now - 30 * HOUR)
    (row,) = with_facts(own(Flow).select_related("progress"), now)
    assert standing_of(row, Presents({}, frozenset())).code == "stuck"
    own(Flow).update(may_wait=True)
    (row,) = with_facts(own(Flow).select_related("progress"), now)
    assert standing_of(row, Presents({}, frozenset())).code == "healthy", "a step that waits explains it"
    own(Flow).update(may_wait=False)
    run.unlisted_at = now
    run.save()
    (row,) = with_facts(own(Flow).select_related("progress"), now)
    assert standing_of(row, Presents({}, frozenset())).code == "healthy"
