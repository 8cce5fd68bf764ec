"""Stores the secret links of the status page. Set by people, through `monitor.status_links`."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models

from monitor.models.accounts import ZohoAccount


class StatusLink(models.Model):
    """Opens the status page to whoever has its address. Of the address only a digest is kept."""

    name = models.CharField(max_length=100, help_text="for whom it is, as people call it")
    token_hash = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the token in the address")
    account = models.ForeignKey(
        ZohoAccount, on_delete=models.CASCADE, null=True, related_name="status_links", help_text="empty: all accounts"
    )
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True, help_text="when somebody ended it")

    class Meta:
        ordering = ["-made_at", "-pk"]

    def __str__(self) -> str:
        return self.name

    def is_open_at(self, now: datetime) -> bool:
        """Returns whether it opens the page."""
        return self.ended_at is None and (self.expires_at is None or now < self.expires_at)
