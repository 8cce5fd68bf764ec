"""Holds what all messages that go out have in common, mails or not: their place in the queue, and their fate."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.utils.translation import gettext_noop


class Outgoing(models.Model):
    """Is a row of an outbox: sent at least once, always under the same id. Written by `monitor.notify` only."""

    class State(models.TextChoices):
        QUEUED = "queued", gettext_noop("Queued")
        SENDING = "sending", gettext_noop("Sending")
        SENT = "sent", gettext_noop("Sent")
        TOLD = "told", gettext_noop("Told in another")
        DEAD = "dead", gettext_noop("Given up")

    state = models.CharField(max_length=8, choices=State.choices, default=State.QUEUED)
    attempts = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()
    next_try_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    revived_at = models.DateTimeField(null=True, help_text="when a person had it sent again after it was given up")
    retold_at = models.DateTimeField(null=True, help_text="when it was written anew, for it goes out late")
    kept_quiet = models.CharField(
        max_length=20, blank=True, help_text="why it is kept back though it was written: snoozed, silenced, …"
    )
    kept_until = models.DateTimeField(null=True, help_text="when it was kept back no longer")
    says_both = models.BooleanField(default=False, help_text="it says that its incident began and is over")
    knew_ended = models.PositiveIntegerField(
        default=0, help_text="how many alerts of its incident were over when it was written"
    )
    last_error = models.CharField(max_length=300, blank=True)

    class Meta:
        abstract = True

    @property
    def tried_from(self) -> datetime:
        """Returns from when the day counts after which it is no news.

        It was written, a person had it sent again, or what kept it quiet was over.
        """
        return max(at for at in (self.created_at, self.revived_at, self.kept_until) if at is not None)
