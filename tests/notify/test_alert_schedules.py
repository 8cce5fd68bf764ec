"""Random schedules of alerts, people, deaths, faults of SMTP and of channels: nothing is lost, all comes in order.

50 fixed ones by default; `ALERT_SCHEDULES=500` plays more (`make alerts-faults`), `ALERT_SEED=7` plays one.
"""

from __future__ import annotations

import logging
import os
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from monitor.alerting import incidents
from monitor.models import Channel, Incident
from monitor.notify import audience
from monitor.notify.channels import send
from tests.bystander import own
from tests.notify.alert_house import AlertHouse
from tests.notify.sink import Sink

COUNT = int(os.environ.get("ALERT_SCHEDULES", "50"))
ALONE = os.environ.get("ALERT_SEED")
SEEDS = [int(ALONE)] if ALONE else range(1, COUNT + 1)
GROUP = 10  # schedules a test, so that the report stays short


@pytest.fixture(autouse=True)
def _quiet() -> Any:
    """What is refused or given up is a schedule's daily bread."""
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


def play(seed: int, sink: Sink) -> list[str]:
    sink.mails.clear()
    with transaction.atomic():
        wrong = AlertHouse(seed, sink).play()
        transaction.set_rollback(True)
    return wrong


@pytest.mark.deep
@pytest.mark.django_db
@pytest.mark.parametrize("first", SEEDS[::GROUP])
def test_whatever_fails_no_alert_is_lost_and_nobody_reads_an_end_before_its_beginning(
    first: int, sink: Sink, settings: Any
) -> None:
    settings.ALERT_GROUP_WAIT = 30
    seeds = [seed for seed in SEEDS if first <= seed < first + GROUP]
    wrong = {seed: told[:3] for seed in seeds if (told := play(seed, sink))}
    assert wrong == {}


@pytest.mark.django_db
def test_a_few_schedules_are_played_with_every_change(sink: Sink, settings: Any) -> None:
    settings.ALERT_GROUP_WAIT = 30
    assert {seed: told for seed in (1, 2, 3) if (told := play(seed, sink))} == {}


@pytest.mark.django_db
def test_the_schedules_see_an_alert_that_is_lost_and_an_end_that_is_undone(
    sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    notify = incidents.notify

    def forgets(incident: Incident, kind: str, *args: Any, **more: Any) -> Any:
        made = notify(incident, kind, *args, **more)
        if kind == "firing":
            made.delete()
        return made

    monkeypatch.setattr(incidents, "notify", forgets)
    assert any("never heard of" in line for line in play(1, sink))
    monkeypatch.setattr(incidents, "notify", notify)

    def reopens(house: AlertHouse) -> None:
        own(Incident).update(closed_at=None, closed_how="")
        house.now += timedelta(minutes=1)

    monkeypatch.setattr(AlertHouse, "wait", reopens)
    assert any("are open again" in line for line in play(2, sink))


@pytest.mark.django_db
def test_the_schedules_see_an_end_that_a_channel_gets_first(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    def all_of_them(*_: Any) -> set[int]:
        return {channel.pk for channel in own(Channel)}

    monkeypatch.setattr(audience, "channels_told", all_of_them)
    monkeypatch.setattr(send, "channels_told", all_of_them)
    assert any("got the end of" in line for seed in range(1, 9) for line in play(seed, sink))
