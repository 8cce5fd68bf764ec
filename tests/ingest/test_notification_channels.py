"""Channels of Zoho CRM against the stand-in: opened, renewed, opened anew, closed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from monitor.ingest.base.mode import Mode
from monitor.ingest.lists.notification_channels import WISHES, next_rung, plan, renew_at, retry_after
from monitor.models import StreamState, SyncState, WatchChannel, WorkflowRule, ZohoAccount
from monitor.zoho.crm import CrmClient
from monitor.zoho.errors import GrantRevoked, Wait
from monitor.zoho.transport import Transport
from standin.build import SettableClock, make_app, make_world, serving
from tests.bystander import own
from tests.factories import NOON
from tests.ingest.test_standin import BEGINNING, House, open_house

HOUR = timedelta(hours=1)


@pytest.fixture
def watched(db: None, settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """Four flows and six rules at Zoho, which is to call back."""
    settings.PUBLIC_URL = "https://monitor.example.com"
    monkeypatch.setitem(Transport.__init__.__kwdefaults__, "sleep", lambda seconds: None)
    clock = SettableClock(BEGINNING)
    app = make_app(make_world(seed=5, clock=clock, flows=2, rules=6, executions=40, history_days=2))
    with serving(app) as base:
        house = open_house(app, clock, base)
        own(ZohoAccount).update(watches_records=True)
        yield house


def upstream(house: House) -> dict[str, dict[str, Any]]:
    """The channels that Zoho has, by their id."""
    return {row["channel_id"]: row for row in house.app.world.store.collection("watch").values()}


def stream() -> StreamState | None:
    return own(StreamState).filter(stream="channels").first()


def calls(house: House, method: str) -> int:
    return sum(n for path, n in house.app.ledger.by_path.items() if path.startswith(f"{method} /crm/v8/actions/watch"))


def test_each_module_with_rules_gets_a_channel_with_a_secret_of_its_own(watched: House):
    watched.sync()

    modules = set(own(WorkflowRule).exclude(active=False).values_list("module", flat=True))
    rows = list(own(WatchChannel))
    assert {row.module for row in rows} == modules
    assert len({row.token for row in rows}) == len(rows) == len(upstream(watched))
    for row in rows:
        there = upstream(watched)[row.channel_id]
        assert there["token"] == row.token
        assert there["events"] == [f"{row.module}.all"]
        assert there["notify_url"] == f"https://monitor.example.com/hooks/crm/{row.channel_id}"
        assert row.expires_at == BEGINNING + WISHES[0]
    found = stream()
    assert found is not None
    assert (found.state, found.item_count, found.reason) == ("ok", len(rows), "")
    assert own(SyncState).get().state == "ok"


def test_a_channel_that_lives_costs_no_call(watched: House):
    watched.sync()
    watched.app.ledger.clear()
    watched.clock.advance(3600)
    watched.sync()
    assert (calls(watched, "POST"), calls(watched, "PUT"), calls(watched, "GET")) == (0, 0, 0)


def test_a_channel_is_renewed_at_half_of_its_life_with_the_same_token(watched: House):
    watched.sync()
    before = {row.channel_id: row.token for row in own(WatchChannel)}
    watched.clock.advance((WISHES[0] / 2).total_seconds())  # type: ignore[operator]
    watched.sync(Mode.TASK)

    assert calls(watched, "PUT") == 1
    rows = list(own(WatchChannel))
    assert {row.channel_id: row.token for row in rows} == before
    assert {row.expires_at for row in rows} == {(watched.clock() + WISHES[0]).replace(microsecond=0)}  # type: ignore[operator]


def test_a_wish_that_is_not_granted_is_lowered_until_it_is(watched: House):
    watched.app.world.habits = watched.app.world.habits.changed(watch_max_days=1)
    watched.sync()
    assert {row.expires_at for row in own(WatchChannel)} == {watched.clock() + HOUR}

    watched.clock.advance(1800)
    watched.sync()
    assert {row.rung for row in own(WatchChannel)} == {1}
    assert {row.expires_at for row in own(WatchChannel)} == {watched.clock() + timedelta(hours=23)}


def test_where_nothing_but_an_hour_is_granted_it_is_renewed_every_half_hour_for_ever(watched: House):
    watched.app.world.habits = watched.app.world.habits.changed(watch_max_days=0)
    for _ in range(8):
        watched.sync(Mode.TASK)
        watched.clock.advance(1799)
        living = {row["channel_id"] for row in upstream(watched).values()}
        assert all(row.expires_at > watched.clock() for row in own(WatchChannel).filter(channel_id__in=living))
        watched.clock.advance(1)
    assert {row.rung for row in own(WatchChannel)} == {2}


def test_an_expired_channel_is_opened_anew_with_the_same_token(watched: House):
    watched.sync()
    before = {row.channel_id: row.token for row in own(WatchChannel)}
    watched.clock.advance(timedelta(days=8).total_seconds())
    watched.sync()
    assert {row.channel_id: row.token for row in own(WatchChannel)} == before
    assert all(row.expires_at > watched.clock() for row in own(WatchChannel))


def test_a_channel_that_zoho_has_forgotten_is_opened_anew_at_once(watched: House):
    watched.sync()
    watched.app.world.store.collection("watch").clear()
    watched.clock.advance(timedelta(days=4).total_seconds())
    watched.sync()
    assert set(upstream(watched)) == set(own(WatchChannel).values_list("channel_id", flat=True))
    assert all(row.expires_at > watched.clock() for row in own(WatchChannel))


def test_switched_off_they_are_closed_and_forgotten(watched: House):
    watched.sync()
    own(ZohoAccount).update(watches_records=False)
    watched.sync()
    assert upstream(watched) == {}
    assert not own(WatchChannel).exists()
    assert stream() is None


def test_switched_off_after_zoho_forgot_them_they_are_forgotten_here_too(watched: House):
    watched.sync()
    watched.app.world.store.collection("watch").clear()
    own(ZohoAccount).update(watches_records=False)
    watched.sync()
    assert not own(WatchChannel).exists()


@pytest.mark.parametrize("address", ["http://127.0.0.1:8000", "https://" + "long." * 60 + "example.com"])
def test_an_address_that_zoho_cannot_call_opens_none(watched: House, settings, address: str):
    settings.PUBLIC_URL = address
    watched.sync()
    assert upstream(watched) == {}
    assert stream() is None


def test_without_a_person_s_wish_nothing_is_asked(watched: House):
    own(ZohoAccount).update(watches_records=False)
    watched.sync()
    assert calls(watched, "POST") == 0


def test_another_address_of_ours_opens_them_anew(watched: House, settings):
    watched.sync()
    settings.PUBLIC_URL = "https://other.example.com"
    watched.sync()
    assert all(row["notify_url"].startswith("https://other.example.com/") for row in upstream(watched).values())


def test_a_module_without_rules_any_more_is_no_longer_watched(watched: House):
    watched.sync()
    gone = own(WatchChannel).first()
    assert gone is not None
    for rule in [*watched.app.world.rules.rules.values()]:
        if rule.body["module"]["api_name"] == gone.module:
            del watched.app.world.rules.rules[rule.rule_id]
    watched.sync()
    assert not WatchChannel.objects.filter(pk=gone.pk).exists()
    assert gone.channel_id not in upstream(watched)


@pytest.mark.parametrize("kind", ["scope_mismatch", "no_permission", "status"])
def test_a_refusal_is_told_tried_again_later_and_leaves_the_mirror_complete(watched: House, kind: str):
    watched.fault("/actions/watch", kind, times=20)
    result = watched.sync()

    assert result.complete, result.missing
    assert own(SyncState).get().state == "ok"
    found = stream()
    assert found is not None
    assert found.state == "not_available"
    assert found.reason
    if kind == "scope_mismatch":
        assert "ZohoCRM.notifications" in found.reason
    assert {row.retry_at for row in own(WatchChannel)} == {watched.clock() + timedelta(minutes=1)}

    watched.app.faults.clear()
    watched.clock.advance(60)
    watched.sync()
    assert {row.tries for row in own(WatchChannel)} == {0}
    found = stream()
    assert found is not None
    assert (found.state, found.reason) == ("ok", "")


def a_channel(**fields: Any) -> WatchChannel:
    return WatchChannel(**({"module": "Leads", "granted_at": NOON, "expires_at": NOON + 2 * HOUR} | fields))


@pytest.mark.parametrize(
    ("fields", "after", "does"),
    [
        ({}, timedelta(minutes=59), ""),
        ({}, HOUR, "renew"),
        ({}, 2 * HOUR, "open"),
        ({"expires_at": None}, timedelta(), "open"),
        ({"expires_at": None, "retry_at": NOON + HOUR}, timedelta(minutes=59), ""),
        ({"expires_at": None, "retry_at": NOON + HOUR}, HOUR, "open"),
        ({"module": "Deals"}, timedelta(), "close"),
        ({"module": "Deals", "retry_at": NOON + HOUR}, timedelta(), "close"),
    ],
)
def test_what_is_done_with_a_channel(fields: dict[str, Any], after: timedelta, does: str):
    found = plan([a_channel(**fields)], {"Leads"}, NOON + after)
    assert [name for name in ("open", "renew", "close") if getattr(found, name)] == ([does] if does else [])


def test_half_of_a_life_is_counted_from_its_beginning():
    assert renew_at(a_channel(expires_at=NOON + 6 * HOUR)) == NOON + 3 * HOUR


@pytest.mark.parametrize(
    ("rung", "granted", "expected"),
    [
        (0, timedelta(days=6), 0),
        (0, HOUR, 1),
        (1, timedelta(hours=23), 1),
        (1, HOUR, 2),
        (2, HOUR, 2),
        (2, HOUR / 2, 2),
    ],
)
def test_a_wish_is_lowered_where_less_was_granted(rung: int, granted: timedelta, expected: int):
    assert next_rung(a_channel(rung=rung), NOON + granted, NOON) == expected


def test_refusals_are_tried_again_less_and_less_often():
    waits = [retry_after(tries) for tries in range(12)]
    assert waits == sorted(waits)
    assert (waits[0], waits[8], waits[11]) == (timedelta(minutes=1), timedelta(minutes=256), timedelta(days=1))


@pytest.mark.parametrize("method", ["subscribe", "replace_channels", "unsubscribe"])
def test_a_limit_of_calls_is_no_refusal_of_a_channel(watched: House, monkeypatch: pytest.MonkeyPatch, method: str):
    if method != "subscribe":
        watched.sync()
        watched.clock.advance((WISHES[0] / 2).total_seconds())  # type: ignore[operator]
    if method == "unsubscribe":
        own(ZohoAccount).update(watches_records=False)
    before = list(own(WatchChannel).order_by("pk").values("tries", "retry_at", "reason", "expires_at"))

    def full(client: CrmClient, wishes: object) -> None:
        raise Wait("too many calls", retry_after=30)

    monkeypatch.setattr(CrmClient, method, full)
    watched.sync(Mode.TASK)

    after = list(own(WatchChannel).order_by("pk").values("tries", "retry_at", "reason", "expires_at"))
    assert after
    assert all((row["tries"], row["retry_at"], row["reason"]) == (0, None, "") for row in after)
    assert before in ([], after)


def test_a_revoked_grant_ends_the_sweep_and_is_not_put_down_to_a_channel(
    watched: House, monkeypatch: pytest.MonkeyPatch
):
    def revoked(client: CrmClient, wishes: object) -> None:
        raise GrantRevoked("invalid_code")

    monkeypatch.setattr(CrmClient, "subscribe", revoked)
    result = watched.sync(Mode.TASK)

    assert isinstance(result.stopped, GrantRevoked)
    assert not own(WatchChannel).exclude(tries=0).exists()


def test_the_time_since_is_that_of_the_last_change_of_state(watched: House):
    watched.sync()
    first = stream()
    assert first is not None
    assert (first.state, first.since, first.last_read_at) == ("ok", watched.clock(), watched.clock())
    watched.clock.advance(600)
    watched.sync()
    second = stream()
    assert second is not None
    assert (second.state, second.since, second.last_tried_at) == ("ok", first.since, watched.clock())
    own(WatchChannel).update(expires_at=watched.clock(), retry_at=watched.clock() + HOUR)
    watched.clock.advance(600)
    watched.sync()
    third = stream()
    assert third is not None
    assert (third.state, third.since, third.item_count) == ("not_available", watched.clock(), 0)
    assert third.last_read_at == second.last_read_at
