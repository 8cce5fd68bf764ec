"""Makes a message of a Delivery, with headers that thread and that machines do not answer."""

from __future__ import annotations

import ipaddress
from email.utils import format_datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.utils.crypto import salted_hmac

from monitor.models import Delivery, Notice, Occasion
from monitor.notify.compose import acknowledge_address, unsubscribe_address
from monitor.notify.kinds import kind_of, topic_of
from monitor.notify.links import sign_acknowledge, sign_unsubscribe


def message_id(cause: Notice | Occasion, address: str) -> str:
    """Returns the same for each attempt at a message, so that a mail program shows one that was sent twice once."""
    reader = salted_hmac("monitor.notify.recipient", address.casefold(), algorithm="sha256").hexdigest()[:16]
    if isinstance(cause, Notice):
        return f"<incident{cause.incident_id}.{cause.seq}.{reader}@{domain()}>"
    return f"<occasion{cause.pk}.{cause.kind}.{reader}@{domain()}>"


def thread_id(cause: Notice | Occasion) -> str:
    """Returns the id of a message that is never sent: all mails about one thing refer to it, and stand in one thread.

    The thing is an incident, a problem, or a batch of retries.
    """
    if isinstance(cause, Notice):
        return f"<incident{cause.incident_id}@{domain()}>"
    thing = cause.subject
    return f"<{type(thing).__name__.lower()}{thing.pk}@{domain()}>"


def build(delivery: Delivery) -> EmailMessage:
    """Returns the message of a delivery, to its one recipient.

    `Auto-Submitted` (RFC 3834) and `X-Auto-Response-Suppress` keep absence notes from answering, `List-Id`
    (RFC 2919) lets a reader sort, `List-Unsubscribe` (RFC 8058) switch the kind off with one click. The date is that of
    the delivery, and so is the end of its signatures: a second attempt is the same message.
    """
    off = unsubscribe_address(sign_unsubscribe(delivery.recipient_id, kind_of(delivery)))
    thread = thread_id(delivery.cause)
    topic = topic_of(delivery)
    kind = EmailMultiAlternatives if delivery.html else EmailMessage
    message = kind(
        subject=delivery.subject,
        body=_signed(delivery, delivery.text, off),
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[delivery.address],
        headers={
            "Message-ID": delivery.message_id,
            "In-Reply-To": thread,
            "References": thread,
            "Date": format_datetime(delivery.created_at),
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "All",
            "List-Unsubscribe": f"<{off}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "List-Id": f"{topic.capitalize()} of the Zoho monitor <{topic}.{domain()}>",
        },
    )
    if isinstance(message, EmailMultiAlternatives):
        message.attach_alternative(_signed(delivery, delivery.html, off), "text/html")
    return message


def _signed(delivery: Delivery, text: str, unsubscribe: str) -> str:
    """Puts the person's signatures into the addresses of a stored mail that act without a sign-in."""
    text = text.replace(unsubscribe_address(), unsubscribe)
    if delivery.notice is None:
        return text
    token = sign_acknowledge(delivery.notice.incident_id, delivery.recipient_id, delivery.created_at)
    return text.replace(acknowledge_address(), acknowledge_address(token))


def domain() -> str:
    """Returns the host of PUBLIC_URL in ASCII, in the form that an id may hold (RFC 5322, section 3.6.4)."""
    host = urlsplit(settings.PUBLIC_URL).hostname or "localhost"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host.encode("idna").decode("ascii")
    return host if address.version == 4 else f"[IPv6:{host}]"
