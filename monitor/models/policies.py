"""Stores policies of retries: what is retried by itself. Written by `monitor.retry` only."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from monitor.models.accounts import ZohoAccount
from monitor.models.addresses import address_of
from monitor.models.flows import Flow
from monitor.models.triage import Problem


class RetryPolicy(models.Model):
    """Holds an admin's order to retry the failures of one flow or one problem by itself, where that is safe.

    It takes failures from when it was switched on, never older ones, and none that a person has retried.
    """

    account = models.ForeignKey(ZohoAccount, on_delete=models.CASCADE, related_name="retry_policies")
    name = models.CharField(max_length=80)
    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, null=True, related_name="retry_policies")
    problem = models.ForeignKey(Problem, on_delete=models.CASCADE, null=True, related_name="retry_policies")
    tries = models.PositiveSmallIntegerField(
        "retries of a run, at most", default=2, validators=[MinValueValidator(1), MaxValueValidator(5)]
    )
    wait_minutes = models.PositiveIntegerField(
        "wait before the first (minutes)", default=30, validators=[MinValueValidator(1), MaxValueValidator(1440)]
    )
    per_day = models.PositiveIntegerField(
        "retries in 24 hours, at most", default=20, validators=[MinValueValidator(1), MaxValueValidator(1000)]
    )
    is_on = models.BooleanField(default=False)
    on_since = models.DateTimeField(null=True, help_text="failures from before are none of its business")
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    set_at = models.DateTimeField()
    looked_to = models.DateTimeField(
        null=True, help_text="when the last failure failed that its last turn looked at; empty: from the oldest on"
    )
    looked_to_run = models.BigIntegerField(default=0, help_text="the primary key of that failure")
    off_reason = models.CharField(max_length=300, blank=True, help_text="why it switched itself off")

    class Meta:
        ordering = ["account", "name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["account", "name"], name="one_policy_of_a_name_per_account"),
            models.CheckConstraint(
                condition=models.Q(flow__isnull=True) ^ models.Q(problem__isnull=True), name="policy_of_one_thing"
            ),
            models.CheckConstraint(
                condition=models.Q(is_on=False) | models.Q(on_since__isnull=False), name="policy_on_since"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return address_of("retry_policy", self.pk)
