"""Stores how fresh and complete the mirror is: a row per account and a row per stream of it."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_noop

from monitor.models.accounts import Product, ZohoAccount


class Stream(models.TextChoices):
    FLOWS = "flows", gettext_noop("Flows")
    EXECUTIONS = "executions", gettext_noop("Executions")
    CONNECTIONS = "connections", gettext_noop("Connections")
    RULES = "rules", gettext_noop("Workflow rules")
    USAGE = "usage", gettext_noop("Rule usage")
    DEFINITIONS = "definitions", gettext_noop("Definitions")
    CONNECTED = "connected", gettext_noop("Connected workflows")
    WEBHOOK_FAILURES = "webhook_failures", gettext_noop("Webhook failures")
    RULE_LIMITS = "rule_limits", gettext_noop("Limits and actions of rules")
    CHANNELS = "channels", gettext_noop("Notification channels")
    STATISTICS = "statistics", gettext_noop("Statistics check")


# Definitions are of both: they are read when nothing else is due, and have no turn of their own.
STREAMS: dict[Product, tuple[Stream, ...]] = {
    Product.FLOW: (Stream.FLOWS, Stream.CONNECTIONS, Stream.EXECUTIONS, Stream.STATISTICS),
    Product.CRM: (
        *(Stream.RULES, Stream.USAGE, Stream.CONNECTED, Stream.WEBHOOK_FAILURES, Stream.RULE_LIMITS, Stream.CHANNELS),
    ),
}


def product_of(stream: str) -> str:
    """Says whose calls a stream costs."""
    return Product.CRM if stream in STREAMS[Product.CRM] else Product.FLOW


class SyncState(models.Model):
    """Holds the lease of an account's sweep, with fencing, and how fresh its mirror is."""

    class State(models.TextChoices):
        NEVER = "never", gettext_noop("Not read yet")
        OK = "ok", gettext_noop("Healthy")
        INCOMPLETE = "incomplete", gettext_noop("Incomplete")
        THROTTLED = "throttled", gettext_noop("Throttled by Zoho")
        UNREACHABLE = "unreachable", gettext_noop("Zoho cannot be reached")
        REVOKED = "revoked", gettext_noop("Zoho refuses our credentials")
        FOREIGN = "foreign", gettext_noop("Signed in to another organisation")
        SCHEMA = "schema", gettext_noop("Zoho answered in an unknown form")

    account = models.OneToOneField(ZohoAccount, on_delete=models.CASCADE, related_name="sync")
    state = models.CharField(max_length=12, choices=State.choices, default=State.NEVER)
    reason = models.CharField(max_length=500, blank=True)
    since = models.DateTimeField(null=True)
    lease_owner = models.CharField(max_length=64, blank=True)
    lease_until = models.DateTimeField(null=True)
    fence = models.PositiveBigIntegerField(default=0)
    next_due_at = models.DateTimeField(null=True)
    last_started_at = models.DateTimeField(null=True)
    last_finished_at = models.DateTimeField(null=True)
    last_fresh_at = models.DateTimeField(
        null=True, help_text="start of the newest sweep that read all new runs of flows whose newest page is read"
    )
    history_calls = models.JSONField(default=dict, help_text="calls for first readings of history, by hour")
    last_complete_at = models.DateTimeField(null=True, help_text="start of the newest sweep that missed nothing")

    class Meta:
        indexes = [models.Index(fields=["next_due_at"], name="syncstate_due")]

    def __str__(self) -> str:
        return f"{self.account}: {self.get_state_display()}"


class StreamState(models.Model):
    """Holds how far one kind of thing of one account is read."""

    class State(models.TextChoices):
        PENDING = "pending", gettext_noop("Not read yet")
        OK = "ok", gettext_noop("Complete")
        INCOMPLETE = "incomplete", gettext_noop("Incomplete")
        NOT_AVAILABLE = "not_available", gettext_noop("Not available")
        FAILING = "failing", gettext_noop("Failing")

    account = models.ForeignKey(ZohoAccount, on_delete=models.CASCADE, related_name="streams")
    stream = models.CharField(max_length=20, choices=Stream.choices)
    state = models.CharField(max_length=13, choices=State.choices, default=State.PENDING)
    reason = models.CharField(max_length=500, blank=True)
    since = models.DateTimeField(null=True)
    next_due_at = models.DateTimeField(null=True)
    last_tried_at = models.DateTimeField(null=True)
    last_read_at = models.DateTimeField(null=True, help_text="start of the newest complete read")
    item_count = models.PositiveIntegerField(default=0)
    quarantined = models.PositiveIntegerField(default=0, help_text="records of the last reading that cannot be read")
    cursor = models.JSONField(default=dict, help_text="how far a stream that is read in pieces has come")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "stream"], name="one_row_per_stream")]

    def __str__(self) -> str:
        return f"{self.account_id} {self.stream}: {self.state}"
