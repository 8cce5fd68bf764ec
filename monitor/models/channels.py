"""Stores channels beside mail: where to (people's), what goes there, and each attempt (`monitor.notify`'s)."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_noop

from monitor.models.accounts import ZohoAccount
from monitor.models.addresses import address_of
from monitor.models.deliveries import Delivery
from monitor.models.digests import Digest
from monitor.models.hooks import Secret
from monitor.models.incidents import Notice
from monitor.models.outbox import Outgoing
from monitor.models.people import USUAL_DIGEST_HOUR
from monitor.vault import EncryptedTextField

# That a channel is left alone, whatever its server says; `monitor.notify` decides how long within it.
LONGEST_PAUSE = timedelta(minutes=30)


class ChannelManager(models.Manager["Channel"]):
    """Leaves out the channels that were deleted."""

    def get_queryset(self) -> models.QuerySet[Channel]:
        return super().get_queryset().filter(deleted_at=None)


class Channel(models.Model):
    """Holds what a person set of a channel that is notified of incidents beside mail. What came of it: other tables."""

    class Service(models.TextChoices):
        SLACK = "slack", "Slack"
        TEAMS = "teams", "Microsoft Teams"
        GOOGLE_CHAT = "google_chat", "Google Chat"
        CLIQ = "cliq", "Zoho Cliq"
        TELEGRAM = "telegram", "Telegram"
        PAGERDUTY = "pagerduty", "PagerDuty"
        OPSGENIE = "opsgenie", "Opsgenie"
        NTFY = "ntfy", "ntfy"
        WEBHOOK = "webhook", "Signed webhook"

    class Severity(models.TextChoices):
        """Names the incidents that go there: of this severity, or of a higher one."""

        PAGE = "page", "Pages"
        NOTIFY = "notify", "Pages and notifications"

    class Digests(models.TextChoices):
        """Names the digest that goes there, after the kind of `Digest`."""

        NONE = "", "None"
        DAILY = "digest_daily", "Every day"
        WEEKLY = "digest_weekly", "Every Monday"

    name = models.CharField(max_length=100)
    service = models.CharField(max_length=12, choices=Service.choices)
    address = EncryptedTextField(
        blank=True, help_text="JSON of the service's fields, keys and tokens among them; empty once it is deleted"
    )
    secrets = EncryptedTextField(
        blank=True, help_text="of a signed webhook: JSON list of {secret, created_at}, oldest first"
    )
    hint = models.CharField(max_length=120, blank=True, help_text="of the address, without what is secret of it")
    account = models.ForeignKey(
        ZohoAccount,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="alert_channels",
        help_text="empty: every account",
    )
    severity = models.CharField("incidents", max_length=6, choices=Severity.choices, default=Severity.NOTIFY)
    digest = models.CharField(max_length=13, choices=Digests.choices, blank=True, default=Digests.NONE)
    digest_hour = models.PositiveSmallIntegerField(default=USUAL_DIGEST_HOUR, help_text="UTC")
    wants_alive = models.BooleanField(default=False, help_text="whether it is told every day that the monitor is alive")
    digests_from = models.DateTimeField(
        null=True, editable=False, help_text="when digests were asked for last; empty: when it was added"
    )
    is_active = models.BooleanField("enabled", default=True)
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    added_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True, editable=False, help_text="what went there stays in the log")

    objects = ChannelManager()
    with_deleted = models.Manager["Channel"]()

    class Meta:
        base_manager_name = "with_deleted"
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["name"], condition=models.Q(deleted_at=None), name="one_channel_of_a_name"),
            models.CheckConstraint(condition=models.Q(digest_hour__lt=24), name="channel_digest_hour_of_a_day"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return address_of("channel", self.pk)

    @property
    def fields(self) -> dict[str, str]:
        """Returns what the service's form was filled in with, secrets and all.

        Raises:
            VaultError: no key at hand reads it.
        """
        found: dict[str, str] = json.loads(self.address)
        return found

    @fields.setter
    def fields(self, fields: dict[str, str]) -> None:
        self.address = json.dumps(fields)

    @property
    def secret_list(self) -> list[Secret]:
        """Returns the secrets that a webhook is signed with, oldest first.

        Raises:
            VaultError: no key at hand reads them.
        """
        known = json.loads(self.secrets) if self.secrets else []
        return [Secret(one["secret"], datetime.fromisoformat(one["created_at"])) for one in known]

    @secret_list.setter
    def secret_list(self, secrets: list[Secret]) -> None:
        self.secrets = json.dumps([{"secret": one.text, "created_at": one.created_at.isoformat()} for one in secrets])


class ChannelStanding(models.Model):
    """Records whether a channel takes our messages, as the mail server's row does for mails."""

    class State(models.TextChoices):
        UNKNOWN = "unknown", "Not tried yet"
        ACCEPTS = "accepts", "Takes our messages"
        REFUSES = "refuses", "Refuses us"
        TROUBLE = "trouble", "Has trouble"

    channel = models.OneToOneField(Channel, on_delete=models.CASCADE, related_name="standing")
    state = models.CharField(max_length=8, choices=State.choices, default=State.UNKNOWN)
    since = models.DateTimeField(null=True)
    reason = models.CharField(max_length=300, blank=True, help_text="The server's words, without personal data.")
    code = models.CharField(max_length=60, blank=True)
    failures = models.PositiveIntegerField(default=0, help_text="in a row, that were the whole channel's")
    next_try_at = models.DateTimeField(null=True, help_text="All messages of the channel wait until then.")
    accepted_at = models.DateTimeField(null=True, help_text="When it last took one.")
    tested_at = models.DateTimeField(null=True, help_text="When a person last asked for a test message.")

    def __str__(self) -> str:
        return f"channel {self.channel_id}: {self.state}"


class ChannelMessageQuerySet(models.QuerySet["ChannelMessage"]):
    """Adds what tells which messages may go out."""

    def in_turn(self, now: datetime) -> ChannelMessageQuerySet:
        """Leaves out messages behind an earlier one of their incident, and those of channels that pause.

        An end waits, too, while its channel is off: what was opened there is closed when it is switched on. A pause
        that would be longer than any is of a clock that was set back since.
        """
        earlier = ChannelMessage.objects.filter(
            channel=models.OuterRef("channel"),
            notice__incident=models.OuterRef("notice__incident"),
            notice__seq__lt=models.OuterRef("notice__seq"),
            state__in=[Delivery.State.QUEUED, Delivery.State.SENDING],
        )
        pausing = ChannelStanding.objects.filter(channel=models.OuterRef("channel"), next_try_at__gt=now)
        pausing = pausing.filter(next_try_at__lte=now + 2 * LONGEST_PAUSE)
        waits = {"channel__is_active": False, "channel__deleted_at": None, "notice__kind": Notice.Kind.RESOLVED}
        return self.filter(~models.Exists(earlier), ~models.Exists(pausing)).exclude(**waits)


class ChannelMessage(Outgoing):
    """Records one message of a notice, or a digest, to one channel, always sent under the same `message_id`."""

    notice = models.ForeignKey(Notice, on_delete=models.CASCADE, null=True, related_name="channel_messages")
    digest = models.OneToOneField(Digest, on_delete=models.CASCADE, null=True, related_name="message")
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="messages")
    message_id = models.CharField(max_length=64, unique=True)
    title = models.CharField(max_length=200)
    text = models.TextField()
    payload = models.JSONField(default=dict, help_text="what the message says, for programs")

    objects = ChannelMessageQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["notice", "channel"], name="one_message_per_channel"),
            models.CheckConstraint(
                condition=models.Q(notice__isnull=False, digest=None) | models.Q(notice=None, digest__isnull=False),
                name="a_channel_message_has_one_cause",
            ),
        ]
        indexes = [models.Index(fields=["state", "next_try_at"], name="channel_message_due")]

    def __str__(self) -> str:
        return f"{self.title} ({self.state})"

    @property
    def of_incident(self) -> Notice:
        """Is the notice that it tells.

        Raises:
            ValueError: it is a digest.
        """
        if self.notice is None:
            raise ValueError("a digest is of no incident")
        return self.notice


class SendAttempt(models.Model):
    """Records one attempt to hand a mail or a message over, and what the server answered. Append-only."""

    class Outcome(models.TextChoices):
        SENT = "sent", gettext_noop("Taken")
        LATER = "later", gettext_noop("Not now")
        UNKNOWN = "unknown", gettext_noop("Unknown")
        REFUSED = "refused", gettext_noop("Refused")

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, null=True, related_name="send_attempts")
    message = models.ForeignKey(ChannelMessage, on_delete=models.CASCADE, null=True, related_name="send_attempts")
    number = models.PositiveIntegerField()
    at = models.DateTimeField()
    ms = models.PositiveIntegerField(help_text="how long it took")
    outcome = models.CharField(max_length=7, choices=Outcome.choices)
    code = models.CharField(max_length=60, blank=True, help_text="the status that the server answered with")
    answer = models.CharField(max_length=300, blank=True, help_text="its words, without personal data and secrets")

    class Meta:
        ordering = ["at", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(delivery__isnull=False, message=None)
                | models.Q(delivery=None, message__isnull=False),
                name="an_attempt_is_of_one_message",
            ),
        ]

    def __str__(self) -> str:
        return f"attempt {self.number}: {self.outcome}"
