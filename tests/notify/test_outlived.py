"""What people were notified of goes at its age, with its mail, unless somebody still waits for it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
import time_machine
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from monitor import pipeline
from monitor.models import (
    AlertState,
    ChannelMessage,
    Delivery,
    Digest,
    Incident,
    Notice,
    Occasion,
    RetryAttempt,
    User,
    ages,
)
from monitor.notify import digests
from monitor.notify.digest_times import DuePeriod
from monitor.notify.outlived import outlived_digests, outlived_mails, outlived_messages, outlived_occasions
from monitor.periods import DAY
from tests import factories
from tests.bystander import Bystander, own
from tests.dashboard.world import make_attempt
from tests.depth import tried

pytestmark = pytest.mark.django_db


@pytest.fixture
def edge(now: datetime) -> datetime:
    return ages().rows_edge(now)


@pytest.fixture
def attempt(otto: User, now: datetime) -> RetryAttempt:
    run = factories.make_execution(factories.make_flow(factories.make_account("Acme")), "failed")
    return make_attempt(run, otto, now, state="failed_again", sent_at=now)


def occasion(attempt: RetryAttempt, at: datetime, state: str = "dispatched", mail: str = "sent") -> Occasion:
    """Somebody was notified of a retry at a time; `mail`: how the mail stands, "" for none."""
    row = Occasion.objects.create(
        kind="outcome_unknown", at=at, recipient=attempt.requested_by, retry=attempt, dispatch_state=state
    )
    if mail:
        Delivery.objects.create(
            occasion=row, recipient=attempt.requested_by, address="otto@example.com", message_id=f"<{row.pk}@x>",
            subject="s", text="t", html="h", state=mail, created_at=at, next_try_at=at,
        )  # fmt: skip
    return row


def test_old_ones_go_with_their_mails_and_younger_ones_stay(
    attempt: RetryAttempt, edge: datetime, now: datetime, bystander: Bystander
) -> None:
    bystander.expect("StageRun", "ApiCall", "Occasion", "Retention.looked_at")  # old ones go, whosever they are
    second = timedelta(seconds=1)
    old = [
        occasion(attempt, edge - second),
        occasion(attempt, edge - second, mail="dead"),
        occasion(attempt, edge - second, "silent", mail=""),
    ]
    young = occasion(attempt, edge)
    with time_machine.travel(now, tick=False):
        pipeline.housekeeping()
    assert list(own(Occasion)) == [young]
    assert [row.occasion for row in own(Delivery)] == [young]
    assert len(old) == 3
    assert Notice.objects.filter(incident__account=bystander.account_id).exists()


@pytest.mark.parametrize(("state", "mail"), [("new", ""), ("dispatched", "queued"), ("dispatched", "sending")])
def test_what_is_not_told_yet_stays_however_old(attempt: RetryAttempt, edge: datetime, state: str, mail: str) -> None:
    occasion(attempt, edge - timedelta(days=400), state, mail)
    assert not own(Occasion).filter(pk__in=outlived_occasions(edge)).exists()


def test_that_an_outcome_is_unknown_stays_told_while_it_is_unknown(attempt: RetryAttempt, edge: datetime) -> None:
    row = occasion(attempt, edge - timedelta(days=1))
    assert row in outlived_occasions(edge)
    own(RetryAttempt).update(state="unknown")
    assert row not in outlived_occasions(edge)


# ---- incidents and digests


def told_of(alert: AlertState, at: datetime, **incident: Any) -> Incident:
    """An incident that was over at a time, with a mail and a message of its beginning."""
    known = {"closed_at": at, "closed_how": "recovered", "opened_at": at - timedelta(hours=1)} | incident
    found = factories.make_incident(alert, **known)
    notice = found.notices.get()
    Delivery.objects.create(
        notice=notice, recipient=User.objects.get(username="otto"), address="otto@example.com",
        message_id=f"<{found.pk}@x>", subject="s", text="t", html="h", state="sent", created_at=at, next_try_at=at,
    )  # fmt: skip
    factories.make_channel_message(notice, state="sent", created_at=at, next_try_at=at)
    return found


def left(edge: datetime) -> tuple[int, int]:
    """How many mails and messages of incidents stay."""
    mails, messages = own(Delivery).filter(notice__isnull=False), own(ChannelMessage)
    gone = [set(rows.values_list("pk", flat=True)) for rows in (outlived_mails(edge), outlived_messages(edge))]
    return mails.exclude(pk__in=gone[0]).count(), messages.exclude(pk__in=gone[1]).count()


SECOND = timedelta(seconds=1)


def test_mails_and_messages_of_what_was_over_long_ago_go_and_their_incident_stays(
    alert: AlertState, otto: User, edge: datetime, now: datetime, bystander: Bystander
) -> None:
    bystander.expect("StageRun", "ApiCall", "Occasion", "Retention.looked_at")
    old, young = told_of(alert, edge - SECOND), None
    alert.episode = 2
    young = told_of(alert, edge)
    with time_machine.travel(now, tick=False):
        pipeline.housekeeping()
    assert [row.notice.incident for row in own(Delivery)] == [young]
    assert [row.notice.incident for row in own(ChannelMessage)] == [young]
    assert old.notices.get().recipients == 1
    assert Delivery.objects.filter(recipient=bystander.person_id, notice__isnull=False).exists()


@pytest.mark.parametrize("state", ["queued", "sending"])
@pytest.mark.parametrize("way", [Delivery, ChannelMessage])
def test_an_old_message_that_waits_keeps_all_of_its_incident(
    alert: AlertState, otto: User, edge: datetime, state: str, way: type[Any]
) -> None:
    told_of(alert, edge - timedelta(days=400))
    assert left(edge) == (0, 0)
    own(way).update(state=state)
    assert left(edge) == (1, 1)


def test_what_was_told_of_an_incident_that_goes_on_stays_for_its_end(
    alert: AlertState, otto: User, edge: datetime, now: datetime
) -> None:
    incident = told_of(alert, edge - timedelta(days=400), closed_at=None, closed_how="")
    assert left(edge) == (1, 1)
    Incident.objects.filter(pk=incident.pk).update(closed_at=edge - SECOND, closed_how="recovered")
    factories.make_notice(incident, seq=2, kind="resolved", at=now, due_at=now)
    assert left(edge) == (1, 1)
    incident.notices.filter(seq=2).update(dispatch_state="dispatched", dispatched_at=edge - SECOND)
    assert left(edge) == (0, 0)


def test_what_a_person_had_sent_again_lately_stays(alert: AlertState, otto: User, edge: datetime) -> None:
    told_of(alert, edge - timedelta(days=1))
    own(Delivery).update(state="dead", created_at=edge)
    assert left(edge) == (1, 1)


def digest(person: User, kind: str, period: date, *, hour: int, is_empty: bool = False) -> Digest:
    due_at = datetime.combine(period, time(hour), UTC)
    return Digest.objects.create(
        person=person, kind=kind, period=period, due_at=due_at, since=due_at - DAY, until=due_at, is_empty=is_empty
    )


def test_a_digest_goes_once_its_mail_is_gone_but_for_the_newest(otto: User, edge: datetime) -> None:
    first, second, newest = (digest(otto, "digest_daily", edge.date() - n * DAY, hour=0) for n in (9, 8, 7))
    waiting = Occasion.objects.create(kind="digest_daily", at=edge - DAY, recipient=otto, digest=second)
    assert set(outlived_digests(edge)) & {first, second, newest} == {first}
    waiting.delete()
    assert set(outlived_digests(edge)) & {first, second, newest} == {first, second}


def test_the_night_takes_digests_of_a_reader_but_for_the_newest_and_nobody_elses(
    otto: User, edge: datetime, now: datetime, bystander: Bystander
) -> None:
    bystander.expect("StageRun", "ApiCall", "Occasion", "Retention.looked_at")
    old, newest = (digest(otto, "digest_daily", edge.date() - n * DAY, hour=0) for n in (9, 8))
    with time_machine.travel(now, tick=False):
        pipeline.housekeeping()
    assert list(own(Digest)) == [newest]
    assert not Digest.objects.filter(pk=old.pk).exists()
    assert Digest.objects.filter(person=bystander.person_id).exists()


days_ago = st.integers(0, 400)


@given(
    made=st.lists(st.tuples(st.sampled_from(["digest_daily", "digest_weekly"]), days_ago, st.booleans()), max_size=12),
    later=st.integers(0, 20),
    hour=st.integers(0, 23),
)
@tried(12, 200)
def test_what_is_pruned_makes_no_digest_due_that_was_not(
    otto: User, edge: datetime, now: datetime, made: list[tuple[str, int, bool]], later: int, hour: int
) -> None:
    with transaction.atomic():
        for kind, ago, is_empty in {(kind, ago): (kind, ago, is_empty) for kind, ago, is_empty in made}.values():
            day = (now - ago * DAY).date()
            period = day - day.weekday() * DAY if kind == "digest_weekly" else day
            if not own(Digest).filter(person=otto, kind=kind, period=period).exists():
                digest(otto, kind, period, hour=hour, is_empty=is_empty)
        User.objects.filter(pk=otto.pk).update(digest_hour=hour, unwanted_mails=[], date_joined=now - 900 * DAY)
        at = now + later * DAY
        before = due_of(otto, at)
        outlived_digests(edge).filter(person=otto).delete()
        assert due_of(otto, at) == before
        transaction.set_rollback(True)


def due_of(person: User, now: datetime) -> list[tuple[str, DuePeriod, datetime | None]]:
    return [
        (kind.value, period, last.until if last is not None else None)
        for reader, kind, period, last in digests._due(now, None)
        if reader.to == person
    ]
