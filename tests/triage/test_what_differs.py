"""What a problem's runs have in common, as its page shows it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from monitor.models import Execution, Flow
from monitor.triage.what_differs import LONGEST_DATA, ComparedRuns, compared_runs, what_differs
from tests import factories
from tests.triage.conftest import Fail, Triage, problem

pytestmark = pytest.mark.django_db


def test_the_field_of_the_trigger_that_failed_runs_share_is_shown_with_counts(
    fail: Fail, triage: Triage, flow: Flow
) -> None:
    bad = [fail(minutes_ago=n, trigger_data={"Country": "DE", "n": n}) for n in range(1, 13)]
    for n in range(30):
        fail(minutes_ago=n, status="success", first_failed_at=None, trigger_data={"Country": "FR", "n": n})
    other = factories.make_flow(flow.account)
    for n in range(30):
        fail(minutes_ago=n, status="success", first_failed_at=None, trigger_data={"Country": "DE"}, flow=other)
    triage(*bad)
    found = what_differs(problem())
    assert [(one.found.field, one.value) for one in found] == [("trigger.Country", "DE")]
    assert (found[0].found.failed, found[0].found.good, found[0].found.of_good) == (12, 0, 30)


def test_each_count_of_a_difference_is_of_runs_that_can_be_listed_by_a_key_that_tells_no_value(
    fail: Fail, triage: Triage, flow: Flow
) -> None:
    bad = [fail(minutes_ago=n, trigger_data={"Country": "DE", "n": n}) for n in range(1, 13)]
    for n in range(30):
        country = {"Country": "DE" if n == 3 else "FR"}
        fail(minutes_ago=n, status="success", first_failed_at=None, trigger_data=country | {"n": n})
    triage(*bad)
    [found] = what_differs(problem())
    every, those = compared_runs(problem()), compared_runs(problem(), found.key)
    assert (len(every.failed), len(every.good)) == (found.of_failed, found.of_good)
    assert (len(those.failed), len(those.good)) == (found.failed, found.good) == (12, 1)
    assert {run.trigger_data["Country"] for run in Execution.objects.filter(pk__in=those.failed + those.good)} == {"DE"}
    assert re.fullmatch("[0-9a-f]{16}", found.key)
    assert compared_runs(problem(), "0" * 16) == ComparedRuns([], [])


def test_people_are_hidden_in_it(fail: Fail, triage: Triage) -> None:
    bad = [fail(minutes_ago=n, trigger_data={"Email": "quilla@example.com", "note": "call +49 30 1234567"})
           for n in range(1, 13)]  # fmt: skip
    for n in range(30):
        fail(minutes_ago=n, status="success", first_failed_at=None, trigger_data={"Email": "zoe@example.com"})
    triage(*bad)
    found = what_differs(problem())
    assert {one.found.field for one in found} == {"trigger.Email", "trigger.note"}
    assert "quilla" not in str([one.value for one in found])
    assert "1234567" not in str([one.value for one in found])


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        ({"owner": {"name": "Quilla Zorn"}}, "trigger.owner.name"),
        ({"password": {"hint": "Quilla"}}, "trigger.password"),
        ({"pair": {"name": "Last_Name", "value": "Quilla"}}, "trigger.pair.value"),
        ({"note": "x" * 90 + " quilla.zorn@example.com"}, "trigger.note"),
        ({"Last.Name": "Quilla"}, "trigger.Last.Name"),
        ({"quilla.zorn@example.com": "yes"}, "trigger."),
    ],
)
def test_what_is_hidden_where_a_run_is_shown_is_hidden_in_it(
    fail: Fail, triage: Triage, data: dict[str, Any], shown: str
) -> None:
    bad = [fail(minutes_ago=n, trigger_data=data) for n in range(1, 13)]
    for n in range(30):
        fail(minutes_ago=n, status="success", first_failed_at=None, trigger_data={"n": n})
    triage(*bad)
    found = what_differs(problem())
    assert any(one.field.startswith(shown) for one in found)
    assert "quilla" not in str([(one.field, one.value) for one in found]).lower()


def test_each_flow_is_compared_with_as_many_good_runs_as_it_has_failed_ones(
    fail: Fail, triage: Triage, flow: Flow
) -> None:
    """A flow of many good runs must not stand for one that fails: what tells the flows apart explains nothing."""
    quiet = factories.make_flow(flow.account)
    bad = [fail(minutes_ago=n, flow=quiet, trigger_data={"form": "B"}) for n in range(1, 25)]
    bad += [fail(minutes_ago=30, trigger_data={"form": "A"})]
    for n in range(24):
        fail(minutes_ago=100 + n, status="success", first_failed_at=None, trigger_data={"form": "B"}, flow=quiet)
    for n in range(200):
        fail(minutes_ago=n, status="success", first_failed_at=None, trigger_data={"form": "A"})
    triage(*bad)
    assert "trigger.form" not in [one.field for one in what_differs(problem())]


def test_the_version_of_the_flow_is_compared_too(fail: Fail, triage: Triage, flow: Flow, now: Any) -> None:
    for number, hours in ((1, 500), (2, 1)):
        factories.make_version(flow, number=number, first_seen_at=now - timedelta(hours=hours))
    bad = [fail(minutes_ago=n) for n in range(1, 13)]
    for n in range(30):
        fail(minutes_ago=65 + n, status="success", first_failed_at=None)
    triage(*bad)
    assert ("version", "2") in [(one.found.field, one.value) for one in what_differs(problem())]


def test_its_statements_do_not_grow(fail: Fail, triage: Triage, flow: Flow, django_assert_max_num_queries: Any) -> None:
    for n in range(3):
        other = factories.make_flow(flow.account)
        fail(minutes_ago=5, flow=other, status="success", first_failed_at=None)
        triage(*[fail(minutes_ago=60 * n + m, flow=other) for m in range(1, 30)])
    found = problem()
    with django_assert_max_num_queries(3):
        what_differs(found)


def test_a_run_of_megabytes_is_left_out(fail: Fail, triage: Triage, flow: Flow) -> None:
    """A page that reads hundreds of runs must not read hundreds of megabytes."""
    bad = [fail(minutes_ago=n, trigger_data={"kind": "DE", "body": "x" * LONGEST_DATA}) for n in range(1, 13)]
    for n in range(30):
        fail(minutes_ago=n, status="success", first_failed_at=None, trigger_data={"kind": "FR"})
    triage(*bad)
    assert what_differs(problem()) == []
    triage(*[fail(minutes_ago=n, trigger_data={"kind": "DE"}) for n in range(1, 13)])
    assert [(one.field, one.value, one.found.of_failed) for one in what_differs(problem())] == [
        ("trigger.kind", "DE", 12)
    ]


def test_good_runs_are_looked_for_among_the_newest_of_each_flow(
    fail: Fail, triage: Triage, flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.triage.what_differs.LOOKED_AT", 40)
    bad = [fail(minutes_ago=n, trigger_data={"kind": "DE"}) for n in range(1, 13)]
    for n in range(20):
        fail(minutes_ago=15 + n, status="success", first_failed_at=None, trigger_data={"kind": "FR"})
    for n in range(50):
        fail(minutes_ago=100 + n, status="success", first_failed_at=None, trigger_data={"kind": "DE"})
    triage(*bad)
    assert [(one.value, one.found.good, one.found.of_good) for one in what_differs(problem())] == [("DE", 8, 28)]


def test_a_problem_without_runs_differs_in_nothing(fail: Fail, triage: Triage) -> None:
    run = fail()
    triage(run)
    found = problem()
    run.delete()
    assert what_differs(found) == []
