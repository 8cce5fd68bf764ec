"""Messages to channels over real sockets, against a server that does as it is told."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.models import AlertState, Channel, ChannelMessage, Notice, SendAttempt, User
from monitor.notify.channels import acts
from monitor.notify.channels import post as post_module
from monitor.notify.channels.parcel import Parcel
from monitor.notify.channels.send import ChannelReport, send_to_channels
from monitor.notify.dispatch import dispatch_new
from monitor.public_addresses import PrivateHosts
from monitor.zoho import deadline_sockets
from tests.bystander import own
from tests.notify.channels.conftest import make_channel
from tests.notify.channels.server import DRIP, DROP, HANG, Counter
from tests.notify.conftest import make_transition

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


def on_loopback(server: Counter, name: str = "On loopback", service: str = "webhook") -> Channel:
    fields = {
        "webhook": {"url": f"{server.origin}/s3cr3tPath"},
        "ntfy": {"server": server.origin, "topic": "s3cr3tTopic", "token": "tk_s3cr3ttoken"},
    }
    return make_channel(service, name, fields=fields[service])


def send_real(now: datetime) -> ChannelReport:
    return send_to_channels(now, clock=lambda: now)


def test_a_webhook_is_signed_after_standard_webhooks_with_each_secret(
    counter_server: Counter, alert: AlertState, ada: User, now: datetime
) -> None:
    channel = on_loopback(counter_server)
    acts.rotate(channel, actor=ada, now=now)
    channel.refresh_from_db()
    make_transition(alert)
    dispatch_new(now)
    counter_server.answers = [DROP]
    assert send_real(now).retried == 1
    assert send_real(now + 15 * SECOND).sent == 1
    first, second = counter_server.taken
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == own(ChannelMessage).get().message_id
    assert second.headers["webhook-timestamp"] == str(int((now + 15 * SECOND).timestamp()))
    signed = f"{second.headers['webhook-id']}.{second.headers['webhook-timestamp']}.".encode() + second.body
    keys = [base64.b64decode(one.text.removeprefix("whsec_")) for one in channel.secret_list]
    right = ["v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode() for key in keys]
    assert second.headers["webhook-signature"] == " ".join(right)
    assert len(keys) == 2
    assert json.loads(second.body)["data"]["account"] == "Acme"


@pytest.mark.parametrize(
    ("answer", "state", "seen"),
    [
        ((200, {}, b"ok"), "sent", 1),
        ((429, {"Retry-After": "120"}, b"slow down"), "queued", 1),
        ((500, {}, b"oops"), "queued", 1),
        ((401, {}, b"s3cr3tPath unknown"), "queued", 1),
        ((410, {}, b"s3cr3tPath is gone"), "dead", 1),
        ((302, {"Location": "http://10.0.0.1/"}, b""), "queued", 1),
        ((307, {"Location": "/elsewhere"}, b""), "queued", 1),
        (DROP, "queued", 1),
        (HANG, "queued", 1),
        (DRIP, "sent", 1),
        ((200, {}, b"x" * 1_000_000), "sent", 1),
        ((200, {"Content-Length": "99"}, b"torn"), "sent", 1),
        ((200, {"Content-Encoding": "gzip"}, b"not packed"), "sent", 1),
        ((500, {"Content-Encoding": "gzip"}, b"not packed"), "queued", 1),
    ],
    ids=str,
)  # fmt: skip
def test_whatever_a_webhooks_server_does_the_message_is_settled_in_time(
    counter_server: Counter, alert: AlertState, now: datetime, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture, answer: Any, state: str, seen: int,
) -> None:  # fmt: skip
    monkeypatch.setattr(post_module, "SECONDS", 1.0)
    caplog.set_level(logging.DEBUG)
    on_loopback(counter_server)
    make_transition(alert)
    dispatch_new(now)
    counter_server.answers = [answer]
    assert send_real(now).handled == 1
    message = own(ChannelMessage).get()
    assert (message.state, len(counter_server.taken)) == (state, seen)
    attempt = own(SendAttempt).get()
    assert "s3cr3t" not in f"{message.last_error} {attempt.answer} {attempt.code}"
    assert "s3cr3t" not in caplog.text


def test_a_name_that_turns_private_is_not_followed(
    counter_server: Counter, alert: AlertState, now: datetime, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """It is looked up once for a connection, and that very address is checked; one of several spoils all."""
    settings.CHANNEL_PRIVATE_HOSTS = PrivateHosts.read([])
    make_channel(fields={"url": f"https://rebind.example.com:{counter_server.port}/x"})
    make_transition(alert)
    dispatch_new(now)
    found = iter([["93.184.216.34", "127.0.0.1"], ["127.0.0.1"]])

    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        return [(2, 1, 6, "", (address, port)) for address in next(found)]

    monkeypatch.setattr(deadline_sockets.socket, "getaddrinfo", resolve)
    assert send_real(now).retried == 1
    assert send_real(now + 15 * SECOND).retried == 1
    assert counter_server.taken == []
    assert {one.answer for one in own(SendAttempt)} == {"no connection: no public address is known for this host"}


def test_apprise_hands_a_message_over_in_a_process_of_its_own(
    counter_server: Counter, alert: AlertState, now: datetime
) -> None:
    on_loopback(counter_server, service="ntfy")
    make_transition(alert)
    dispatch_new(now)
    counter_server.answers = [(429, {"Retry-After": "60"}, b"tk_s3cr3ttoken is busy"), (200, {}, b"{}")]
    assert send_real(now).retried == 1
    assert own(ChannelMessage).get().last_error == "429 (too many messages for now): … is busy"
    assert send_real(now + 59 * SECOND).handled == 0
    assert send_real(now + 60 * SECOND).sent == 1
    posted = json.loads(counter_server.taken[1].body)
    assert posted["title"] == "[Firing] Lead sync: 30 of 40 runs succeeded"
    assert posted["message"].endswith(f"https://monitor.example.com/incidents/{own(Notice).get().incident_id}/")
    assert counter_server.taken[1].headers["authorization"] == "Bearer tk_s3cr3ttoken"


def test_that_process_refuses_a_private_address_and_follows_no_redirect(
    counter_server: Counter, alert: AlertState, now: datetime, settings: Any
) -> None:
    on_loopback(counter_server, service="ntfy")
    make_transition(alert)
    dispatch_new(now)
    settings.CHANNEL_PRIVATE_HOSTS = PrivateHosts.read([])
    assert send_real(now).retried == 1
    assert counter_server.taken == []
    assert own(SendAttempt).get().answer == "no connection: no public address is known for this host"
    settings.CHANNEL_PRIVATE_HOSTS = PrivateHosts.read(["127.0.0.1"])
    counter_server.answers = [(302, {"Location": f"{counter_server.origin}/again"}, b"")]
    assert send_real(now + 15 * SECOND).retried == 1
    assert len(counter_server.taken) == 1


def test_apprise_is_not_loaded_by_web_and_worker() -> None:
    import subprocess
    import sys

    code = "import django; django.setup(); import monitor.tasks, dashboard.urls, sys; print('apprise' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_what_is_larger_than_we_send_is_not_posted(counter_server: Counter, now: datetime) -> None:
    payload = {"x": "é" * 33_000}
    parcel = Parcel("webhook", {"url": counter_server.origin}, "msg_1", signing=["whsec_AAAA"], payload=payload)
    assert post_module.post(parcel, now).status == 413
    assert counter_server.taken == []
