"""Mirrors CRM: workflow rules, their usage, connected workflows, failures of webhooks.

Written by `monitor.ingest` only.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Q

from monitor.models.accounts import ZohoAccount
from monitor.models.addresses import address_of
from monitor.models.definitions import HasDefinition
from monitor.models.masked_text import HasMaskedText, masked_columns
from monitor.privacy import mask_name
from monitor.privacy_people import names_in


def packed_kinds(kinds: Iterable[str]) -> str:
    """Writes the kinds of actions of a rule as its row keeps them: each once, between line ends. Pure."""
    found = sorted({kind for kind in kinds if kind and "\n" not in kind})
    return "\n".join(["", *found, ""]) if found else ""


def kinds_in(packed: str) -> list[str]:
    """Reads the kinds of actions that a rule's row keeps, as Zoho spells them. Pure."""
    return [kind for kind in packed.split("\n") if kind]


def action_key(identity: str, kind: str, name: str) -> tuple[str, str]:
    """Returns what names an action from reading to reading: its id; where Zoho gives none, type and name. Pure."""
    return ("", identity) if identity else (kind, name)


def does_action(kind: str) -> Q:
    """Makes the condition that a rule does an action of a kind."""
    return Q(action_kinds__contains=f"\n{kind}\n") if kind and "\n" not in kind else Q(pk__in=[])


class WorkflowRule(HasDefinition):
    """Mirrors a CRM workflow rule with the counters of its last usage report.

    The usage counters cover `usage_from` to `usage_till` (days, at most 90: docs/reference/zoho-crm.md,
    "Usage of rules"). The first day stays the same from reading to reading, so that what was added between two of them
    is exact.
    """

    account = models.ForeignKey(ZohoAccount, on_delete=models.CASCADE, related_name="rules")
    rule_id = models.CharField(max_length=64)
    name = models.CharField(max_length=500)
    description = models.TextField(blank=True)
    module = models.CharField(max_length=200, blank=True)
    active = models.BooleanField(null=True)
    execute_when = models.CharField(max_length=64, blank=True)
    action_kinds = models.TextField(blank=True, help_text="kinds of what it does, by its newest definition")
    last_executed_time = models.DateTimeField(null=True)
    created_time = models.DateTimeField(null=True)
    modified_time = models.DateTimeField(null=True)
    modified_by = models.CharField(max_length=500, blank=True)
    raw = models.JSONField(default=dict)

    trigger_count = models.BigIntegerField(null=True)
    success_count = models.BigIntegerField(null=True)
    failure_count = models.BigIntegerField(null=True)
    usage_from = models.DateField(null=True)
    usage_till = models.DateField(null=True)
    usage_reset_time = models.DateTimeField(null=True)
    usage_read_at = models.DateTimeField(null=True)
    usage_executed_time = models.DateTimeField(null=True, help_text="last_executed_time at the last usage read")
    usage_tries = models.PositiveSmallIntegerField(default=0, help_text="failed readings of it in a row")
    usage_retry_at = models.DateTimeField(null=True, help_text="after a failed reading: not again before")
    usage_problem = models.CharField(max_length=300, blank=True, help_text="what keeps it from being read")

    first_seen_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["name", "pk"]
        constraints = [models.UniqueConstraint(fields=["account", "rule_id"], name="one_row_per_rule")]

    def __str__(self) -> str:
        return self.shown_name

    @property
    def shown_name(self) -> str:
        """Returns the name for pages: masked, and never empty, so that a link always has a text."""
        return mask_name(self.name) or self.rule_id

    @property
    def changed_at(self) -> datetime:
        """Returns when it was changed last, as far as is known."""
        return max((at for at in (self.created_time, self.modified_time) if at is not None), default=self.first_seen_at)

    @property
    def quiet_since(self) -> datetime:
        """Returns since when it has neither run nor been changed."""
        return max(filter(None, (self.last_executed_time, self.changed_at)))

    def get_absolute_url(self) -> str:
        return address_of("rule", self.pk)


ADDED = ("triggered", "succeeded", "failed")  # what a day's readings added


class UsageSnapshot(models.Model):
    """Keeps what the last usage report of a day said, and what was added that day: Zoho forgets after 90 days.

    The counters are those from `since` to `day`. The increments (`triggered`, `succeeded`, `failed`) are the sums of
    those between the readings from `counted_from` to `taken_at`; None where a counter or the reading before is not
    known. After a reset they are what was counted since, and so at least right.
    """

    rule = models.ForeignKey(WorkflowRule, on_delete=models.CASCADE, related_name="snapshots")
    day = models.DateField()
    trigger_count = models.BigIntegerField(null=True)
    success_count = models.BigIntegerField(null=True)
    failure_count = models.BigIntegerField(null=True)
    taken_at = models.DateTimeField()
    since = models.DateField(null=True, help_text="first day that the counters cover")
    reset_time = models.DateTimeField(null=True)
    triggered = models.BigIntegerField(null=True)
    succeeded = models.BigIntegerField(null=True)
    failed = models.BigIntegerField(null=True)
    counted_from = models.DateTimeField(null=True, help_text="reading that the day's increments begin at")
    is_reset = models.BooleanField(default=False, help_text="counters began again on this day")
    actions = models.JSONField(default=list, help_text="per action: id, name, type, success, failure")

    class Meta:
        ordering = ["day"]
        constraints = [models.UniqueConstraint(fields=["rule", "day"], name="one_snapshot_per_day")]
        # A list of rules over a year adds up 36,000 rows: from the index alone, without the readings' JSON beside them.
        indexes = [models.Index(fields=["rule", "day", *ADDED], name="usage_added")]

    def __str__(self) -> str:
        return f"{self.rule_id} on {self.day}"


class ConnectedWorkflow(HasDefinition):
    """Mirrors a connected workflow. Zoho gives no counters and no last run of it.

    Source: docs/reference/zoho-crm.md, "Connected workflows".
    """

    account = models.ForeignKey(ZohoAccount, on_delete=models.CASCADE, related_name="connected_workflows")
    workflow_id = models.CharField(max_length=64)
    name = models.CharField(max_length=500)
    description = models.TextField(blank=True)
    status = models.CharField(max_length=100, blank=True, help_text="active, inactive or draft")
    primary_module = models.CharField(max_length=500, blank=True)
    involved_modules = models.JSONField(default=list)
    created_time = models.DateTimeField(null=True)
    modified_time = models.DateTimeField(null=True)
    modified_by = models.CharField(max_length=500, blank=True)

    first_seen_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["account", "workflow_id"], name="one_row_per_connected_workflow")
        ]

    def __str__(self) -> str:
        return self.shown_name

    def get_absolute_url(self) -> str:
        return address_of("connected_workflow", self.pk)

    @property
    def shown_name(self) -> str:
        """Returns the name for pages: masked, and never empty, so that a link always has a text."""
        return mask_name(self.name) or self.workflow_id


class AutomationFact(models.Model):
    """Mirrors what rules are measured by: limits, counts, what triggers support, what shared actions do.

    `facts` are of the last reading that Zoho did not refuse; `problem` says why it refused the last one.
    """

    class Part(models.TextChoices):
        LIMITS = "limits", "Limits of the organisation"
        MODULES = "modules", "Rules of each module"
        CONNECTED = "connected", "Limits of connected workflows"
        CONFIGURATION = "configuration", "What triggers support"
        FIELD_UPDATES = "field_updates", "Which field an update writes"
        WEBHOOKS = "webhooks", "Hosts of webhooks"
        TASKS = "tasks", "Subjects and times of tasks"
        MAILS = "email_notifications", "Templates of mails, and to whom they go"

    account = models.ForeignKey(ZohoAccount, on_delete=models.CASCADE, related_name="automation_facts")
    part = models.CharField(max_length=20, choices=Part.choices)
    subject = models.CharField(max_length=200, blank=True, help_text="of a configuration its module")
    facts = models.JSONField(null=True)
    problem = models.CharField(max_length=500, blank=True)
    read_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "part", "subject"], name="one_row_per_automation_fact")
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.part} {self.subject}".strip()


class WebhookFailure(HasMaskedText):
    """Mirrors one failed call of a webhook: the only single failures that CRM shows.

    Source: docs/reference/zoho-crm.md, "Webhook failures".

    `rule` is the mirrored rule where there is one; `rule_zoho_id` and `rule_name` are as Zoho sent them.
    """

    account = models.ForeignKey(ZohoAccount, on_delete=models.CASCADE, related_name="webhook_failures")
    failure_id = models.CharField(max_length=64)
    rule = models.ForeignKey(WorkflowRule, on_delete=models.CASCADE, null=True, related_name="webhook_failures")
    rule_zoho_id = models.CharField(max_length=64, blank=True)
    rule_name = models.CharField(max_length=500, blank=True)
    webhook_id = models.CharField(max_length=64, blank=True)
    webhook_name = models.CharField(max_length=500, blank=True)
    module = models.CharField(max_length=200, blank=True)
    record_id = models.CharField(max_length=64, blank=True)
    record_name = models.CharField(max_length=500, blank=True, help_text="personal data: shown masked")
    failure_time = models.DateTimeField(null=True)
    reason = models.TextField(blank=True)
    first_seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "failure_id"], name="one_row_per_webhook_failure")]
        indexes = [
            models.Index(fields=["account", "failure_time"], name="webhookfailure_time"),
            models.Index(fields=["masked_by", "-failure_time", "-id"], name="webhookfailure_masked"),
            models.Index(fields=["rule", "failure_time"], name="webhookfailure_rule"),
        ]

    @property
    def people(self) -> list[str]:
        """Are the names of its record that stand in its reason, each of which is hidden there."""
        return names_in([self.reason], {"name": self.record_name})

    def masked_texts(self) -> dict[str, Any]:
        return masked_columns(self.reason, names=(self.rule_name, self.webhook_name), people=self.people)

    def __str__(self) -> str:
        return f"{self.webhook_name or self.webhook_id} at {self.failure_time}"
