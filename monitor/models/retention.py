"""Stores what is kept how long, and how far pruning has come. The two tables are written by `monitor.ingest` only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

from django.conf import settings
from django.db import models

from monitor.models.accounts import ZohoAccount
from monitor.models.flows import Flow
from monitor.periods import DAY, hour_of, midnight_of

# RETAIN_ROWS_DAYS is 100 at least: nothing younger was ever pruned, and nothing need be asked for it.
NEVER_PRUNED = 99 * DAY


@dataclass(frozen=True, slots=True)
class Ages:
    """Holds how many days each kind of thing is kept, counted from the start of the run; `days` 0 is for ever."""

    payload: int
    rows: int
    hours: int
    days: int = 0

    def payload_edge(self, now: datetime) -> datetime:
        """Returns before which start runs lose their trigger data and error details."""
        return now - self.payload * DAY

    def rows_edge(self, now: datetime) -> datetime:
        """Returns before which hour (UTC) runs are counted and no longer kept one by one."""
        return hour_of(now - self.rows * DAY)

    def hours_edge(self, now: datetime) -> datetime:
        """Returns before which day (UTC) counts are no longer kept by the hour."""
        return midnight_of(now - self.hours * DAY)

    def days_edge(self, now: datetime) -> date | None:
        """Returns before which day counts are dropped; None where they are kept for ever."""
        return (now.astimezone(UTC) - self.days * DAY).date() if self.days else None


def ages() -> Ages:
    """Returns the ages in force: `dashboard/environment.py` has read and checked them."""
    return Ages(**settings.RETENTION)


class Retention(models.Model):
    """Records how far pruning has come in one account."""

    account = models.OneToOneField(ZohoAccount, on_delete=models.CASCADE, related_name="retention")
    payload_at = models.DateTimeField(null=True, help_text="runs before this place have lost their payload ...")
    payload_key = models.BigIntegerField(default=0, help_text="... and of that very moment those up to this row")
    payloads_removed = models.BigIntegerField(default=0)
    looked_at = models.DateTimeField(null=True, help_text="when pruning last came by")
    is_behind = models.BooleanField(default=False, help_text="it ran out of time: more is due")

    def __str__(self) -> str:
        return f"retention of account {self.account_id}"


class PrunedHour(models.Model):
    """Marks an hour of a flow whose rows are pruned: its bucket is its only record and is never recounted."""

    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="+")
    hour = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["flow", "hour"], name="one_row_per_pruned_hour")]
        indexes = [models.Index(fields=["hour"], name="prunedhour_hour")]

    def __str__(self) -> str:
        return f"{self.flow_id} {self.hour:%Y-%m-%d %H}"
