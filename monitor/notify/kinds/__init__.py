"""Lists the kinds of mails. A new one is a name in `Occasion.Kind` and its module here; the rest follows from them."""

from __future__ import annotations

from monitor.models import Delivery, Notice
from monitor.notify.compose import Rendered
from monitor.notify.kinds import (
    alert,
    alive,
    assigned,
    batch_ended,
    change_unknown,
    digest_daily,
    digest_weekly,
    note,
    outcome_unknown,
    resolved,
)
from monitor.notify.kinds.kind import MailKind

_MODULES = (assigned, note, resolved, batch_ended, outcome_unknown, change_unknown, digest_daily, digest_weekly, alive)
KINDS: dict[str, MailKind] = {module.KIND.name: module.KIND for module in _MODULES}
ALERTS = "alerts"


def topic_of(delivery: Delivery) -> str:
    """Returns what a mail is sorted by."""
    return KINDS[delivery.occasion.kind].topic if delivery.occasion is not None else ALERTS


def kind_of(delivery: Delivery) -> str:
    """Returns what kind of mail it is, as its reader switches it off."""
    return delivery.occasion.kind if delivery.occasion is not None else ALERTS


def plain_of(delivery: Delivery) -> Rendered:
    """Returns the plainest form of a mail."""
    cause = delivery.cause
    if isinstance(cause, Notice):
        return alert.plain(cause.incident_id, cause.kind)
    return KINDS[cause.kind].plain(cause)
