"""Random schedules of alerts, people, faults of mail and webhooks, and deaths: nothing is lost or comes out of order.

50 fixed ones by default, half of them on each of two databases; `ALERT_SCHEDULES=500` plays more
(`make alerts-faults`), `ALERT_FIRST=251` begins with that one, `ALERT_SEED=7` plays one.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from monitor.alerting import incidents
from monitor.models import ChannelMessage, Incident
from monitor.notify.channels import send as channels
from monitor.public_addresses import PrivateHosts
from tests.bystander import own
from tests.depth import shared_out
from tests.notify.alert_house import AlertHouse
from tests.notify.channels.conftest import TAKEN
from tests.notify.channels.server import Counter, counter
from tests.notify.sink import Sink

FIRST = int(os.environ.get("ALERT_FIRST", "1"))
ALONE = os.environ.get("ALERT_SEED")
SEEDS = [int(ALONE)] if ALONE else shared_out(FIRST, os.environ.get("ALERT_SCHEDULES"), usual=50)
GROUP = 10  # schedules a test, so that the report stays short


@pytest.fixture(autouse=True)
def _quiet() -> Any:
    """What is refused or given up is a schedule's daily bread."""
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def servers(settings: Any) -> Iterator[list[Counter]]:
    """Two servers of signed webhooks."""
    settings.CHANNEL_PRIVATE_HOSTS = PrivateHosts.read(["127.0.0.1"])
    with counter() as first, counter() as second:
        yield [first, second]


def play(seed: int, sink: Sink, servers: list[Counter]) -> list[str]:
    sink.mails.clear()
    with transaction.atomic():
        wrong = AlertHouse(seed, sink, servers).play()
        transaction.set_rollback(True)
    return wrong


@pytest.mark.deep
@pytest.mark.django_db
@pytest.mark.parametrize("first", SEEDS[::GROUP])
def test_whatever_fails_no_alert_is_lost_and_nobody_reads_an_end_before_its_beginning(
    first: int, sink: Sink, servers: list[Counter], settings: Any
) -> None:
    settings.ALERT_GROUP_WAIT = 30
    seeds = [seed for seed in SEEDS if first <= seed < first + GROUP]
    wrong = {seed: told[:3] for seed in seeds if (told := play(seed, sink, servers))}
    assert wrong == {}


@pytest.mark.django_db
def test_a_schedule_is_played_with_every_change(sink: Sink, servers: list[Counter], settings: Any) -> None:
    settings.ALERT_GROUP_WAIT = 30
    assert play(1, sink, servers) == []


@pytest.mark.deep
@pytest.mark.django_db
def test_the_schedules_see_an_alert_that_is_lost_and_an_end_that_is_undone(
    sink: Sink, servers: list[Counter], monkeypatch: pytest.MonkeyPatch
) -> None:
    notify = incidents.notify

    def forgets(incident: Incident, kind: str, *args: Any, **more: Any) -> Any:
        made = notify(incident, kind, *args, **more)
        if kind == "firing":
            made.delete()
        return made

    monkeypatch.setattr(incidents, "notify", forgets)
    assert any("never heard of" in line for seed in range(1, 9) for line in play(seed, sink, servers))
    monkeypatch.setattr(incidents, "notify", notify)

    def reopens(house: AlertHouse) -> None:
        own(Incident).update(closed_at=None, closed_how="")
        house.now += timedelta(minutes=1)

    monkeypatch.setattr(AlertHouse, "wait", reopens)
    assert any("are open again" in line for seed in range(2, 12) for line in play(seed, sink, servers))


@pytest.mark.deep
@pytest.mark.django_db
def test_the_schedules_see_a_webhook_that_is_lost_and_one_that_comes_again_unexplained(
    sink: Sink, servers: list[Counter], monkeypatch: pytest.MonkeyPatch
) -> None:
    mark_sent = channels._mark_sent

    def forgets(message: ChannelMessage, *_: Any) -> None:
        ChannelMessage.objects.filter(pk=message.pk).update(state="queued", lease_until=None)

    with monkeypatch.context() as broken:
        broken.setattr(channels, "_mark_sent", lambda *given: (mark_sent(*given), forgets(*given)))
        assert any("repeats are explained" in line for line in play(1, sink, servers))
    with monkeypatch.context() as broken:
        broken.setattr(channels, "_exchange", lambda *given: (TAKEN, given[2]()))
        assert any("never heard of incident" in line and "Hook" in line for line in play(1, sink, servers))
