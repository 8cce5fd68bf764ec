"""Failed calls of webhooks: each once, however often it is listed."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.connection import BudgetSpent
from monitor.ingest.lists.webhook_failures import Cursor, read_cursor, windows
from monitor.models import Quarantine, WebhookFailure, WorkflowRule, ZohoAccount
from monitor.zoho.errors import DaysRefused
from tests.bystander import own
from tests.fake_zoho import Zoho, a_rule, a_task, a_webhook_failure, hasty, sync
from tests.ingest.mirror import stream

TODAY = date(2026, 11, 22)
days_ago = st.integers(0, 300).map(lambda n: TODAY - timedelta(days=n))


def covered(cursor: Cursor | None) -> set[date]:
    """Every day that is asked for; Zoho's own today stands for an open end."""
    found: set[date] = set()
    for window in windows(cursor, TODAY):
        last = window.last or TODAY
        assert window.first <= last
        assert (last - window.first).days < 30
        found |= {window.first + timedelta(days=n) for n in range((last - window.first).days + 1)}
    return found


def test_the_first_reading_covers_what_zoho_keeps_the_newest_first() -> None:
    found = list(windows(None, TODAY))
    assert covered(None) == {TODAY - timedelta(days=n) for n in range(90)}
    assert [window.last for window in found] == [None, date(2026, 10, 23), date(2026, 9, 23)]


def test_after_that_only_the_last_days_are_read_again() -> None:
    cursor = list(windows(None, TODAY))[-1].reached
    assert covered(cursor) == {TODAY - timedelta(days=n) for n in range(3)}


@given(days_ago, days_ago, st.integers(0, 120))
def test_no_day_that_zoho_keeps_is_left_out_wherever_it_was_interrupted(until: date, back: date, more: int) -> None:
    cursor = Cursor(until, min(until, back), min(until, back) - timedelta(days=more))
    oldest = TODAY - timedelta(days=89)
    wanted = {oldest + timedelta(days=n) for n in range(90)}
    known = {day for day in wanted if cursor.back_to <= day <= cursor.until}
    forgotten = {day for day in wanted if day < cursor.first}
    assert covered(cursor) >= wanted - known - (forgotten if until >= oldest else set())


@given(days_ago, st.integers(0, 8))
def test_going_on_from_any_window_reads_what_was_left(until: date, stop: int) -> None:
    reached = Cursor(until, until, TODAY - timedelta(days=89))
    for count, window in enumerate(windows(reached, TODAY)):
        if count == stop:
            break
        reached = window.reached
    wanted = {TODAY - timedelta(days=n) for n in range(90)}
    known = {day for day in wanted if reached.back_to <= day <= reached.until}
    assert covered(reached) | known == wanted


@pytest.mark.parametrize("value", [None, {}, [], "x", {"until": "x", "back_to": "y", "first": "z"}, {"until": 3}])
def test_a_cursor_that_cannot_be_read_is_none(value: object) -> None:
    assert read_cursor(value) is None


def test_failures_are_mirrored_with_their_rule(account: ZohoAccount, zoho: Zoho) -> None:
    rule = a_rule("Big deals")
    zoho.rules = [rule]
    zoho.webhook_failures = [a_webhook_failure(workflow_rule={"id": rule["id"], "name": "Big deals"})]
    assert sync(account, zoho).complete

    row = own(WebhookFailure).get()
    assert row.rule is not None
    assert row.rule.rule_id == rule["id"]
    assert (row.webhook_name, row.module, row.record_name, row.reason) == (
        "Tell the shop",
        "Leads",
        "Jo Example",
        "page_notfound",
    )
    assert row.failure_time == datetime.fromisoformat("2026-11-21T10:00:00+05:30")


def test_a_rule_that_is_mirrored_later_is_joined_then(account: ZohoAccount, zoho: Zoho) -> None:
    rule = a_rule()
    zoho.webhook_failures = [a_webhook_failure(workflow_rule={"id": rule["id"], "name": ""})]
    sync(account, zoho)
    assert own(WebhookFailure).get().rule is None
    zoho.rules = [rule]
    zoho.clock.pause(600)
    sync(account, zoho)
    assert own(WebhookFailure).get().rule is not None


def test_each_is_kept_once_and_as_it_was_first_seen(account: ZohoAccount, zoho: Zoho) -> None:
    zoho.webhook_failures = [a_webhook_failure() for _ in range(3)]
    sync(account, zoho)
    before = list(own(WebhookFailure).order_by("pk").values())
    zoho.clock.pause(600)
    zoho.webhook_failures.append(a_webhook_failure("2026-11-22T09:00:00+05:30"))
    sync(account, zoho)
    assert own(WebhookFailure).count() == 4
    assert list(own(WebhookFailure).order_by("pk").values()[:3]) == before
    assert stream(account, "webhook_failures").item_count == 4


def test_more_than_a_page_is_read_to_its_end(account: ZohoAccount, zoho: Zoho) -> None:
    zoho.webhook_failures = [a_webhook_failure() for _ in range(401)]
    sync(account, zoho)
    assert own(WebhookFailure).count() == 401


def test_what_the_past_still_lacks_is_read_when_calls_are_there_again(account: ZohoAccount, zoho: Zoho) -> None:
    zoho.webhook_failures = [a_webhook_failure(f"2026-{month}-10T10:00:00Z") for month in ("11", "10", "09")]
    spent = True

    def refuse(number: int, what: str) -> None:
        if spent and what.startswith("webhook failures 2026-09"):
            now = zoho.clock()
            raise BudgetSpent("spent", now=now, until=now + timedelta(minutes=1))

    zoho.before_call = refuse
    sync(account, zoho, patience=hasty(zoho))
    assert own(WebhookFailure).count() == 1
    assert stream(account, "webhook_failures").state == "incomplete"
    spent = False
    zoho.clock.pause(600)
    sync(account, zoho)
    assert own(WebhookFailure).count() == 3
    assert stream(account, "webhook_failures").state == "ok"
    zoho.calls.clear()
    zoho.clock.pause(600)
    sync(account, zoho)
    assert zoho.asked("webhook failures") == 1


def test_days_of_the_past_that_zoho_finds_too_old_end_the_past(account: ZohoAccount, zoho: Zoho) -> None:
    def refuse(number: int, what: str) -> None:
        if what.startswith(("webhook failures 2026-08", "webhook failures 2026-09")):
            raise DaysRefused("DATE_RANGE_EXCEEDS", code="INVALID_REQUEST", status=400)

    zoho.before_call = refuse
    assert sync(account, zoho).complete
    assert stream(account, "webhook_failures").cursor["first"] == "2026-10-24"
    zoho.calls.clear()
    zoho.clock.pause(600)
    sync(account, zoho)
    assert zoho.asked("webhook failures") == 1


def test_new_days_that_zoho_refuses_are_not_passed_over(account: ZohoAccount, zoho: Zoho) -> None:
    zoho.webhook_failures = [a_webhook_failure()]
    refused = True

    def refuse(number: int, what: str) -> None:
        if refused and what.startswith("webhook failures"):
            raise DaysRefused("DATE_RANGE_EXCEEDS", code="INVALID_REQUEST", status=400)

    zoho.before_call = refuse
    sync(account, zoho)
    assert stream(account, "webhook_failures").state == "failing"
    refused = False
    zoho.clock.pause(600)
    sync(account, zoho)
    assert own(WebhookFailure).count() == 1


def test_odd_rows_are_put_aside_and_odd_values_are_kept_as_far_as_they_go(account: ZohoAccount, zoho: Zoho) -> None:
    zoho.webhook_failures = [
        a_webhook_failure(id=None),
        a_webhook_failure(webhook=None, workflow_rule="x" * 900, entity_details=[], failure_reason={"a": 1}),
        a_webhook_failure(entity_details={"name": "a\x00b" * 400, "id": 7, "module": "Leads"}),
    ]
    sync(account, zoho)
    assert own(WebhookFailure).count() == 2
    assert own(Quarantine).filter(stream="webhook_failures").count() == 1


def test_they_are_asked_for_every_five_minutes(account: ZohoAccount, busy: Zoho) -> None:
    sync(account, busy)
    busy.calls.clear()
    for _ in range(9):
        busy.clock.pause(30)
        sync(account, busy, patience=a_task(busy))
    assert busy.asked("webhook failures") == 0
    busy.clock.pause(60)
    sync(account, busy, patience=a_task(busy))
    assert busy.asked("webhook failures") == 1


def test_a_list_without_an_end_is_not_taken_for_read(
    account: ZohoAccount, zoho: Zoho, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync(account, zoho)
    before = stream(account, "webhook_failures").cursor
    monkeypatch.setattr("monitor.ingest.lists.webhook_failures.MOST_PAGES", 2)
    zoho.webhook_failures = [a_webhook_failure(f"{zoho.clock().date()}T09:00:00Z") for _ in range(401)]
    zoho.clock.pause(86_400)

    sync(account, zoho)

    assert own(WebhookFailure).count() == 400
    assert stream(account, "webhook_failures").state == "failing"
    assert stream(account, "webhook_failures").cursor == before


def test_rules_beyond_a_list_without_an_end_are_not_gone(
    account: ZohoAccount, zoho: Zoho, monkeypatch: pytest.MonkeyPatch
) -> None:
    zoho.rules = [a_rule() for _ in range(401)]
    sync(account, zoho)
    monkeypatch.setattr("monitor.ingest.lists.rules.MOST_PAGES", 2)
    zoho.clock.pause(86_400)

    sync(account, zoho)

    assert stream(account, "rules").state == "failing"
    assert not own(WorkflowRule).exclude(gone_at=None).exists()
