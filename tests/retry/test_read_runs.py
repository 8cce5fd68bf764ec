"""What a preview reads of many runs is enough for the verdict that the whole of each one gives."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest

from monitor.models import Execution, Flow, ZohoAccount
from monitor.periods import HOUR
from monitor.retry.facts import facts_for
from monitor.retry.preview import preview
from monitor.retry.prospects import prospect_of
from monitor.retry.read_runs import CHUNK, read_runs
from monitor.retry.safety import judge
from monitor.zoho.reruns import OVER_AFTER
from tests import factories

pytestmark = pytest.mark.django_db
NOW = factories.NOON
OLD, YOUNG = NOW - OVER_AFTER - HOUR, NOW - HOUR


@pytest.fixture
def flow(account: ZohoAccount) -> Flow:
    return factories.make_flow(account)


def failed(flow: Flow, **fields: object) -> Execution:
    return factories.make_execution(
        flow, "failed", error_code="X", error_message="Nobody knows", error_details="", **fields
    )


def test_the_verdict_on_one_of_many_is_that_on_the_whole_of_it(flow: Flow) -> None:
    """Whichever of its times are known, and the same or not."""
    for times in product((None, OLD, YOUNG), repeat=3):
        run = failed(flow, error_action_id="2")
        fields = dict(zip(("first_failed_at", "completed_time", "started_time"), times, strict=True))
        Execution.objects.filter(pk=run.pk).update(**fields)
    runs = {run.pk: run for run in Execution.objects.filter(flow=flow)}
    found = preview(list(runs), NOW).verdicts
    assert {pk: judge(facts_for(run, NOW), NOW) for pk, run in runs.items()} == found
    assert {verdict.kind for verdict in found.values()} == {"safe", "risky"}
    [many] = read_runs(list(runs))
    assert [run.pk for run in many] == sorted(runs)


@pytest.mark.parametrize("later", [timedelta(0), HOUR])
def test_what_a_retry_is_worth_hangs_on_when_the_ledger_says_that_it_failed(flow: Flow, later: timedelta) -> None:
    run = failed(flow, completed_time=OLD)
    factories.make_failure(run, failed_at=OLD + later)
    [[read]] = read_runs([run.pk])
    assert read.cause is not None
    assert read.cause.failed_at == OLD + later
    worth = prospect_of(Execution.objects.get(pk=run.pk))
    assert worth is not None
    assert preview([run.pk], NOW).outlooks == {worth.text: 1}


def test_a_run_without_an_entry_in_the_ledger_has_no_cause(flow: Flow) -> None:
    [[read]] = read_runs([failed(flow, completed_time=OLD).pk])
    assert (read.cause, read.fate) == (None, None)


def test_thousands_come_in_parts_each_once_and_in_order(flow: Flow) -> None:
    model = failed(flow, completed_time=OLD)
    row = {"account": flow.account, "flow": flow, "status": "failed", "first_seen_at": NOW, "changed_at": NOW}
    Execution.objects.bulk_create(Execution(execution_id=f"many-{n}", **row) for n in range(CHUNK + 5))
    keys = list(Execution.objects.filter(flow=flow).order_by("-pk").values_list("pk", flat=True))
    parts = [[run.pk for run in part] for part in read_runs(keys)]
    assert [len(part) for part in parts] == [CHUNK, 6]
    assert [key for part in parts for key in part] == sorted(keys)
    assert parts[0][0] == model.pk
