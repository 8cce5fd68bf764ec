"""Keeps what is known of the mail server: whether it takes our mails, and when a refused sender tries again."""

from __future__ import annotations

import logging
from datetime import datetime

from monitor.models import MailServer
from monitor.notify.smtp_answers import AWAY_PAUSE, REFUSED_PAUSE, SendOutcome

logger = logging.getLogger(__name__)


def standing() -> MailServer:
    """Returns what is known; an unsaved row where nothing is."""
    return MailServer.objects.first() or MailServer()


def is_pausing(server: MailServer, now: datetime) -> bool:
    """Says whether nothing is sent for now.

    Signing in with a wrong password again and again locks accounts; and a server that is away is away for all mails.
    """
    # A pause that would be much longer than any is of a clock that was set back since.
    return server.next_try_at is not None and now < server.next_try_at <= now + 2 * REFUSED_PAUSE


def accepts(now: datetime) -> None:
    """Notes that the server took a mail: whatever was refused may go out again."""
    if _change(MailServer.State.ACCEPTS, now):
        logger.info("the mail server takes our mails")
    MailServer.objects.update(accepted_at=now)


def refuses(outcome: SendOutcome, now: datetime) -> None:
    """Notes that the server refuses us, whoever the mail is for, and puts the next try off."""
    if _change(MailServer.State.REFUSES, now):
        logger.error("the mail server refuses us, so all mails wait: %s", outcome.reason)
    MailServer.objects.update(reason=outcome.reason, code=outcome.code, next_try_at=now + REFUSED_PAUSE)


def is_unreachable(outcome: SendOutcome, now: datetime) -> bool:
    """Notes that the server is away for now, and puts the next try off: what comes anew cannot wait long.

    There is no connection, or it says before any mail is named that it takes none for now.

    However often a mail was tried before: that may have been its recipient's fault.

    Args:
        outcome: of the attempt.
        now: the present.

    Returns:
        Whether it could be reached until now, as far as is known.
    """
    is_new = _change(MailServer.State.UNREACHABLE, now)
    if is_new:
        logger.warning("the mail server is away for now: %s", outcome.reason)
    MailServer.objects.update(reason=outcome.reason, code=outcome.code, next_try_at=now + AWAY_PAUSE)
    return is_new


def _change(state: str, now: datetime) -> bool:
    """Notes a state and since when; returns False where it was so already."""
    _, is_new = MailServer.objects.get_or_create(pk=1, defaults={"state": state, "since": now})
    columns = {"state": state, "since": now, "reason": "", "code": "", "next_try_at": None}
    return bool(MailServer.objects.exclude(state=state).update(**columns)) or is_new
