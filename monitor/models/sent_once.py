"""Stores what every wish has of which one request at most goes to Zoho: a retry's and an edit's columns of sending."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class SentOnce(models.Model):
    """Holds how far the one request of a person's wish has come; `monitor.sent_once` moves it.

    The row is committed in state `sending` before the request leaves; from `unknown` no edge leads back to waiting or
    `sending`: a lost answer is settled by reading, never by sending again.
    """

    SENDING, UNKNOWN, CANCELLED = "sending", "unknown", "cancelled"
    OPEN_STATES: ClassVar[tuple[str, ...]]
    FINAL_STATES: ClassVar[tuple[str, ...]]

    state: models.CharField[str, str]

    requested_at = models.DateTimeField()
    client_token = models.CharField(max_length=64, unique=True, help_text="of the form: posted twice is one row")
    fence = models.PositiveIntegerField(default=0)
    sends = models.PositiveSmallIntegerField(default=0, help_text="times that the request may have left")
    not_before = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    answer = models.CharField(max_length=500, blank=True, help_text="Zoho's words or ours")
    checks = models.PositiveSmallIntegerField(default=0)
    next_check_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    owner_told_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN_STATES
