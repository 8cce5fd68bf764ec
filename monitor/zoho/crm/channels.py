"""Channels that tell of changed records. Source: notes/zoho-api.md, section 8 (notifications.json)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from monitor.zoho.crm.base import CrmApi, comma_list
from monitor.zoho.shapes import channels as shapes
from monitor.zoho.shapes.channels import WatchChannel, WatchResult, WatchWish
from monitor.zoho.shapes.crm_common import Page

_WATCH = ("actions", "watch")
CHANNELS_LIMIT = 50


class CrmChannels(CrmApi):
    """Scopes: `ZohoCRM.notifications.{READ,CREATE,UPDATE,DELETE}`.

    Results may be mixed (202, 207): look at each one's `ok` and real `channel_expiry`.
    """

    def subscribe(self, wishes: Sequence[WatchWish]) -> list[WatchResult]:
        """Open channels. Parameters: `wishes` 1 to 50.

        Errors: `ValueError`; `Refused` when none was opened. Source: notes, section 8.
        """
        return shapes.watch_results(self._ask("POST", *_WATCH, body=_body(wishes)))

    def list_channels(
        self, page: int = 1, per_page: int = 200, *, module: str | None = None, channel_id: str | None = None
    ) -> Page[WatchChannel]:
        """One page of open channels, empty for a 204.

        Parameters: `module` and `channel_id` only these; `page` from 1; `per_page` 1 to 200.
        Errors: those of every call. Source: notes, section 8.
        """
        params = {"page": page, "per_page": per_page, "module": module, "channel_id": channel_id}
        return shapes.channel_page(self._get(*_WATCH, params=params))

    def replace_channels(self, wishes: Sequence[WatchWish]) -> list[WatchResult]:
        """Replace open channels by new wishes with the same ids: this is how they are kept from expiring.

        Parameters: `wishes` 1 to 50. Errors: `ValueError`; `Refused` (NOT_SUBSCRIBED).
        Source: notes, section 8.
        """
        return shapes.watch_results(self._ask("PUT", *_WATCH, body=_body(wishes)))

    def change_channels(self, changes: Sequence[Mapping[str, object]]) -> list[WatchResult]:
        """Change parts of open channels, or end some of their events with `_delete_events`.

        Parameters: `changes` 1 to 50 objects with a channel_id. Errors: `ValueError`, `Refused`.
        Source: notes, section 8 (notifications.json, PATCH).
        """
        if not 1 <= len(changes) <= CHANNELS_LIMIT:
            raise ValueError(f"between 1 and {CHANNELS_LIMIT} channels are needed")
        body = {"watch": [dict(change) for change in changes]}
        return shapes.watch_results(self._ask("PATCH", *_WATCH, body=body))

    def unsubscribe(self, channel_ids: Sequence[str]) -> list[WatchResult]:
        """Close channels. Parameters: `channel_ids` 1 to 50. Errors: `ValueError`, `Refused`.

        Source: notes, section 8.
        """
        params = {"channel_ids": comma_list(channel_ids, CHANNELS_LIMIT)}
        return shapes.watch_results(self._ask("DELETE", *_WATCH, params=params))


def _body(wishes: Sequence[WatchWish]) -> dict[str, object]:
    if not 1 <= len(wishes) <= CHANNELS_LIMIT:
        raise ValueError(f"between 1 and {CHANNELS_LIMIT} channels are needed")
    return {"watch": [wish.as_json() for wish in wishes]}
