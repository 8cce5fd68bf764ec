"""Answers callbacks: finds the sender, reads within limits, checks the proof, writes a row, says 202.

What follows comes later. Nothing of a body is logged or kept but the ids in it and its SHA-256 (docs/push.md).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q
from django_q.tasks import async_task

from monitor.hooks import body as bodies
from monitor.hooks import callback_ids, rate_limit, signature
from monitor.models import USUAL_RATE, HookEndpoint, PushEvent, WatchChannel
from monitor.periods import times_passed
from monitor.vault import VaultError

HINT_TASK = "monitor.tasks.take_hints"
WAKES_EVERY = timedelta(seconds=5)
SAME_FOR = timedelta(minutes=5)
LATE = timedelta(minutes=5)  # a notification that took longer to come, by Zoho's own clock
OPENING = timedelta(minutes=10)  # notifications may come before the answer by which we know the channel's end


@dataclass(frozen=True)
class Callback:
    """Holds a request as far as it is looked at.

    Attributes:
        headers: names in lower case.
        length: the Content-Length header, None for a body in chunks.
        read: gives up to so many bytes of the body.
    """

    headers: Mapping[str, str]
    length: str | None
    read: Callable[[int], bytes]


@dataclass(frozen=True)
class CallbackAnswer:
    """Holds what the sender is answered; `retry_after` in seconds, 0 for none."""

    status: int
    text: str
    retry_after: int = 0


ACCEPTED = CallbackAnswer(202, "accepted")
UNKNOWN = CallbackAnswer(404, "unknown address")
UNPROVED = CallbackAnswer(401, "not signed with a valid secret")
FORGED = CallbackAnswer(401, "not a valid token")
LOCKED = CallbackAnswer(503, "it cannot be checked now", retry_after=300)
UNREADABLE = CallbackAnswer(400, "the body is not JSON")
_TROUBLE: dict[type[Exception], CallbackAnswer] = {
    bodies.TooLarge: CallbackAnswer(413, "the body is larger than 10 MiB"),
    bodies.Broken: CallbackAnswer(400, "the body is not complete"),
}


def flow_callback(key: str, callback: Callback, now: datetime) -> CallbackAnswer:
    """Answers a callback from the error branch of a flow.

    Args:
        key: from the address; looked up by its hash, so that the time it takes tells nothing of known keys.
        callback: the request.
        now: the present.
    """
    endpoint = endpoint_of(key)
    if endpoint is None:
        return UNKNOWN
    if not rate_limit.allowed(endpoint, endpoint.per_minute, now):
        return _refuse(endpoint, _full(now), now)
    if not signature.names(callback.headers):
        return _refuse(endpoint, UNPROVED, now)
    try:
        body = bodies.read_body(callback.read, callback.length)
    except tuple(_TROUBLE) as trouble:
        return _refuse(endpoint, _TROUBLE[type(trouble)], now)
    try:
        secrets = [one.text for one in endpoint.secret_list]
    except VaultError:
        return _refuse(endpoint, LOCKED, now)
    signed = signature.verify(callback.headers, body, secrets, now)
    if not signed.ok:
        return _refuse(endpoint, UNPROVED, now)
    try:
        said = callback_ids.find_ids(callback_ids.parse(body))
    except callback_ids.NotReadable:
        return _refuse(endpoint, UNREADABLE, now)
    # An endpoint that belongs to a flow speaks for that flow only, whatever the body says.
    flow_id = endpoint.flow.flow_id if endpoint.flow is not None else said.flow_id
    event_id = signed.event_id or said.event_id
    event = PushEvent(
        account_id=endpoint.account_id,
        endpoint=endpoint,
        digest=_digest(body, now, is_named=bool(event_id or said.execution_id)),
        event_id=hashlib.sha256(event_id.encode()).hexdigest() if event_id else "",
        flow_id=flow_id,
        execution_id=said.execution_id,
        received_at=now,
    )
    return _keep(endpoint, event, now)


def crm_callback(channel_id: str, callback: Callback, now: datetime) -> CallbackAnswer:
    """Answers a notification of changed records. It has no signature, only the token we gave the channel.

    Args:
        channel_id: from the address.
        callback: the request.
        now: the present; an expired channel is as good as unknown.
    """
    channel = channel_of(channel_id, now)
    if channel is None:
        return UNKNOWN
    if not rate_limit.allowed(channel, USUAL_RATE, now):
        return _refuse(channel, _full(now), now)
    try:
        body = bodies.read_body(callback.read, callback.length)
        said = callback_ids.notification(callback_ids.parse(body))
    except callback_ids.NotReadable:
        return _refuse(channel, UNREADABLE, now)
    except tuple(_TROUBLE) as trouble:
        return _refuse(channel, _TROUBLE[type(trouble)], now)
    try:
        is_genuine = said is not None and _same(said.token, channel.token)
    except VaultError:
        return _refuse(channel, LOCKED, now)
    if said is None or not is_genuine or said.channel_id not in ("", channel.channel_id):
        return _refuse(channel, FORGED, now)
    event = PushEvent(
        account_id=channel.account_id, channel=channel, digest=hashlib.sha256(body).hexdigest(), received_at=now
    )
    return _keep(channel, event, now, is_late=said.sent_at is not None and now - said.sent_at > LATE)


def endpoint_of(key: str) -> HookEndpoint | None:
    """Finds the endpoint that is called at an address with this key; None where there is none, or it is off."""
    return HookEndpoint.objects.filter(key_hash=key_hash(key), is_active=True).first()


def channel_of(channel_id: str, now: datetime) -> WatchChannel | None:
    """Finds the channel that is open under an id, or may be: its first notification may come before we know its end."""
    opening = Q(expires_at=None, asked_at__gt=now - OPENING, asked_at__lte=now)
    return WatchChannel.objects.filter(Q(expires_at__gt=now) | opening, channel_id=channel_id).first()


def key_hash(key: str) -> str:
    """Returns what is kept of an endpoint's key."""
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()


def _digest(body: bytes, now: datetime, *, is_named: bool) -> str:
    """Returns what a body is known by when it comes again.

    One that names neither an execution nor itself may come twice and mean two things: it is only known for a while.
    """
    bucket = "" if is_named else str(times_passed(now, SAME_FOR))
    return hashlib.sha256(body + bucket.encode()).hexdigest()


def _same(given: str, ours: str) -> bool:
    # Hashed first: then the time does not tell the length either.
    one, other = (hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in (given, ours))
    return hmac.compare_digest(one, other)


def _keep(address: rate_limit.Address, event: PushEvent, now: datetime, *, is_late: bool = False) -> CallbackAnswer:
    """Writes the event down, once; a replay is answered like the first, and has no effect."""
    busy = PushEvent.objects.filter(
        account=event.account_id, state=PushEvent.State.NEW, received_at__gt=now - WAKES_EVERY
    ).exists()
    try:
        with transaction.atomic():
            event.save(force_insert=True)
    except IntegrityError:
        rate_limit.count(address, "replayed", now)
        return ACCEPTED
    rate_limit.count(address, "accepted", now)
    if is_late:
        rate_limit.count(address, "late", now)
    if not busy:
        # Only to be quicker than the periodic job, and not once for each of a flood.
        async_task(HINT_TASK)
    return ACCEPTED


def _refuse(address: rate_limit.Address, answer: CallbackAnswer, now: datetime) -> CallbackAnswer:
    rate_limit.count(address, "refused", now)
    return answer


def _full(now: datetime) -> CallbackAnswer:
    return CallbackAnswer(429, "too many callbacks", retry_after=rate_limit.seconds_left(now))
