"""Lets one process at a time sweep an account: a lease in SyncState with a fence that grows at each taking."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import F, Q, QuerySet

from monitor.faultpoints import faultpoint
from monitor.models import SyncState, ZohoAccount

# A single call of a person's sync lasts 45 s at most, and must not outlive the lease it was begun under.
LENGTH = timedelta(seconds=60)
# A task's call lasts 12 s. Its process may be killed: until its lease ends nobody else reads the account, and work
# has to go on within 60 s (docs/reference/promises.md, Promises).
TASK_LENGTH = timedelta(seconds=30)
RENEW_AFTER = timedelta(seconds=5)
# A lease cannot end so far ahead: the clock was set back, and nobody may have to wait for it to catch up.
NOT_CREDIBLE = timedelta(minutes=10)


class LeaseLost(Exception):  # noqa: N818 - named for what happened
    """Says that another process has the account now; nothing more may be written."""


class Lease:
    """Holds an account's lease. `keep` before every call renews it, and raises when it was lost."""

    def __init__(self, account: ZohoAccount, owner: str, fence: int, until: datetime, length: timedelta) -> None:
        self.account = account
        self.owner = owner
        self.fence = fence
        self._until = until
        self._length = length

    @classmethod
    def take(cls, account: ZohoAccount, now: datetime, length: timedelta = LENGTH) -> Lease | None:
        """Takes the lease; returns None while another process holds it.

        Args:
            length: how long it lasts from each renewal; longer than any call that is made under it.
        """
        owner = secrets.token_hex(16)
        until = now + length
        free = Q(lease_until=None) | Q(lease_until__lte=now) | Q(lease_until__gt=now + NOT_CREDIBLE)
        faultpoint("lease-before-take")
        row = SyncState.objects.filter(free, account=account)
        values = {"lease_owner": owner, "lease_until": until, "fence": F("fence") + 1}
        # The row is missing before the account's first sweep only.
        if not row.update(**values) and not (
            SyncState.objects.get_or_create(account=account)[1] and row.update(**values)
        ):
            return None
        faultpoint("lease-taken")
        fence = SyncState.objects.values_list("fence", flat=True).get(account=account)
        return cls(account, owner, fence, until, length)

    @staticmethod
    def held_until(account: ZohoAccount, now: datetime) -> datetime | None:
        """Returns until when another process holds the account at most, or None."""
        until = SyncState.objects.filter(account=account).values_list("lease_until", flat=True).first()
        return until if until is not None and until > now else None

    def keep(self, clock: Callable[[], datetime]) -> None:
        """Renews the lease when it runs low.

        Raises:
            LeaseLost: it had run out and somebody else took it.
        """
        now = clock()
        if self._until - now > self._length - RENEW_AFTER:
            return
        faultpoint("lease-before-renewal")
        renewed = self._mine().update(lease_until=now + self._length)
        if renewed != 1:
            raise LeaseLost(f"the sweep of {self.account} was taken over by another process")
        faultpoint("lease-renewed")
        self._until = now + self._length

    def check(self) -> None:
        """Makes sure, in a transaction that is about to write, that it is still ours: nobody takes it before its end.

        Raises:
            LeaseLost: it is not.
        """
        # Written out: it stands in the transaction of every page.
        lock = " FOR UPDATE" if connection.features.has_select_for_update else ""
        table = SyncState._meta.db_table
        mine = f"SELECT 1 FROM {table} WHERE account_id = %s AND lease_owner = %s AND fence = %s{lock}"  # noqa: S608 - our own names
        with connection.cursor() as cursor:
            cursor.execute(mine, [self.account.pk, self.owner, self.fence])
            held = cursor.fetchone()
        if held is None:
            raise LeaseLost(f"the sweep of {self.account} was taken over by another process")

    def due_no_sooner(self, until: datetime) -> None:
        """Has the account due no sooner than `until`; a lease already lost is left alone."""
        self._mine().update(next_due_at=until)

    def release(self) -> None:
        """Gives it back; a lease already lost is left alone."""
        faultpoint("lease-before-release")
        self._mine().update(lease_owner="", lease_until=None)

    def _mine(self) -> QuerySet[SyncState]:
        return SyncState.objects.filter(account=self.account, lease_owner=self.owner, fence=self.fence)
