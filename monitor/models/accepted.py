"""Stores what people accept of what the audit of rules found. Written by `monitor.accepted_findings`."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from monitor.models.accounts import ZohoAccount


class AcceptedFinding(models.Model):
    """Says that a finding is all right as it is, why, and who said so.

    It holds while the finding stands as it stood (`state`): where that changes, the finding is there again.
    """

    account = models.ForeignKey(ZohoAccount, on_delete=models.CASCADE, related_name="accepted_findings")
    key = models.CharField(max_length=32, help_text="of the finding: kind, account and what it is about")
    kind = models.CharField(max_length=40)
    state = models.CharField(max_length=32, help_text="digest of what was seen when it was accepted")
    about = models.CharField(max_length=500, help_text="what it is about, by masked names")
    reason = models.CharField(max_length=500)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, help_text="when it was taken back, or accepted anew")
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "key"], condition=Q(ended_at=None), name="one_open_acceptance_per_finding"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.about}"
