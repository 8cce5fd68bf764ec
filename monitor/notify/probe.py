"""Sends a test mail that a person asks for, and tells what the mail server said to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime, make_msgid

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Q

from monitor import audit
from monitor.languages import gettext as _
from monitor.languages import gettext_noop
from monitor.models import MailServer, User
from monitor.notify import mail_server_state
from monitor.notify.mail_connection import Mailer
from monitor.notify.message import domain
from monitor.notify.smtp_answers import FailureKind, SendOutcome, SmtpStage

# Each one signs in at the mail server, and holds a web process until it has answered.
PAUSE = timedelta(seconds=10)

_MEANING = {
    FailureKind.TRANSIENT: gettext_noop("The server asks to try again later."),
    FailureKind.AMBIGUOUS: gettext_noop("The connection broke; the mail may have arrived all the same."),
    FailureKind.PERMANENT: gettext_noop("It refuses this address; other people may get their mails."),
    FailureKind.SENDER: gettext_noop("It refuses us, so all mails wait. Check EMAIL_URL and DEFAULT_FROM_EMAIL."),
    FailureKind.SUSPECT: gettext_noop("It refuses us or this address. Check EMAIL_URL and DEFAULT_FROM_EMAIL."),
    FailureKind.POISON: gettext_noop("It refuses what the mail says."),
}
_STAGES = {
    SmtpStage.CONNECT: gettext_noop("connecting and signing in"),
    SmtpStage.MAIL: gettext_noop("the sender's address"),
    SmtpStage.RCPT: gettext_noop("the recipient's address"),
    SmtpStage.DATA: gettext_noop("the message"),
}


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """Says whether the server took the test mail, and in a sentence or two what it said."""

    is_sent: bool
    told: str


def probe(person: User, now: datetime) -> ProbeResult:
    """Sends a test mail to a person's own address.

    Where the server takes it after it had refused us, the waiting mails go out with the next run.

    Args:
        person: who asks.
        now: the present.
    """
    if not person.email:
        return ProbeResult(is_sent=False, told=_("Your profile has no e-mail address to send it to."))
    if not _may_start(now):
        return ProbeResult(
            is_sent=False, told=_("A test mail was sent less than %(n)s seconds ago.") % {"n": PAUSE.seconds}
        )
    mailer = Mailer()
    try:
        outcome = mailer.send(_message(person, now))
    finally:
        mailer.close()
    with transaction.atomic():
        if outcome is None:
            mail_server_state.accepts(now)
        elif outcome.kind == FailureKind.SENDER:
            mail_server_state.refuses(outcome, now)
        row = mail_server_state.standing()
        audit.record(person, "mail.test", row, now=now, detail={"answer": outcome.code if outcome else "taken"})
    return _result(outcome)


def _may_start(now: datetime) -> bool:
    """Takes the turn; False where somebody took one just now."""
    MailServer.objects.get_or_create(pk=1)
    free = Q(probed_at=None) | Q(probed_at__lte=now - PAUSE)
    return bool(MailServer.objects.filter(free).update(probed_at=now))


def _message(person: User, now: datetime) -> EmailMessage:
    return EmailMessage(
        subject="Test mail of the Zoho monitor",
        body=f"The mail server takes the mails of {settings.PUBLIC_URL}/\n",
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[person.email],
        headers={
            "Message-ID": make_msgid("test", domain()),
            "Date": format_datetime(now),
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "All",
        },
    )


def _result(outcome: SendOutcome | None) -> ProbeResult:
    if outcome is None:
        return ProbeResult(
            is_sent=True,
            told=_("The mail server took the test mail. Look into your mailbox: it may still be sorted out."),
        )
    told = _("Not sent. At %(stage)s the mail server said: %(reason)s. %(meaning)s") % {
        "stage": _(_STAGES[outcome.stage]),
        "reason": outcome.reason,
        "meaning": _(_MEANING[outcome.kind]),
    }
    return ProbeResult(is_sent=False, told=told)
