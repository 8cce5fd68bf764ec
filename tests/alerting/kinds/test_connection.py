"""A connection does not work: what says so, and what says that it works again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from monitor.alerting.kinds.connection import words
from monitor.alerting.kinds.connection.condition import AppFailures, ConnectionDown, ConnectionMaterial
from monitor.alerting.kinds.interface import AlertStanding, ConditionState, Evaluation

AT = datetime(2026, 9, 7, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
RULE = ConnectionDown()
OPEN = AlertStanding(is_open=True, began_at=AT - 3 * HOUR)


def find(failures: AppFailures | None = None, standing: AlertStanding | None = None, status: str = "") -> Evaluation:
    material = ConnectionMaterial(status or "active", bool(status), AT - HOUR, failures or AppFailures(), ("Orders",))
    return RULE.evaluate(material, AT, standing or AlertStanding())


def refused(count: int, of: int, *, good_ago: timedelta | None = None) -> AppFailures:
    good = AT - good_ago if good_ago is not None else None
    return AppFailures(of, count, AT - 2 * HOUR, AT - HOUR, good)


@pytest.mark.parametrize(
    ("failures", "is_found"),
    [
        (AppFailures(), False),
        (AppFailures(50, 0), False),
        (refused(4, 4), False),
        (refused(5, 5), True),
        (refused(5, 6), True),
        (refused(5, 7), False),
        (refused(5, 5, good_ago=timedelta(minutes=59)), False),
        (refused(5, 5, good_ago=timedelta(minutes=61)), True),
    ],
)
def test_so_many_refused_sign_ins_tell_of_it_though_zoho_calls_it_active(failures, is_found):
    assert (find(failures).found is ConditionState.BREACHED) == is_found


def test_zohos_word_tells_of_it_at_once_and_it_began_with_the_first_refused_run() -> None:
    assert find(status="expired").began_at == AT - HOUR
    found = find(refused(1, 1), status="expired")
    assert (found.found, found.began_at) == (ConditionState.BREACHED, AT - 2 * HOUR)
    assert words.describe(RULE, found, UTC) == (
        "Zoho calls it “expired”; since 2026-09-07 10:00 UTC; 1 flow uses its app: Orders"
    )


def test_an_open_one_recovers_with_the_first_good_run_and_not_because_fewer_fail() -> None:
    assert find(refused(1, 9), OPEN).found is ConditionState.BREACHED
    assert find(refused(1, 9), OPEN).began_at == AT - 3 * HOUR
    assert find(refused(9, 9, good_ago=HOUR / 2), OPEN).found is ConditionState.CLEAR
    assert find(refused(9, 9, good_ago=HOUR / 2), OPEN, "revoked").found is ConditionState.BREACHED


@pytest.mark.parametrize("options", [{"share": 0}, {"share": float("nan")}, {"least": 0}, {"window_hours": 169}])
def test_options_that_cannot_be_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        ConnectionDown(**options)
