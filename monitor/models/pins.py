"""Stores what an admin says of retries of a flow. Written by `monitor.retry` only."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_noop

from monitor.models.flows import Flow
from monitor.models.masked_text import NamesPeople


class RetryPin(NamesPeople):
    """Records that a person says whether a flow's work may be repeated, and which of its actions may be.

    What is said is of the definition as it was then: of an action that has come since nothing is said.
    """

    class Class(models.TextChoices):
        SAFE = "safe", gettext_noop("Its work may be repeated")
        UNSAFE = "unsafe", gettext_noop("Its work must not be repeated")
        UNKNOWN = "unknown", gettext_noop("Nobody knows whether its work may be repeated")

    flow = models.OneToOneField(Flow, on_delete=models.CASCADE, primary_key=True, related_name="retry_pin")
    retry_class = models.CharField(max_length=10, choices=Class.choices)
    repeatable = models.JSONField(default=list, help_text="ids of actions that may be repeated whatever the class")
    known = models.JSONField(default=list, help_text="ids of all actions of the definition then")
    version = models.PositiveIntegerField(null=True, help_text="of the definition then; empty where none was read")
    reason = models.CharField(max_length=500)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(retry_class__in=["safe", "unsafe", "unknown"]), name="retry_class_known"
            ),
        ]

    def __str__(self) -> str:
        return f"flow {self.flow_id}: {self.retry_class}"
