"""Reads and writes channels by which CRM notifies of changed records.

Source: docs/reference/zoho-crm.md, "Notification channels".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from monitor.zoho import clean
from monitor.zoho.moments import moment
from monitor.zoho.protocol import utc_text
from monitor.zoho.shapes.base import Json, need_id
from monitor.zoho.shapes.crm_common import Page, WriteResult, page_of, write_results


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchWish:
    """Asks for a channel.

    `events` are `Module.create`, `.edit`, `.delete` or `.all`; `channel_expiry` is at most a week ahead, one hour if
    left out; `token` has at most 50 characters and is sent back with every callback.
    """

    channel_id: str
    events: tuple[str, ...]
    notify_url: str = field(repr=False)
    token: str = field(repr=False)
    channel_expiry: datetime | None = None
    notify_on_related_action: bool = False
    return_affected_field_values: bool = False

    def as_json(self) -> Json:
        """Returns the JSON to send."""
        body: Json = {
            "channel_id": self.channel_id,
            "events": list(self.events),
            "notify_url": self.notify_url,
            "token": self.token,
            "notify_on_related_action": self.notify_on_related_action,
            "return_affected_field_values": self.return_affected_field_values,
        }
        if self.channel_expiry is not None:
            body["channel_expiry"] = utc_text(self.channel_expiry).replace("Z", "+00:00")
        return body


@dataclass(frozen=True, slots=True)
class WatchChannel:
    """Holds a subscription. `token` proves that a callback is Zoho's: a secret, not in the repr."""

    channel_id: str
    events: tuple[str, ...]
    channel_expiry: datetime | None
    resource_name: str
    notify_url: str = field(repr=False)
    token: str = field(repr=False)
    raw: Json = field(repr=False)


@dataclass(frozen=True, slots=True)
class WatchResult:
    """Holds the outcome for one channel, with the expiry that Zoho really set.

    One of more than a week that was asked for silently becomes one hour.
    """

    ok: bool
    channel_ids: tuple[str, ...]
    channel_expiry: datetime | None
    code: str
    message: str
    raw: Json = field(repr=False)


def channel_page(payload: object) -> Page[WatchChannel]:
    """Reads a page of open channels.

    Args:
        payload: None (a 204) is an empty page.

    Raises:
        BadAnswer: the reply has another shape.
    """
    return page_of(payload, watch_channel, "watch")


def watch_channel(record: Mapping[str, object]) -> WatchChannel:
    """Reads one channel.

    Raises:
        Unusable: the record has no channel id.
    """
    events = record.get("events")
    return WatchChannel(
        channel_id=need_id(record, "channel_id"),
        events=tuple(clean.line(item, clean.NAME_LIMIT) for item in events if isinstance(item, str))
        if isinstance(events, list)
        else (),
        channel_expiry=moment(record.get("channel_expiry")),
        resource_name=clean.line(record.get("resource_name"), clean.NAME_LIMIT),
        notify_url=clean.opaque(record.get("notify_url")),
        token=clean.opaque(record.get("token")),
        raw=clean.mapping(record),
    )


def watch_results(payload: object) -> list[WatchResult]:
    """Reads the outcome of each channel; refused ones are among them (Zoho says 202 or 207).

    Raises:
        BadAnswer: the reply has another shape.
    """
    return [_watch_result(result) for result in write_results(payload, "watch")]


def _watch_result(result: WriteResult) -> WatchResult:
    details = result.raw.get("details")
    about = details if isinstance(details, dict) else {}
    events = about.get("events")
    places = [item for item in events if isinstance(item, dict)] if isinstance(events, list) else []
    ids = [clean.identifier(place.get("channel_id")) for place in [*places, about]]
    times = [moment(place.get("channel_expiry")) for place in [*places, about]]
    return WatchResult(
        ok=result.ok,
        channel_ids=tuple(dict.fromkeys(found for found in ids if found)),
        channel_expiry=min((found for found in times if found), default=None),
        code=result.code,
        message=result.message,
        raw=result.raw,
    )
