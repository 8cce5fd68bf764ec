"""A person whose address the mail server does not take hears of nothing by mail: admins read so, until it is mended."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse

from monitor.models import AlertState, Delivery, User
from monitor.notify.send import SendReport, send_due
from monitor.notify.send_again import send_again
from monitor.queries.mails import bounced
from tests import factories
from tests.bystander import own
from tests.notify.sink import Sink
from tests.notify.test_kept_back import elsewhere
from tests.notify.test_late import fire, recover
from tests.notify.test_routes import make_route

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)
NOBODY = "550 5.1.1 no such user"


def send_at(now: datetime) -> SendReport:
    return send_due(now, clock=lambda: now)


@pytest.fixture
def refused(alert: AlertState, ada: User, otto: User, sink: Sink, now: datetime) -> Delivery:
    fire(alert, now)
    sink.by_address = {otto.email: NOBODY}
    assert send_at(now).dead == 1
    return own(Delivery).get(recipient=otto)


def test_the_page_of_mails_names_who_hears_of_nothing_and_what_the_server_says(
    refused: Delivery, signed_in: Any, ada: User, otto: User
) -> None:
    (found,) = bounced()
    assert (found.person, found.reason) == (otto, NOBODY)
    page = signed_in(ada).get(reverse("mails")).content.decode()
    assert "The mail server takes no mails for otto" in page
    assert NOBODY in page
    assert reverse("person", args=[otto.pk]) in page


def test_it_is_over_when_the_address_is_corrected_or_the_person_is_gone(refused: Delivery, otto: User) -> None:
    User.objects.filter(pk=otto.pk).update(email="otto.new@example.com")
    assert bounced() == []
    User.objects.filter(pk=otto.pk).update(email=refused.address, is_active=False)
    assert bounced() == []


def test_it_is_over_when_the_server_takes_one(refused: Delivery, ada: User, sink: Sink, now: datetime) -> None:
    sink.by_address = {}
    send_again(refused, actor=ada, now=now + SECOND)
    assert bounced() == []
    assert send_at(now + SECOND).sent == 1
    assert bounced() == []


def test_what_is_given_up_for_another_reason_blames_no_address(
    alert: AlertState, otto: User, sink: Sink, now: datetime
) -> None:
    fire(alert, now)
    sink.at_rcpt = ["450 4.2.0 later"]
    send_at(now)
    User.objects.filter(pk=otto.pk).update(wants_mail=False)
    assert send_at(now + 15 * SECOND).dead == 1
    assert bounced() == []


def test_a_mail_that_is_not_sent_on_purpose_leaves_what_is_known_of_an_address(
    refused: Delivery, otto: User, now: datetime
) -> None:
    fire(elsewhere(now), now + SECOND)
    User.objects.filter(pk=otto.pk).update(wants_mail=False)
    send_at(now + SECOND)
    newest = own(Delivery).filter(recipient=otto).latest("pk")
    assert (newest.state, newest.attempts, newest.is_bounced) == ("dead", 1, False)
    (found,) = bounced()
    assert found.person == otto


def test_what_a_route_sends_only_to_a_refused_address_goes_to_everybody_at_once_and_from_then_on(
    alert: AlertState, ada: User, otto: User, sink: Sink, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    make_route(people=[otto])
    fire(alert, now)
    sink.by_address = {otto.email: NOBODY}
    report = send_at(now)
    assert [one.levelname for one in caplog.records if "given up" in one.getMessage()] == ["ERROR"]
    assert (report.sent, report.dead) == (1, 1)
    assert [mail["To"] for mail in sink.mails] == [ada.email]
    recover(alert, now + SECOND)
    send_at(now + SECOND)
    fire(elsewhere(now), now + SECOND)
    send_at(now + SECOND)
    assert [mail["To"] for mail in sink.mails] == [ada.email] * 3


def test_a_route_with_another_reader_is_followed_as_before(
    alert: AlertState, ada: User, otto: User, sink: Sink, now: datetime
) -> None:
    olga = factories.make_user("olga", "operator", email="olga@example.com")
    make_route(people=[otto, olga])
    fire(alert, now)
    sink.by_address = {otto.email: NOBODY}
    send_at(now)
    assert [mail["To"] for mail in sink.mails] == [olga.email]
