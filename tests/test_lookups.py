"""Many values are compared at once as `in` compares them, by the same index and without a join."""

from __future__ import annotations

import pytest
from django.db import connection

from monitor.models import Execution, Failure, RetryAttempt, ZohoAccount
from tests import factories


@pytest.fixture
def runs(account: ZohoAccount) -> list[Execution]:
    flow = factories.make_flow(account)
    return [factories.make_execution(flow, "failed") for _ in range(5)]


def test_it_finds_what_in_finds(runs: list[Execution]) -> None:
    some = [run.pk for run in runs[1:3]]
    assert set(Execution.objects.filter(pk__among=some)) == set(runs[1:3])
    names = [run.execution_id for run in runs[2:]]
    assert set(Execution.objects.filter(execution_id__among=names)) == set(runs[2:])
    assert not Execution.objects.filter(pk__among=[]).exists()
    assert Execution.objects.exclude(pk__among=some).filter(pk__among=[run.pk for run in runs]).count() == 3


def test_a_foreign_key_is_compared_without_a_join(runs: list[Execution]) -> None:
    for run in runs[:2]:
        factories.make_failure(run)
    keys = [run.pk for run in runs]
    assert Failure.objects.filter(execution__id__among=keys).count() == 2
    rows = RetryAttempt.objects.filter(execution__id__among=keys)
    assert "JOIN" not in str(rows.query)
    assert not rows.exists()


def test_thousands_are_one_parameter_where_there_are_arrays(runs: list[Execution]) -> None:
    wanted = Execution.objects.filter(pk__among=range(1, 5001))
    _, parameters = wanted.query.sql_with_params()
    assert len(parameters) == (1 if connection.vendor == "postgresql" else 5000)
    found = set(wanted.values_list("pk", flat=True))
    assert found == {run.pk for run in runs if run.pk <= 5000} | (found - {run.pk for run in runs})


@pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL has arrays")
@pytest.mark.parametrize("lookup", ["pk__among", "execution_id__among"])
def test_an_index_serves_it(runs: list[Execution], lookup: str) -> None:
    values = [run.pk if lookup.startswith("pk") else run.execution_id for run in runs]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    assert "Index" in Execution.objects.filter(**{lookup: values}).explain()
