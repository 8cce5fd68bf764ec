"""Notices of incidents → deliveries."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.models import AlertState, Delivery, Notice, Role, Transition, User, system_user
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
    notice = make_transition(alert)
    assert dispatch_new(now) == 1
    assert addresses() == {"otto@example.com", "ada@example.com"}
    notice.refresh_from_db()
    assert (notice.dispatch_state, notice.dispatched_at, notice.recipients) == ("dispatched", now, 2)
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


def test_a_firing_that_nobody_may_get_waits_and_says_so_once(
    alert: AlertState, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    make_transition(alert)
    for minutes in (0, 1, 2):
        assert dispatch_new(now + timedelta(minutes=minutes)) == 0
    assert (own(Notice).get().dispatch_state, own(Notice).get().why_silent) == ("new", "nobody")
    assert caplog.text.count("concerns nobody yet") == 1


def test_a_firing_that_nobody_could_get_goes_to_who_may_before_it_is_over(alert: AlertState, now: datetime) -> None:
    make_transition(alert)
    assert dispatch_new(now) == 0
    factories.make_user("new", Role.OPERATOR, email="new@example.com")
    assert dispatch_new(now + timedelta(minutes=1)) == 1
    assert addresses() == {"new@example.com"}


def test_what_is_over_before_anybody_could_get_it_is_settled_visibly(
    alert: AlertState, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    make_transition(alert)
    dispatch_new(now)
    make_transition(alert, "resolved", now=now)
    assert dispatch_new(now + timedelta(minutes=1)) == 2
    assert set(own(Notice).values_list("dispatch_state", "why_silent", "recipients")) == {("silent", "nobody", 0)}
    assert "concerns nobody who was told of it" in caplog.text


def test_nobody_is_told_of_the_end_who_was_not_told_of_the_beginning(
    alert: AlertState, ada: User, now: datetime
) -> None:
    make_transition(alert)
    dispatch_new(now)
    factories.make_user("new", Role.OPERATOR, email="new@example.com")
    make_transition(alert, "resolved")
    dispatch_new(now)
    assert sorted(own(Delivery).values_list("notice__kind", "address")) == [
        ("firing", "ada@example.com"),
        ("resolved", "ada@example.com"),
    ]


def test_two_sign_ins_with_one_address_get_one_mail(alert: AlertState, now: datetime) -> None:
    factories.make_user("one", Role.ADMIN, email="Team@example.com")
    factories.make_user("two", Role.OPERATOR, email="team@example.com")
    make_transition(alert)
    dispatch_new(now)
    assert own(Delivery).count() == own(Notice).get().recipients == 1


@pytest.mark.parametrize("kind", ["no_data", "data_back"])
def test_losing_and_regaining_data_is_not_mailed(alert: AlertState, ada: User, now: datetime, kind: str) -> None:
    assert make_transition(alert, kind) is None
    assert dispatch_new(now) == 0
    assert own(Transition).get().dispatch_state == "silent"
    assert not own(Delivery).exists()


def test_a_recovery_goes_out_in_the_thread_of_its_firing(alert: AlertState, ada: User, now: datetime) -> None:
    incident = make_transition(alert).incident_id
    dispatch_new(now)
    make_transition(alert, "resolved")
    assert dispatch_new(now) == 1
    fired, resolved = own(Delivery).order_by("pk")
    assert fired.message_id.startswith(f"<incident{incident}.1.")
    assert resolved.message_id.startswith(f"<incident{incident}.2.")


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
