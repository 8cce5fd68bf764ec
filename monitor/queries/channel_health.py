"""Judges how a notification channel of Zoho CRM is, and says what to do. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.languages import gettext as _
from monitor.models import HookTraffic, WatchChannel
from monitor.periods import DAY

QUIET_FOR = 7 * DAY  # without a notification; most modules with rules change more often
# Codes that begin a refusal and have nothing to do with the module, though they speak of limits or of what is invalid.
PATIENCE = ("TOO_MANY_REQUESTS", "RATE_LIMIT_EXCEEDED")
TOKENS = ("INVALID_TOKEN", "INVALID_OAUTHTOKEN", "AUTHENTICATION_FAILURE")
MANY_LATE = 0.2  # of those that came


@dataclass(frozen=True, slots=True)
class ChannelHealth:
    """Holds the state of a channel, as `dashboard.status_labels` knows it, and what to do; "" where nothing is."""

    state: str
    advice: str = ""


def health(channel: WatchChannel, traffic: HookTraffic, now: datetime) -> ChannelHealth:
    """Judges one channel: what keeps notifications from coming first.

    Args:
        channel: as it is stored.
        traffic: what came in there.
        now: the present.
    """
    if channel.open_act:
        asked = _(str(WatchChannel.Act(channel.open_act).label))
        said = _("The answer to “%(act)s” was lost. What Zoho shows is read with a next sync.")
        return ChannelHealth("unknown", said % {"act": asked.lower()})
    is_open = channel.expires_at is not None and channel.expires_at > now
    if channel.reason and not is_open:
        return ChannelHealth("refused", _of_refusal(channel))
    if channel.expires_at is None:
        return ChannelHealth("not_open", _("It is opened with the next sync."))
    if not is_open:
        return ChannelHealth("expired", _("Renew it, or wait: it is opened again with the next sync."))
    if channel.reason:
        return ChannelHealth(
            "refused", _("It is open still, but was not renewed. %(why)s") % {"why": _of_refusal(channel)}
        )
    return _of_traffic(channel, traffic, now)


def _of_refusal(channel: WatchChannel) -> str:
    code = channel.reason
    if "scope" in code.lower() or "grant" in code:
        return _("Reconnect the account with the scopes of callbacks.")
    if code.startswith(TOKENS):
        return _("Zoho refuses the account's sign-in: reconnect the account.")
    if code.startswith(PATIENCE):
        return _("Zoho's limit of calls is used up for now: it is tried again by itself.")
    if "notify_url" in code:
        return _("Zoho does not take the address that it is to call: see PUBLIC_URL.")
    if "LIMIT" in code:
        return _("Zoho allows no more channels: stop one that no rule needs.")
    if "INVALID" in code:
        return _("Zoho does not notify of this module: stop it. Its rules are read all the same.")
    return _("It is tried again by itself; “renew now” tries at once.")


def _of_traffic(channel: WatchChannel, traffic: HookTraffic, now: datetime) -> ChannelHealth:
    since = max(filter(None, (traffic.last_received_at, channel.granted_at)), default=now)
    if traffic.refused > traffic.accepted:
        words = _("Most of what came was refused, for its token is not ours: renew it, so that Zoho has the right one.")
        return ChannelHealth("wrong_token", words)
    if traffic.accepted and traffic.late > traffic.accepted * MANY_LATE:
        return ChannelHealth(
            "late", _("Notifications come minutes late. Nothing is lost by it; look at Zoho's status.")
        )
    if traffic.last_received_at is None and now - since > timedelta(hours=24):
        words = _("Nothing has come since it was opened. Where records did change, Zoho does not reach PUBLIC_URL.")
        return ChannelHealth("nothing_came", words)
    if now - since > QUIET_FOR:
        return ChannelHealth("nothing_came", _("Nothing has come for a week: that is well where no record changed."))
    return ChannelHealth("active")
