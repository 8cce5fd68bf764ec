"""No request ends in an error of ours, and what is hidden stays hidden, whatever anybody asks.

400 on each database in `make test-deep`, 20,000 in `make fuzz-pages`; FUZZ_REQUESTS=… sends more, FUZZ_SEED=… others.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import traceback
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from django.apps import apps
from django.core import mail
from django.core.signals import got_request_exception
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from monitor.connection import network
from monitor.models import ApiToken, Execution, HookEndpoint, Secret, User, WebhookFailure, WorkerBeat
from monitor.zoho import Transport
from tests.dashboard import fuzz
from tests.dashboard.test_access_matrix import MATRIX, ROLES, client_of
from tests.dashboard.world import World, make_world, of_crm

SHARDS = 2
WHO = (*("admin",) * 4, *("operator",) * 2, *("viewer",) * 2, "anonymous", "inactive")
REQUESTS = int(os.environ.get("FUZZ_REQUESTS", "400"))
SEED = int(os.environ.get("FUZZ_SEED", "11"))
BACKEND = "dashboard.people.backends.PersonBackend"

SECRETS = ("canary-client-secret", "1000.canaryrefresh.0", "1000.canaryaccess.0", "whsec_canary", "argon2$")
PERSONAL = ("canary.person@private.example", "canary-password", "Canaria Birdsong")


def with_canaries(world: World, now: datetime) -> None:
    """Puts secrets and personal data where the product keeps them."""
    world.account.client_secret = SECRETS[0]
    world.account.save()
    token = ApiToken.objects.get(account=world.account)
    token.refresh_token, token.access_token = SECRETS[1], SECRETS[2]
    token.save()
    hook = HookEndpoint.objects.get(pk=world.hook.pk)
    hook.secret_list = [Secret(SECRETS[3], now)]
    hook.save()
    private = {"Email": PERSONAL[0], "password": PERSONAL[1], "Last_Name": PERSONAL[2], "Stage": "New"}
    Execution.objects.filter(pk=world.execution.pk).update(
        trigger_data=private,
        error_message=f"mail to {PERSONAL[0]} failed, password={PERSONAL[1]}",
        error_details=json.dumps({"request": private}),
    )
    WebhookFailure.objects.update(record_name=PERSONAL[2], reason=f"mail to {PERSONAL[0]}, password={PERSONAL[1]}")


@pytest.fixture
def world(db: None) -> World:
    now = timezone.now()
    world = make_world(now)
    with_canaries(world, now)
    return world


@pytest.fixture(autouse=True)
def no_zoho(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names have no address and nothing is tried twice: a request must not wait for a Zoho that is not there."""

    def unknown(host: str, *args: object, **named: object) -> list[object]:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    monkeypatch.setattr(network, "Transport", lambda **options: Transport(**options, repeats=1))


ODD_KEYS = ("0", "9" * 18, "9" * 400, "007", "%C2%B2", "%D9%A1", "-1", "%00", "a" * 500, "%ff")


def places_of(world: World) -> dict[str, list[str]]:
    """Each address with paths that lead somewhere, and paths whose keys are odd."""
    places = {}
    for name, _ in fuzz.patterns():
        arguments = MATRIX[name][0](world) if name in MATRIX else {}
        good = reverse(name, kwargs=arguments)
        twin = reverse(name, kwargs=MATRIX[name][0](of_crm(world)) if name in MATRIX else {})
        odd = [good.replace(f"/{value}", f"/{key}") for value in arguments.values() for key in ODD_KEYS]
        places[name] = [good] * max(1, 5 * len(odd)) + odd + [twin] * (2 * len(odd) if twin != good else 0)
    return places


def cookies_of(role: str) -> dict[str, str]:
    """Signs somebody of this role in, who has a password."""
    client = client_of(role)
    user = User.objects.filter(username=f"the-{role}").first()
    if user is not None:
        user.set_password("a long password of theirs")
        user.save()
        client.force_login(user, backend=BACKEND)
    return {name: morsel.value for name, morsel in client.cookies.items()}


def learned(places: dict[str, list[str]], cookies: dict[str, str]) -> fuzz.Names:
    """What each view reads, when an admin asks for it."""
    names = fuzz.Names()
    with fuzz.noted(names):
        for name, paths in places.items():
            names.now = name
            for method in ("get", "post"):
                with transaction.atomic():
                    client = Client(raise_request_exception=False)
                    client.cookies.load(cookies)
                    response = getattr(client, method)(paths[0])
                    if response.status_code == 200 and not response.streaming:
                        names.keep_forms(paths[0], response.content.decode())
                    transaction.set_rollback(True)
    return names


def good_values(world: World) -> list[str]:
    """Keys of rows, and what some field takes."""
    rows = (world.account, world.flow, world.execution, world.rule, world.alert_rule, world.alert, world.person)
    words = ("viewer", "admin", "a reason", "1000.CLIENT", "Acme", "pause", "no", "60", "x@example.com")
    return [*(str(row.pk) for row in rows), str(UUID(int=7)), *words]


def kept_texts() -> Iterator[tuple[str, str]]:
    """What the audit trail, the queue, mails and runs of stages keep, as text."""
    for label in ("monitor.AuditEntry", "monitor.Delivery", "monitor.StageRun", "monitor.ApiCall", "django_q.OrmQ"):
        for row in apps.get_model(label)._base_manager.values():
            yield label, repr(row)


class Watch:
    """Notes what went wrong."""

    def __init__(self) -> None:
        self.wrong: list[str] = []
        self.trace = ""

    def noted(self, **_: Any) -> None:
        self.trace = traceback.format_exc()

    def judge(self, asked: fuzz.Asked, role: str, response: Any) -> None:
        """Holds one answer against what every answer has to be."""
        content = b"".join(response) if response.streaming else response.content
        text = content.decode("utf-8", "replace") + repr(response.headers)
        if response.status_code >= 500:
            self.wrong.append(f"{response.status_code} to {role}: {asked}\n{self.trace[-1_500:]}")
        self.leaks(f"answer to {role}: {asked}", text, unmasked=asked.name == "execution_unmask" and role == "admin")

    def leaks(self, where: str, text: str, *, unmasked: bool = False) -> None:
        """Looks for canaries outside of their place."""
        for canary in SECRETS if unmasked else (*SECRETS, *PERSONAL):
            if canary in text:
                self.wrong.append(f"{canary} in the {where}")


@pytest.mark.deep
@pytest.mark.parametrize("shard", range(SHARDS))
def test_no_request_is_an_error_of_ours_or_shows_what_is_hidden(
    shard: int, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    cookies = {role: cookies_of(role) for role in ROLES}
    places = places_of(world)
    fuzzer = fuzz.Fuzzer(SEED * SHARDS + shard, places, learned(places, cookies["admin"]), good_values(world))
    watch, seen = Watch(), Counter[int | str]()
    got_request_exception.connect(watch.noted)
    try:
        for number in range(REQUESTS // SHARDS):
            asked, role = fuzzer.draw(), WHO[number % len(WHO)]
            watch.trace = ""
            if not asked.is_read:
                seen["refused before"] += 1
                continue
            with transaction.atomic():
                WorkerBeat.objects.update(beat_at=timezone.now())  # else /healthz/ready says so, rightly, after a while
                client = Client(raise_request_exception=False)
                client.cookies.load(cookies[role])
                response = asked.send(client)
                watch.judge(asked, role, response)
                if asked.method == "POST" and response.status_code < 400:
                    for label, text in kept_texts():
                        watch.leaks(f"table {label} after {asked}", text)
                transaction.set_rollback(True)
            seen[response.status_code] += 1
            watch.leaks(f"log of {asked}", caplog.text)
            caplog.clear()
    finally:
        got_request_exception.disconnect(watch.noted)
    watch.leaks("mails", repr([message.message().as_string() for message in mail.outbox]))
    assert watch.wrong == [], f"{len(watch.wrong)} wrong, of {seen}:\n" + "\n".join(watch.wrong[:20])
    assert {200, 302, 400, 403, 404, 405} <= set(seen) or REQUESTS < 2_000, seen


@pytest.mark.deep
def test_what_views_read_is_found_out(world: World) -> None:
    """Else the fuzz would be of addresses alone."""
    found = learned(places_of(world), cookies_of("admin"))
    names = found.asked
    assert {"text", "status", "flow", "account", "start", "end", "after", "before"} <= names["executions"]
    assert {"days"} <= names["overview"]
    assert {"reason"} <= names["execution_unmask"]
    assert {"accounts_url", "grant_code", "client_secret"} <= names["connect"]
    assert "reason" in found.forms["execution_unmask"][0]


def test_canaries_are_where_they_belong(world: World) -> None:
    """Else nothing would be shown by their absence."""
    client = client_of("admin")
    shown = client.post(reverse("execution_unmask", kwargs={"pk": world.execution.pk}), {"reason": "A customer asked"})
    assert PERSONAL[0] in shown.content.decode()
    assert ApiToken.objects.get(account=world.account).refresh_token == SECRETS[1]
    assert cookies_of("viewer")
    assert User.objects.get(username="the-viewer").password.startswith(SECRETS[4])
