"""Hands due deliveries to the mail server, one message a recipient, and marks what came of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.mail import EmailMessage, get_connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from monitor.models import Delivery, Transition
from monitor.notify.message import build
from monitor.notify.recipients import entitled
from monitor.notify.render import plain
from monitor.notify.smtp_answers import CONFIG_PAUSE, FailureKind, SendOutcome, classify, next_try

logger = logging.getLogger(__name__)

# Longer than the slowest exchange with a server whose every answer takes EMAIL_TIMEOUT.
LEASE = timedelta(minutes=3)
# A task of the queue may last 60 s; what is left over is due at the next call.
BUDGET = timedelta(seconds=30)

Clock = Callable[[], datetime]


@dataclass(slots=True)
class SendReport:
    """Holds what a run did. `paused` says why it stopped before all due messages were tried."""

    sent: int = 0
    retried: int = 0
    dead: int = 0
    paused: str = ""

    @property
    def handled(self) -> int:
        return self.sent + self.retried + self.dead


class _ConnectError(Exception):
    """Says that the server was not reached, or did not let us in: no message is to blame."""


class _NothingTakenError(OSError):
    """Says that the backend took no message and did not say why."""


class _Mailer:
    """Holds one connection for a run, opened when it is needed and again after a failure."""

    def __init__(self) -> None:
        self._backend: Any = None

    def send(self, message: EmailMessage) -> None:
        if self._backend is None:
            backend = get_connection()
            try:
                # Opened here, so that the backend does not close it after each message and a QUIT gone wrong
                # is not taken for a message gone wrong.
                backend.open()
            except Exception as error:
                _close_quietly(backend)
                raise _ConnectError from error
            self._backend = backend
        if not self._backend.send_messages([message]):
            raise _NothingTakenError("the mail backend took no message")

    def close(self) -> None:
        backend, self._backend = self._backend, None
        if backend is not None:
            _close_quietly(backend)


def _close_quietly(backend: Any) -> None:
    try:
        backend.close()
    except OSError as error:  # SMTPException is one
        logger.debug("closing the mail connection: %s", type(error).__name__)


def send_due(now: datetime, *, clock: Clock | None = None, limit: int = 50) -> SendReport:
    """Sends what is due.

    A crash between the server's 250 and our mark sends again, under the same Message-ID, once the lease has
    run out. A recovery waits until the firing it belongs to has gone out to the same person, or never will.

    Args:
        now: the time of the run.
        clock: tells the time as the run goes on; by default it starts at `now` and goes with the system's.
        limit: how many messages at most.
    """
    tell = clock or _running_from(now)
    report, mailer, started = SendReport(), _Mailer(), tell()
    try:
        while report.handled < limit and tell() - started < BUDGET and not report.paused:
            delivery = _claim(tell())
            if delivery is None:
                break
            _send_one(delivery, mailer, tell, report)
    finally:
        mailer.close()
    return report


def _running_from(now: datetime) -> Clock:
    origin = time.monotonic()
    return lambda: now + timedelta(seconds=time.monotonic() - origin)


def _claim(now: datetime) -> Delivery | None:
    """Returns the next delivery that is due, leased to this process; None when there is none."""
    while (found := _due(now).first()) is not None:
        mine = Delivery.objects.filter(pk=found.pk, state=found.state, attempts=found.attempts).update(
            state=Delivery.State.SENDING, attempts=found.attempts + 1, lease_until=now + LEASE
        )
        if mine:
            found.attempts += 1
            return found
    return None


def _due(now: datetime) -> QuerySet[Delivery]:
    states = Delivery.State
    # The firing of the same episode: not dispatched yet by another process, or on its way to the same person.
    firing = Transition.objects.filter(
        alert=OuterRef("transition__alert"), episode=OuterRef("transition__episode"), kind=Transition.Kind.FIRING
    )
    undispatched = firing.filter(dispatch_state=Transition.Dispatch.NEW)
    unsent = Delivery.objects.filter(
        recipient=OuterRef("recipient"),
        transition__alert=OuterRef("transition__alert"),
        transition__episode=OuterRef("transition__episode"),
        transition__kind=Transition.Kind.FIRING,
        state__in=[states.QUEUED, states.SENDING],
    )
    too_early = Q(transition__kind=Transition.Kind.RESOLVED) & (Q(Exists(undispatched)) | Q(Exists(unsent)))
    is_due = Q(state=states.QUEUED, next_try_at__lte=now) | Q(state=states.SENDING, lease_until__lt=now)
    due = Delivery.objects.filter(is_due).exclude(too_early)
    return due.select_related("transition").order_by("next_try_at", "pk")


def _send_one(delivery: Delivery, mailer: _Mailer, clock: Clock, report: SendReport) -> None:
    if not entitled().filter(pk=delivery.recipient_id).exists():
        _close(delivery, "the recipient no longer gets alert mails", report)
        return
    try:
        mailer.send(build(delivery))
    except _ConnectError as failed:
        outcome = classify(failed.__cause__ or failed, connected=False)
        # The others would fare the same; they are tried in the next run, without an attempt counted.
        report.paused = outcome.reason
    except Exception as error:  # noqa: BLE001 - whatever one message does, the others must go out
        outcome = classify(error, connected=True)
        mailer.close()
    else:
        _mark_sent(delivery, clock(), report)
        return
    _mark_failed(delivery, outcome, clock(), report)


def _mark_sent(delivery: Delivery, now: datetime, report: SendReport) -> None:
    # Also when the lease has run out meanwhile: sent is sent, and nobody need send it again.
    unsent = Delivery.objects.filter(pk=delivery.pk).exclude(state=Delivery.State.SENT)
    unsent.update(state=Delivery.State.SENT, sent_at=now, lease_until=None, last_error="")
    report.sent += 1
    logger.info("mail %d sent (attempt %d)", delivery.pk, delivery.attempts)


def _mark_failed(delivery: Delivery, outcome: SendOutcome, now: datetime, report: SendReport) -> None:
    if outcome.kind == FailureKind.POISON:
        _make_plain(delivery, outcome, now, report)
        return
    again = next_try(outcome.kind, delivery.attempts, delivery.created_at, now)
    if again is None:
        _close(delivery, outcome.reason, report)
        return
    _requeue(delivery, outcome.reason, again)
    report.retried += 1
    logger.warning("mail %d not sent (attempt %d): %s", delivery.pk, delivery.attempts, outcome.reason)
    if outcome.kind == FailureKind.CONFIG:
        report.paused = outcome.reason
        # Signing in with a wrong password again and again locks accounts.
        waiting = Delivery.objects.filter(state=Delivery.State.QUEUED, next_try_at__lt=now + CONFIG_PAUSE)
        waiting.update(next_try_at=now + CONFIG_PAUSE)


def _make_plain(delivery: Delivery, outcome: SendOutcome, now: datetime, report: SendReport) -> None:
    """A message that cannot be sent as it is: once more as plain text, then no more."""
    if not delivery.html:
        _close(delivery, outcome.reason, report)
        return
    simple = plain(delivery.transition.alert_id, delivery.transition.kind)
    _requeue(delivery, outcome.reason, now, subject=simple.subject, text=simple.text, html="")
    report.retried += 1
    logger.warning("mail %d goes out as plain text: %s", delivery.pk, outcome.reason)


def _requeue(delivery: Delivery, reason: str, at: datetime, **columns: str) -> None:
    _mine(delivery).update(state=Delivery.State.QUEUED, next_try_at=at, lease_until=None, last_error=reason, **columns)


def _close(delivery: Delivery, reason: str, report: SendReport) -> None:
    _mine(delivery).update(state=Delivery.State.DEAD, lease_until=None, last_error=reason)
    report.dead += 1
    logger.error("mail %d given up (attempt %d): %s", delivery.pk, delivery.attempts, reason)


def _mine(delivery: Delivery) -> QuerySet[Delivery]:
    """Returns the row, as long as this process holds its lease: each claim counts an attempt."""
    return Delivery.objects.filter(pk=delivery.pk, state=Delivery.State.SENDING, attempts=delivery.attempts)
