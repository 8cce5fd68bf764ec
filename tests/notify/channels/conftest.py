"""Channels of each sort, and a server for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from monitor.models import Channel
from monitor.notify.channels import acts
from monitor.notify.channels.parcel import ChannelAnswer
from monitor.public_addresses import PrivateHosts
from tests import factories
from tests.notify.channels.server import Counter, counter

TAKEN = ChannelAnswer(is_taken=True, status=200)
FIELDS: dict[str, dict[str, str]] = {
    "slack": {"url": "https://hooks.slack.com/services/T0AAAAAAA/B0BBBBBBB/s3cr3tSlackT0kenXYZ1"},
    "teams": {
        "url": "https://prod-1.westeurope.logic.azure.com:443/workflows/0123abcd/triggers/manual/paths/invoke"
        "?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=s3cr3tTeamsSignature01"
    },
    "google_chat": {
        "url": "https://chat.googleapis.com/v1/spaces/AAAAspace01/messages?key=s3cr3tGoogleKey&token=s3cr3tGoogleTok-_"
    },
    "cliq": {"token": "1001.s3cr3tcliqfirst.s3cr3tcliqsecond", "target": "#operations", "region": "eu"},
    "telegram": {"bot_token": "123456789:s3cr3tTelegram_Bot-token", "chat": "-1001234567890"},
    "pagerduty": {"routing_key": "R0s3cr3tPagerDutyRoutingKey01234", "region": "us"},
    "opsgenie": {"api_key": "s3cr3t-opsgenie-0000-key", "region": "eu"},
    "ntfy": {"server": "https://ntfy.sh", "topic": "s3cr3tTopic", "token": "tk_s3cr3tntfytoken"},
    "webhook": {"url": "https://hooks.example.com/s3cr3tPath/x?key=s3cr3tQuery"},
}


@pytest.fixture
def counter_server(settings: Any) -> Iterator[Counter]:
    settings.CHANNEL_PRIVATE_HOSTS = PrivateHosts.read(["127.0.0.1"])
    settings.PUBLIC_URL = "https://monitor.example.com"
    with counter() as mine:
        yield mine


def make_channel(service: str = "webhook", name: str = "", **more: Any) -> Channel:
    fields = more.pop("fields", FIELDS[service])
    channel, _ = acts.add(
        name=name or f"The {service}",
        service=service,
        fields=fields,
        account=more.pop("account", None),
        severity=more.pop("severity", "notify"),
        actor=factories.make_user(wants_mail=False),
        now=factories.NOON,
    )
    if more:
        Channel.objects.filter(pk=channel.pk).update(**more)
    return Channel.objects.get(pk=channel.pk)
