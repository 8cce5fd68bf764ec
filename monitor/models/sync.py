"""Stores how fresh and complete the mirror is: a row per account and a row per stream of it."""

from __future__ import annotations

from django.db import models

from monitor.models.accounts import Product, ZohoAccount


class Stream(models.TextChoices):
    FLOWS = "flows", "Flows"
    EXECUTIONS = "executions", "Executions"
    CONNECTIONS = "connections", "Connections"
    RULES = "rules", "Workflow rules"
    USAGE = "usage", "Rule usage"
    DEFINITIONS = "definitions", "Definitions"
    CONNECTED = "connected", "Connected workflows"
    WEBHOOK_FAILURES = "webhook_failures", "Webhook failures"
    RULE_LIMITS = "rule_limits", "Limits and actions of rules"
    CHANNELS = "channels", "Notification channels"
    STATISTICS = "statistics", "Statistics check"


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
        NEVER = "never", "Not read yet"
        OK = "ok", "Healthy"
        INCOMPLETE = "incomplete", "Incomplete"
        THROTTLED = "throttled", "Throttled by Zoho"
        UNREACHABLE = "unreachable", "Zoho cannot be reached"
        REVOKED = "revoked", "Zoho refuses our credentials"
        FOREIGN = "foreign", "Signed in to another organisation"
        SCHEMA = "schema", "Zoho answered in an unknown form"

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
        PENDING = "pending", "Not read yet"
        OK = "ok", "Complete"
        INCOMPLETE = "incomplete", "Incomplete"
        NOT_AVAILABLE = "not_available", "Not available"
        FAILING = "failing", "Failing"

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
