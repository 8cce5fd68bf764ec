"""The records that failed runs were about: which they are, what of them people see, and what that costs."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from monitor.models import Execution, Failure, Flow, RecordField
from monitor.triage import impacted
from monitor.triage.impacted import all_with_ids, records, with_ids, without_record
from monitor.triage.shown_values import along, shown_at
from tests import factories
from tests.triage.conftest import Fail, Triage, problem

pytestmark = pytest.mark.django_db


def of_problem() -> Q:
    return Q(group__problem=problem())


def told(**options: bool) -> list[tuple[str, int, int]]:
    return [(one.record_id, one.failed, one.open) for one in all_with_ids(of_problem(), **options)]


def test_each_record_is_named_once_with_how_many_runs_failed_for_it_and_are_open(
    fail: Fail, triage: Triage, flow: Flow, now: datetime
) -> None:
    RecordField.objects.create(flow=flow, chosen="id", found_at=now)
    runs = [fail(minutes_ago=n, trigger_data={"id": f"33612{n % 5}"}) for n in range(1, 10)]
    none = fail(minutes_ago=70, trigger_data={"note": "without"})
    triage(*runs, none)
    Failure.objects.filter(pk=runs[0].pk).update(fate="recovered")
    assert told() == [("336122", 2, 2), ("336123", 2, 2), ("336124", 2, 2), ("336121", 2, 1), ("336120", 1, 1)]
    assert without_record(of_problem()) == 1


def test_the_same_id_in_two_flows_is_two_records(fail: Fail, triage: Triage, flow: Flow) -> None:
    other = factories.make_flow(flow.account)
    for of in (flow, other):
        triage(*(fail(minutes_ago=n, flow=of, trigger_data={"id": str(n)}) for n in range(1, 4)))
    assert sorted(told()) == [(str(n), 1, 1) for n in (1, 1, 2, 2, 3, 3)]


def test_an_id_that_is_a_persons_is_hidden_and_comes_whole_for_whoever_may_unmask(
    fail: Fail, triage: Triage, flow: Flow, now: Any
) -> None:
    RecordField.objects.create(flow=flow, chosen="Email", found_at=now)
    triage(*(fail(minutes_ago=n, trigger_data={"Email": f"quilla{n}@example.com"}) for n in (1, 2)))
    assert told() == [("[hidden]", 1, 1)] * 2
    assert sorted(told(masked=False)) == [("quilla1@example.com", 1, 1), ("quilla2@example.com", 1, 1)]


def test_a_record_whose_data_is_gone_is_counted_without_its_id(fail: Fail, triage: Triage) -> None:
    triage(*(fail(minutes_ago=n, trigger_data={"id": str(n)}) for n in (1, 2, 3)))
    Execution.objects.filter(failure__group__problem=problem()).update(trigger_data=None)
    assert told() == [("", 1, 1)] * 3


def test_the_run_that_is_named_failed_last_whenever_it_was_mirrored(fail: Fail, triage: Triage) -> None:
    new, old = (fail(minutes_ago=n, trigger_data={"id": "7"}) for n in (1, 60))
    triage(new, old, *(fail(minutes_ago=n, trigger_data={"id": str(n)}) for n in (2, 3)))
    assert new.pk < old.pk
    [found] = [one for one in all_with_ids(of_problem()) if one.record_id == "7"]
    assert (found.newest, found.last_failed_at, found.failed) == (new, new.completed_time, 2)


@pytest.mark.parametrize("lost", ["gone", "too long"])
def test_where_the_last_run_of_a_record_has_lost_its_data_another_one_tells_the_id(
    fail: Fail, triage: Triage, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    new, old = (fail(minutes_ago=n, trigger_data={"id": "7"}) for n in (1, 60))
    triage(new, old, *(fail(minutes_ago=n, trigger_data={"id": str(n)}) for n in (2, 3)))
    monkeypatch.setattr(impacted, "LONGEST_READ", 200)
    data = None if lost == "gone" else {"id": "7", "note": "x" * 200}
    Execution.objects.filter(pk=new.pk).update(trigger_data=data)
    found = {one.record_id: one.newest for one in all_with_ids(of_problem())}
    assert found.keys() == {"7", "2", "3"}
    assert found["7"] == new


def test_of_a_record_whose_data_is_gone_no_more_runs_are_looked_at_the_longer_it_fails(
    fail: Fail, triage: Triage
) -> None:
    runs = [fail(minutes_ago=n, trigger_data={"id": "7"}) for n in range(1, 31)]
    triage(*runs, *(fail(minutes_ago=40 + n, trigger_data={"id": str(n)}) for n in (2, 3)))
    of_it = [run.pk for run in runs]
    told_by: dict[int, impacted.ImpactedRecord] = {}
    for n in (0, impacted.MOST_TRIED - 1, impacted.MOST_TRIED):
        Execution.objects.filter(pk__in=of_it[:n]).update(trigger_data=None)
        rows = [row for row in records(of_problem()) if row["failed"] == len(runs)]
        with CaptureQueriesContext(connection) as found:
            [told_by[n]] = with_ids(of_problem(), rows)
        read = [query["sql"] for query in found if "trigger_data" in query["sql"]]
        assert not any(str(run.pk) in re.findall(r"\d+", sql) for sql in read for run in runs[impacted.MOST_TRIED :])
    assert [one.record_id for one in told_by.values()] == ["7", "7", ""]
    assert {one.failed for one in told_by.values()} == {len(runs)}


def test_a_record_stays_in_the_list_while_its_run_fails_once_more(fail: Fail, triage: Triage) -> None:
    runs = [fail(minutes_ago=n, trigger_data={"id": str(n)}) for n in (1, 2, 3)]
    triage(*runs)
    rows = list(records(of_problem()))
    Failure.objects.filter(pk=runs[0].pk).update(failed_at=factories.NOON)
    assert {one.record_id for one in with_ids(of_problem(), rows)} == {"1", "2", "3"}


def test_an_id_is_never_read_from_another_field_than_the_record_was(
    fail: Fail, triage: Triage, flow: Flow, now: Any
) -> None:
    """Somebody has just chosen another field: until it is applied the old records are those of the old field."""
    triage(*(fail(minutes_ago=n, trigger_data={"id": str(n), "order": f"A{n}"}) for n in (1, 2, 3)))
    RecordField.objects.filter(flow=flow).update(chosen="order")
    assert sorted(told()) == [("1", 1, 1), ("2", 1, 1), ("3", 1, 1)]
    RecordField.objects.filter(flow=flow).update(found="", applied="order")
    assert told() == [("", 1, 1)] * 3


def test_what_is_too_long_to_be_read_is_counted_without_its_id(
    fail: Fail, triage: Triage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(impacted, "LONGEST_READ", 200)
    long = {"note": "x" * 200}
    triage(*(fail(minutes_ago=n, trigger_data={"id": str(n)} | (long if n == 1 else {})) for n in (1, 2, 3)))
    assert [record for record, _, _ in told()] == ["", "2", "3"]


def test_a_page_of_records_costs_as_much_for_one_as_for_many(
    fail: Fail, triage: Triage, flow: Flow, django_assert_num_queries: Any
) -> None:
    for _ in range(3):
        other = factories.make_flow(flow.account)
        triage(*(fail(minutes_ago=n, flow=other, trigger_data={"id": str(n)}) for n in range(1, 8)))
    scope = of_problem()
    for size in (2, 21):
        with django_assert_num_queries(5):
            assert len(with_ids(scope, list(records(scope)[:size]))) == size


def test_those_of_a_batch_are_its_items(fail: Fail, triage: Triage, now: Any) -> None:
    runs = [fail(minutes_ago=n, trigger_data={"id": str(n)}) for n in range(1, 5)]
    triage(*runs)
    scope = Q(execution__in=[runs[0].pk, runs[2].pk])
    assert [one.record_id for one in all_with_ids(scope)] == ["1", "3"]
    assert [one.last_failed_at for one in all_with_ids(scope)] == [
        now - timedelta(minutes=n) + timedelta(seconds=2) for n in (1, 3)
    ]


KEYS = st.sampled_from(["id", "name", "value", "Email", "contact", "token", "label", "a@example.com", "Last_Name"])
LEAVES = st.sampled_from(["Last_Name", "Quilla", "336", "quilla@example.com", 7, None, ["x"], ""])


@given(st.recursive(LEAVES, lambda inner: st.dictionaries(KEYS, inner, min_size=1, max_size=4), max_leaves=12))
def test_a_value_is_hidden_as_in_the_whole_of_the_data(data: Any) -> None:
    def paths(node: Any, before: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
        if not isinstance(node, dict):
            return [before] if before else []
        return [path for key, value in node.items() for path in paths(value, (*before, key))]

    for path in paths(data):
        leaf = data
        for key in path:
            leaf = leaf[key]
        if isinstance(leaf, str | int):
            assert shown_at(along(data, path), path)[1] == shown_at(data, path)[1]
