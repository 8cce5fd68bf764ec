"""Without the key of its secrets the product shows, judges and tells what it knows, and says what is missing."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from monitor import pipeline
from monitor.due import is_anything_due
from monitor.models import (
    AlertState,
    Delivery,
    FlowProgress,
    HookEndpoint,
    PushEvent,
    Silence,
    StageRun,
    Transition,
    WorkerBeat,
    ZohoAccount,
)
from monitor.periods import hour_of
from tests import factories
from tests.commands.commandline import run
from tests.dashboard.soup import Page, words
from tests.dashboard.test_access_matrix import MATRIX, client_of
from tests.dashboard.world import World, make_world

WRONG = {
    "none": ([], "ENCRYPTION_KEYS is not set"),
    "malformed": (["hunter2"], "ENCRYPTION_KEYS: key 1 is not a Fernet key"),
    "another": (["MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="], "ENCRYPTION_KEYS lacks the key"),
}
# They carry no menu, or are no pages.
BARE = {
    *("execution_retry_state", "batch_state", "edit_state", "healthz_live", "healthz_ready", "mail_html"),
    *("flow_suggest", "executions_news", "status_page"),
}


@pytest.fixture(params=sorted(WRONG))
def locked(request: pytest.FixtureRequest, db: None, settings: Any) -> tuple[World, str]:
    """One of everything, and keys that do not open it."""
    world = make_world(timezone.now())
    settings.ENCRYPTION_KEYS, told = WRONG[request.param]
    return world, told


@pytest.mark.one_database
def test_every_page_says_it_once_and_goes_on_with_what_is_known(locked: tuple[World, str]) -> None:
    """Each page as one of the roles sees it, with each wrong key as another one."""
    world, told = locked
    clients = {role: client_of(role) for role in ("viewer", "operator", "admin")}
    turn = [text for _, text in WRONG.values()].index(told)
    for number, (name, (arguments, answers)) in enumerate(sorted(MATRIX.items())):
        may = [role for role in clients if answers.get(role, ("", ""))[0] == "200"]
        if name not in BARE and may:
            role = may[(number + turn) % len(may)]
            client = clients[role]
            answer = client.get(reverse(name, kwargs=arguments(world)))
            page = Page(answer.content.decode())
            if answer.status_code == 503:
                # The one shows when its secrets were made; the other fills a form with what is not secret of the rest.
                assert name in {"hook", "channel_edit"}, f"{name} needs no secret"
                assert told in words(page.root)
                continue
            assert answer.status_code == 200, name
            banners = [one for one in page.root.iter() if one.get("id") == "key-banner"]
            assert len(banners) == 1, f"{name} for a {role}"
            assert told in words(banners[0])


def test_status_and_readiness_say_it_and_why(locked: tuple[World, str], client: Client) -> None:
    _, told = locked
    answer = client.get("/healthz/ready")
    assert answer.status_code == 503
    assert told in answer.json()["problems"][0]
    ended = run("status", "--json")
    report = json.loads(ended.out)
    assert report["ready"] is False
    assert told in report["problems"][0]
    assert {account["state"] for account in report["accounts"]} == {"locked"}
    assert f"NOT ready: {report['problems'][0]}" in run("status").out


def test_the_workers_own_key_counts_too(db: None, client: Client) -> None:
    make_world(timezone.now())
    assert client.get("/healthz/ready").status_code == 200
    WorkerBeat.objects.create(
        name="supervisor", beat_at=timezone.now(), detail={"locked": "ENCRYPTION_KEYS is not set"}
    )
    assert client.get("/healthz/ready").status_code == 503
    assert "ENCRYPTION_KEYS is not set" in client_of("viewer").get("/").content.decode()


def test_alerts_are_judged_and_mails_written_without_a_key(locked: tuple[World, str], settings: Any) -> None:
    world, _ = locked
    settings.ALERT_GROUP_WAIT = 0
    now = timezone.now()
    AlertState.objects.all().delete()
    Silence.objects.all().delete()
    FlowProgress.objects.update(executions_read_at=now)
    factories.make_hour(world.flow, hour_of(now) - timedelta(hours=2), succeeded=1, failed=40)
    pipeline.judge()
    fired = Transition.objects.get()
    assert (fired.kind, fired.failed, fired.dispatch_state) == ("firing", 40, "dispatched")
    pipeline.deliver()
    mails = Delivery.objects.filter(notice__incident__members__alert=fired.alert)
    assert {mail.state for mail in mails} == {"sent"}
    assert not StageRun.objects.filter(outcome="failed").exists()


def test_acts_that_need_the_key_change_nothing_and_say_so(locked: tuple[World, str]) -> None:
    world, told = locked
    admin = client_of("admin")
    before = world.hook.secrets
    for address in (reverse("hook_rotate", args=[world.hook.pk]), reverse("hook_add", args=[world.account.pk])):
        answer = admin.post(address, {"name": "One more", "per_minute": 60})
        if told.startswith("ENCRYPTION_KEYS lacks") and address.endswith("add/"):
            continue  # a new secret is stored under the key that there is
        assert answer.status_code == 503, address
        assert told in answer.content.decode()
    world.hook.refresh_from_db(fields=["name"])
    assert before == world.hook.secrets


@pytest.mark.parametrize("command", [["sync"], ["rotate_keys"]])
def test_a_command_that_needs_the_key_is_one_line_and_exit_1(locked: tuple[World, str], command: list[str]) -> None:
    runs = StageRun.objects.count()
    ended = run(*command)
    assert (ended.code, "ENCRYPTION_KEYS" in ended.error) == (1, True)
    assert StageRun.objects.count() == runs


def test_connecting_without_a_key_asks_nothing_of_zoho(
    locked: tuple[World, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, told = locked
    if "lacks" in told:
        return
    monkeypatch.setenv("ZOHO_CLIENT_SECRET", "client-secret")
    monkeypatch.setenv("ZOHO_REFRESH_TOKEN", "1000.refresh.token")
    ended = run("connect", "New", "--data-center=eu", "--client-id=1000.ABC")
    assert ended.code == 1
    assert told in ended.error
    assert not ZohoAccount.objects.filter(name="New").exists()


def test_a_callback_is_put_off_and_not_called_forged(locked: tuple[World, str], client: Client) -> None:
    world, _ = locked
    HookEndpoint.objects.filter(pk=world.hook.pk).update(key_hash=hashlib.sha256(b"known-key").hexdigest())
    answer = client.post(
        reverse("hook_flow", args=["known-key"]),
        b'{"flow_id": "1"}',
        content_type="application/json",
        headers={"X-Zoho-Signature": "0" * 64},
    )
    assert answer.status_code == 503
    assert answer["Retry-After"] == "300"
    assert not PushEvent.objects.exists()


def test_nothing_is_asked_for_and_no_account_is_due_without_keys(db: None, settings: Any) -> None:
    world = make_world(timezone.now())
    AlertState.objects.all().delete()
    assert world.account.pk in pipeline.due_accounts(timezone.now())
    settings.ENCRYPTION_KEYS = []
    assert pipeline.due_accounts(timezone.now()) == []
    assert not is_anything_due(timezone.now())
