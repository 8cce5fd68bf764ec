"""Stores periods that people take out of every rate. Written by `monitor.alerting` only.

It is the one home of what is left out: `marked_hours` and its like say it of buckets in SQL, `LeftOut` of runs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from operator import or_

from django.conf import settings
from django.db import models

from monitor.left_out import NOTHING_MARKED, MarkedTimes
from monitor.models.accounts import ZohoAccount
from monitor.models.flows import Flow
from monitor.models.incidents import Incident
from monitor.periods import Window


class CorrectionQuerySet(models.QuerySet["Correction"]):
    """Adds which corrections count, and what they leave out."""

    def in_force(self) -> CorrectionQuerySet:
        """Gives those that nobody has taken back."""
        return self.filter(taken_back_at=None)

    def heads(self) -> CorrectionQuerySet:
        """Gives one of each group: that which stands for the group on pages."""
        return self.filter(head=None)

    def within(self, window: Window, account_id: int | None = None, flow_id: int | None = None) -> CorrectionQuerySet:
        """Gives those in force that touch a window, of everything, an account or a flow."""
        rows = self.in_force().filter(starts_at__lt=window.end, ends_at__gt=window.start)
        if account_id is not None:
            rows = rows.filter(account=account_id)
        if flow_id is not None:
            account = Flow.objects.filter(pk=flow_id).values("account")
            rows = rows.filter(models.Q(flow=flow_id) | models.Q(flow=None, account__in=account))
        return rows


class Correction(models.Model):
    """Records that the runs which began in a period are left out of every rate, who said so and why.

    Whole hours of UTC. Counts, the ledger, and what is about silence stay as they are. Taken back, the row stays.
    Rows of several flows that were made in one go are a group, and are taken back in one go.
    """

    account = models.ForeignKey(ZohoAccount, on_delete=models.CASCADE, related_name="corrections")
    flow = models.ForeignKey(
        Flow, on_delete=models.CASCADE, null=True, related_name="corrections", help_text="empty: all of the account"
    )
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    why = models.CharField(max_length=300)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField()
    incident = models.ForeignKey(
        Incident,
        on_delete=models.SET_NULL,
        null=True,
        related_name="corrections",
        help_text="on whose page it was made",
    )
    head = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        related_name="others",
        help_text="the first of the group it was made with; empty: it is the first, or alone",
    )
    taken_back_at = models.DateTimeField(null=True)
    taken_back_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    objects = CorrectionQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")), name="a_correction_ends_later"
            ),
        ]
        indexes = [models.Index(fields=["account"], name="correction_counts", condition=models.Q(taken_back_at=None))]

    def __str__(self) -> str:
        return self.why

    @property
    def window(self) -> Window:
        """Is the period, in whole hours of UTC."""
        return Window(self.starts_at, self.ends_at)


def marked_hours(rows: Iterable[Correction]) -> models.Q | None:
    """Says in SQL which buckets of hours corrections leave out; None for no bucket.

    What is of one time is one term: a database takes some hundred terms, and a storm can be of thousands of flows.
    """
    flows: dict[tuple[datetime, datetime], set[int]] = {}
    accounts: dict[tuple[datetime, datetime], set[int]] = {}
    for row in rows:
        times = (row.starts_at, row.ends_at)
        if row.flow_id is not None:
            flows.setdefault(times, set()).add(row.flow_id)
        else:
            accounts.setdefault(times, set()).add(row.account_id)
    parts = [_hours(times) & models.Q(flow__id__among=sorted(keys)) for times, keys in flows.items()]
    parts += [_hours(times) & models.Q(flow__account__in=sorted(keys)) for times, keys in accounts.items()]
    return reduce(or_, parts) if parts else None


def _hours(times: tuple[datetime, datetime]) -> models.Q:
    return models.Q(hour__gte=times[0], hour__lt=times[1])


def marked_account_hours(rows: Iterable[Correction]) -> models.Q | None:
    """Says in SQL which sums of accounts' hours corrections of whole accounts leave out; None for none."""
    found = None
    for row in rows:
        if row.flow_id is None:
            part = models.Q(account=row.account_id, hour__gte=row.starts_at, hour__lt=row.ends_at)
            found = part if found is None else found | part
    return found


def marked_hours_of_flows(rows: Iterable[Correction]) -> models.Q | None:
    """Says in SQL which buckets corrections of flows leave out, beside those of whole accounts; None for none."""
    known = list(rows)
    own = marked_hours(row for row in known if row.flow_id is not None)
    wide = marked_hours(row for row in known if row.flow_id is None)
    return own if own is None or wide is None else own & ~wide


@dataclass(frozen=True)
class LeftOut:
    """Holds what is left out of the rates of an account's flows.

    Attributes:
        of_all: what is left out of each flow; `of_flow` of one, by its key, with the former in it.
        mark: names what is in force; "" for nothing.
    """

    of_all: MarkedTimes = NOTHING_MARKED
    of_flow: dict[int, MarkedTimes] = field(default_factory=dict)
    mark: str = ""

    @classmethod
    def of(cls, rows: Iterable[Correction]) -> LeftOut:
        """Puts the corrections of one account together that are in force."""
        known = sorted(rows, key=lambda row: row.pk)
        if not known:
            return cls()
        wide = [row.window for row in known if row.flow_id is None]
        own: dict[int, list[Window]] = {}
        for row in known:
            if row.flow_id is not None:
                own.setdefault(row.flow_id, []).append(row.window)
        keys = ",".join(str(row.pk) for row in known)
        return cls(
            MarkedTimes.of(wide),
            {flow: MarkedTimes.of([*wide, *windows]) for flow, windows in own.items()},
            hashlib.sha256(keys.encode()).hexdigest(),
        )

    def times(self, flow: int) -> MarkedTimes:
        """Returns what is left out of a flow."""
        return self.of_flow.get(flow, self.of_all)


def left_out_of(account_id: int) -> LeftOut:
    """Reads what is left out of the rates of an account. One statement."""
    return LeftOut.of(Correction.objects.in_force().filter(account=account_id))
