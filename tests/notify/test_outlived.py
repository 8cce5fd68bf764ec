"""What people were notified of goes at its age, with its mail, unless somebody still waits for it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import time_machine

from monitor import pipeline
from monitor.models import Delivery, Notice, Occasion, RetryAttempt, User, ages
from monitor.notify.outlived import outlived_occasions
from tests import factories
from tests.bystander import Bystander, own
from tests.dashboard.world import make_attempt

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
