"""Says whether a periodic job would find anything to do; the worker's supervisor asks it every few seconds.

Apart from `monitor.pipeline`, which imports every stage: the supervisor needs none of them.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import Exists, OuterRef, Q

from monitor import job_failures, vault
from monitor.models import ApiBudget, DirtyHour, Edit, Product, ZohoAccount
from monitor.notify.channels.send import is_anything_to_notify
from monitor.sent_once.timing import BY_HAND_AFTER

SYNC_TASK = "monitor.tasks.sync_account"


def due_accounts(now: datetime) -> list[int]:
    """Returns the keys of accounts whose mirror wants reading and that nobody reads at the moment.

    One whose products all have to be left alone is not due; one of them is enough to go on with. Without a key for
    the stored secrets nobody can be asked.
    """
    if vault.trouble():
        return []
    due = Q(sync=None) | Q(sync__next_due_at=None) | Q(sync__next_due_at__lte=now)
    free = Q(sync=None) | Q(sync__lease_until=None) | Q(sync__lease_until__lte=now)
    flow, crm = (
        ~Q(**{address: ""})
        & ~Exists(ApiBudget.objects.filter(account=OuterRef("pk"), product=product, blocked_until__gt=now))
        for product, address in ((Product.FLOW, "flow_url"), (Product.CRM, "crm_url"))
    )
    rows = ZohoAccount.objects.filter(flow | crm, due, free, is_active=True)
    return list(rows.order_by("sync__next_due_at").values_list("pk", flat=True))


def is_anything_due(now: datetime) -> bool:
    """Returns whether the tick would find an account to read: two statements, so that it may be asked often."""
    return bool(accounts_to_read(now))


def accounts_to_read(now: datetime) -> list[int]:
    """Returns the due accounts but those whose sync failed lately and pauses."""
    keys = due_accounts(now)
    paused = job_failures.put_off(now) if keys else set()
    return [key for key in keys if job_failures.name_of(SYNC_TASK, (key,)) not in paused]


def is_anything_to_count(now: datetime) -> bool:
    """Returns whether an hour's runs have changed since they were counted."""
    return DirtyHour.objects.exists()


def is_anything_for_channels(now: datetime) -> bool:
    """Returns whether a message to a channel is due."""
    return is_anything_to_notify(now)


def is_any_edit_due(now: datetime) -> bool:
    """Returns whether a change waits to be sent, its sender may be dead, or its outcome is to be read or asked for."""
    wished = Q(state=Edit.State.WISHED) & (Q(not_before=None) | Q(not_before__lte=now))
    dead = Q(state=Edit.State.SENDING, lease_until__lt=now)
    unknown = Q(state=Edit.State.UNKNOWN, next_check_at__lte=now, account__is_active=True)
    untold = Q(state=Edit.State.UNKNOWN, owner_told_at=None, sent_at__lte=now - BY_HAND_AFTER)
    return Edit.objects.filter(wished | dead | unknown | untold).exists()
