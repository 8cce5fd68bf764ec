"""Takes an admin's word on whether a flow's work may be repeated, and takes it back."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from monitor import audit
from monitor.access import may
from monitor.languages import gettext as _
from monitor.models import Flow, RetryPin, User
from monitor.named_people import newest_failed, people_named
from monitor.retry.pins import named_actions, newest_versions
from monitor.retry.requests import RetryRefused, usable_reason


def set_pin(
    flow: Flow,
    retry_class: str,
    repeatable: Collection[str],
    user: User,
    reason: str,
    now: datetime,
    *,
    seen: Collection[str] | None = None,
) -> None:
    """Writes down whether a flow's work may be repeated, and which actions may be.

    Args:
        flow: with its account.
        retry_class: one of `RetryPin.Class`.
        repeatable: ids of actions of the flow that may be repeated whatever the class.
        user: an admin.
        reason: why, 1 to 500 characters.
        now: the present, aware.
        seen: ids of the actions that the person was shown; None for who looked at the flow itself.

    Raises:
        RetryRefused: not permitted, no reason, no such class or action, or the flow has other actions than the person
            was shown; nothing was written.
    """
    reason = _checked(flow, user, reason)
    if retry_class not in RetryPin.Class.values:
        raise RetryRefused(_("Say whether its work may be repeated."), "bad_class")
    version = newest_versions([flow.pk]).get(flow.pk)
    known = [key for key, __ in named_actions(version.content)] if version is not None else []
    if seen is not None and set(seen) != set(known):
        words = _("The flow has other actions by now than the page showed; look at it again.")
        raise RetryRefused(words, "flow_changed")
    chosen = [key for key in known if key in set(repeatable)]
    if set(chosen) != set(repeatable):
        raise RetryRefused(_("The flow has no such action any more; look at it again."), "no_such_action")
    said = {
        "retry_class": retry_class,
        "repeatable": chosen,
        "known": known,
        "version": version.number if version is not None else None,
        "reason": reason,
        "said_names": "\n".join(people_named(reason, newest_failed(flow=flow))),
        "by": user,
        "at": now,
    }
    with transaction.atomic():
        RetryPin.objects.update_or_create(flow=flow, defaults=said)
        detail = {"class": retry_class, "repeatable": chosen, "version": said["version"], "reason": reason}
        audit.record(user, "retry_pin.set", flow, now=now, account=flow.account_id, detail=detail)


def take_pin_back(flow: Flow, user: User, reason: str, now: datetime) -> None:
    """Takes back what was said of a flow; verdicts are as if nobody had said anything.

    Raises:
        RetryRefused: not permitted, no reason, or nothing was said.
    """
    reason = _checked(flow, user, reason)
    with transaction.atomic():
        pin = RetryPin.objects.select_for_update(no_key=True, of=("self",)).filter(flow=flow).first()
        if pin is None:
            raise RetryRefused(_("Nothing was said of this flow."), "not_pinned")
        detail = {"class": pin.retry_class, "reason": reason}
        audit.record(user, "retry_pin.take_back", flow, now=now, account=flow.account_id, detail=detail)
        pin.delete()


def _checked(flow: Flow, user: User, reason: str) -> str:
    if not may(user, "retry.pin", flow.account):
        raise RetryRefused(_("Only an admin may say whether a flow's work may be repeated."), "not_permitted")
    return usable_reason(reason)
