"""What a call costs the database on its way through the gate."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from monitor.connection import Gate
from monitor.zoho.protocol import Headers
from tests.connection.test_gate import budget, call, clock, spend
from tests.factories import make_account
from tests.fake_zoho import Clock

__all__ = ["clock"]


def statements(work: Callable[[], object]) -> list[str]:
    """What was asked of the database, without the bounds of transactions."""
    with CaptureQueriesContext(connection) as asked:
        work()
    bounds = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT")
    return [query["sql"] for query in asked.captured_queries if not query["sql"].startswith(bounds)]


@pytest.mark.django_db
class TestCost:
    """The gate stands before every page of a first reading: what it asks of the database is paid a thousand times."""

    def test_a_call_far_from_its_limits_costs_two_statements_before_and_one_after(self, clock: Clock) -> None:
        gate = Gate(make_account(plan="enterprise"), clock)
        told = {"x_ratelimit_limit": 200_000, "x_ratelimit_remaining": 190_000}
        call(gate, **told)

        assert len(statements(lambda: call(gate, **told))) == 3

    def test_of_a_full_minute_no_single_call_is_fetched_before_there_is_no_room(self, clock: Clock) -> None:
        gate = Gate(make_account(plan="", calls_per_minute=50), clock, for_people=True)
        spend(gate, 40)

        asked = statements(lambda: call(gate))

        assert len(asked) == 3
        assert not any('SELECT "monitor_apicall"."finished_at"' in sql for sql in asked)

    def test_a_failure_that_another_process_noted_meanwhile_is_taken_back_by_the_next_good_call(
        self, clock: Clock
    ) -> None:
        account = make_account(plan="enterprise")
        one, other = Gate(account, clock), Gate(account, clock)
        handle = one.before("flow", "GET", "/")
        other.failed("flow", "does not answer")
        one.after(handle, "flow", 200, Headers())
        clock.pause(61)
        call(one)

        assert budget(account).failures_in_row == 0
