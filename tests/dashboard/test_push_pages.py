"""Pages for callbacks: made, rotated and ended by admins; seen by all, without secrets."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from monitor.hooks.signature import sign
from monitor.ingest.lists.one_channel import ByHandAnswer
from monitor.models import (
    AuditEntry,
    HookEndpoint,
    HookTraffic,
    PushEvent,
    Secret,
    StreamState,
    User,
    WatchChannel,
    ZohoAccount,
)
from tests import factories
from tests.bystander import own


@pytest.fixture
def endpoint(account: ZohoAccount, now: datetime) -> HookEndpoint:
    row = HookEndpoint(account=account, name="Errors", key_hash="0" * 64, created_at=now)
    row.secret_list = [Secret("the-first-secret-of-all", now)]
    row.save()
    return row


def add(client: Client, account: ZohoAccount, **fields: Any) -> Any:
    return client.post(reverse("hook_add", args=[account.pk]), {"name": "Errors", "per_minute": "60"} | fields)


def shown(response: Any, what: str) -> str:
    found = re.search(rf'id="hook-{what}">([^<]+)<', response.content.decode())
    assert found is not None
    return found[1]


def texts(client: Client, account: ZohoAccount) -> str:
    """Everything that the pages of callbacks show to somebody."""
    pages = [reverse("push", args=[account.pk])]
    pages += [row.get_absolute_url() for row in own(HookEndpoint)]
    return "".join(client.get(page).content.decode() for page in pages)


def test_an_address_and_its_secret_are_shown_once_and_work(signed_in, ada: User, vera: User, account: ZohoAccount):
    client = signed_in(ada)
    page = add(client, account)
    address, secret = shown(page, "address"), shown(page, "secret")

    body = b'{"flow_id": "1"}'
    path = "/hooks/flow/" + address.rpartition("/")[2]
    headers = {"X-Webhook-Signature": sign(secret, body)}
    assert Client().post(path, body, content_type="application/json", headers=headers).status_code == 202

    for person in (ada, vera):
        everything = texts(signed_in(person), account)
        assert secret not in everything
        assert address.rpartition("/")[2] not in everything
    entry = own(AuditEntry).get()
    assert (entry.action, entry.actor_name, entry.account) == ("hook.create", "ada", account)
    assert secret not in str(entry.detail)
    assert page["Cache-Control"] == "no-store"


def test_a_key_has_256_bits_and_is_kept_as_a_hash(signed_in, ada: User, account: ZohoAccount):
    key = shown(add(signed_in(ada), account), "address").rpartition("/")[2]
    assert len(key) == 43
    assert key not in str(own(HookEndpoint).values())


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"per_minute": "0"}, "per_minute"),
        ({"per_minute": "many"}, "per_minute"),
        ({"flow": "999"}, "flow"),
    ],
)
def test_an_address_that_cannot_be_is_refused(signed_in, ada: User, account: ZohoAccount, fields, wrong: str):
    response = add(signed_in(ada), account, **fields)
    assert response.status_code == 400
    assert wrong in response.context["form"].errors
    assert not own(HookEndpoint).exists()


def test_a_name_that_is_taken_is_refused(signed_in, ada: User, endpoint: HookEndpoint):
    response = add(signed_in(ada), endpoint.account)
    assert response.status_code == 400
    assert "already" in str(response.context["form"].errors["name"])


def test_a_flow_of_another_account_cannot_be_chosen(signed_in, ada: User, account: ZohoAccount):
    assert add(signed_in(ada), account, flow=str(factories.make_flow().pk)).status_code == 400


def test_a_rotation_in_the_pages(signed_in, ada: User, endpoint: HookEndpoint):
    client = signed_in(ada)
    new = shown(client.post(reverse("hook_rotate", args=[endpoint.pk])), "secret")
    endpoint.refresh_from_db()
    assert [secret.text for secret in endpoint.secret_list] == ["the-first-secret-of-all", new]
    assert "Remove all but the newest" in client.get(endpoint.get_absolute_url()).content.decode()
    client.post(reverse("hook_retire", args=[endpoint.pk]))
    endpoint.refresh_from_db()
    assert [secret.text for secret in endpoint.secret_list] == [new]
    assert set(own(AuditEntry).values_list("action", flat=True)) == {"hook.rotate", "hook.retire"}


def test_secrets_stand_in_the_database_as_ciphertext(endpoint: HookEndpoint):
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT secrets FROM monitor_hookendpoint")
        assert "the-first-secret" not in str(cursor.fetchall())


def test_a_secret_is_not_in_a_repr(endpoint: HookEndpoint):
    assert "the-first" not in repr(endpoint) + repr(endpoint.secret_list)


def test_an_address_is_switched_off_and_on_and_deleted(signed_in, ada: User, endpoint: HookEndpoint):
    client = signed_in(ada)
    for on in ("no", "yes"):
        client.post(reverse("hook_switch", args=[endpoint.pk]), {"on": on})
        endpoint.refresh_from_db()
        assert endpoint.is_active == (on == "yes")
    client.post(reverse("hook_delete", args=[endpoint.pk]))
    assert not own(HookEndpoint).exists()
    actions = list(own(AuditEntry).order_by("pk").values_list("action", flat=True))
    assert actions == ["hook.off", "hook.on", "hook.delete"]


def test_everybody_sees_what_came_in_and_only_admins_see_buttons(
    signed_in, vera: User, otto: User, ada: User, endpoint: HookEndpoint, now: datetime
):
    HookTraffic.objects.create(endpoint=endpoint, accepted=12_345, refused=7, last_received_at=now)
    PushEvent.objects.create(
        account=endpoint.account, endpoint=endpoint, digest="d", flow_id="123", execution_id="456", received_at=now
    )
    for person, acts in ((vera, False), (otto, False), (ada, True)):
        everything = texts(signed_in(person), endpoint.account)
        assert "12,345" in everything
        assert "456" in everything
        for action in ("hook_add", "push_watch"):
            assert (f'action="{reverse(action, args=[endpoint.account.pk])}"' in everything) == (
                acts and action == "hook_add"
            )
        for action in ("hook_rotate", "hook_switch", "hook_delete"):
            assert (f'action="{reverse(action, args=[endpoint.pk])}"' in everything) == acts


def test_watching_is_switched_on_where_zoho_can_reach_us(signed_in, ada: User, account: ZohoAccount, settings):
    client, address = signed_in(ada), reverse("push_watch", args=[account.pk])
    settings.PUBLIC_URL = "http://127.0.0.1:8000"
    assert "begins with https" in client.post(address, {"on": "yes"}, follow=True).content.decode()
    account.refresh_from_db()
    assert not account.watches_records

    settings.PUBLIC_URL = "https://monitor.example.com"
    for on in ("yes", "yes", "no"):
        client.post(address, {"on": on})
    account.refresh_from_db()
    assert not account.watches_records
    actions = list(own(AuditEntry).order_by("pk").values_list("action", flat=True))
    assert actions == ["account.watch_on", "account.watch_off"]


def test_channels_are_shown_with_their_state_and_without_their_tokens(
    signed_in, vera: User, account: ZohoAccount, at_noon: datetime
):
    for module, expires in (("Leads", timedelta(hours=1)), ("Deals", timedelta(hours=-1)), ("Tasks", None)):
        WatchChannel.objects.create(
            account=account,
            module=module,
            channel_id=module,
            token="the-token",
            notify_url="https://monitor.example.com",
            expires_at=at_noon + expires if expires else None,
        )
    StreamState.objects.create(account=account, stream="channels", state="not_available", reason="Zoho refuses <them>")
    page = signed_in(vera).get(reverse("push", args=[account.pk])).content.decode()
    for words in ("Leads", "Active", "Expired", "Not open", "Zoho refuses &lt;them&gt;"):
        assert words in page
    assert "the-token" not in page


def test_the_account_s_page_leads_to_its_callbacks(signed_in, vera: User, account: ZohoAccount):
    page = signed_in(vera).get(account.get_absolute_url()).content.decode()
    assert f'href="{reverse("push", args=[account.pk])}"' in page


def test_each_channel_says_how_it_is_and_admins_act_on_it(
    signed_in, ada: User, vera: User, account: ZohoAccount, now: datetime, settings, monkeypatch
):
    settings.PUBLIC_URL = "https://monitor.example.com"
    own(ZohoAccount).update(crm_url="https://www.zohoapis.com")
    for module in ("Deals", "Leads", "Leads"):
        factories.make_rule(account, module=module, active=True)
    factories.make_rule(account, module="Contacts", active=False)
    open_one = WatchChannel.objects.create(
        account=account, module="Deals", channel_id="71", token="the-token", granted_at=now, expires_at=now
    )
    lost = WatchChannel.objects.create(
        account=account, module="Quotes", channel_id="72", token="the-token", open_act="stop", open_act_at=now
    )
    address = reverse("push", args=[account.pk])
    page = signed_in(ada).get(address).content.decode()
    assert "Renew it, or wait" in page
    assert "The answer to “stop” was lost." in page
    assert "2 rules" in page
    assert "Contacts" not in page
    seen = signed_in(vera).get(address).content.decode()
    assert reverse("watch_module", args=[account.pk]) not in seen
    assert "Renew it, or wait" in seen

    asked: list[tuple[Any, ...]] = []

    def answered(account: ZohoAccount, module: str, act: str, *, actor: User) -> ByHandAnswer:
        asked.append((account, module, act, actor))
        return ByHandAnswer("unknown", "The answer was lost.")

    monkeypatch.setattr("monitor.pipeline.ask_channel", answered)
    url = reverse("watch_module", args=[account.pk])
    client = signed_in(ada)
    for module, act in (("Leads", "open"), (open_one.module, "renew"), (lost.module, "stop")):
        assert "The answer was lost." in client.post(url, {"module": module, "act": act}, follow=True).content.decode()
    assert asked == [(account, *one, ada) for one in (("Leads", "open"), ("Deals", "renew"), ("Quotes", "stop"))]
    for wrong in ({"module": "Contacts", "act": "open"}, {"module": "Leads", "act": "delete"}, {"act": "open"}):
        assert client.post(url, wrong).status_code == 400
    assert len(asked) == 3


def test_the_page_of_callbacks_costs_few_statements_however_many_channels_there_are(
    signed_in, ada: User, account: ZohoAccount, now: datetime, django_assert_max_num_queries
):
    for number in range(30):
        factories.make_rule(account, module=f"Module{number}", active=True)
        row = WatchChannel.objects.create(account=account, module=f"Watched{number}", channel_id=f"{number}", token="t")
        HookTraffic.objects.create(channel=row, accepted=number)
    client = signed_in(ada)
    with django_assert_max_num_queries(8):
        assert client.get(reverse("push", args=[account.pk])).status_code == 200
