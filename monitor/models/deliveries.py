"""Stores mails to people, and whether the mail server takes them. Written by `monitor.notify` only."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_noop

from monitor.models.digests import Digest
from monitor.models.edits import Edit
from monitor.models.incidents import Incident, Notice
from monitor.models.occasions import Occasion
from monitor.models.outbox import Outgoing
from monitor.models.retries import RetryAttempt, RetryBatch
from monitor.models.triage import Problem


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    """Adds what tells which messages may go out."""

    def in_turn(self) -> DeliveryQuerySet:
        """Leaves out messages whose reader has not been sent an earlier one of the same incident yet."""
        earlier = Delivery.objects.filter(
            recipient=models.OuterRef("recipient"),
            notice__incident=models.OuterRef("notice__incident"),
            notice__seq__lt=models.OuterRef("notice__seq"),
            state__in=[Delivery.State.QUEUED, Delivery.State.SENDING],
        )
        return self.exclude(models.Q(notice__isnull=False) & models.Q(models.Exists(earlier)))

    def bounced(self) -> DeliveryQuerySet:
        """Gives, of people whose newest mail was refused for the address that they have, that mail.

        What was given up without an answer about the address tells nothing of it.
        """
        ended = models.Q(state=Delivery.State.SENT) | models.Q(state=Delivery.State.DEAD, is_bounced=True)
        later = Delivery.objects.filter(
            ended,
            recipient=models.OuterRef("recipient"),
            address=models.OuterRef("address"),
            pk__gt=models.OuterRef("pk"),
        )
        refused = self.filter(is_bounced=True, state=Delivery.State.DEAD, address=models.F("recipient__email"))
        return refused.filter(~models.Exists(later), recipient__is_active=True)


class Delivery(Outgoing):
    """Records one message to one person about one occasion: a notice of an incident, or an `Occasion`.

    Sent at least once: a crash between the server's 250 and our mark sends again with the *same*
    Message-ID (docs/reference/promises.md, "Mail outcomes"), so that a mail program shows one message.
    """

    notice = models.ForeignKey(Notice, on_delete=models.CASCADE, null=True, related_name="deliveries")
    occasion = models.OneToOneField(Occasion, on_delete=models.CASCADE, null=True, related_name="delivery")
    recipient = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="deliveries")
    address = models.EmailField(max_length=254)
    message_id = models.CharField(max_length=200)
    subject = models.CharField(max_length=200)
    text = models.TextField()
    html = models.TextField()
    is_bounced = models.BooleanField(default=False, help_text="the server takes nothing for this address")

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["notice", "recipient"], name="one_message_per_recipient"),
            models.CheckConstraint(
                condition=models.Q(notice__isnull=False, occasion=None) | models.Q(notice=None, occasion__isnull=False),
                name="a_message_has_one_occasion",
            ),
        ]
        indexes = [models.Index(fields=["state", "next_try_at"], name="delivery_due")]

    def __str__(self) -> str:
        return f"{self.subject} ({self.state})"

    @property
    def cause(self) -> Notice | Occasion:
        """Returns what brought the message about."""
        found = self.notice or self.occasion
        if found is None:
            raise ValueError("a message has a notice or an occasion")
        return found

    @property
    def about(self) -> Incident | Problem | RetryBatch | RetryAttempt | Edit | Digest:
        """Returns what the message is about; it has a page."""
        cause = self.cause
        return cause.incident if isinstance(cause, Notice) else cause.subject


class MailServer(models.Model):
    """Records whether the mail server takes our mails: one row, for there is one server."""

    class State(models.TextChoices):
        UNKNOWN = "unknown", gettext_noop("Not tried yet")
        ACCEPTS = "accepts", gettext_noop("Takes our mails")
        REFUSES = "refuses", gettext_noop("Refuses us")
        UNREACHABLE = "unreachable", gettext_noop("Cannot be reached")

    state = models.CharField(max_length=11, choices=State.choices, default=State.UNKNOWN)
    since = models.DateTimeField(null=True)
    reason = models.CharField(max_length=300, blank=True, help_text="The server's words, without personal data.")
    code = models.CharField(max_length=60, blank=True, help_text="Its reply code and enhanced status.")
    next_try_at = models.DateTimeField(null=True, help_text="All mails wait until then.")
    accepted_at = models.DateTimeField(null=True, help_text="When it last took one.")
    probed_at = models.DateTimeField(null=True, help_text="When a person last asked for a test mail.")

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="one_mail_server")]

    def __str__(self) -> str:
        return f"mail server: {self.state}"

    @property
    def is_busy(self) -> bool:
        """Says whether a server that counts as away is there, but takes nothing for now: a reply code is its answer."""
        return self.state == self.State.UNREACHABLE and self.code[:1].isdigit()
