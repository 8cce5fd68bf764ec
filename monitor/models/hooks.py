"""Stores callbacks: who may send them (people's), who was asked to (ingest's), and what came (the hooks')."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_noop

from monitor.models.accounts import ZohoAccount
from monitor.models.addresses import address_of
from monitor.models.flows import Flow
from monitor.vault import EncryptedTextField

USUAL_RATE = 6_000
MOST_RATE = 60_000


@dataclass(frozen=True)
class Secret:
    """Holds one secret of an endpoint; not in its repr."""

    text: str
    created_at: datetime

    def __repr__(self) -> str:
        return f"Secret(created_at={self.created_at:%Y-%m-%d %H:%M})"


class HookEndpoint(models.Model):
    """Holds an address that a flow's error branch may post to. Of the key in it only the SHA-256 is kept."""

    account = models.ForeignKey(ZohoAccount, on_delete=models.CASCADE, related_name="hooks")
    flow = models.ForeignKey(
        Flow,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="hooks",
        help_text="empty: the body says which flow",
    )
    name = models.CharField(max_length=100)
    key_hash = models.CharField(max_length=64, unique=True)
    secrets = EncryptedTextField(help_text="JSON list of {secret, created_at}, oldest first")
    per_minute = models.PositiveIntegerField(
        "callbacks a minute",
        default=USUAL_RATE,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_RATE)],
    )
    is_active = models.BooleanField("accepts callbacks", default=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["account", "name", "pk"]
        constraints = [models.UniqueConstraint(fields=["account", "name"], name="one_hook_per_name")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return address_of("hook", self.pk)

    @property
    def secret_list(self) -> list[Secret]:
        """Returns the secrets that are valid, oldest first."""
        return [Secret(one["secret"], datetime.fromisoformat(one["created_at"])) for one in json.loads(self.secrets)]

    @secret_list.setter
    def secret_list(self, secrets: list[Secret]) -> None:
        self.secrets = json.dumps([{"secret": one.text, "created_at": one.created_at.isoformat()} for one in secrets])


class WatchChannel(models.Model):
    """Records a channel by which Zoho CRM was asked to send notifications of changed records.

    Source: docs/reference/zoho-crm.md, "Notification channels".
    """

    class Act(models.TextChoices):
        """Names what a person may ask of one channel."""

        OPEN = "open", gettext_noop("Watch")
        RENEW = "renew", gettext_noop("Renew now")
        STOP = "stop", gettext_noop("Stop")

    account = models.ForeignKey(ZohoAccount, on_delete=models.CASCADE, related_name="channels")
    module = models.CharField(max_length=200)
    channel_id = models.CharField(max_length=20, unique=True)
    token = EncryptedTextField()
    notify_url = models.CharField(max_length=255)
    asked_at = models.DateTimeField(null=True, help_text="when Zoho was last asked to open it")
    granted_at = models.DateTimeField(null=True, help_text="when Zoho opened it or last renewed it")
    expires_at = models.DateTimeField(null=True, help_text="as Zoho granted, which may be sooner than asked for")
    rung = models.PositiveSmallIntegerField(default=0, help_text="how far the wish for a long life was lowered")
    tries = models.PositiveSmallIntegerField(default=0, help_text="refusals in a row")
    retry_at = models.DateTimeField(null=True)
    refused_at = models.DateTimeField(null=True, help_text="when Zoho last refused it")
    reason = models.CharField(max_length=300, blank=True)
    open_act = models.CharField(
        max_length=8, choices=Act.choices, blank=True, help_text="of a person, whose answer has not come"
    )
    open_act_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["module"]
        constraints = [models.UniqueConstraint(fields=["account", "module"], name="one_channel_per_module")]

    def __str__(self) -> str:
        return f"{self.module} ({self.channel_id})"


class WatchChoice(models.Model):
    """Records that a person wants the records of one module watched, or not, whatever is so of the others.

    Written by `monitor.hooks`.
    """

    account = models.ForeignKey(ZohoAccount, on_delete=models.CASCADE, related_name="watch_choices")
    module = models.CharField(max_length=200)
    is_wanted = models.BooleanField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "module"], name="one_choice_per_module")]

    def __str__(self) -> str:
        return f"{self.module}: {'watched' if self.is_wanted else 'not watched'}"


class HookTraffic(models.Model):
    """Counts what came in at one address, and in the present minute. Written by `monitor.hooks` only."""

    endpoint = models.OneToOneField(HookEndpoint, on_delete=models.CASCADE, null=True, related_name="traffic")
    channel = models.OneToOneField(WatchChannel, on_delete=models.CASCADE, null=True, related_name="traffic")
    minute = models.DateTimeField(null=True, help_text="start of the minute that `in_minute` counts")
    in_minute = models.PositiveIntegerField(default=0)
    accepted = models.PositiveBigIntegerField(default=0)
    replayed = models.PositiveBigIntegerField(default=0)
    refused = models.PositiveBigIntegerField(default=0)
    late = models.PositiveBigIntegerField(default=0, help_text="of the accepted: sent minutes before they came")
    last_received_at = models.DateTimeField(null=True, help_text="last callback that was accepted")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(endpoint__isnull=False, channel__isnull=True)
                | models.Q(endpoint__isnull=True, channel__isnull=False),
                name="traffic_of_one_address",
            )
        ]

    def __str__(self) -> str:
        return f"traffic of {self.endpoint_id or self.channel_id}"


class PushEvent(models.Model):
    """Records one accepted callback: which ids it named, never what it said.

    The door adds rows; `monitor.ingest` claims them by `state`, the hand-over mark. They outlive their use
    for a week, so that the same body is recognised when it is sent again.
    """

    class State(models.TextChoices):
        NEW = "new", gettext_noop("New")
        CLAIMED = "claimed", gettext_noop("Claimed")
        DONE = "done", gettext_noop("Done")

    account = models.ForeignKey(ZohoAccount, on_delete=models.CASCADE, related_name="push_events")
    endpoint = models.ForeignKey(HookEndpoint, on_delete=models.CASCADE, null=True, related_name="events")
    channel = models.ForeignKey(WatchChannel, on_delete=models.CASCADE, null=True, related_name="events")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the body")
    event_id = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the sender's id of the event")
    flow_id = models.CharField(max_length=64, blank=True)
    execution_id = models.CharField(max_length=64, blank=True)
    received_at = models.DateTimeField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.NEW)
    claimed_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=20, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "digest"], name="one_event_per_body"),
            models.UniqueConstraint(
                fields=["endpoint", "event_id"], condition=~models.Q(event_id=""), name="one_event_per_event_id"
            ),
            models.UniqueConstraint(fields=["channel", "digest"], name="one_notification_per_body"),
        ]
        indexes = [
            models.Index(fields=["state", "received_at"], name="pushevent_queue"),
            models.Index(fields=["received_at"], name="pushevent_age"),
        ]

    def __str__(self) -> str:
        return f"callback {self.pk}: {self.state}"


class PushTurn(models.Model):
    """Records when a hint last had its turn for one target: a flow, the list of flows, the rules of CRM."""

    account = models.ForeignKey(ZohoAccount, on_delete=models.CASCADE, related_name="+")
    target = models.CharField(max_length=40)
    taken_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "target"], name="one_turn_per_target")]

    def __str__(self) -> str:
        return f"{self.target} at {self.taken_at}"
