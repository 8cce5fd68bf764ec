"""What may be searched of a row is written beside it, masked, by the row's writer, and follows every change."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from monitor.ingest.night import remask as remasking
from monitor.ingest.night.prune import prune
from monitor.ingest.night.remask import remask
from monitor.ingest.runs.merge import NEW_COLUMNS, Stored, merge, new_values
from monitor.models import Ages, Execution, WebhookFailure, ZohoAccount
from monitor.models.masked_text import masked_columns, says
from monitor.privacy import MASKING
from monitor.zoho.shapes import ExecutionRow
from tests import factories
from tests.bystander import own

pytestmark = pytest.mark.django_db
ERROR = {"error_code": "E1", "error_message": "To jo@example.com", "error_details": "call +49 151 12345678"}


def row_of(now: Any, **fields: Any) -> ExecutionRow:
    values = dict.fromkeys(ExecutionRow.__dataclass_fields__) | {"error_action_id": ""} | ERROR
    times = {"execution_id": "1", "started_time": now, "completed_time": now, "status": "failed"}
    return ExecutionRow(**(values | times | fields))


def test_a_new_run_is_searched_by_its_masked_error(now: Any) -> None:
    made = dict(zip(NEW_COLUMNS, new_values(row_of(now), now), strict=True))
    assert made["search_text"] == "e1\nto [e-mail]\ncall [phone]"
    assert made["masked_by"] == MASKING


def test_a_run_without_an_error_has_nothing_to_search(now: Any) -> None:
    made = dict(zip(NEW_COLUMNS, new_values(row_of(now, **dict.fromkeys(ERROR, "")), now), strict=True))
    assert (made["search_text"], made["masked_by"]) == ("", None)


def test_a_run_whose_error_changes_is_searched_by_all_of_the_new_one(now: Any) -> None:
    stored = Stored("failed", "failed", 0, now, {**ERROR, "completed_time": now, "started_time": now})
    changes = merge(stored, row_of(now, error_message="To al@example.com again"), now)
    assert changes["search_text"] == "e1\nto [e-mail] again\ncall [phone]"
    good = merge(stored, row_of(now, status="success", **dict.fromkeys(ERROR, "")), now)
    assert (good["search_text"], good["masked_by"]) == ("", None)
    assert "search_text" not in merge(stored, row_of(now, duration_ms=7), now)


def test_a_failed_webhook_is_searched_by_names_and_masked_reason(account: ZohoAccount, now: Any) -> None:
    failure = factories.make_webhook_failure(account, reason="To jo@example.com", webhook_name="Tell jo@example.com")
    assert failure.search_text == "big deals\ntell [e-mail]\nto [e-mail]"


@pytest.mark.usefixtures("all_are_pruned")
def test_details_that_went_for_their_age_are_searched_no_longer(account: ZohoAccount, now: Any) -> None:
    flow = factories.make_flow(account)
    old = factories.make_execution(flow, "failed", started_time=now - timedelta(days=40), **ERROR)
    plain = factories.make_execution(flow, "success", started_time=now - timedelta(days=40), trigger_data={"a": 1})
    prune(Ages(payload=30, rows=400, hours=400, days=400), now, lambda: True)
    old.refresh_from_db()
    assert (old.search_text, old.masked_by) == ("", 0)
    assert remask(lambda: True) == 1
    old.refresh_from_db()
    plain.refresh_from_db()
    assert (old.search_text, old.masked_by) == ("e1\nto [e-mail]", MASKING)
    assert (plain.search_text, plain.masked_by) == ("", None)


@pytest.mark.parametrize("version", [0, MASKING - 1, MASKING + 1])
def test_what_other_rules_masked_is_masked_anew_in_batches(
    version: int, account: ZohoAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remasking, "BATCH", 2)
    flow = factories.make_flow(account)
    for _ in range(5):
        factories.make_execution(flow, "failed", **ERROR, search_text="to jo@example.com", masked_by=version)
    factories.make_webhook_failure(account, reason="To jo@example.com", search_text="jo@", masked_by=version)
    assert not Execution.objects.filter(says("to jo@")).exists()
    turns = iter([True, True, False, False])
    assert remask(lambda: next(turns)) == 4
    assert remask(lambda: True) == 2
    assert own(Execution).filter(says("to [e-mail]")).count() == 5
    assert own(WebhookFailure).get().search_text == "big deals\ntell the shop\nto [e-mail]"
    assert remask(lambda: True) == 0


def test_what_was_masked_is_found_in_any_case_and_by_no_sign_of_the_database(account: ZohoAccount) -> None:
    columns = masked_columns("Straße 100%_done\\ÉTAT")
    factories.make_execution(factories.make_flow(account), "failed", **columns)
    for text in ("straße", "STRASSE", "100%_DONE\\", "état"):
        assert own(Execution).filter(says(text)).count() == 1
    assert not own(Execution).filter(says("100_")).exists()


NAMED = {"error_message": "Contact Quilla Zorn not found", "error_details": "", "error_code": ""}
DATA = {"payload": {"contact": {"Full_Name": "Quilla Zorn"}}}


def test_names_of_a_new_runs_data_are_hidden_in_its_error(now: Any) -> None:
    made = dict(zip(NEW_COLUMNS, new_values(row_of(now, **NAMED, trigger_data=DATA), now), strict=True))
    assert made["search_text"] == "contact [hidden] not found"
    assert made["said_names"].splitlines() == ["Quilla Zorn", "Quilla", "Zorn"]


def test_names_follow_the_error_and_the_data_in_whatever_order_they_come(now: Any) -> None:
    times = {"completed_time": now, "started_time": now}
    bare = Stored("failed", "failed", 0, now, NAMED | times)
    changes = merge(bare, row_of(now, **NAMED, trigger_data=DATA), now)
    assert changes["search_text"] == "contact [hidden] not found"
    silent = Stored("failed", "failed", 0, now, dict.fromkeys(NAMED, "") | times | {"trigger_data": DATA})
    assert merge(silent, row_of(now, **NAMED, trigger_data=DATA), now)["search_text"] == "contact [hidden] not found"
    known = Stored("failed", "failed", 0, now, NAMED | times | {"said_names": "Quilla Zorn\nQuilla\nZorn"})
    again = merge(known, row_of(now, **NAMED | {"error_message": "Zorn is gone"}), now)
    assert (again["search_text"], again["said_names"]) == ("[hidden] is gone", "Zorn")
    good = merge(known, row_of(now, status="success", **dict.fromkeys(NAMED, "")), now)
    assert (good["search_text"], good["said_names"]) == ("", "")
    plain = Stored("success", "success", 0, None, dict.fromkeys(NAMED, "") | times)
    quiet = row_of(now, status="success", **dict.fromkeys(NAMED, ""), trigger_data=DATA)
    assert "said_names" not in merge(plain, quiet, now)


@pytest.mark.usefixtures("all_are_pruned")
def test_names_stay_hidden_when_the_data_has_gone_for_its_age(account: ZohoAccount, now: Any) -> None:
    flow = factories.make_flow(account)
    old = factories.make_execution(flow, "failed", started_time=now - timedelta(days=40), **NAMED, trigger_data=DATA)
    prune(Ages(payload=30, rows=400, hours=400, days=400), now, lambda: True)
    remask(lambda: True)
    old.refresh_from_db()
    assert (old.trigger_data, old.search_text) == (None, "contact [hidden] not found")
    assert old.people == ["Quilla Zorn", "Quilla", "Zorn"]


def test_runs_of_older_rules_get_their_names_in_the_night(account: ZohoAccount) -> None:
    flow = factories.make_flow(account)
    run = factories.make_execution(
        flow, "failed", **NAMED, trigger_data=DATA, search_text="contact quilla zorn", masked_by=MASKING - 1
    )
    remask(lambda: True)
    run.refresh_from_db()
    assert (run.search_text, run.people) == ("contact [hidden] not found", ["Quilla Zorn", "Quilla", "Zorn"])
