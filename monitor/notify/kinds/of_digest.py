"""Says what all mails that come by the clock consist of."""

from __future__ import annotations

from datetime import tzinfo

from monitor.models import Digest, Occasion
from monitor.notify.compose import address, in_words
from monitor.notify.kinds.digest_words import in_short
from monitor.notify.kinds.kind import Letter


def digest_of_occasion(occasion: Occasion) -> Digest:
    """Returns the digest that an occasion is about.

    Raises:
        ValueError: it is about something else.
    """
    if occasion.digest is None:
        raise ValueError("the occasion is not about a digest")
    return occasion.digest


def digest_letter(occasion: Occasion, zone: tzinfo, stamp: str, intro: str) -> Letter:
    """Returns what a digest tells.

    Args:
        occasion: with its digest.
        zone: the reader's.
        stamp: what begins its subject.
        intro: what it is, in one sentence; the time that it is about is added.
    """
    digest = digest_of_occasion(occasion)
    sections = digest.sections
    return Letter(
        subject=f"[{stamp}] {in_short(sections)}",
        intro=intro,
        rows=(("Since", in_words(digest.since, zone)), ("Until", in_words(digest.until, zone))),
        page=address("overview"),
        button="Open the overview",
        sections=tuple(sections),
        is_good=not any(section.is_news for section in sections),
    )
