"""The gate before each call: one ledger for all processes."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from email.utils import format_datetime

import pytest

from monitor.connection import BudgetSpent, Gate, ledger
from monitor.connection.budget import KeptForOthers
from monitor.connection.limits import DAY, MINUTE, CallLimits
from monitor.models import ApiBudget, ApiCall, ZohoAccount
from monitor.zoho.protocol import Headers
from tests.bystander import own
from tests.factories import make_account
from tests.fake_zoho import Clock


@pytest.fixture
def clock(now: datetime) -> Clock:
    return Clock(now)


def call(gate: Gate, status: int | None = 200, product: str = "flow", **headers: object) -> None:
    handle = gate.before(product, "GET", "/api/v1/flows")
    named = {name.replace("_", "-"): str(value) for name, value in headers.items()}
    gate.after(handle, product, status, Headers(named))


def spend(gate: Gate, most: int = 1000) -> int:
    """How many calls go through now."""
    for number in range(most):
        try:
            call(gate)
        except BudgetSpent:
            return number
    return most


def budget(account: ZohoAccount, product: str = "flow") -> ApiBudget:
    return ApiBudget.objects.get(account=account, product=product)


@pytest.mark.django_db
class TestMinute:
    def test_without_a_plan_ten_a_minute_until_the_header_tells_the_plan(self, clock: Clock) -> None:
        gate = Gate(make_account(plan=""), clock, for_people=True)

        assert spend(gate) == 10
        clock.pause(61)
        call(gate, x_ratelimit_limit=10_000, x_ratelimit_remaining=9_000)
        assert spend(gate) == 29

    def test_two_gates_share_one_ledger(self, clock: Clock) -> None:
        account = make_account(plan="free")
        one, other = Gate(account, clock, for_people=True), Gate(account, clock, for_people=True)

        for _ in range(5):
            call(one)
            call(other)

        with pytest.raises(BudgetSpent, match="10 calls a minute"):
            call(one)
        with pytest.raises(BudgetSpent):
            call(other)

    def test_background_work_leaves_the_reserve_and_people_may_use_it(self, clock: Clock) -> None:
        account = make_account(plan="standard")

        assert spend(Gate(account, clock)) == 27
        assert spend(Gate(account, clock, for_people=True)) == 3

    def test_a_slot_is_free_a_minute_after_the_answer_and_not_after_the_sending(self, clock: Clock) -> None:
        gate = Gate(make_account(plan="", calls_per_minute=1), clock, for_people=True)
        handle = gate.before("flow", "GET", "/")
        clock.pause(40)
        gate.after(handle, "flow", 200, Headers())
        clock.pause(30)

        with pytest.raises(BudgetSpent) as spent:
            call(gate)
        clock.pause(spent.value.retry_after)
        call(gate)
        assert timedelta(seconds=100) <= clock() - datetime.fromisoformat("2026-11-22T12:00:00+00:00")

    def test_a_call_under_way_holds_its_slot(self, clock: Clock) -> None:
        account = make_account(plan="", calls_per_minute=1)
        Gate(account, clock, for_people=True).before("flow", "GET", "/")
        clock.pause(70)

        with pytest.raises(BudgetSpent):
            call(Gate(account, clock, for_people=True))

    def test_a_call_whose_process_died_holds_its_slot_for_two_minutes(self, clock: Clock) -> None:
        account = make_account(plan="", calls_per_minute=1)
        Gate(account, clock, for_people=True).before("flow", "GET", "/")
        clock.pause(121)

        call(Gate(account, clock, for_people=True))
        assert own(ApiCall).count() == 2

    def test_a_refused_call_is_not_written_down(self, clock: Clock) -> None:
        gate = Gate(make_account(plan="", calls_per_minute=1), clock, for_people=True)
        call(gate)
        with pytest.raises(BudgetSpent):
            call(gate)

        assert own(ApiCall).count() == 1

    def test_flow_and_crm_are_counted_apart(self, clock: Clock) -> None:
        gate = Gate(make_account(plan="", calls_per_minute=2), clock, for_people=True)
        for product in ("crm", "crm", "crm", "flow", "flow"):
            call(gate, product=product)

        with pytest.raises(BudgetSpent):
            call(gate, product="flow")
        call(gate, product="crm")


@pytest.mark.django_db
class TestDay:
    def test_the_day_is_a_rolling_one(self, clock: Clock) -> None:
        gate = Gate(make_account(plan="", calls_per_minute=1000, calls_per_day=10), clock, for_people=True)

        assert spend(gate) == 10
        with pytest.raises(BudgetSpent, match="10 calls a day") as spent:
            call(gate)
        assert spent.value.until == clock() + DAY + MINUTE
        clock.pause(spent.value.retry_after + 1)
        call(gate)

    def test_calls_of_other_processes_are_counted_in_time(self, clock: Clock) -> None:
        """Each gate counts the day once in half a minute; near the limit that would be too seldom."""
        account = make_account(plan="", calls_per_minute=1000, calls_per_day=20)
        one, other = Gate(account, clock, for_people=True), Gate(account, clock, for_people=True)
        call(one)
        call(other)

        through = 0
        for _ in range(30):
            for gate in (one, other):
                with suppress(BudgetSpent):
                    call(gate)
                    through += 1

        assert through == 18
        assert own(ApiCall).count() == 20

    def test_zohos_own_number_corrects_ours(self, clock: Clock) -> None:
        account = make_account(plan="enterprise")
        gate = Gate(account, clock, for_people=True)
        call(gate, x_ratelimit_limit=5, x_ratelimit_remaining=4)

        assert spend(gate) == 4


@pytest.mark.django_db
class TestHeaders:
    def test_after_a_429_no_process_calls_before_retry_after(self, account: ZohoAccount, clock: Clock) -> None:
        call(Gate(account, clock), 429, retry_after=90)

        for people in (True, False):
            with pytest.raises(BudgetSpent, match="429") as spent:
                call(Gate(account, clock, for_people=people))
            assert spent.value.retry_after == 90
        clock.pause(90.1)
        call(Gate(account, clock))

    def test_nothing_remaining_with_a_200_stops_before_the_429(self, account: ZohoAccount, clock: Clock) -> None:
        reset = int(clock().timestamp()) + 1800
        call(Gate(account, clock), x_ratelimit_limit=1000, x_ratelimit_remaining=0, x_ratelimit_reset=reset)

        with pytest.raises(BudgetSpent, match="no calls remain") as spent:
            call(Gate(account, clock, for_people=True))
        assert spent.value.retry_after == 1800

    @pytest.mark.parametrize("skew", [-3600, 3600])
    def test_zohos_times_are_read_by_zohos_clock(self, account: ZohoAccount, clock: Clock, skew: int) -> None:
        theirs = clock() + timedelta(seconds=skew)
        date, later = (format_datetime(at, usegmt=True) for at in (theirs, theirs + timedelta(seconds=120)))
        call(Gate(account, clock), 429, date=date, retry_after=later)
        assert budget(account).blocked_until == clock() + timedelta(seconds=120)

        other = make_account()
        reset = int(theirs.timestamp()) + 1800
        call(Gate(other, clock), date=date, x_ratelimit_limit=9, x_ratelimit_remaining=0, x_ratelimit_reset=reset)
        assert budget(other).blocked_until == clock() + timedelta(seconds=1800)

    def test_a_shorter_wait_does_not_end_a_longer_one(self, account: ZohoAccount, clock: Clock) -> None:
        gate = Gate(account, clock)
        one, other = (gate.before("flow", "GET", "/") for _ in range(2))
        gate.after(one, "flow", 429, Headers({"retry-after": "600"}))
        gate.after(other, "flow", 429, Headers({"retry-after": "5"}))

        assert budget(account).blocked_until == clock() + timedelta(seconds=600)

    @pytest.mark.parametrize("text", ["-5", "0", "x", "", "9" * 40, "1.5", "NaN"])
    def test_numbers_that_cannot_be_are_not_believed(self, account: ZohoAccount, clock: Clock, text: str) -> None:
        call(Gate(account, clock), x_ratelimit_limit=text, x_ratelimit_reset=text)

        assert budget(account).day_limit_seen is None
        call(Gate(account, clock))

    def test_crms_headers_say_nothing_of_flows_limit(self, account: ZohoAccount, clock: Clock) -> None:
        call(Gate(account, clock), product="crm", x_ratelimit_limit=5, x_ratelimit_remaining=0)

        assert budget(account).day_limit_seen is None
        assert budget(account).blocked_until is None
        assert budget(account, "crm").day_limit_seen == 5
        assert budget(account, "crm").blocked_until is not None

    @pytest.mark.parametrize(("one", "other"), [("flow", "crm"), ("crm", "flow")])
    def test_a_429_of_one_product_does_not_stop_the_other(
        self, account: ZohoAccount, clock: Clock, one: str, other: str
    ) -> None:
        call(Gate(account, clock), 429, product=one, retry_after=90)

        call(Gate(account, clock), product=other)
        with pytest.raises(BudgetSpent, match="429"):
            call(Gate(account, clock, for_people=True), product=one)

    @pytest.mark.parametrize(("one", "other"), [("flow", "crm"), ("crm", "flow")])
    def test_a_breaker_of_one_product_does_not_stop_the_other(
        self, account: ZohoAccount, clock: Clock, one: str, other: str
    ) -> None:
        gate = Gate(account, clock)
        gate.failed(one, "Zoho did not answer")

        call(gate, product=other)
        assert budget(account, one).failures_in_row == 1
        assert gate.blocked() == {one: clock() + timedelta(seconds=60)}
        clock.pause(60)
        assert gate.blocked() == {}

    def test_failures_in_a_row_leave_the_account_alone_ever_longer(self, account: ZohoAccount, clock: Clock) -> None:
        gate = Gate(account, clock)
        pauses = []
        for _ in range(3):
            pauses.append((gate.failed("flow", "Zoho did not answer") - clock()).total_seconds())
            clock.pause(pauses[-1] + 1)
        call(gate)
        pauses.append((gate.failed("flow", "Zoho did not answer") - clock()).total_seconds())

        assert pauses == [60, 120, 240, 60]

    def test_an_answer_writes_its_end_and_status_down(self, account: ZohoAccount, clock: Clock) -> None:
        gate = Gate(account, clock)
        handle = gate.before("crm", "GET", "/crm/v8/" + "x" * 500)
        clock.pause(2)
        gate.after(handle, "crm", None, Headers())

        row = own(ApiCall).get()
        assert (row.finished_at, row.status, len(row.path)) == (clock(), None, 200)


@pytest.mark.django_db
class TestCrm:
    def test_credits_are_those_of_edition_and_users(self, account: ZohoAccount, clock: Clock) -> None:
        gate = Gate(account, clock)
        assert gate.limits("crm") == CallLimits(None, 5_000, 5)

        gate.learn_edition("professional", 12)

        assert gate.limits("crm") == CallLimits(None, 56_000, 15)
        assert gate.limits("crm").source == "edition Professional, 12 users"

    def test_an_organisation_that_did_not_answer_leaves_what_was_known(
        self, account: ZohoAccount, clock: Clock
    ) -> None:
        gate = Gate(account, clock)
        gate.learn_edition("standard", 4)
        clock.pause(86_400)
        assert gate.edition_is_due(timedelta(hours=24))

        gate.learn_edition(None, None)

        assert not gate.edition_is_due(timedelta(hours=24))
        assert gate.limits("crm").per_day == 51_000

    def test_calls_at_once_are_bounded_and_one_is_left_for_people(self, account: ZohoAccount, clock: Clock) -> None:
        background, people = Gate(account, clock), Gate(account, clock, for_people=True)
        handles = [background.before("crm", "GET", "/") for _ in range(4)]
        with pytest.raises(BudgetSpent, match="at once"):
            background.before("crm", "GET", "/")
        people.before("crm", "GET", "/")
        with pytest.raises(BudgetSpent, match="at once"):
            people.before("crm", "GET", "/")

        background.after(handles[0], "crm", 200, Headers())
        people.before("crm", "GET", "/")

    def test_zohos_count_of_credits_stops_the_background_before_the_reserve(
        self, account: ZohoAccount, clock: Clock
    ) -> None:
        call(Gate(account, clock), product="crm", x_api_credits_remaining=502)
        gate = Gate(account, clock)

        for left in (501, 500):
            clock.pause(1)
            call(gate, product="crm", x_api_credits_remaining=left)
        clock.pause(1)
        with pytest.raises(BudgetSpent, match="by Zoho's count 500 calls are left"):
            call(gate, product="crm")
        call(Gate(account, clock, for_people=True), product="crm")
        clock.pause(15 * 60)
        call(gate, product="crm")

    def test_more_left_by_zohos_count_than_by_ours_gives_no_more(self, clock: Clock) -> None:
        account = make_account(crm_credits_per_day=10)
        gate = Gate(account, clock, for_people=True)
        for _ in range(10):
            call(gate, product="crm", x_api_credits_remaining=9_000)

        with pytest.raises(BudgetSpent, match="10 calls a day"):
            call(gate, product="crm")

    def test_calls_that_others_made_are_told_to_the_planner(self, account: ZohoAccount, clock: Clock) -> None:
        gate = Gate(account, clock)
        assert gate.day("crm") == (4_500, 0)

        call(gate, product="crm", x_api_credits_remaining=2_000)

        assert gate.day("crm") == (4_500, 2_999)
        clock.pause(16 * 60)
        assert gate.day("crm") == (4_500, 0)


@pytest.mark.django_db
class TestKinds:
    def test_history_ends_at_its_share_and_other_work_goes_on(self, account: ZohoAccount, clock: Clock) -> None:
        gate = Gate(account, clock)
        with gate.doing("history", at_most=2):
            call(gate)
            call(gate)
            with pytest.raises(KeptForOthers):
                call(gate)
        call(gate)

        assert list(own(ApiCall).order_by("pk").values_list("kind", flat=True)) == ["history", "history", "other"]

    def test_what_somebody_waits_for_may_use_the_reserve(self, clock: Clock) -> None:
        gate = Gate(make_account(plan="", calls_per_minute=2), clock)
        call(gate)
        with pytest.raises(BudgetSpent):
            call(gate)

        with gate.doing("people"):
            call(gate)


@pytest.mark.django_db
def test_the_ledgers_sums_are_those_of_its_rows_whatever_was_added_up_before(
    account: ZohoAccount, clock: Clock
) -> None:
    gate = Gate(account, clock, for_people=True)
    for minutes in (3, 9, 1, 700, 12, 30, 500, 4, 300, 5):
        clock.pause(minutes * 60)
        with gate.doing("list"):
            call(gate)
        slots = ledger.read(account, "flow", clock())
        rows = own(ApiCall).filter(started_at__gt=clock() - ledger.WINDOW).count()

        assert ledger.spent(account, budget(account), clock()) == rows
        assert rows <= sum(slot.spent for slot in slots) <= rows + 3
        assert all(slot.lists == slot.spent for slot in slots)
