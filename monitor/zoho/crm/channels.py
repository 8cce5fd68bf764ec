"""Calls for channels by which CRM notifies of changed records.

Source: docs/reference/zoho-crm.md, "Notification channels".
"""

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
        """Opens channels.

        Args:
            wishes: 1 to 50.

        Raises:
            ValueError: what is given is too much, too little or of the wrong form.
            Refused: none was opened.
        """
        return shapes.watch_results(self._ask("POST", *_WATCH, body=_body(wishes)))

    def list_channels(
        self, page: int = 1, per_page: int = 200, *, module: str | None = None, channel_id: str | None = None
    ) -> Page[WatchChannel]:
        """Lists one page of open channels, empty for a 204.

        Args:
            module, channel_id: only these.
            page: from 1.
            per_page: 1 to 200.

        Raises:
            ZohoError: see `ApiClient`.
        """
        params = {"page": page, "per_page": per_page, "module": module, "channel_id": channel_id}
        return shapes.channel_page(self._get(*_WATCH, params=params))

    def replace_channels(self, wishes: Sequence[WatchWish]) -> list[WatchResult]:
        """Replaces open channels by new wishes with the same ids: this keeps them from expiring.

        Args:
            wishes: 1 to 50.

        Raises:
            ValueError: what is given is too much, too little or of the wrong form.
            Refused: Zoho declines it (NOT_SUBSCRIBED).
        """
        return shapes.watch_results(self._ask("PUT", *_WATCH, body=_body(wishes)))

    def change_channels(self, changes: Sequence[Mapping[str, object]]) -> list[WatchResult]:
        """Changes parts of open channels, or ends some of their events with `_delete_events`.

        Args:
            changes: 1 to 50 objects with a channel_id.

        Raises:
            ValueError: what is given is too much, too little or of the wrong form.
            Refused: Zoho declines it.
        """
        if not 1 <= len(changes) <= CHANNELS_LIMIT:
            raise ValueError(f"between 1 and {CHANNELS_LIMIT} channels are needed")
        body = {"watch": [dict(change) for change in changes]}
        return shapes.watch_results(self._ask("PATCH", *_WATCH, body=body))

    def unsubscribe(self, channel_ids: Sequence[str]) -> list[WatchResult]:
        """Closes channels.

        Args:
            channel_ids: 1 to 50.

        Raises:
            ValueError: what is given is too much, too little or of the wrong form.
            Refused: Zoho declines it.
        """
        params = {"channel_ids": comma_list(channel_ids, CHANNELS_LIMIT)}
        return shapes.watch_results(self._ask("DELETE", *_WATCH, params=params))


def _body(wishes: Sequence[WatchWish]) -> dict[str, object]:
    if not 1 <= len(wishes) <= CHANNELS_LIMIT:
        raise ValueError(f"between 1 and {CHANNELS_LIMIT} channels are needed")
    return {"watch": [wish.as_json() for wish in wishes]}
