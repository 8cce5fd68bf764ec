"""Writes the short message of a notice, from the facts that its mail tells."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from monitor.models import Channel, ChannelMessage, Notice
from monitor.notify.channels.parcel import Parcel
from monitor.notify.compose import SUBJECT_LENGTH, address, in_words
from monitor.notify.facts import ERROR_LENGTH, MEMBERS_SHOWN, Facts, MemberFacts
from monitor.notify.kinds.alert import on_it, stamp, told_of, verdict
from monitor.notify.words import clean, shorten

LINES_LENGTH = 700  # characters in all: PagerDuty takes 1,024 of title and text together
LINE_LENGTH = 160
ALERTS_BYTES = 48_000  # of the alerts that a webhook is told; less than a message may have in all
MEMBERS_NAMED = 4
ERRORS_NAMED = 1
SAYS_BOTH = "incident.fired_and_resolved"


def message_of(notice: Notice, facts: Facts, channel: Channel, now: datetime) -> ChannelMessage:
    """Returns the message of a notice to a channel, which is not saved yet. Its id is made once.

    Args:
        notice: what is told.
        facts: of it.
        channel: where to.
        now: when it is written.
    """
    return ChannelMessage(
        notice=notice,
        channel=channel,
        message_id=f"msg_{uuid.uuid4().hex}",
        title=shorten(clean(f"[{stamp(facts)}] {verdict(facts)}"), SUBJECT_LENGTH),
        text="\n".join(lines_of(facts)),
        payload=payload_of(facts, now),
        says_both=facts.says_both,
        knew_ended=facts.knew_ended,
        created_at=now,
        next_try_at=now,
    )


def lines_of(facts: Facts) -> list[str]:
    """Returns the text of a message: where, since when, what, who is on it. Times are of UTC: a channel has no zone."""
    told = told_of(facts)
    lines = [f"Account {facts.account_name}, since {in_words(facts.began_at, UTC)}"]
    if facts.escalation:
        lines.append(f"Why this message: {facts.escalation}")
    if facts.closed_at is not None:
        lines.append(f"Over since {in_words(facts.closed_at, UTC)}")
    if facts.cause:
        lines.append(f"In common: {facts.cause}")
    lines += [f"{member.name}: {member.reason}".rstrip(": ") for member in told[:MEMBERS_NAMED]]
    if len(told) > MEMBERS_NAMED:
        lines.append(f"and {len(told) - MEMBERS_NAMED} more")
    if facts.is_firing:
        lines += [f"{count} × {text}" for count, text in facts.errors[:ERRORS_NAMED]]
        lines.append(f"On it: {on_it(facts)}")
    return fitted([shorten(clean(line), LINE_LENGTH) for line in lines])


def fitted(lines: list[str]) -> list[str]:
    """Returns as many lines as every service takes."""
    kept: list[str] = []
    for line in lines:
        room = LINES_LENGTH - sum(map(len, kept))
        if room < len(line):
            return [*kept, "…"]
        kept.append(line)
    return kept


def payload_of(facts: Facts, now: datetime) -> dict[str, Any]:
    """Returns what a signed webhook posts: type, time and data, as Standard Webhooks recommends."""
    return {
        "type": SAYS_BOTH if facts.says_both else f"incident.{facts.kind}",
        "timestamp": stamp_of(now),
        "data": {
            "incident": facts.incident,
            "url": address("incident", facts.incident),
            "title": verdict(facts),
            "account": shorten(facts.account_name, LINE_LENGTH),
            "state": "firing" if facts.is_firing else "resolved",
            "severity": facts.severity,
            "cause": shorten(facts.cause, LINE_LENGTH),
            "began_at": stamp_of(facts.began_at),
            "noticed_at": stamp_of(facts.noticed_at),
            "closed_at": stamp_of(facts.closed_at),
            "closed_how": facts.closed_how,
            "acknowledged": facts.is_acknowledged,
            "owner": shorten(facts.owner, LINE_LENGTH),
            "alerts": _alerts(facts.members[:MEMBERS_SHOWN]),
            "alerts_in_all": len(facts.members),
            "errors": [{"count": count, "text": shorten(text, ERROR_LENGTH)} for count, text in facts.errors],
        },
    }


def _alerts(members: Sequence[MemberFacts]) -> list[dict[str, Any]]:
    """Returns the first of some alerts, as many as leave the message small in whatever script they are named."""
    found: list[dict[str, Any]] = []
    room = ALERTS_BYTES
    for member in members:
        told = _alert(member)
        room -= len(json.dumps(told, ensure_ascii=False).encode("utf-8", "replace"))
        if room < 0:
            break
        found.append(told)
    return found


def _alert(member: MemberFacts) -> dict[str, Any]:
    return {
        "name": shorten(member.name, LINE_LENGTH),
        "rule": shorten(member.rule_name, LINE_LENGTH),
        "reason": shorten(member.reason, LINE_LENGTH),
        "success_rate": member.rate,
        "runs": member.runs,
        "failed": member.failed,
        "began_at": stamp_of(member.began_at),
        "firing": member.is_firing,
    }


def stamp_of(at: datetime | None) -> str | None:
    """Writes a time for programs."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at is not None else None


def is_over(message: ChannelMessage) -> bool:
    """Returns whether a message says that its incident is over."""
    return message.says_both or (message.notice is not None and message.notice.kind == Notice.Kind.RESOLVED)


def parcel_of(message: ChannelMessage) -> Parcel:
    """Returns a message as it is handed over.

    Raises:
        VaultError: no key at hand reads where to.
    """
    bare = replace(
        bare_parcel(message.channel),
        message_id=message.message_id,
        title=message.title,
        lines=message.text.splitlines(),
        payload=message.payload,
    )
    if message.digest is not None:
        tone = "warning" if any(section.is_news for section in message.digest.sections) else "success"
        return replace(bare, link=address("overview"), tone=tone, key=f"{source()}/digests/{message.digest.pk}")
    incident = message.of_incident.incident
    return replace(
        bare,
        link=address("incident", incident.pk),
        tone="success" if is_over(message) else "failure" if incident.severity == "page" else "warning",
        key=f"{source()}/incidents/{incident.pk}",
    )


def bare_parcel(channel: Channel) -> Parcel:
    """Returns a message without words to a channel.

    Raises:
        VaultError: no key at hand reads where to.
    """
    signing = [one.text for one in channel.secret_list]
    return Parcel(service=channel.service, fields=channel.fields, signing=signing, source=source())


def source() -> str:
    """Returns the name by which services know us: the host of PUBLIC_URL."""
    return urlsplit(settings.PUBLIC_URL).hostname or "localhost"
