"""What the limits in an answer's headers leave in the budget, and what their absence does."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.connection.limit_headers import learn
from monitor.models import ApiBudget, ZohoAccount
from tests import factories

pytestmark = pytest.mark.django_db
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def stored(account: ZohoAccount, product: str = "crm") -> ApiBudget:
    return ApiBudget.objects.get(account=account, product=product)


def told(account: ZohoAccount, now: datetime, *, product: str = "crm", answered: bool = True, **headers: Any) -> Any:
    """Learns from an answer's headers, `limit=…` for x-ratelimit-limit, with the budget as it is known."""
    names = {f"x-ratelimit-{name}": str(value) for name, value in headers.items()}
    if "x-ratelimit-credits" in names:
        names["x-api-credits-remaining"] = names.pop("x-ratelimit-credits")
    row = ApiBudget.objects.filter(account=account, product=product)
    return learn(row, product, names, now, now, answered=answered, known=stored(account, product))


def test_what_remains_is_forgotten_once_an_answer_of_crm_no_longer_says_it(account: ZohoAccount, now: datetime) -> None:
    for product in ("crm", "flow"):
        told(account, now, product=product, limit=500, remaining=9, reset=int(now.timestamp()) + 60)
        assert stored(account, product).remaining_seen == 9
        assert stored(account, product).reset_at_seen == now + MINUTE
    assert told(account, now + SECOND, answered=False) is None
    assert stored(account).remaining_seen == 9
    assert told(account, now + SECOND) is None
    assert (stored(account).remaining_seen, stored(account).reset_at_seen) == (None, None)
    told(account, now + SECOND, product="flow")
    assert stored(account, "flow").remaining_seen == 9


@pytest.mark.parametrize(("limit", "kept"), [(500, 500), (1, 1), (0, None), (-5, None), ("many", None), (2**31, None)])
def test_a_limit_is_kept_where_it_is_one(account: ZohoAccount, now: datetime, limit: Any, kept: int | None) -> None:
    told(account, now, limit=limit, remaining=100)
    assert stored(account).day_limit_seen == kept


def test_a_limit_that_changes_is_kept_at_once_with_what_remains(account: ZohoAccount, now: datetime) -> None:
    told(account, now, limit=500, remaining=400)
    told(account, now + SECOND, limit=900, remaining=800)
    assert (stored(account).day_limit_seen, stored(account).remaining_seen) == (900, 800)
    assert stored(account).seen_at == now + SECOND


def test_of_two_counts_of_crm_the_smaller_is_believed_and_flow_has_no_credits(
    account: ZohoAccount, now: datetime
) -> None:
    told(account, now, remaining=7, credits=5)
    assert stored(account).remaining_seen == 5
    told(account, now, remaining=3, credits=5)
    assert stored(account).remaining_seen == 3
    told(account, now, credits=2)
    assert stored(account).remaining_seen == 2
    told(account, now, product="flow", remaining=7, credits=5)
    assert stored(account, "flow").remaining_seen == 7


def test_another_accounts_budget_learns_nothing(account: ZohoAccount, now: datetime) -> None:
    other = factories.make_account()
    told(account, now, limit=500, remaining=0)
    assert stored(other).day_limit_seen is None
    assert stored(account, "flow").day_limit_seen is None


@pytest.mark.parametrize(("remaining", "waits"), [(1, False), (0, True), (-1, True)])
def test_where_nothing_remains_nothing_is_called_until_the_reset(
    account: ZohoAccount, now: datetime, remaining: int, waits: bool
) -> None:
    found = told(account, now, limit=500, remaining=remaining, reset=int(now.timestamp()) + 60)
    assert found == (MINUTE if waits else None)


def test_what_is_known_already_is_not_written_again_within_ten_seconds(account: ZohoAccount, now: datetime) -> None:
    row = ApiBudget.objects.filter(account=account, product="crm")
    headers = {"x-ratelimit-limit": "500", "x-ratelimit-remaining": "400"}

    def learned(at: datetime, **more: Any) -> datetime | None:
        learn(row, "crm", headers | more, at, at, answered=True)
        return stored(account).seen_at

    assert learned(now) == now
    assert learned(now + 9 * SECOND) == now
    assert learned(now + 11 * SECOND) == now + 11 * SECOND
    assert learned(now + 5 * SECOND) == now + 5 * SECOND, "a clock that was set back"
    nearly = {"x-ratelimit-remaining": "50"}
    assert learned(now + 6 * SECOND, **nearly) == now + 6 * SECOND
    assert learned(now + 7 * SECOND, **{"x-ratelimit-remaining": "51"}) == now + 6 * SECOND


def test_what_was_forgotten_by_others_is_not_forgotten_again(account: ZohoAccount, now: datetime) -> None:
    row = ApiBudget.objects.filter(account=account, product="crm")
    learn(row, "crm", {"x-ratelimit-remaining": "9"}, now, now, answered=True)
    learn(row, "crm", {}, now, now, answered=True)
    assert stored(account).remaining_seen is None
