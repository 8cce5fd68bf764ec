"""Problems as pages and commands show them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.models import Flow, Problem, ProblemAct, User
from monitor.queries import problems as queries
from monitor.queries.problems import Ledger, ProblemFilter
from monitor.triage import acts
from monitor.triage.write_off import write_off
from tests import factories
from tests.bystander import own
from tests.triage.conftest import Fail, Triage, fail, flow, operator, problem, triage

__all__ = ["fail", "flow", "operator", "triage"]
pytestmark = pytest.mark.django_db


def test_a_list_says_how_the_runs_ended_and_over_how_many_flows(
    fail: Fail, triage: Triage, flow: Flow, operator: User, now: datetime
) -> None:
    runs = [fail(minutes_ago=n) for n in (50, 40)] + [fail(flow=factories.make_flow(flow.account), status="success")]
    triage(*runs)
    write_off([runs[0].pk], operator, "lost", now)
    row = queries.with_counts(list(queries.matching(ProblemFilter(account_id=flow.account_id))))[0]
    assert (row.problem, row.flows) == (problem(), 2)
    assert row.ledger == Ledger(open=1, recovered=1, written_off=1)
    assert (row.ledger.failed, row.ledger.ended) == (3, 2)


def test_filters(fail: Fail, triage: Triage, flow: Flow, operator: User, now: datetime) -> None:
    other = factories.make_flow()
    triage(fail("Tax", minutes_ago=50), fail("Token", minutes_ago=40), fail("Tax", flow=other, minutes_ago=30))
    tax, token, elsewhere = own(Problem).order_by("first_seen_at")
    acts.assign(tax, operator, operator, now)
    acts.archive(token, operator, now)

    def found(**wanted: object) -> list[Problem]:
        return [one for one in queries.matching(ProblemFilter(**wanted)) if one in (tax, token, elsewhere)]  # type: ignore[arg-type]

    assert found() == [elsewhere, tax]
    assert found(account_id=flow.account_id) == [tax]
    assert found(state="") == [elsewhere, tax, token]
    assert found(state="archived") == [token]
    assert found(owner_id=operator.pk) == [tax]
    assert found(owner_id=0) == [elsewhere]
    assert found(flow_id=other.pk) == [elsewhere]


def test_open_failures_by_age(fail: Fail, triage: Triage, flow: Flow, now: datetime) -> None:
    day = 1440
    runs = [fail(minutes_ago=n) for n in (5, day - 1, 2 * day, 20 * day, 29 * day, 40 * day)]
    triage(*runs, fail(minutes_ago=7, status="success"))
    ages = queries.open_by_age(now, [flow.account_id])
    assert [(one.words, one.count) for one in ages] == [
        ("up to a day", 2), ("up to a week", 1), ("up to a month", 2), ("older", 1),
    ]  # fmt: skip
    assert ages[0].end is ages[-1].start is None
    assert [one.end for one in ages[1:]] == [one.start for one in ages[:-1]]
    assert queries.oldest_open(flow.account_id) == runs[-1].first_failed_at


def test_the_page_of_a_problem_hides_people_and_shows_flows_samples_and_trend(
    fail: Fail, triage: Triage, flow: Flow, now: datetime
) -> None:
    other = factories.make_flow(flow.account)
    said = "Contact quilla.zorn@example.com was not found"
    runs = [fail(said, minutes_ago=n) for n in range(10, 80, 10)] + [fail(said, flow=other, minutes_ago=2 * 1440)]
    triage(*runs)
    found = queries.detail(problem(), now)
    assert "quilla" not in found.title + "".join(found.templates)
    assert [(share.flow, share.ledger.open) for share in found.flows] == [(flow, 7), (other, 1)]
    assert found.flows[0].last_failed_at == now - timedelta(minutes=10) + timedelta(seconds=2)
    assert [run.pk for run in found.samples] == [run.pk for run in runs[:5]]
    assert [count for _, count in found.trend][-3:] == [1, 0, 7]
    assert sum(count for _, count in found.trend) == found.ledger.failed == 8
    assert found.acts[-1].kind == "seen"


def test_a_page_reads_three_times_and_a_bounded_log(
    fail: Fail, triage: Triage, operator: User, now: datetime, django_assert_num_queries: Any
) -> None:
    triage(fail(minutes_ago=90), fail(minutes_ago=2))
    found = problem()
    ProblemAct.objects.bulk_create(
        ProblemAct(problem=found, at=now + timedelta(seconds=n), actor=operator, kind="note", text=str(n))
        for n in range(queries.MOST_ACTS + 5)
    )
    with django_assert_num_queries(3):
        shown = queries.detail(found, now)
    assert [act.text for act in shown.acts[:2]] == ["204", "203"]
    assert len(shown.acts) == queries.MOST_ACTS
    assert shown.has_older_acts
    whole = queries.detail(found, now, whole=queries.LOG)
    assert (whole.acts[-1].kind, len(whole.acts), whole.has_older_acts) == ("seen", queries.MOST_ACTS + 6, False)


def test_a_sample_without_a_time_comes_last(fail: Fail, triage: Triage, now: datetime) -> None:
    first, second = fail(minutes_ago=90), fail(minutes_ago=80)
    triage(first, second)
    type(first).objects.filter(pk=second.pk).update(started_time=None)
    assert [run.pk for run in queries.detail(problem(), now).samples] == [first.pk, second.pk]
