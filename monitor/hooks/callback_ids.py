"""Reads which ids a callback names; nothing else of it is kept. Pure.

Sources: docs/reference/zoho-flow.md, "Executions" (`execution_id`, `flow_id`); docs/reference/zoho-crm.md,
"Notification channels" (the body of a CRM notification).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INSIDE = ("data", "execution", "flow", "event", "payload")
_NAMES = {
    "flow_id": ("flow_id", "flowId"),
    "execution_id": ("execution_id", "executionId"),
    "event_id": ("event_id", "eventId"),
}


class NotReadable(ValueError):  # noqa: N818 - it says what happened
    """Says that the body is not JSON that can be read."""


@dataclass(frozen=True)
class CallbackIds:
    """Holds the ids that a body names; "" for those that it does not."""

    flow_id: str = ""
    execution_id: str = ""
    event_id: str = ""


@dataclass(frozen=True)
class Notification:
    """Holds what a CRM notification says of itself. The records are not looked at; the token is not in the repr."""

    channel_id: str
    token: str
    sent_at: datetime | None = None

    def __repr__(self) -> str:
        return f"Notification(channel_id={self.channel_id!r})"


def parse(body: bytes) -> object:
    """Reads the JSON of a body; whole numbers stay text, so that none is too long.

    Raises:
        NotReadable: no UTF-8, no JSON, or nested too deep.
    """
    try:
        return json.loads(body.decode("utf-8-sig"), parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        raise NotReadable("the body is not JSON") from None


def find_ids(payload: object) -> CallbackIds:
    """Finds the ids in a flow's callback: at its top, or one level below under a usual name.

    Args:
        payload: from `parse`; anything but an object names nothing.
    """
    if not isinstance(payload, Mapping):
        return CallbackIds()
    inside = [payload[name] for name in _INSIDE if isinstance(payload.get(name), Mapping)]
    places: list[Mapping[str, object]] = [payload, *inside]
    found = {}
    for field, names in _NAMES.items():
        ids = (_identifier(place.get(name)) for place in places for name in names)
        found[field] = next((one for one in ids if one), "")
    return CallbackIds(**found)


def notification(payload: object) -> Notification | None:
    """Finds the channel and token of a CRM notification; None where it has no token to look at."""
    if not isinstance(payload, Mapping):
        return None
    token = payload.get("token")
    if not isinstance(token, str) or not token:
        return None
    sent_at = _moment(payload.get("server_time"))
    return Notification(channel_id=_identifier(payload.get("channel_id")), token=token, sent_at=sent_at)


def _moment(milliseconds: object) -> datetime | None:
    """Reads Zoho's `server_time`; None for anything else."""
    if isinstance(milliseconds, str) and milliseconds.isascii() and milliseconds.isdigit() and len(milliseconds) < 15:
        return _EPOCH + timedelta(milliseconds=int(milliseconds))
    return None


def _identifier(value: object) -> str:
    return value if isinstance(value, str) and _ID.fullmatch(value) else ""
