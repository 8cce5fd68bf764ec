"""How a notification channel is, and what to do, from what is stored of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.ingest.lists.notification_channels import told
from monitor.models import HookTraffic, WatchChannel
from monitor.queries.channel_health import health
from monitor.zoho.errors import Refused
from tests.factories import NOON

DAY = timedelta(days=1)
OPEN = {"granted_at": NOON - DAY / 2, "expires_at": NOON + DAY}


@pytest.mark.parametrize(
    ("channel", "traffic", "state", "advice"),
    [
        (OPEN, {}, "active", ""),
        ({}, {}, "not_open", "opened with the next sync"),
        (OPEN | {"open_act": "renew"}, {}, "unknown", "The answer to “renew now” was lost"),
        (OPEN | {"expires_at": NOON}, {}, "expired", "Renew it, or wait"),
        ({"reason": "Zoho refuses notifications: reconnect the account and grant X"}, {}, "refused", "Reconnect"),
        ({"reason": "LIMIT_REACHED"}, {}, "refused", "stop one that no rule needs"),
        ({"reason": "INVALID_DATA"}, {}, "refused", "does not notify of this module"),
        ({"reason": "INVALID_TOKEN invalid oauth token"}, {}, "refused", "reconnect the account"),
        ({"reason": "TOO_MANY_REQUESTS"}, {}, "refused", "tried again by itself"),
        ({"reason": "RATE_LIMIT_EXCEEDED slow down"}, {}, "refused", "tried again by itself"),
        ({"reason": "INVALID_DATA no address ($.watch[0].notify_url)"}, {}, "refused", "see PUBLIC_URL"),
        (OPEN | {"reason": "INTERNAL_ERROR"}, {}, "refused", "It is open still, but was not renewed."),
        (OPEN, {"accepted": 1, "refused": 2}, "wrong_token", "its token is not ours"),
        (OPEN, {"accepted": 10, "late": 3, "last_received_at": NOON}, "late", "minutes late"),
        (OPEN, {"accepted": 10, "late": 2, "last_received_at": NOON}, "active", ""),
        (OPEN | {"granted_at": NOON - 2 * DAY}, {}, "nothing_came", "does not reach PUBLIC_URL"),
        (OPEN | {"granted_at": NOON - 2 * DAY}, {"accepted": 1, "last_received_at": NOON - 3 * DAY}, "active", ""),
        (
            OPEN | {"granted_at": NOON - 8 * DAY},
            {"accepted": 1, "last_received_at": NOON - 8 * DAY},
            "nothing_came",
            "Nothing has come for a week",
        ),
    ],
)
def test_each_state_says_what_to_do(
    channel: dict[str, Any], traffic: dict[str, Any], state: str, advice: str, now: datetime
) -> None:
    found = health(WatchChannel(module="Deals", **channel), HookTraffic(**traffic), NOON)
    assert found.state == state
    assert advice in found.advice
    assert bool(found.advice) is bool(advice)


def test_a_refusal_is_kept_in_zohos_own_words() -> None:
    error = Refused("POST https://www.zohoapis.com/crm answered 400", code="INVALID_DATA")
    assert told(error) == "INVALID_DATA POST https://www.zohoapis.com/crm answered 400"
    error.said = "no address (notify_url)"
    assert told(error) == "INVALID_DATA no address (notify_url)"
