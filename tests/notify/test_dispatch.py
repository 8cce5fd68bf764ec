"""Transitions → deliveries."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from monitor.models import AlertState, Delivery, Role, Transition, User, system_user
from monitor.notify import dispatch
from monitor.notify.dispatch import dispatch_new
from tests import factories
from tests.bystander import own
from tests.notify.conftest import make_transition

pytestmark = pytest.mark.django_db


def addresses() -> set[str]:
    return set(own(Delivery).values_list("address", flat=True))


def test_operators_and_admins_get_one_delivery_each_and_viewers_none(
    alert: AlertState, vera: User, otto: User, ada: User, now: datetime
) -> None:
    transition = make_transition(alert)
    assert dispatch_new(now) == 1
    assert addresses() == {"otto@example.com", "ada@example.com"}
    transition.refresh_from_db()
    assert (transition.dispatch_state, transition.dispatched_at, transition.recipients) == ("dispatched", now, 2)
    assert dispatch_new(now) == 0
    assert own(Delivery).count() == 2


def test_a_superuser_is_an_admin_whatever_the_role_says(alert: AlertState, now: datetime) -> None:
    factories.make_user("sue", Role.VIEWER, is_superuser=True)
    make_transition(alert)
    dispatch_new(now)
    assert addresses() == {"sue@example.com"}


def test_who_opted_out_left_has_no_address_or_is_the_system_gets_nothing(alert: AlertState, now: datetime) -> None:
    factories.make_user("opted", Role.ADMIN, wants_mail=False)
    factories.make_user("left", Role.ADMIN, is_active=False)
    factories.make_user("mute", Role.ADMIN, email="")
    system = system_user()
    User.objects.filter(pk=system.pk).update(wants_mail=True, email="system@example.com")
    make_transition(alert)
    assert dispatch_new(now) == 0
    assert addresses() == set()


def test_a_transition_that_concerns_nobody_is_dispatched_visibly_to_none(
    alert: AlertState, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    make_transition(alert)
    dispatch_new(now)
    assert own(Transition).get().recipients == 0
    assert "concerns nobody" in caplog.text


def test_a_firing_that_nobody_could_get_goes_to_who_may_before_it_is_over(alert: AlertState, now: datetime) -> None:
    AlertState.objects.filter(pk=alert.pk).update(is_open=True, episode=1)
    make_transition(alert)
    assert dispatch_new(now) == 0
    factories.make_user("new", Role.OPERATOR, email="new@example.com")
    assert dispatch_new(now) == 1
    assert addresses() == {"new@example.com"}


def test_two_sign_ins_with_one_address_get_one_mail(alert: AlertState, now: datetime) -> None:
    factories.make_user("one", Role.ADMIN, email="Team@example.com")
    factories.make_user("two", Role.OPERATOR, email="team@example.com")
    make_transition(alert)
    dispatch_new(now)
    assert own(Delivery).count() == own(Transition).get().recipients == 1


@pytest.mark.parametrize("kind", ["no_data", "data_back"])
def test_losing_and_regaining_data_is_not_mailed(alert: AlertState, ada: User, now: datetime, kind: str) -> None:
    make_transition(alert, kind)
    assert dispatch_new(now) == 0
    assert own(Transition).get().dispatch_state == "silent"
    assert not own(Delivery).exists()


def test_a_recovery_goes_out_in_the_thread_of_its_firing(alert: AlertState, ada: User, now: datetime) -> None:
    make_transition(alert)
    make_transition(alert, "resolved")
    assert dispatch_new(now) == 2
    fired, resolved = own(Delivery).order_by("pk")
    assert fired.message_id.startswith(f"<alert{alert.pk}.1.firing.")
    assert resolved.message_id.startswith(f"<alert{alert.pk}.1.resolved.")


def test_of_two_dispatchers_at_once_one_writes_the_deliveries(
    alert: AlertState, ada: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_transition(alert)
    render = dispatch.render

    def render_and_be_overtaken(*args: Any) -> Any:
        monkeypatch.setattr(dispatch, "render", render)
        assert dispatch_new(now) == 1
        return render(*args)

    monkeypatch.setattr(dispatch, "render", render_and_be_overtaken)
    assert dispatch_new(now) == 0
    assert own(Delivery).count() == 1


def test_times_are_told_in_the_readers_zone(alert: AlertState, now: datetime) -> None:
    factories.make_user("berta", Role.ADMIN, timezone="Europe/Berlin")
    factories.make_user("una", Role.ADMIN, timezone="Not/AZone")
    make_transition(alert)
    dispatch_new(now)
    assert "22 Nov 2026, 13:00 CET" in Delivery.objects.get(recipient__username="berta").text
    assert "22 Nov 2026, 12:00 UTC" in Delivery.objects.get(recipient__username="una").text
