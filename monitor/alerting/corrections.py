"""Marks periods that are left out of every rate, and takes that back: audited, by operators and admins."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction

from monitor import audit
from monitor.access import may
from monitor.alerting.actions import AlertActRefused, one_line
from monitor.models import Correction, Flow, Incident, User, ZohoAccount
from monitor.periods import DAY, HOUR, Window, hour_of, whole_hours

LONGEST = 92 * DAY  # as far as pages count by the hour
OLDEST = timedelta(days=366)


def leave_out(
    user: User,
    now: datetime,
    *,
    account: ZohoAccount,
    starts_at: datetime,
    ends_at: datetime,
    why: str,
    flows: Sequence[Flow] = (),
    incident: Incident | None = None,
) -> list[Correction]:
    """Takes the runs that began in a period out of every rate.

    The period is widened to whole hours of UTC, by which runs are counted. It ends with the hour under way at the
    latest: what is to come is not known yet, and rates without any run would keep alerts blind.

    Args:
        user: who says so.
        now: the present.
        account: whose.
        starts_at: from when on.
        ends_at: until when.
        why: the reason.
        flows: of the account, each with a correction of its own; none: all of the account.
        incident: on whose page it is made.

    Raises:
        PermissionDenied: the person may not.
        AlertActRefused: the period is none, too long, too old or ahead, or no reason is given.
    """
    if not may(user, "correct", account):
        raise PermissionDenied
    words = one_line(why)
    if not words:
        raise AlertActRefused("Say why.", "text_missing")
    if not starts_at < ends_at:
        raise AlertActRefused("It must end after it starts.", "bad_time")
    window = whole_hours(starts_at, ends_at)
    if window.end > hour_of(now) + HOUR:
        raise AlertActRefused("It must be over by now: what is to come is planned as a maintenance window.", "bad_time")
    if window.length > LONGEST or window.start < now - OLDEST:
        raise AlertActRefused("It may last 92 days at most, and begin a year ago at the earliest.", "bad_time")
    with transaction.atomic():
        whose: Sequence[Flow | None] = flows or [None]
        return [_leave_out(user, now, account, flow, window, words, incident) for flow in whose]


def _leave_out(
    user: User,
    now: datetime,
    account: ZohoAccount,
    flow: Flow | None,
    window: Window,
    words: str,
    incident: Incident | None,
) -> Correction:
    row = Correction.objects.create(
        account=account,
        flow=flow,
        starts_at=window.start,
        ends_at=window.end,
        why=words,
        by=user,
        at=now,
        incident=incident,
    )
    detail: dict[str, Any] = {"from": window.start.isoformat(), "to": window.end.isoformat(), "why": words}
    detail |= {"flow": flow.pk} if flow is not None else {}
    detail |= {"incident": incident.pk} if incident is not None else {}
    audit.record(user, "correction.add", row, now=now, account=account, detail=detail)
    return row


def take_back(row: Correction, user: User, now: datetime) -> None:
    """Has the runs of a marked period counted in rates again.

    Raises:
        PermissionDenied: the person may not.
        AlertActRefused: it is taken back already.
    """
    if not may(user, "correct", row.account):
        raise PermissionDenied
    with transaction.atomic():
        if not Correction.objects.in_force().filter(pk=row.pk).update(taken_back_at=now, taken_back_by=user):
            raise AlertActRefused("It is taken back already.", "over")
        audit.record(user, "correction.take_back", row, now=now, account=row.account_id)
