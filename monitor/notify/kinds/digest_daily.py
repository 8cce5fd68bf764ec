"""Tells a person once a day what there is to know of the accounts that they see."""

from __future__ import annotations

from datetime import tzinfo

from django.utils.translation import gettext_noop

from monitor.models import Occasion
from monitor.notify.kinds.kind import Letter, MailKind
from monitor.notify.kinds.of_digest import digest_letter


def _letter(occasion: Occasion, zone: tzinfo) -> Letter:
    return digest_letter(occasion, zone, "Daily digest", "The last 24 hours beside the week before them.")


KIND = MailKind(
    name=Occasion.Kind.DIGEST_DAILY,
    topic="digests",
    headline="Your daily digest",
    switch=gettext_noop("Send me a digest every day, where there is something to say"),
    why="your profile asks for a digest every day",
    no_more=gettext_noop("with the digest of a day"),
    letter=_letter,
)
