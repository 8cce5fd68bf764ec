"""What a person does to an alert."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.core.exceptions import PermissionDenied

from monitor.alerting.actions import acknowledge
from monitor.models import AlertState, AuditEntry, User
from tests import factories
from tests.bystander import own

pytestmark = pytest.mark.django_db


@pytest.fixture
def state(now: datetime) -> AlertState:
    flow = factories.make_flow()
    rule = factories.make_alert_rule(flow.account)
    return AlertState.objects.create(
        rule=rule, flow=flow, state="firing", is_open=True, episode=2, since=now, evaluated_at=now
    )


def test_an_operator_acknowledges_an_open_incident_and_it_is_audited(
    state: AlertState, otto: User, now: datetime
) -> None:
    assert acknowledge(state, otto, " looking\ninto\x00 it ", now)
    state.refresh_from_db()
    assert (state.acknowledged_by, state.acknowledged_at) == (otto, now)
    assert state.acknowledge_note == "looking into  it"
    entry = own(AuditEntry).get()
    assert (entry.action, entry.actor_name, entry.object_id) == ("alert.acknowledge", "otto", str(state.pk))
    assert entry.detail["episode"] == 2


def test_a_viewer_cannot_acknowledge(state: AlertState, vera: User, now: datetime) -> None:
    with pytest.raises(PermissionDenied):
        acknowledge(state, vera, "", now)
    assert not own(AuditEntry).exists()


def test_the_second_to_acknowledge_changes_nothing(state: AlertState, otto: User, ada: User, now: datetime) -> None:
    assert acknowledge(state, otto, "mine", now)
    assert not acknowledge(state, ada, "mine too", now)
    state.refresh_from_db()
    assert state.acknowledged_by == otto
    assert own(AuditEntry).count() == 1


def test_an_incident_that_is_over_or_a_later_one_is_not_acknowledged(
    state: AlertState, otto: User, now: datetime
) -> None:
    own(AlertState).update(episode=3)
    assert not acknowledge(state, otto, "", now)
    own(AlertState).update(episode=2, is_open=False)
    assert not acknowledge(state, otto, "", now)
