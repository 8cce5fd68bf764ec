"""A callback wakes the worker once in a while for its account, whatever comes in beside it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.hooks import endpoints, rate_limit, receive
from monitor.models import AuditEntry, HookEndpoint, HookTraffic, PushEvent, User, ZohoAccount
from tests import factories
from tests.bystander import own

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the queue was given."""
    found: list[str] = []
    monkeypatch.setattr(receive, "async_task", found.append)
    return found


@pytest.fixture
def endpoint(account: ZohoAccount, ada: User, now: datetime) -> HookEndpoint:
    return endpoints.create(account=account, actor=ada, now=now, name="Errors").endpoint


def event(endpoint: HookEndpoint, at: datetime, **fields: Any) -> PushEvent:
    number = PushEvent.objects.count()
    return PushEvent(
        account_id=endpoint.account_id, endpoint=endpoint, digest=f"{number:064}", received_at=at, **fields
    )


def test_one_that_waits_already_spares_the_waking(endpoint: HookEndpoint, woken: list[str], now: datetime) -> None:
    event(endpoint, now - receive.WAKES_EVERY + SECOND).save()
    receive._keep(endpoint, event(endpoint, now), now)
    assert woken == []


@pytest.mark.parametrize("beside", ["another account's", "done", "long ago"])
def test_nothing_else_spares_the_waking(
    endpoint: HookEndpoint, ada: User, woken: list[str], now: datetime, beside: str
) -> None:
    if beside == "another account's":
        other = endpoints.create(account=factories.make_account(), actor=ada, now=now, name="Errors").endpoint
        event(other, now - SECOND).save()
    elif beside == "done":
        event(endpoint, now - SECOND, state="done", done_at=now).save()
    else:
        event(endpoint, now - receive.WAKES_EVERY).save()
    receive._keep(endpoint, event(endpoint, now), now)
    assert len(woken) == 1


def test_to_switch_an_address_on_or_off_is_audited_once(endpoint: HookEndpoint, ada: User, now: datetime) -> None:
    other = endpoints.create(account=endpoint.account, actor=ada, now=now, name="Others").endpoint
    for _ in range(2):
        endpoints.switch(endpoint, on=False, actor=ada, now=now)
    assert own(AuditEntry).filter(action="hook.off").count() == 1
    other.refresh_from_db()
    assert other.is_active


@pytest.mark.parametrize("what", ["accepted", "replayed", "refused"])
def test_the_first_call_of_an_address_without_a_counter_is_counted_too(
    endpoint: HookEndpoint, now: datetime, what: str
) -> None:
    HookTraffic.objects.filter(endpoint=endpoint).delete()
    rate_limit.count(endpoint, what, now)
    row = HookTraffic.objects.get(endpoint=endpoint)
    assert {name: getattr(row, name) for name in ("accepted", "replayed", "refused")} == {
        name: int(name == what) for name in ("accepted", "replayed", "refused")
    }
    assert row.last_received_at == (now if what == "accepted" else None)


def test_an_address_with_one_secret_keeps_it_and_nothing_is_said_of_it(
    endpoint: HookEndpoint, ada: User, now: datetime
) -> None:
    assert endpoints.retire(endpoint, actor=ada, now=now) == 0
    assert not own(AuditEntry).filter(action="hook.retire").exists()
    endpoints.rotate(endpoint, actor=ada, now=now)
    assert endpoints.retire(endpoint, actor=ada, now=now) == 1
    assert own(AuditEntry).filter(action="hook.retire").count() == 1
