"""Tells messages that were not sent on purpose, or had nothing to tell any more, from those that could not be."""

from __future__ import annotations

from monitor.models import Outgoing
from monitor.notify.channels.fate import CHANNEL_IS_OUT, TOO_LATE
from monitor.notify.channels.of_digest import NOT_ASKED, OTHER_ACCOUNT
from monitor.notify.hearing import HEARS_NO_MORE
from monitor.notify.kept_back import OVER_BY_THEN
from monitor.notify.late import LateVerdict
from monitor.notify.recipients import END_OF_NOTHING, NO_LONGER_GETS

LEFT_OUT = "left_out"  # beside the values of `Outgoing.State`
_ON_PURPOSE = frozenset({HEARS_NO_MORE, NO_LONGER_GETS, NOT_ASKED, OTHER_ACCOUNT, *CHANNEL_IS_OUT})
_NOTHING_TO_TELL = frozenset({END_OF_NOTHING, OVER_BY_THEN, TOO_LATE, LateVerdict.ACKNOWLEDGED.value})
REASONS = _ON_PURPOSE | _NOTHING_TO_TELL


def fate_of(state: str, reason: str) -> str:
    """Returns a message's state as people are shown it: `LEFT_OUT` of what was given up and is no fault. Pure.

    Args:
        state: a value of `Outgoing.State`.
        reason: why it was not sent, as its row has it.
    """
    return LEFT_OUT if state == Outgoing.State.DEAD and reason in REASONS else state
