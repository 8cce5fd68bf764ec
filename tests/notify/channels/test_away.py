"""A channel that is away is tried twice a minute; one that may have had it, or has too many, less and less often."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from monitor.models import AlertState, ChannelMessage, ChannelStanding, SendAttempt
from monitor.notify.channels.parcel import ChannelAnswer
from monitor.notify.dispatch import dispatch_new
from tests.bystander import own
from tests.notify.channels.conftest import make_channel
from tests.notify.channels.test_send import SECOND, Poster, lost, refused, send_at
from tests.notify.conftest import make_transition

pytestmark = pytest.mark.django_db


@pytest.fixture
def fired(alert: AlertState, now: datetime) -> ChannelMessage:
    make_channel()
    make_transition(alert)
    dispatch_new(now)
    return own(ChannelMessage).get()


def test_a_channel_that_was_away_hears_of_what_waited_within_half_a_minute_of_its_return(
    fired: ChannelMessage, now: datetime
) -> None:
    poster = Poster(*[lost(may_have_arrived=False)] * 500)
    *_, at = _tries(fired, now, poster, 20)
    standing = ChannelStanding.objects.get(channel=fired.channel)
    assert (standing.state, standing.since, standing.failures) == ("trouble", now, 20)
    assert standing.next_try_at - at == 30 * SECOND
    poster.answers.clear()
    assert send_at(at + 30 * SECOND, poster).sent == 1
    fired.refresh_from_db()
    assert (fired.state, fired.attempts) == ("sent", 2)
    assert [one.outcome for one in own(SendAttempt)] == ["later", "sent"]


@pytest.mark.parametrize("answer", [refused(500), refused(429), lost()], ids=["500", "429", "late"])
def test_a_channel_that_may_have_had_it_or_has_too_much_is_asked_less_and_less_often(
    fired: ChannelMessage, now: datetime, answer: ChannelAnswer
) -> None:
    *_, last = _tries(fired, now, Poster(*[answer] * 9), 9)
    assert last - now > timedelta(minutes=45)


def _tries(message: ChannelMessage, at: datetime, poster: Poster, most: int) -> Iterator[datetime]:
    """Sends again and again, each time as soon as its channel may be tried; gives the times."""
    for _ in range(most):
        send_at(at, poster)
        yield at
        standing = ChannelStanding.objects.get(channel=message.channel)
        at = max(standing.next_try_at, own(ChannelMessage).get().next_try_at)
