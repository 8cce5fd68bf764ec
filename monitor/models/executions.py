"""Mirrors executions. Written by `monitor.ingest` only."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models

from monitor.models.accounts import ZohoAccount
from monitor.models.addresses import address_of
from monitor.models.flows import Flow
from monitor.models.masked_text import HasMaskedText, masked_run

# A run of a status that nobody knows has ended where it says when.
ENDED = models.Q(status__in=("success", "failed")) | (~models.Q(status="running") & ~models.Q(completed_time=None))


def going_on_since_before(moment: datetime) -> models.Q:
    """Selects runs that have gone on since before a moment, by `monitor.zoho.reruns.goes_on_since`."""
    once = models.Q(first_failed_at=None) | models.Q(started_time__gt=models.F("first_failed_at"))
    running = models.Q(status=Execution.Status.RUNNING, unlisted_at=None, started_time__lt=moment)
    return running & (once | models.Q(changed_at__lt=moment))


class Execution(HasMaskedText):
    """Mirrors one run of a flow. A status Zoho does not document is kept as it came and counted as neither."""

    class Status(models.TextChoices):
        RUNNING = "running", "Running"
        SUCCESS = "success", "Success"
        FAILED = "failed", "Failed"

    # Both have an index that begins with them: one of its own would only be written.
    account = models.ForeignKey(ZohoAccount, on_delete=models.CASCADE, related_name="executions", db_index=False)
    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="executions", db_index=False)
    execution_id = models.CharField(max_length=64)
    status = models.CharField(max_length=32)
    first_status = models.CharField(max_length=32, blank=True, help_text="the first final status seen")
    started_time = models.DateTimeField(null=True)
    completed_time = models.DateTimeField(null=True)
    duration_ms = models.BigIntegerField(null=True)
    error_code = models.CharField(max_length=200, blank=True)
    error_message = models.TextField(blank=True)
    error_details = models.TextField(blank=True)
    error_action_id = models.CharField(max_length=64, blank=True)
    trigger_data = models.JSONField(null=True)
    said_names = models.TextField(
        blank=True, help_text="names of its trigger data that stand in its error's texts, a line each: hidden there"
    )
    actions_executed = models.BigIntegerField(null=True)
    actions_successful = models.BigIntegerField(null=True)
    actions_failed = models.BigIntegerField(null=True)
    rerun_count = models.PositiveSmallIntegerField(default=0, help_text="final status changes seen after the first")
    first_failed_at = models.DateTimeField(null=True, help_text="completed_time of the first failure seen")
    last_failed_at = models.DateTimeField(
        null=True, help_text="completed_time of the failure before, once Zoho was seen to run it again"
    )
    first_seen_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    recheck_at = models.DateTimeField(null=True, help_text="when a running row is asked for again by itself")
    rerun_due_at = models.DateTimeField(
        null=True, help_text="when Zoho runs a failed one again by itself, as far as known"
    )
    unlisted_at = models.DateTimeField(
        null=True, help_text="when Zoho was found to list it no longer; it stays here as history"
    )

    payload_removed_at = models.DateTimeField(
        null=True, help_text="when trigger data and error details were taken away for their age"
    )

    class Meta:
        constraints = [
            # The id first: it tells nearly everything, and no other index can be taken for a look-up by it.
            models.UniqueConstraint(fields=["execution_id", "account"], name="one_row_per_execution"),
        ]
        indexes = [
            # The list without a filter spans all accounts: an index that begins with the account would not serve it.
            models.Index(fields=["-started_time", "-id"], name="execution_newest"),
            models.Index(fields=["account", "-started_time", "-id"], name="execution_by_time"),
            models.Index(fields=["flow", "-started_time", "-id"], name="execution_by_flow"),
            models.Index(fields=["status", "-started_time", "-id"], name="execution_by_status"),
            # In a mirror of which most runs have nothing to say, a search walks along those that have a text.
            models.Index(
                fields=["masked_by", "-started_time", "-id"],
                name="execution_masked",
                condition=models.Q(masked_by__isnull=False),
            ),
            models.Index(fields=["recheck_at"], name="execution_recheck", condition=models.Q(recheck_at__isnull=False)),
            models.Index(
                fields=["rerun_due_at"], name="execution_rerun", condition=models.Q(rerun_due_at__isnull=False)
            ),
            models.Index(fields=["flow"], name="execution_unlisted", condition=models.Q(unlisted_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.execution_id

    def get_absolute_url(self) -> str:
        return address_of("execution", self.pk)

    def masked_texts(self) -> dict[str, Any]:
        texts = self.error_code, self.error_message, self.error_details
        return masked_run(*texts, data=self.trigger_data, known=self.said_names)

    @property
    def people(self) -> list[str]:
        """Are the people who are named in its error, each of whom is hidden there."""
        return self.said_names.splitlines()

    @property
    def is_failed(self) -> bool:
        return self.status == self.Status.FAILED

    @property
    def is_final(self) -> bool:
        return self.status in (self.Status.SUCCESS, self.Status.FAILED)


class ExecutionEvent(models.Model):
    """Records a change of a run's status as the mirror saw it; append-only.

    What was final and changed has a row here of the kind *rerun*: without one a status never goes backwards.
    """

    class Kind(models.TextChoices):
        ENDED = "ended", "Ended"
        RERUN = "rerun", "Run again"

    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    from_status = models.CharField(max_length=32)
    to_status = models.CharField(max_length=32)
    completed_time = models.DateTimeField(null=True, help_text="of the run that ended, by Zoho's clock")
    seen_at = models.DateTimeField()

    class Meta:
        ordering = ["seen_at", "pk"]

    def __str__(self) -> str:
        return f"{self.execution_id}: {self.from_status} to {self.to_status}"


class Quarantine(models.Model):
    """Keeps a record that could not be mirrored, as it came, so that nothing Zoho sent is lost unseen.

    Of an execution also its flow, its id and its status as far as they are known: it is held against Zoho's counters.
    """

    account = models.ForeignKey(ZohoAccount, on_delete=models.CASCADE, related_name="quarantined")
    stream = models.CharField(max_length=20)
    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, null=True, related_name="quarantined", db_index=False)
    record_id = models.CharField(max_length=64, blank=True)
    status = models.CharField(max_length=32, blank=True)
    fingerprint = models.CharField(max_length=64)
    reason = models.CharField(max_length=300)
    raw_text = models.TextField()
    first_seen_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    times_seen = models.PositiveIntegerField(default=1)
    left_at = models.DateTimeField(null=True, help_text="when it could be read, or Zoho was found to list it no longer")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "stream", "fingerprint"], name="one_row_per_quarantined")
        ]
        indexes = [
            models.Index(fields=["flow"], name="quarantine_of_flow", condition=models.Q(left_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.stream}: {self.reason}"
