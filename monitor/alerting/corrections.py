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
from monitor.languages import gettext as _
from monitor.models import Correction, Flow, Incident, User, ZohoAccount
from monitor.periods import DAY, HOUR, hour_of, whole_hours

LONGEST = 92 * DAY  # as far as pages count by the hour
OLDEST = timedelta(days=366)
ROWS_AT_ONCE = 500


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
        flows: of the account, each with a row of its own in one group; none: all of the account.
        incident: on whose page it is made.

    Returns:
        The group, its head first.

    Raises:
        PermissionDenied: the person may not.
        AlertActRefused: the period is none, too long, too old or ahead, or no reason is given.
    """
    if not may(user, "correct", account):
        raise PermissionDenied
    words = one_line(why)
    if not words:
        raise AlertActRefused(_("Say why."), "text_missing")
    if not starts_at < ends_at:
        raise AlertActRefused(_("It must end after it starts."), "bad_time")
    window = whole_hours(starts_at, ends_at)
    if window.end > hour_of(now) + HOUR:
        raise AlertActRefused(
            _("It must be over by now: what is to come is planned as a maintenance window."), "bad_time"
        )
    if window.length > LONGEST or window.start < now - OLDEST:
        raise AlertActRefused(_("It may last 92 days at most, and begin a year ago at the earliest."), "bad_time")
    given = {"account": account, "starts_at": window.start, "ends_at": window.end, "why": words}
    given |= {"by": user, "at": now, "incident": incident}
    with transaction.atomic():
        head = Correction.objects.create(**given, flow=flows[0] if flows else None)
        others = [Correction(**given, flow=flow, head=head) for flow in flows[1:]]
        Correction.objects.bulk_create(others, batch_size=ROWS_AT_ONCE)
        audit.record(user, "correction.add", head, now=now, account=account, detail=_said(head, flows))
    return [head, *others]


def _said(head: Correction, flows: Sequence[Flow]) -> dict[str, Any]:
    """Returns what the audit trail keeps of a group."""
    detail: dict[str, Any] = {"from": head.starts_at.isoformat(), "to": head.ends_at.isoformat(), "why": head.why}
    if len(flows) == 1:
        detail["flow"] = flows[0].pk
    elif flows:
        detail["flows"] = [flow.pk for flow in flows]
    return detail | ({"incident": head.incident_id} if head.incident_id is not None else {})


def take_back(row: Correction, user: User, now: datetime) -> None:
    """Has the runs of a marked period counted in rates again, of each flow that it was made with.

    Args:
        row: any of its group.
        user: who says so.
        now: the present.

    Raises:
        PermissionDenied: the person may not.
        AlertActRefused: it is taken back already.
    """
    if not may(user, "correct", row.account):
        raise PermissionDenied
    with transaction.atomic():
        head = row.head or row
        # The head first and by itself: of two who do this at once one is refused, and no group is taken back in part.
        taken_back = {"taken_back_at": now, "taken_back_by": user}
        if not Correction.objects.in_force().filter(pk=head.pk).update(**taken_back):
            raise AlertActRefused(_("It is taken back already."), "over")
        others = Correction.objects.in_force().filter(head=head).update(**taken_back)
        detail = {"flows": others + 1} if others else {}
        audit.record(user, "correction.take_back", head, now=now, account=row.account_id, detail=detail)
