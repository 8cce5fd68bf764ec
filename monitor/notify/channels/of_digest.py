"""Writes the short message of a digest, or of "I am alive", to a channel that asks for it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from monitor.models import Channel, ChannelMessage, Digest, DigestSection
from monitor.notify.channels.words import LINE_LENGTH, fitted, stamp_of
from monitor.notify.compose import SUBJECT_LENGTH, address, whole
from monitor.notify.kinds.digest_words import in_short
from monitor.notify.words import clean, shorten

LINES_TOLD = 3  # of a part, in the text
LINES_LISTED = 5  # for programs
NOT_ASKED = "the channel does not ask for it any more"
OTHER_ACCOUNT = "the channel is of another account by now"


def asks_for(channel: Channel, kind: str) -> bool:
    """Returns whether a channel asks for what comes by the clock of a kind of `Digest`."""
    return channel.wants_alive if kind == Digest.Kind.ALIVE else channel.digest == kind


def why_no_digest(channel: Channel, digest: Digest) -> str:
    """Returns why a digest is not to be sent to a channel any more; "" where it is.

    Args:
        channel: as it is set now.
        digest: that was written for it.
    """
    if not asks_for(channel, digest.kind):
        return NOT_ASKED
    is_told = channel.account_id is None or set(digest.accounts) <= {channel.account_id}
    return "" if is_told else OTHER_ACCOUNT


def message_of_digest(digest: Digest, now: datetime) -> ChannelMessage:
    """Returns the message of a digest to its channel, which is not saved yet.

    Args:
        digest: with its channel.
        now: when it is written.
    """
    title = f"[{digest.get_kind_display()}] {in_short(digest.sections)}"
    return ChannelMessage(
        digest=digest,
        channel=digest.channel,
        message_id=f"msg_{uuid.uuid4().hex}",
        title=shorten(clean(title), SUBJECT_LENGTH),
        text="\n".join(fitted([shorten(clean(line), LINE_LENGTH) for line in _lines(digest.sections)])),
        payload=_payload(digest, title, now),
        created_at=now,
        next_try_at=now,
    )


def _lines(sections: Sequence[DigestSection]) -> Iterator[str]:
    """Yields what a person may have to do something about first; the page has the rest."""
    for section in sorted(sections, key=lambda one: not one.is_news):
        for text, _ in section.lines[:LINES_TOLD]:
            yield f"{section.title}: {text}"
        left = len(section.lines) - LINES_TOLD + section.more
        if left > 0:
            yield f"{section.title}: and {left} more"


def _payload(digest: Digest, title: str, now: datetime) -> dict[str, Any]:
    sections = [
        {
            "title": section.title,
            "is_news": section.is_news,
            "lines": [
                {"text": shorten(text, LINE_LENGTH), "url": whole(page) if page else ""}
                for text, page in section.lines[:LINES_LISTED]
            ],
            "more": max(len(section.lines) - LINES_LISTED, 0) + section.more,
        }
        for section in digest.sections
    ]
    data = {"title": shorten(clean(title), SUBJECT_LENGTH), "url": address("overview"), "sections": sections}
    times = {"since": stamp_of(digest.since), "until": stamp_of(digest.until)}
    return {"type": digest.kind.replace("_", "."), "timestamp": stamp_of(now), "data": data | times}
