"""Failures that a success for the same record closes, by the field that holds it now."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from monitor.models import Execution, Failure, Flow, RecordField
from monitor.triage import groups, supersede
from monitor.triage import take as take_module
from monitor.triage.find_record import record_of
from monitor.triage.keyed import mark
from monitor.triage.take import by_earlier_successes
from tests import factories
from tests.bystander import Bystander, own
from tests.triage.conftest import Fail, Triage, fates

pytestmark = pytest.mark.django_db


def good(fail: Fail, minutes_ago: float, data: object) -> Execution:
    return fail(minutes_ago=minutes_ago, status="success", first_failed_at=None, trigger_data=data)


def test_failures_from_before_a_field_was_known_are_read_by_it_once_it_is(fail: Fail, triage: Triage) -> None:
    triage(fail(minutes_ago=90, trigger_data={"deal_id": "1", "n": 1}))
    assert own(Failure).get().record == ""
    good(fail, 80, {"deal_id": "1", "n": 2})
    runs = [fail(minutes_ago=n, trigger_data={"deal_id": str(n), "n": n}) for n in range(20, 40)]
    triage(*runs)
    assert own(RecordField).get().found == "deal_id"
    assert fates() == ["superseded", *["open"] * 20]


def test_another_field_that_a_person_chooses_is_applied_to_what_is_open(
    fail: Fail, triage: Triage, flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supersede, "STEP", 2)
    runs = [fail(minutes_ago=n, trigger_data={"id": str(n), "number": f"A{n}"}) for n in range(50, 57)]
    triage(*runs)
    for n in range(50, 57):
        good(fail, n - 40, {"id": "new", "number": f"A{n}"})
    triage()
    assert set(fates()) == {"open"}
    RecordField.objects.filter(flow=flow).update(chosen="number")
    triage()
    assert fates() == ["superseded"] * 7
    field = own(RecordField).get()
    assert (field.applied, field.apply_key, field.look_from) == ("number", None, None)


@pytest.fixture
def other_keys(bystander: Bystander) -> list[str]:
    """Secret keys that digests are made anew under: everybody's."""
    bystander.expect("Failure.record", "RecordField.applied_mark")
    return [f"another key of thirty-two characters or more, {n}" for n in range(2)]


def test_under_another_secret_key_all_records_are_made_anew_and_closed_as_before(
    fail: Fail, triage: Triage, flow: Flow, monkeypatch: pytest.MonkeyPatch, settings: Any, other_keys: list[str]
) -> None:
    monkeypatch.setattr(supersede, "STEP", 2)
    runs = {n: fail(minutes_ago=n, trigger_data={"id": str(n)}) for n in range(50, 57)}
    triage(*runs.values())
    Failure.objects.filter(pk=runs[50].pk).update(fate="recovered")
    Execution.objects.filter(pk=runs[51].pk).update(trigger_data=None)
    lost = Failure.objects.get(pk=runs[51].pk).record
    settings.SECRET_KEY = other_keys[0]
    # It is changed once more while half of them are made anew.
    assert supersede.by_earlier_successes_of(flow.pk, factories.NOON) == ([], False)
    settings.SECRET_KEY = other_keys[1]
    for n in runs:
        good(fail, n - 40, {"id": str(n)})
    triage()
    assert sorted(fates()) == ["open", "recovered", *["superseded"] * 5]
    kept = {n: Failure.objects.get(pk=run.pk).record for n, run in runs.items()}
    assert kept == {n: record_of({"id": str(n)}, "id") for n in runs} | {51: lost}
    field = own(RecordField).get()
    assert (field.applied, field.applied_mark, field.apply_key) == ("id", mark(), None)
    assert flow.pk not in supersede.flows_to_look_at()


def test_while_its_digest_is_of_another_key_no_failure_is_closed_for_another_record(
    fail: Fail, triage: Triage, settings: Any, other_keys: list[str]
) -> None:
    run = fail(minutes_ago=90, trigger_data={"id": "1"})
    triage(run, fail(minutes_ago=80, trigger_data={"id": "2"}))
    Execution.objects.filter(pk=run.pk).update(trigger_data=None)
    settings.SECRET_KEY = other_keys[0]
    triage(good(fail, 5, {"id": "1"}), good(fail, 4, {"id": "3"}))
    assert fates() == ["open", "open"], "of what has lost its data the record is not known any more"


def test_a_failure_keeps_its_group_under_another_secret_key(
    fail: Fail, triage: Triage, settings: Any, other_keys: list[str]
) -> None:
    run = fail(minutes_ago=90, trigger_data={"id": "1"})
    triage(run)
    before = own(Failure).get()
    settings.SECRET_KEY = other_keys[0]
    triage(run)
    after = own(Failure).get()
    assert after.group_id == before.group_id
    assert (after.error_digest, after.record) != (before.error_digest, before.record)


def test_under_another_secret_key_and_other_rules_a_failure_stays_with_its_problem_and_moves_by_other_words(
    fail: Fail, triage: Triage, settings: Any, other_keys: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """People's decisions hang on the problem: neither a release of ours nor a new key takes a failure away from it."""
    run = fail(minutes_ago=90, trigger_data={"id": "1"})
    triage(run)
    before = own(Failure).get()
    real = groups.cause_of
    monkeypatch.setattr(groups, "cause_of", lambda **said: replace(real(**said), fingerprint="f" * 32))
    settings.SECRET_KEY = other_keys[0]
    triage(run)
    assert own(Failure).get().group_id == before.group_id
    triage(run)
    assert own(Failure).get().group_id == before.group_id
    Execution.objects.filter(pk=run.pk).update(error_message="Other words")
    triage(run)
    assert own(Failure).get().group_id != before.group_id


def test_another_field_makes_the_records_of_what_has_ended_anew_too_so_that_each_is_listed_once(
    fail: Fail, triage: Triage, flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supersede, "STEP", 2)
    runs = [fail(minutes_ago=n, trigger_data={"id": str(n), "number": "A7"}) for n in range(50, 57)]
    triage(*runs)
    for run, fate in zip(runs, ("recovered", "retried", "superseded"), strict=False):
        Failure.objects.filter(pk=run.pk).update(fate=fate)
    RecordField.objects.filter(flow=flow).update(chosen="number")
    triage()
    assert set(own(Failure).values_list("record", flat=True)) == {record_of({"number": "A7"}, "number")}
    assert flow.pk not in supersede.flows_to_look_at()


def test_a_record_of_another_field_is_not_that_record(fail: Fail, triage: Triage, flow: Flow) -> None:
    run = fail(minutes_ago=90, trigger_data={"id": "1", "number": "7"})
    triage(run, fail(minutes_ago=80, trigger_data={"id": "2", "number": "8"}))
    Execution.objects.filter(pk=run.pk).update(trigger_data=None, payload_removed_at=factories.NOON)
    RecordField.objects.filter(flow=flow).update(chosen="number")
    triage(good(fail, 5, {"id": "9", "number": "1"}))
    assert fates() == ["open", "open"]


def test_a_field_that_few_runs_showed_is_looked_for_again_as_more_come(fail: Fail, triage: Triage) -> None:
    triage(*[fail(minutes_ago=90 + n, trigger_data={"id": str(n % 2), "n": n}) for n in range(4)])
    assert own(RecordField).get().found == "id"
    triage(*[fail(minutes_ago=30 + n, trigger_data={"id": str(n % 2), "n": n + 9}) for n in range(16)])
    assert own(RecordField).get().found == "", "two values in twenty runs are no records"
    assert {failure.record for failure in own(Failure)} == {""}


def test_all_earlier_successes_are_looked_through_step_by_step_and_from_where_it_ended(
    fail: Fail, triage: Triage, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supersede, "STEP", 3)
    for n in range(20):
        good(fail, 60, {"id": f"other {n}"})  # all at one time
    good(fail, 10, {"id": "1"})
    triage()
    # One step applies the field, six look at three runs each.
    run = fail(minutes_ago=200, trigger_data={"id": "1"})
    monkeypatch.setattr(take_module.supersede, "flows_to_look_at", list)
    triage(run)
    monkeypatch.undo()
    monkeypatch.setattr(supersede, "STEP", 3)
    for _ in range(7):
        steps = iter([True, False])
        by_earlier_successes(now, lambda steps=steps: next(steps))  # type: ignore[misc]
        assert fates() == ["open"]
    by_earlier_successes(now)
    assert fates() == ["superseded"]
    assert own(RecordField).get().look_from is None


def test_a_flow_whose_runs_cannot_be_read_keeps_no_other_back(
    fail: Fail, triage: Triage, flow: Flow, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = factories.make_flow(flow.account, executions_read_at=factories.NOON)
    for one in (flow, other):
        for n in range(2):
            fail(minutes_ago=10 + n, flow=one, status="success", first_failed_at=None, trigger_data={"id": str(n)})
    look = supersede.by_earlier_successes_of

    def fall(key: int, at: datetime) -> object:
        if key == flow.pk:
            raise ValueError("unreadable")
        return look(key, at)

    monkeypatch.setattr(supersede, "by_earlier_successes_of", fall)
    triage(*[fail(minutes_ago=90, flow=one, trigger_data={"id": "1"}) for one in (flow, other)])
    assert dict(own(Failure).values_list("flow_id", "fate")) == {flow.pk: "open", other.pk: "superseded"}
