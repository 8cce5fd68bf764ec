"""A mail server, an alert that fired, and a clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.alerting.incidents import follow
from monitor.models import AlertState, IncidentAlert, Notice, Transition
from tests import factories
from tests.notify.sink import Sink, free_port, listening


@pytest.fixture
def smtp_port(settings: Any) -> int:
    """Django sends by SMTP to this port, where nobody listens yet."""
    port = free_port()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", port, 5
    settings.PUBLIC_URL = "https://monitor.example.com"
    return port


@pytest.fixture
def sink(smtp_port: int) -> Iterator[Sink]:
    server = Sink()
    with listening(server, smtp_port):
        yield server


@pytest.fixture(autouse=True)
def no_group_wait(settings: Any) -> None:
    """First mails go out at once, but where a test says otherwise."""
    settings.ALERT_GROUP_WAIT = 0


@pytest.fixture
def alert(db: None, now: datetime) -> AlertState:
    flow = factories.make_flow(factories.make_account("Acme"), flow_name="Lead sync")
    rule = factories.make_alert_rule(flow.account, min_runs=20)
    return AlertState.objects.create(
        rule=rule, flow=flow, state="firing", is_open=True, episode=1, since=now, evaluated_at=now
    )


def make_transition(
    alert: AlertState, kind: str = "firing", *, now: datetime = factories.NOON, **fields: Any
) -> Notice:
    """An edge of an alert, entered into its incident; returns the incident's newest notice."""
    at = factories.NOON + (timedelta(minutes=90) if kind == "resolved" else timedelta())
    fields = {
        "episode": 1,
        "from_state": "ok",
        "to_state": "firing" if kind == "firing" else "ok",
        "at": at,
        "rate": 75.0 if kind == "firing" else 100.0,
        "first_attempt_rate": 70.0,
        "runs": 40,
        "failed": 10 if kind == "firing" else 0,
        "reason": "30 of 40 runs succeeded" if kind == "firing" else "40 of 40 runs succeeded",
    } | fields
    made = Transition.objects.create(alert=alert, kind=kind, **fields)
    follow(alert.rule.account, now)
    member = IncidentAlert.objects.filter(alert=alert, episode=made.episode).select_related("incident").first()
    return member.incident.notices.last() if member else None
