"""The mirror of CRM workflow rules and their usage. Written by `monitor.ingest` only."""

from __future__ import annotations

from django.db import models
from django.urls import reverse

from monitor.models.accounts import ZohoAccount


class WorkflowRule(models.Model):
    """A CRM workflow rule with the counters of its last usage report.

    The usage counters cover `usage_from` to `usage_till` (days, at most 90: notes `zoho-api.md` 2.3).
    """

    account = models.ForeignKey(ZohoAccount, on_delete=models.CASCADE, related_name="rules")
    rule_id = models.CharField(max_length=64)
    name = models.CharField(max_length=500)
    description = models.TextField(blank=True)
    module = models.CharField(max_length=200, blank=True)
    active = models.BooleanField(null=True)
    execute_when = models.CharField(max_length=64, blank=True)
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

    first_seen_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["name", "pk"]
        constraints = [models.UniqueConstraint(fields=["account", "rule_id"], name="one_row_per_rule")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("rule", args=[self.pk])


class UsageSnapshot(models.Model):
    """What the usage report said on a day: Zoho forgets after 90 days, these rows do not."""

    rule = models.ForeignKey(WorkflowRule, on_delete=models.CASCADE, related_name="snapshots")
    day = models.DateField()
    trigger_count = models.BigIntegerField(null=True)
    success_count = models.BigIntegerField(null=True)
    failure_count = models.BigIntegerField(null=True)
    taken_at = models.DateTimeField()

    class Meta:
        ordering = ["day"]
        constraints = [models.UniqueConstraint(fields=["rule", "day"], name="one_snapshot_per_day")]

    def __str__(self) -> str:
        return f"{self.rule_id} on {self.day}"
