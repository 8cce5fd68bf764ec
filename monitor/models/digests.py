"""Stores the mails that come by the clock: digests, and "I am alive". Written by `monitor.notify` only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.conf import settings
from django.db import models
from django.urls import reverse


@dataclass(frozen=True, slots=True)
class DigestSection:
    """Holds a part of a digest; its texts are masked.

    Attributes:
        title: its heading.
        lines: (text, path of the page that shows it) each; "" for no page.
        more: how many lines are left out.
        short: what it says, in numbers, for the subject; "" for nothing.
        is_news: whether it is a reason to send the digest: something that a person may have to do something about.
    """

    title: str
    lines: Sequence[tuple[str, str]]
    more: int = 0
    short: str = ""
    is_news: bool = True


class Digest(models.Model):
    """Records that the mail of a day or week was decided for a person, or the message for a channel, once.

    It was sent, or had nothing to say. `content` is what it says, masked, read when it was made: the fields of a
    `DigestSection` each.
    """

    class Kind(models.TextChoices):
        """Names the mails that come by the clock; a kind of `Occasion` has the same name."""

        DAILY = "digest_daily", "Daily digest"
        WEEKLY = "digest_weekly", "Weekly digest"
        ALIVE = "alive", "I am alive"

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="digests")
    channel = models.ForeignKey("monitor.Channel", on_delete=models.CASCADE, null=True, related_name="digests")
    kind = models.CharField(max_length=13, choices=Kind.choices)
    period = models.DateField(help_text="the day, or the Monday of the week, by the reader's clock")
    due_at = models.DateTimeField(help_text="the chosen hour of that day")
    since = models.DateTimeField(help_text="what happened before was in the one before")
    until = models.DateTimeField(help_text="when it was made")
    accounts = models.JSONField(default=list, help_text="keys of the accounts that it tells of")
    content = models.JSONField(default=list)
    told = models.JSONField(default=list, help_text="keys of the problems that it calls new")
    is_empty = models.BooleanField(default=False, help_text="there was nothing to say, and nobody is told that")

    class Meta:
        ordering = ["-until", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["person", "kind", "period"], name="one_digest_of_a_period"),
            models.UniqueConstraint(fields=["channel", "kind", "period"], name="one_digest_of_a_channel_and_period"),
            models.CheckConstraint(
                condition=models.Q(person__isnull=False, channel=None) | models.Q(person=None, channel__isnull=False),
                name="a_digest_has_one_reader",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.period}"

    @property
    def sections(self) -> list[DigestSection]:
        """Is what it says."""
        return [DigestSection(**stored) for stored in self.content]

    @staticmethod
    def stored(sections: Sequence[DigestSection]) -> list[dict[str, Any]]:
        """Returns sections as `content` holds them."""
        return [asdict(section) for section in sections]

    def get_absolute_url(self) -> str:
        return reverse("overview")
