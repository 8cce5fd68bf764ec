"""Which accounts the tick sends to be read, and that none is sent twice."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import time_machine
from django.utils import timezone
from django_q.models import OrmQ

from monitor import pipeline
from monitor.due import is_anything_due, is_anything_to_count
from monitor.models import ApiBudget, HourBucket, StageRun, SyncState, ZohoAccount
from tests.bystander import own
from tests.factories import make_account
from tests.fake_zoho import Clock, FakeFlow, Run, Zoho, sync

pytestmark = pytest.mark.django_db


def test_an_account_that_waits_in_the_queue_is_not_queued_again() -> None:
    make_account()

    assert [pipeline.enqueue_due_accounts() for _ in range(3)] == [1, 0, 0]
    assert OrmQ.objects.count() == 1


def test_one_whose_task_was_taken_by_a_worker_that_died_is_queued_again(account: ZohoAccount) -> None:
    pipeline.enqueue_due_accounts()
    OrmQ.objects.update(lock=timezone.now() + timedelta(seconds=150))

    assert pipeline.enqueue_due_accounts() == 1


def test_an_account_is_due_while_one_of_its_products_may_be_asked(account: ZohoAccount) -> None:
    now = timezone.now()
    budgets = ApiBudget.objects.filter(account=account)
    budgets.filter(product="flow").update(blocked_until=now + timedelta(minutes=5))
    assert pipeline.due_accounts(now) == [account.pk]

    budgets.update(blocked_until=now + timedelta(minutes=5))
    assert pipeline.due_accounts(now) == []
    assert pipeline.due_accounts(now + timedelta(minutes=6)) == [account.pk]


def test_a_product_without_an_address_keeps_no_account_due(account: ZohoAccount) -> None:
    now = timezone.now()
    ZohoAccount.objects.filter(pk=account.pk).update(crm_url="")
    ApiBudget.objects.filter(account=account, product="flow").update(blocked_until=now + timedelta(minutes=5))

    assert pipeline.due_accounts(now) == []


def test_the_question_before_the_tick_agrees_with_it(account: ZohoAccount) -> None:
    now = timezone.now()
    SyncState.objects.filter(account=account).update(next_due_at=now + timedelta(seconds=30))

    assert not is_anything_due(now)
    with time_machine.travel(now + timedelta(seconds=30), tick=False):
        assert is_anything_due(timezone.now())


def test_charts_follow_while_nobody_judges(account: ZohoAccount, now: datetime) -> None:
    zoho = Zoho(Clock(now))
    zoho.flows = [FakeFlow(runs=[Run(zoho.clock())])]
    sync(account, zoho)
    assert is_anything_to_count(zoho.clock())

    pipeline.recount()

    assert not is_anything_to_count(zoho.clock())
    assert own(HourBucket).get().succeeded == 1
    assert own(StageRun).get(stage="rollups").summary == {"hours": 1}
