"""Decides to which channels a notice of an incident goes. Pure.

Until people have routes this is all there is to it: every notice that is mailed goes to each channel of the account
whose severity it has. What says otherwise later replaces `channels_for`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_WANTED = {"page": frozenset({"page"}), "notify": frozenset({"page", "notify"})}


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """Holds what it depends on whether a notice goes to a channel.

    Attributes:
        key: of the channel.
        account: whose incidents it is for; None for all.
        severity: the least that an incident must have: page or notify.
        has_incidents: whether the service opens an incident of its own.
        is_told: whether something of this incident went there, or may have.
    """

    key: int
    account: int | None
    severity: str
    has_incidents: bool
    is_told: bool


def channels_for(
    channels: Iterable[ChannelFacts], *, account: int, severity: str, kind: str, says_both: bool = False
) -> list[int]:
    """Returns the keys of the channels that a notice goes to.

    Args:
        channels: those that are on.
        account: of the incident.
        severity: of the incident.
        kind: of the notice: firing, update, repeat or resolved.
        says_both: whether it says that the incident began and is over. A service with incidents of its own is not
            called for that: nobody has to come.
    """
    if kind == "resolved":
        return [channel.key for channel in channels if channel.is_told]
    return [
        channel.key
        for channel in channels
        if channel.account in (None, account)
        and severity in _WANTED.get(channel.severity, ())
        and not (says_both and channel.has_incidents)
    ]
