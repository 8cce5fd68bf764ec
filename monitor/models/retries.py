"""Stores retries of failed executions. Written by `monitor.retry` only."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_noop

from monitor.models.accounts import ZohoAccount
from monitor.models.addresses import address_of
from monitor.models.executions import Execution
from monitor.models.masked_text import NamesPeople
from monitor.models.sent_once import SentOnce
from monitor.periods import DAY

ITEM_TOKEN = "batch-"  # noqa: S105 - what the tokens of a batch's items begin with: no secret
POLICY_TOKEN = "policy-"  # noqa: S105 - and those of a policy's retries


class RetryAttempt(SentOnce):
    """Records a person's wish to run a failed execution again, and what became of it.

    Source: docs/reference/retries.md, "States".
    """

    class State(models.TextChoices):
        REQUESTED = "requested", gettext_noop("Requested")
        SENDING = "sending", gettext_noop("Sending")
        ACCEPTED = "accepted", gettext_noop("Accepted by Zoho")
        UNKNOWN = "unknown", gettext_noop("Outcome unknown")
        SUCCEEDED = "succeeded", gettext_noop("Succeeded")
        FAILED_AGAIN = "failed_again", gettext_noop("Failed again")
        REJECTED = "rejected", gettext_noop("Rejected by Zoho")
        CANCELLED = "cancelled", gettext_noop("Cancelled")
        NOT_RUN = "not_run", gettext_noop("Did not run")

    OPEN_STATES = (State.REQUESTED, State.SENDING, State.ACCEPTED, State.UNKNOWN)
    # Why one was called off that was never sent and says nothing of its run: it may be asked for anew.
    NOT_CONNECTED = ("not_connected", "no_flow_api", "expired")
    HELD_UP = (*NOT_CONNECTED, "account_paused", "not_permitted")

    FINAL_STATES = (State.SUCCEEDED, State.FAILED_AGAIN, State.REJECTED, State.CANCELLED, State.NOT_RUN)

    account = models.ForeignKey(ZohoAccount, on_delete=models.CASCADE, related_name="retries", db_index=False)
    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="retries")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="retries")
    reason = models.CharField(max_length=500)
    accept_risk = models.BooleanField(default=False)
    accepted = models.CharField(
        max_length=200,
        blank=True,
        help_text="codes of what the person was shown; empty: whatever there is",
    )
    state = models.CharField(max_length=12, choices=State.choices, default=State.REQUESTED)
    original_completed_time = models.DateTimeField(
        null=True, help_text="of the execution just before the POST: what shows a later change"
    )
    zoho_ahead = models.DurationField(
        null=True, help_text="Zoho's clock less ours just before the POST; empty where Zoho sent no date"
    )
    code = models.CharField(max_length=40, blank=True, help_text="why it was called off, for programs")
    new_execution_id = models.CharField(
        max_length=64, blank=True, help_text="Zoho's id of the run it caused; empty where the same row ran again"
    )
    runs_in_place = models.BooleanField(default=False, help_text="Zoho's answer named the same execution")
    policy = models.ForeignKey(
        "monitor.RetryPolicy", on_delete=models.SET_NULL, null=True, related_name="retries", db_index=False
    )

    class Meta:
        ordering = ["-requested_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["execution"],
                condition=models.Q(state__in=["requested", "sending", "accepted", "unknown"]),
                name="one_open_retry_per_execution",
            ),
            models.UniqueConstraint(
                fields=["account", "new_execution_id"],
                condition=~models.Q(new_execution_id=""),
                name="one_retry_per_new_execution",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    state__in=[
                        "requested",
                        "sending",
                        "accepted",
                        "unknown",
                        "succeeded",
                        "failed_again",
                        "rejected",
                        "cancelled",
                        "not_run",
                    ]
                ),
                name="retry_state_known",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "next_check_at"], name="retry_due"),
            models.Index(fields=["account", "new_execution_id"], name="retry_new_execution"),
            models.Index(fields=["account", "-requested_at"], name="retry_by_account"),
            # Zoho's clock as a retry of an account saw it last: a list asks for it in every row.
            models.Index(fields=["account", "-id"], name="retry_clock", condition=models.Q(zoho_ahead__isnull=False)),
            models.Index(
                fields=["policy", "-requested_at"], name="retry_by_policy", condition=models.Q(policy__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"retry of {self.execution_id}: {self.state}"

    def get_absolute_url(self) -> str:
        return address_of("execution", self.execution_id)

    @property
    def is_of_batch(self) -> bool:
        return self.client_token.startswith(ITEM_TOKEN)

    @property
    def is_of_policy(self) -> bool:
        """Returns whether a policy asked for it, also one that is deleted by now."""
        return self.client_token.startswith(POLICY_TOKEN)


class RetryBatch(NamesPeople):
    """Records a person's wish to run many failed executions of one account again: a list that was frozen, and its pace.

    It owns no POST: each item becomes a `RetryAttempt` when its turn comes, and all that holds for one holds for it.
    """

    class State(models.TextChoices):
        QUEUED = "queued", gettext_noop("Queued")
        RUNNING = "running", gettext_noop("Running")
        SUSPENDED = "suspended", gettext_noop("Suspended")
        STOPPED = "stopped", gettext_noop("Stopped by itself")
        CANCELLED = "cancelled", gettext_noop("Cancelled")
        FINISHED = "finished", gettext_noop("Finished")

    # What goes on, or may be gone on with by a person.
    OPEN_STATES = (State.QUEUED, State.RUNNING, State.SUSPENDED)
    # What has come to an end, though a person may go on with one that stopped by itself.
    ENDS = (State.STOPPED, State.CANCELLED, State.FINISHED)

    account = models.ForeignKey(ZohoAccount, on_delete=models.CASCADE, related_name="retry_batches")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    resumed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        help_text="who went on with it last",
    )
    reason = models.CharField(max_length=500)
    seen_at = models.DateTimeField(help_text="what the person saw before confirming was of then")
    accept_risk = models.BooleanField(default=False)
    client_token = models.CharField(max_length=64, unique=True, help_text="of the form: posted twice is one row")
    source = models.JSONField(default=dict, help_text="what was chosen: rows, a problem, or a filter, its times frozen")
    problem = models.ForeignKey("monitor.Problem", on_delete=models.SET_NULL, null=True, related_name="batches")
    per_minute = models.PositiveIntegerField(help_text="items that are started in a minute at most")
    canary = models.PositiveIntegerField(default=1, help_text="items of the first step")
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    state_since = models.DateTimeField()
    state_reason = models.CharField(max_length=300, blank=True)
    step = models.PositiveSmallIntegerField(default=0)
    next_start_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-requested_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["account"], condition=models.Q(state="running"), name="one_running_batch_per_account"
            ),
            models.CheckConstraint(
                condition=models.Q(
                    state__in=["queued", "running", "suspended", "stopped", "cancelled", "finished"],
                ),
                name="batch_state_known",
            ),
        ]
        indexes = [models.Index(fields=["state", "requested_at"], name="batch_by_state")]

    def __str__(self) -> str:
        return f"batch {self.pk}: {self.state}"

    def get_absolute_url(self) -> str:
        return address_of("batch", self.pk)

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN_STATES


class RetryItem(models.Model):
    """Is one execution of a batch. It ends as succeeded, failed or skipped, each of the last two with its reason."""

    class State(models.TextChoices):
        WAITING = "waiting", gettext_noop("Waiting")
        STARTED = "started", gettext_noop("Started")
        SUCCEEDED = "succeeded", gettext_noop("Succeeded")
        FAILED = "failed", gettext_noop("Failed")
        UNKNOWN = "unknown", gettext_noop("Outcome unknown")
        SKIPPED = "skipped", gettext_noop("Skipped")

    batch = models.ForeignKey(RetryBatch, on_delete=models.CASCADE, related_name="items", db_index=False)
    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="retry_items")
    position = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    step = models.PositiveSmallIntegerField(null=True, help_text="of the batch when it was started")
    verdict = models.CharField(
        max_length=200, blank=True, help_text="codes of the risks that the person confirmed, else of the verdict"
    )
    tries = models.PositiveSmallIntegerField(default=0, help_text="wishes that were called back before they were sent")
    attempt = models.OneToOneField(RetryAttempt, on_delete=models.SET_NULL, null=True, related_name="item")
    code = models.CharField(max_length=40, blank=True, help_text="why it was skipped or failed, for programs")
    note = models.CharField(max_length=300, blank=True, help_text="why, for people")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["batch", "position"]
        constraints = [
            models.UniqueConstraint(fields=["batch", "execution"], name="one_item_per_execution_of_a_batch"),
            models.CheckConstraint(
                condition=models.Q(state__in=["waiting", "started", "succeeded", "failed", "unknown", "skipped"]),
                name="item_state_known",
            ),
        ]
        indexes = [
            models.Index(fields=["batch", "state", "position"], name="retry_item_next"),
            models.Index(
                fields=["batch"],
                name="retry_item_on_its_way",
                condition=models.Q(state__in=["started", "unknown"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.batch_id} {self.position}: {self.state}"


def counted_in_a_day(now: datetime) -> models.Q:
    """Selects the retries that count for what a policy may send in a day: not those that were never sent."""
    return models.Q(requested_at__gt=now - DAY) & ~models.Q(state=RetryAttempt.State.CANCELLED)


def zoho_ahead(account: Any) -> models.QuerySet[RetryAttempt, timedelta | None]:
    """Finds Zoho's clock less ours, as it was when a retry of an account last looked at Zoho: one value or none.

    Args:
        account: its primary key, or what names it in an outer query.
    """
    known = RetryAttempt.objects.filter(account=account, zoho_ahead__isnull=False)
    return known.order_by("-pk").values_list("zoho_ahead", flat=True)[:1]
