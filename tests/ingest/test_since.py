"""Since when a state has stood: from the sweep that changed it, and not from the next one that found it so."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from monitor.models import Connection, StreamState, SyncState, ZohoAccount
from monitor.zoho.errors import AnswerLost
from tests.fake_zoho import Zoho, hasty, sync

HOUR = timedelta(hours=1)


def account_state(account: ZohoAccount) -> tuple[str, datetime | None]:
    found = SyncState.objects.get(account=account)
    return found.state, found.since


def stream_state(account: ZohoAccount, stream: str) -> tuple[str, datetime | None]:
    found = StreamState.objects.get(account=account, stream=stream)
    return found.state, found.since


def break_it(zoho: Zoho, what: str) -> None:
    def lose(number: int, asked: str) -> None:
        if asked.startswith(what):
            raise AnswerLost("502")

    zoho.before_call = lose


def sweep_an_hour_later(account: ZohoAccount, zoho: Zoho) -> tuple[datetime, datetime]:
    """A sweep; when it began and when it ended."""
    zoho.clock.forward(hours=1)
    began = zoho.clock()
    sync(account, zoho, patience=hasty(zoho))
    return began, zoho.clock()


def test_an_accounts_state_dates_from_the_end_of_the_sweep_that_changed_it(account: ZohoAccount, busy: Zoho) -> None:
    seen = [account_state(account)]
    for broken in (False, False, True, True, False):
        if broken:
            break_it(busy, "flows")
        else:
            busy.before_call = lambda number, what: None
        _, ended = sweep_an_hour_later(account, busy)
        state, since = account_state(account)
        changed = state != seen[-1][0]
        assert since == (ended if changed else seen[-1][1])
        seen.append((state, since))
    assert [state for state, _ in seen] == ["never", "ok", "ok", "unreachable", "unreachable", "ok"]


@pytest.mark.parametrize("stream", ["flows", "connections", "rules"])
def test_a_streams_state_dates_from_the_sweep_that_changed_it(account: ZohoAccount, busy: Zoho, stream: str) -> None:
    sweep_an_hour_later(account, busy)
    fine = stream_state(account, stream)
    assert fine == ("ok", busy.clock())
    sweep_an_hour_later(account, busy)
    assert stream_state(account, stream) == fine

    break_it(busy, stream)
    _, ended = sweep_an_hour_later(account, busy)
    broken = stream_state(account, stream)
    assert broken == ("failing", ended)
    sweep_an_hour_later(account, busy)
    assert stream_state(account, stream) == broken

    busy.before_call = lambda number, what: None
    _, ended = sweep_an_hour_later(account, busy)
    assert stream_state(account, stream) == ("ok", ended)


def test_a_connections_status_dates_from_the_sweep_that_saw_it_first(account: ZohoAccount, busy: Zoho) -> None:
    def seen() -> dict[str, datetime]:
        rows = Connection.objects.filter(account=account)
        return dict(rows.values_list("connection_id", "status_since"))

    first, _ = sweep_an_hour_later(account, busy)
    assert seen() == {f"77{number}": first for number in range(5)}
    busy.connections[0]["connection_name"] = "CRM, renamed"
    sweep_an_hour_later(account, busy)
    assert seen()["770"] == first
    busy.connections[0]["status"] = "disconnected"
    later, _ = sweep_an_hour_later(account, busy)
    sweep_an_hour_later(account, busy)
    assert seen() == {f"77{number}": first for number in range(1, 5)} | {"770": later}
