"""What is left of an account's API calls of a day, and what some work would leave."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.models import ApiBudget, ApiCall, Product, ZohoAccount
from monitor.queries.quota import QuotaLeft, quota_left
from tests import factories

pytestmark = pytest.mark.django_db


def called(account: ZohoAccount, times: int, at: datetime, product: str = Product.FLOW) -> None:
    ApiCall.objects.bulk_create(
        ApiCall(account=account, product=product, method="GET", path="/flows", started_at=at, finished_at=at)
        for _ in range(times)
    )


def left(account: ZohoAccount, now: datetime, calls: int = 0) -> QuotaLeft:
    (one,) = quota_left({account.pk: calls}, now)
    return one


def test_what_was_called_in_the_last_24_hours_and_what_the_work_takes_is_taken_off(
    account: ZohoAccount, now: datetime
) -> None:
    ZohoAccount.objects.filter(pk=account.pk).update(plan="free")
    called(account, 300, now - timedelta(hours=3))
    called(account, 50, now - timedelta(hours=30))
    called(account, 70, now - timedelta(hours=3), Product.CRM)
    called(factories.make_account(), 40, now - timedelta(hours=3))
    one = left(account, now, 24)
    assert (one.limit, one.left, one.after, one.is_enough) == (1_000, 700, 676, True)
    more = left(account, now, 701)
    assert (more.after, more.is_enough) == (-1, False)


def test_a_limit_that_a_person_set_counts(account: ZohoAccount, now: datetime) -> None:
    ZohoAccount.objects.filter(pk=account.pk).update(calls_per_day=500)
    assert left(account, now).left == 500


@pytest.mark.parametrize(("minutes_ago", "expected"), [(5, 120), (20, 900)])
def test_what_others_used_of_the_same_limit_is_taken_off_while_zohos_word_is_fresh(
    account: ZohoAccount, now: datetime, minutes_ago: int, expected: int
) -> None:
    ZohoAccount.objects.filter(pk=account.pk).update(plan="free")
    called(account, 100, now - timedelta(hours=3))
    seen_at = now - timedelta(minutes=minutes_ago)
    ApiBudget.objects.filter(account=account, product=Product.FLOW).update(
        day_limit_seen=1_000, remaining_seen=120, seen_at=seen_at
    )
    assert left(account, now).left == expected


def test_where_no_limit_is_known_nothing_is_said_of_it(account: ZohoAccount, now: datetime) -> None:
    ZohoAccount.objects.filter(pk=account.pk).update(plan="")
    one = left(account, now, 9)
    assert (one.limit, one.left, one.after, one.is_enough) == (None, None, None, True)


def test_accounts_are_in_the_order_of_their_names_and_one_without_a_budget_has_all(now: datetime) -> None:
    late, early = factories.make_account("Zed"), factories.make_account("Abe")
    ApiBudget.objects.filter(account=late).delete()
    found: Any = quota_left({late.pk: 1, early.pk: 2}, now)
    assert [(one.account, one.calls, one.left) for one in found] == [(early, 2, 200_000), (late, 1, 200_000)]
