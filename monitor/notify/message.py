"""Makes a message of a Delivery, with headers that thread and that machines do not answer."""

from __future__ import annotations

import ipaddress
from email.utils import format_datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.utils.crypto import salted_hmac

from monitor.models import Delivery, Occasion, Transition
from monitor.notify.kinds import topic_of


def message_id(cause: Transition | Occasion, address: str) -> str:
    """Returns the same for each attempt at a message, so that a mail program shows one that was sent twice once."""
    reader = salted_hmac("monitor.notify.recipient", address.casefold(), algorithm="sha256").hexdigest()[:16]
    if isinstance(cause, Transition):
        return f"<alert{cause.alert_id}.{cause.episode}.{cause.kind}.{reader}@{domain()}>"
    return f"<occasion{cause.pk}.{cause.kind}.{reader}@{domain()}>"


def thread_id(cause: Transition | Occasion) -> str:
    """Returns the id of a message that is never sent: all mails about one thing refer to it, and stand in one thread.

    The thing is an episode of an alert, a problem, or a batch of retries.
    """
    if isinstance(cause, Transition):
        return f"<alert{cause.alert_id}.{cause.episode}@{domain()}>"
    thing = cause.subject
    return f"<{type(thing).__name__.lower()}{thing.pk}@{domain()}>"


def build(delivery: Delivery) -> EmailMessage:
    """Returns the message of a delivery, to its one recipient.

    `Auto-Submitted` (RFC 3834) and `X-Auto-Response-Suppress` keep absence notes from answering, `List-Id`
    (RFC 2919) lets a reader sort. The date is that of the delivery, so that a second attempt is the same message.
    """
    thread = thread_id(delivery.cause)
    topic = topic_of(delivery)
    kind = EmailMultiAlternatives if delivery.html else EmailMessage
    message = kind(
        subject=delivery.subject,
        body=delivery.text,
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[delivery.address],
        headers={
            "Message-ID": delivery.message_id,
            "In-Reply-To": thread,
            "References": thread,
            "Date": format_datetime(delivery.created_at),
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "All",
            "List-Id": f"{topic.capitalize()} of the Zoho monitor <{topic}.{domain()}>",
        },
    )
    if isinstance(message, EmailMultiAlternatives):
        message.attach_alternative(delivery.html, "text/html")
    return message


def domain() -> str:
    """Returns the host of PUBLIC_URL in ASCII, in the form that an id may hold (RFC 5322, section 3.6.4)."""
    host = urlsplit(settings.PUBLIC_URL).hostname or "localhost"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host.encode("idna").decode("ascii")
    return host if address.version == 4 else f"[IPv6:{host}]"
