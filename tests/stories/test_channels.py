"""A process dies while it posts to a webhook; the worker posts again, and to a chat in a process of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from monitor.models import (
    AlertRule,
    AlertState,
    Channel,
    ChannelMessage,
    ChannelStanding,
    Flow,
    Incident,
    IncidentAlert,
    Notice,
    Secret,
    SendAttempt,
    ZohoAccount,
)
from tests.notify.channels.server import HANG, Counter, counter
from tests.realprocess import ALIAS, Stage, rows, second_connection, throw_away_database, wait_for

pytestmark = pytest.mark.story
SENDS = ("shell", "--no-imports", "-v0", "-c", "from monitor.pipeline import notify_channels; notify_channels()")
LONG_AGO = datetime.fromisoformat("2026-01-01T00:00:00+00:00")


@pytest.fixture
def stage(tmp_path: Path, django_db_blocker: Any) -> Iterator[Stage]:
    known = {"ENCRYPTION_KEYS": ",".join(settings.ENCRYPTION_KEYS), "CHANNEL_PRIVATE_HOSTS": "127.0.0.1"}
    with throw_away_database(tmp_path) as url, django_db_blocker.unblock():
        stage = Stage(tmp_path, url, **known)
        stage.migrate()
        with second_connection(url):
            try:
                yield stage
            finally:
                stage.close()
        assert stage.left() == []


def make_message(notice: Notice, service: str, fields: dict[str, str]) -> ChannelMessage:
    now = timezone.now()
    channel = Channel(name=service, service=service, added_at=now)
    channel.fields = fields
    if service == "webhook":
        channel.secret_list = [Secret("whsec_c2VjcmV0IG9mIGEgc3Rvcnk=", now)]
    channel.save(using=ALIAS)
    ChannelStanding.objects.using(ALIAS).create(channel=channel)
    return ChannelMessage.objects.using(ALIAS).create(
        notice=notice,
        channel=channel,
        message_id=f"msg_{service}",
        title="[Firing] Lead sync",
        text="Account Acme",
        payload={"type": "incident.firing", "data": {"incident": notice.incident_id}},
        created_at=now,
        next_try_at=now,
    )


def make_notice() -> Notice:
    now = timezone.now()
    account = ZohoAccount.objects.using(ALIAS).create(name="Acme", data_center="eu", client_id="1000.ACME")
    rule = AlertRule.objects.using(ALIAS).create(account=account, name="Success rate")
    firing = {"state": "firing", "is_open": True, "episode": 1, "since": now, "evaluated_at": now}
    seen = {"flow_id": "1", "flow_name": "Lead sync", "status": "active", "first_seen_at": now, "seen_at": now}
    flow = Flow.objects.using(ALIAS).create(account=account, **seen)
    alert = AlertState.objects.using(ALIAS).create(rule=rule, flow=flow, **firing)
    known = {"account": account, "cause": "alone", "began_at": now, "opened_at": now, "last_seq": 1}
    incident = Incident.objects.using(ALIAS).create(**known)
    began = {"episode": 1, "began_at": now, "joined_at": now}
    IncidentAlert.objects.using(ALIAS).create(incident=incident, alert=alert, **began)
    told = {"seq": 1, "kind": "firing", "at": now, "due_at": now, "dispatch_state": "dispatched", "dispatched_at": now}
    return Notice.objects.using(ALIAS).create(incident=incident, **told)


def kill_while_sending(stage: Stage, hook: Counter) -> None:
    """Starts to send, waits until the message has arrived, and ends the process as a power cut would."""
    process = stage.start(*SENDS)
    wait_for("a message that arrived", lambda: hook.taken, timeout=60)
    process.kill()
    process.wait()
    # Its lease runs out after two minutes, which nobody here waits for.
    assert rows(ChannelMessage, state="sending").update(lease_until=LONG_AGO) == 1


def test_a_message_survives_the_death_of_its_sender_and_arrives_twice_at_most_under_one_id(stage: Stage) -> None:
    notice = make_notice()
    with counter() as hook, counter() as chat:
        make_message(notice, "webhook", {"url": f"{hook.origin}/s3cr3tPath"})
        hook.answers = [HANG]
        kill_while_sending(stage, hook)
        make_message(notice, "ntfy", {"server": chat.origin, "topic": "s3cr3tTopic", "token": ""})
        stage.start("worker")
        wait_for("both messages", lambda: rows(ChannelMessage, state="sent").count() == 2, timeout=90)

    assert [one.headers["webhook-id"] for one in hook.taken] == ["msg_webhook", "msg_webhook"]
    assert [json.loads(one.body)["title"] for one in chat.taken] == ["[Firing] Lead sync"]
    attempts = rows(SendAttempt, message__channel__service="webhook").order_by("pk")
    assert [(one.number, one.outcome) for one in attempts] == [(1, "unknown"), (2, "sent")]
    assert "s3cr3t" not in stage.log("worker").read_text()
