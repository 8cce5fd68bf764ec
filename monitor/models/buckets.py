"""Stores counts per flow and hour. Written by `monitor.rollups` only; DirtyHour is its inbox, CountedHour triage's."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from django.db import connection, models

from monitor.models.accounts import ZohoAccount
from monitor.models.bulk import numbers
from monitor.models.executions import Execution
from monitor.models.flows import Flow
from monitor.periods import HOUR, times_passed


class MarkedHourManager(models.Manager["MarkedHour"]):
    def mark(self, pairs: Iterable[tuple[int, datetime]]) -> int:
        """Marks hours for the next stage; call it in the transaction that changed the rows.

        Args:
            pairs: (primary key of a Flow, any aware time within the hour).

        Returns:
            How many distinct hours were marked.
        """
        seconds = int(HOUR.total_seconds())
        hours = sorted({(flow, times_passed(at, HOUR) * seconds) for flow, at in pairs})
        if not hours:
            return 0
        table = self.model._meta.db_table
        again = f"ON CONFLICT (flow_id, hour) DO UPDATE SET marks = {table}.marks + 1"
        # Sorted, so that two writers lock the rows in the same order and never deadlock.
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute(
                    f"INSERT INTO {table} (flow_id, hour, marks) "  # noqa: S608 - our own table's name
                    "SELECT flow, to_timestamp(at), 1 FROM unnest(%s::bigint[], %s::bigint[]) AS given (flow, at) "
                    f"{again}",
                    [numbers(flow for flow, _ in hours), numbers(hour for _, hour in hours)],
                )
            else:
                adapt = connection.ops.adapt_datetimefield_value
                cursor.executemany(
                    f"INSERT INTO {table} (flow_id, hour, marks) VALUES (%s, %s, 1) {again}",  # noqa: S608 - as above
                    [(flow, adapt(datetime.fromtimestamp(hour, UTC))) for flow, hour in hours],
                )
        return len(hours)


class MarkedHour(models.Model):
    """Marks an hour of a flow that the next stage has to look at.

    Marking one that is here changes `marks`, and so locks the row: who takes hours off the table leaves it until the
    marker's rows can be seen.
    """

    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="+", db_index=False)
    hour = models.DateTimeField()
    marks = models.PositiveBigIntegerField(default=1)

    objects = MarkedHourManager()

    class Meta:
        abstract = True
        # The hour first: they are taken newest first, and this is the table's only index besides its key.
        constraints = [models.UniqueConstraint(fields=["hour", "flow"], name="one_row_per_%(class)s")]

    def __str__(self) -> str:
        return f"{self.flow_id} {self.hour:%Y-%m-%d %H}"


class DirtyHour(MarkedHour):
    """Marks an hour of a flow whose rows changed: rollups recounts it."""


class CountedHour(MarkedHour):
    """Marks an hour of a flow that was counted anew: triage looks at the failures in it."""


class Bucket(models.Model):
    """Holds counts of runs by their *final* result.

    `succeeded + failed` are the finished runs of the success rate: a failed run whose retry or re-run
    succeeded is in `succeeded` once, and the retry's own row is in none of them. `first_succeeded` counts
    the same runs by their first attempt. `errors` counts the failed ones by class of error. `durations` is a
    histogram, see `monitor.rollups.run_time_histogram`.
    """

    succeeded = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    first_succeeded = models.PositiveIntegerField(default=0)
    running = models.PositiveIntegerField(default=0)
    other = models.PositiveIntegerField(default=0)
    retried = models.PositiveIntegerField(default=0, help_text="rows that are a retry's own, counted nowhere else")
    duration_count = models.PositiveIntegerField(default=0)
    duration_sum_ms = models.BigIntegerField(default=0)
    duration_max_ms = models.BigIntegerField(default=0)
    durations = models.JSONField(default=list)
    errors = models.JSONField(default=dict, help_text="failed runs by class of error")

    class Meta:
        abstract = True


class HourBucket(Bucket):
    """Counts the executions of one flow that started in one hour (UTC)."""

    # The constraint's index begins with the flow: one of its own would only be written.
    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="hours", db_index=False)
    hour = models.DateTimeField()
    quarters = models.JSONField(default=list, help_text="the counts by quarter, see monitor.quarters")
    ends = models.BinaryField(default=b"", help_text="when its runs ended and how, see monitor.ends")
    last_end = models.DateTimeField(null=True, help_text="of its runs; of one without a result the start")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["flow", "hour"], name="one_bucket_per_hour")]
        indexes = [
            models.Index(fields=["hour"], name="hourbucket_hour"),
            # A run may end days after the hour it began in: windows of alerts are cut by the end.
            models.Index(fields=["flow", "last_end"], name="hourbucket_last_end"),
            # Which flows failed most is read off this one alone.
            models.Index(fields=["hour", "flow", "failed"], name="hourbucket_failed", condition=models.Q(failed__gt=0)),
            # Hours with runs of a status that nobody knows: of most flows there are none.
            models.Index(fields=["flow", "hour"], name="hourbucket_other", condition=models.Q(other__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.flow_id} {self.hour:%Y-%m-%d %H}"


class DayBucket(Bucket):
    """Counts the executions of one flow that started on one day (UTC); it outlives the day's hours."""

    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="days", db_index=False)
    day = models.DateField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["flow", "day"], name="one_bucket_per_day")]
        indexes = [models.Index(fields=["day"], name="daybucket_day")]

    def __str__(self) -> str:
        return f"{self.flow_id} {self.day}"


class AccountSum(models.Model):
    """Sums up the buckets of all flows of an account, so that a total costs the same however many flows there are."""

    buckets = models.PositiveIntegerField(default=0, help_text="how many flows have a bucket of this time")
    succeeded = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    first_succeeded = models.PositiveIntegerField(default=0)
    running = models.PositiveIntegerField(default=0)
    other = models.PositiveIntegerField(default=0)

    class Meta:
        abstract = True


class AccountHour(AccountSum):
    """Is the sum of what an account's flows have in `HourBucket`, written in the same transaction."""

    account = models.ForeignKey(ZohoAccount, on_delete=models.CASCADE, related_name="hours", db_index=False)
    hour = models.DateTimeField()
    quarters = models.JSONField(default=list, help_text="the counts by quarter, see monitor.quarters")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "hour"], name="one_sum_per_hour")]
        indexes = [models.Index(fields=["hour"], name="accounthour_hour")]

    def __str__(self) -> str:
        return f"account {self.account_id} {self.hour:%Y-%m-%d %H}"


class AccountDay(AccountSum):
    """Is the sum of what an account's flows have in `DayBucket`, written in the same transaction."""

    account = models.ForeignKey(ZohoAccount, on_delete=models.CASCADE, related_name="days", db_index=False)
    day = models.DateField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "day"], name="one_sum_per_day")]
        indexes = [models.Index(fields=["day"], name="accountday_day")]

    def __str__(self) -> str:
        return f"account {self.account_id} {self.day}"


class CountedFlow(models.Model):
    """Holds when a flow's counts changed last: the hand-over to `monitor.alerting`.

    It is written with the buckets. Recounts take turns, and each one's time is later than that of the one before.
    """

    flow = models.OneToOneField(Flow, on_delete=models.CASCADE, primary_key=True, related_name="+")
    changed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.flow_id}: {self.changed_at}"


class ChainMark(models.Model):
    """Marks a run that is counted otherwise than its status says, because a person's retry links it to another run.

    Lists narrow by it, so that they show the runs that a bucket counts. It is written with the bucket of its hour.
    """

    class Kind(models.TextChoices):
        RETRY = "retry", "Run of a retry"
        MADE_GOOD = "made_good", "Failed, and a retry succeeded"

    execution = models.OneToOneField(Execution, on_delete=models.CASCADE, related_name="chain_mark")
    kind = models.CharField(max_length=10, choices=Kind.choices)

    def __str__(self) -> str:
        return f"{self.execution_id}: {self.kind}"
