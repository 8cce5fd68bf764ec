"""Keeps a message back that was written before people said that nothing is to be mailed of its alerts, or out of hours.

A snooze, a silence or a maintenance window that begins while a message waits holds for it, too, and so does trouble of
the whole account. What is over by the time that ends is told to nobody, as with a notice that waits.
"""

from __future__ import annotations

import logging
from copy import copy
from dataclasses import replace
from datetime import datetime

from monitor.models import ChannelMessage, Delivery, Notice
from monitor.notify import outbox
from monitor.notify.audience import facts_of_notice
from monitor.notify.retell import IncidentThread
from monitor.notify.when_to_send import LOOK_AGAIN, NoticeVerdict, Why, decide_again

logger = logging.getLogger(__name__)

OVER_BY_THEN = "the incident was over before what kept it quiet"
_SAID = {
    Why.SNOOZED: "kept back: it was snoozed before it could go out",
    Why.SILENCED: "kept back: a silence or a maintenance window began before it could go out",
    Why.MUTED: "kept back: the whole account has trouble, which explains it",
    Why.HOURS: "kept back: it waits for the working hours of its rules",
}


def why_over(message: Delivery | ChannelMessage, now: datetime) -> str:
    """Returns why a claimed message that was kept back is not sent any more; "" where it is."""
    notice = message.notice
    if notice is None or message.kept_quiet == "" or notice.kind == Notice.Kind.RESOLVED:
        return ""
    fate = decide_again(replace(facts_of_notice(notice, now), waited=message.kept_quiet), now)
    thread = IncidentThread.of(message)
    is_told = bool(thread.arrived) or thread.may_have_arrived  # then its end is told
    return OVER_BY_THEN if fate.verdict == NoticeVerdict.SILENT and not is_told else ""


def keep_back(message: Delivery | ChannelMessage, now: datetime) -> bool:
    """Keeps a claimed message back where it is to wait, and returns whether it does.

    It is looked at again every minute, for it waits no longer than what keeps it, nor than it is all that its reader is
    to be told. One that was kept back and goes out is written anew.

    Args:
        message: that is claimed.
        now: the present.
    """
    notice = message.notice
    if notice is None or notice.kind == Notice.Kind.RESOLVED or message.revived_at is not None:
        return False
    asked = notice
    if message.retold_at is not None or IncidentThread.of(message).newer:
        # It tells of all that fires, or will.
        asked = copy(notice)
        asked.kind = Notice.Kind.FIRING
    fate = decide_again(replace(facts_of_notice(asked, now), waited=message.kept_quiet), now)
    if fate.verdict == NoticeVerdict.WAIT:
        columns = {"kept_quiet": fate.why, "attempts": message.attempts - 1}  # it was not tried
        outbox.requeue(message, _SAID[fate.why], now + LOOK_AGAIN, **columns)
        if message.kept_quiet != fate.why:
            logger.info("%s %d is kept back: %s", outbox.named(message), message.pk, fate.why)
        return True
    if message.kept_quiet:
        message.kept_quiet, message.kept_until = "", now
        outbox.mine(message).update(kept_quiet="", kept_until=now)
    return False
