"""Usage reports from a day that stays: what was added between two of them is exact."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from monitor.models import StreamState, UsageSnapshot, WorkflowRule, ZohoAccount
from monitor.zoho.errors import DaysRefused, NotAvailable, Refused, ZohoError
from monitor.zoho.shapes import rules as rule_shapes
from tests.bystander import own
from tests.fake_zoho import FakeCrmClient, Json, Zoho, a_rule, a_task, a_usage, sync
from tests.ingest.mirror import stream


class Ledger:
    """A rule that Zoho counts day by day, and every span that was asked for."""

    def __init__(self, zoho: Zoho) -> None:
        self.zoho = zoho
        self.rule = a_rule()
        self.days: dict[date, list[int]] = {}
        self.reset_time: str | None = None
        self.spans: list[tuple[date, date]] = []
        self.before_report = lambda: None
        self.west = timedelta(days=-1)  # how far Zoho's calendar is behind ours; ahead of it unless a test says so
        zoho.rules.append(self.rule)

    def happen(self, success: int, failure: int = 0) -> None:
        day = self.days.setdefault(self.zoho.clock().date(), [0, 0])
        day[0] += success
        day[1] += failure
        self.rule["last_executed_time"] = self.zoho.clock().isoformat()

    def reset(self) -> None:
        self.days.clear()
        self.reset_time = self.zoho.clock().isoformat()

    def report(self, first: date, last: date) -> Json:
        self.before_report()
        self.spans.append((first, last))
        if first < self.zoho.clock().date() - timedelta(days=90) or last > (self.zoho.clock() - self.west).date():
            raise DaysRefused("DATE_RANGE_EXCEEDS", code="INVALID_REQUEST", status=400)
        inside = [counts for day, counts in self.days.items() if first <= day <= last]
        good, bad = (sum(counts[place] for counts in inside) for place in (0, 1))
        action = {"id": "9", "name": "Tell", "type": "webhooks", "success_count": good, "failure_count": bad}
        shown: Json = {"id": self.rule["id"], "trigger_count": good + bad, "reset_time": self.reset_time}
        return shown | {"conditions": [{"instant_actions": {"actions": [action]}}]}


@pytest.fixture
def ledger(zoho: Zoho, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    made = Ledger(zoho)

    def rule_usage(client: Any, rule_id: str, executed_from: date, executed_till: date) -> rule_shapes.RuleUsage:
        client._call(f"usage {rule_id}")
        return rule_shapes.rule_usage(made.report(executed_from, executed_till))

    monkeypatch.setattr(FakeCrmClient, "rule_usage", rule_usage)
    return made


def pass_days(account: ZohoAccount, zoho: Zoho, days: float) -> None:
    zoho.clock.pause(days * 86_400)
    sync(account, zoho)


def test_the_first_day_stays_and_the_day_says_what_was_added(
    account: ZohoAccount, zoho: Zoho, ledger: Ledger, now: datetime
) -> None:
    ledger.happen(5, 1)
    sync(account, zoho)
    since = now.date() - timedelta(days=87)
    zoho.clock.pause(86_400)
    ledger.happen(2, 3)
    sync(account, zoho)

    first, second = own(UsageSnapshot).order_by("day")
    assert ledger.spans[:1] == [(since, now.date())]
    assert (first.triggered, first.succeeded, first.failed, first.counted_from) == (None, None, None, None)
    assert (second.triggered, second.succeeded, second.failed) == (5, 2, 3)
    assert second.counted_from == first.taken_at
    assert second.actions == [{"id": "9", "name": "Tell", "type": "webhooks", "success": 7, "failure": 4}]
    assert not second.is_reset


def test_readings_of_one_day_add_up(account: ZohoAccount, zoho: Zoho, ledger: Ledger) -> None:
    sync(account, zoho)
    for _ in range(3):
        zoho.clock.pause(600)
        ledger.happen(1, 2)
        sync(account, zoho)
    day = own(UsageSnapshot).get()
    assert (day.succeeded, day.failed, day.failure_count) == (3, 6, 6)


def test_a_first_day_that_grows_old_is_moved_without_losing_an_increment(
    account: ZohoAccount, zoho: Zoho, ledger: Ledger
) -> None:
    sync(account, zoho)
    for passed in [1, *[5] * 19]:
        zoho.clock.pause(passed * 86_400)
        ledger.happen(3, 1)
        sync(account, zoho)

    days = own(UsageSnapshot).order_by("day")[1:]
    assert [(day.succeeded, day.failed, day.is_reset) for day in days] == [(3, 1, False)] * 20
    assert len({day.since for day in own(UsageSnapshot)}) == 4
    assert all((last - first).days < 90 for first, last in ledger.spans)


def test_what_happens_while_the_first_day_moves_is_counted_once(
    account: ZohoAccount, zoho: Zoho, ledger: Ledger
) -> None:
    ledger.happen(1)
    sync(account, zoho)
    happened = 0

    def meanwhile() -> None:
        nonlocal happened
        if len(ledger.spans) in (2, 3):  # the old span is read, the new one is about to be; and after it
            ledger.happen(1)
            happened += 1

    zoho.clock.pause(86_400)
    ledger.before_report = meanwhile  # type: ignore[method-assign]
    sync(account, zoho)
    pass_days(account, zoho, 1)
    pass_days(account, zoho, 1)
    assert happened == 2
    assert sum(day.succeeded or 0 for day in own(UsageSnapshot)) == happened


def test_after_a_long_silence_nothing_is_made_up(account: ZohoAccount, zoho: Zoho, ledger: Ledger) -> None:
    ledger.happen(4)
    sync(account, zoho)
    zoho.clock.pause(40 * 86_400)
    ledger.happen(1)
    zoho.clock.pause(100 * 86_400)
    sync(account, zoho)
    last = own(UsageSnapshot).latest("day")
    assert (last.succeeded, last.is_reset) == (None, False)
    zoho.clock.pause(86_400)
    ledger.happen(2)
    sync(account, zoho)
    assert own(UsageSnapshot).latest("day").succeeded == 2


def test_counters_that_were_set_back_are_a_reset_and_what_came_after_it_counts(
    account: ZohoAccount, zoho: Zoho, ledger: Ledger
) -> None:
    ledger.happen(50, 9)
    sync(account, zoho)
    zoho.clock.pause(86_400)
    ledger.reset()
    ledger.happen(2, 1)
    sync(account, zoho)
    last = own(UsageSnapshot).latest("day")
    assert (last.succeeded, last.failed, last.is_reset) == (2, 1, True)
    rule = own(WorkflowRule).get()
    assert (rule.success_count, rule.usage_reset_time) == (2, last.reset_time)
    pass_days(account, zoho, 1)
    assert not own(UsageSnapshot).latest("day").is_reset


def test_counters_that_fall_without_a_word_are_a_reset_and_never_negative(
    account: ZohoAccount, zoho: Zoho, ledger: Ledger
) -> None:
    ledger.happen(50, 9)
    sync(account, zoho)
    zoho.clock.pause(86_400)
    ledger.days.clear()
    ledger.happen(2, 1)
    sync(account, zoho)
    last = own(UsageSnapshot).latest("day")
    assert (last.succeeded, last.failed, last.is_reset) == (None, None, True)


def test_a_snapshot_from_before_first_days_were_kept_says_nothing_of_increments(
    account: ZohoAccount, zoho: Zoho, ledger: Ledger
) -> None:
    ledger.happen(4)
    sync(account, zoho)
    own(UsageSnapshot).update(since=None, actions=[])
    zoho.clock.pause(86_400)
    ledger.happen(1)
    sync(account, zoho)
    assert own(UsageSnapshot).latest("day").succeeded is None


def twelve_rules(zoho: Zoho) -> list[str]:
    zoho.rules = [a_rule(f"Rule {n:02}") for n in range(12)]
    zoho.usage = {rule["id"]: a_usage() for rule in zoho.rules}
    return [rule["id"] for rule in zoho.rules]


def refuse(zoho: Zoho, ids: list[str], error: ZohoError) -> None:
    def raise_it(number: int, what: str) -> None:
        if what in {f"usage {one}" for one in ids}:
            raise error

    zoho.before_call = raise_it


def reports_of_a_task(account: ZohoAccount, zoho: Zoho) -> list[str]:
    """The usage reports that one background sweep asks for."""
    zoho.calls.clear()
    own(StreamState).filter(stream="rules").update(next_due_at=None)
    sync(account, zoho, patience=a_task(zoho))
    return [call.split()[1] for call in zoho.calls if call.startswith("usage")]


@pytest.mark.parametrize("error", [Refused("not for this trigger"), NotAvailable("403", status=403)])
def test_rules_whose_reports_are_refused_do_not_keep_the_others_from_being_read(
    account: ZohoAccount, zoho: Zoho, error: ZohoError
) -> None:
    ids = twelve_rules(zoho)
    refuse(zoho, ids[:6], error)

    reports_of_a_task(account, zoho)

    assert set(own(WorkflowRule).exclude(usage_read_at=None).values_list("rule_id", flat=True)) == set(ids[6:])


def test_a_refused_report_is_asked_for_ever_more_seldom_and_told_of_until_it_is_there(
    account: ZohoAccount, zoho: Zoho
) -> None:
    ids = twelve_rules(zoho)
    refuse(zoho, ids[:1], Refused("not for this trigger"))
    asked = 0
    for turn in range(12):
        zoho.rules[-1]["last_executed_time"] = zoho.clock().isoformat()
        asked += ids[0] in reports_of_a_task(account, zoho)
        assert stream(account, "usage").state in ("failing", "incomplete"), turn
        assert "not for this trigger" in stream(account, "usage").reason
        zoho.clock.pause(300)
    assert asked <= 5

    zoho.before_call = lambda number, what: None
    zoho.clock.pause(6 * 3600)
    reports_of_a_task(account, zoho)
    rule = own(WorkflowRule).get(rule_id=ids[0])
    assert (rule.usage_tries, rule.usage_retry_at, rule.usage_problem) == (0, None, "")
    assert stream(account, "usage").state == "ok"


def test_where_no_report_is_to_be_had_few_are_asked_for(account: ZohoAccount, zoho: Zoho) -> None:
    refuse(zoho, twelve_rules(zoho), NotAvailable("403", status=403))

    assert len(reports_of_a_task(account, zoho)) == 10
    assert stream(account, "usage").state == "not_available"
    zoho.clock.pause(1)
    assert len(reports_of_a_task(account, zoho)) == 2


def test_the_oldest_report_comes_first(account: ZohoAccount, zoho: Zoho) -> None:
    ids = twelve_rules(zoho)
    reports_of_a_task(account, zoho)
    for number, one in enumerate(ids):
        at = zoho.clock() - timedelta(minutes=number)
        own(WorkflowRule).filter(rule_id=one).update(usage_read_at=at)
    zoho.rules.append(a_rule("new"))
    zoho.usage[zoho.rules[-1]["id"]] = a_usage()
    zoho.clock.pause(86_400)

    assert list(dict.fromkeys(reports_of_a_task(account, zoho))) == [zoho.rules[-1]["id"], *reversed(ids)]


def test_west_of_utc_a_day_that_has_not_begun_there_is_not_asked_for_again(
    account: ZohoAccount, ledger: Ledger, zoho: Zoho, now: datetime
) -> None:
    ledger.west = timedelta(hours=8)
    zoho.clock.at = now.replace(hour=2)
    yesterday = zoho.clock().date() - timedelta(days=1)
    ledger.days[yesterday] = [5, 1]
    ledger.rule["last_executed_time"] = (zoho.clock() - timedelta(hours=3)).isoformat()
    zoho.rules.append(a_rule("another"))

    assert sync(account, zoho).missing == []

    assert {row.usage_till for row in own(WorkflowRule)} == {yesterday}
    assert own(UsageSnapshot).filter(day=yesterday, success_count=5, failure_count=1).count() == 2
    refused = [last for _, last in ledger.spans if last > yesterday]
    assert len(refused) < len(ledger.spans) - 1, "the second rule is asked for the right day at once"
    assert ledger.spans[-1][1] == yesterday


def test_a_report_that_is_refused_for_either_day_says_why(account: ZohoAccount, ledger: Ledger, zoho: Zoho) -> None:
    ledger.west = timedelta(days=3)

    assert "DATE_RANGE_EXCEEDS" in " ".join(sync(account, zoho).missing)
