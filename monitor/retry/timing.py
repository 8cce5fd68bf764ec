"""Decides when an open attempt is looked at again. Pure.

Source: docs/reference/retries.md, "States" and "A lost answer".
"""

from __future__ import annotations

from datetime import datetime, timedelta

from monitor.sent_once.timing import next_look

LOOK_WITHIN = timedelta(seconds=8)  # looking first may take this long, or the POST waits for another turn

# A run that a retry caused starts within this span of the POST, by Zoho's clock ± skew, and shows in the
# history at most `LAG` later.
SKEW = timedelta(seconds=5)
RUN_WINDOW = timedelta(minutes=5)
LAG = timedelta(minutes=2)

# Clocks this close need no correction; Zoho's date is whole seconds and took a while to get here. One that
# differs by years is no clock.
CLOCKS_AGREE = timedelta(seconds=2)
CLOCKS_AT_MOST = timedelta(days=3650)

# Seconds after the POST. A person waits a minute for an accepted one (`manage.py retry`), so an outcome must
# not lie unseen for half of it; an unknown one must first get time to appear.
_AFTER = {
    "accepted": (2, *range(5, 60, 5), 58, 60, 120, 300, 425, 600, 900),
    "unknown": (10, 30, 60, 120, 300, 425, 600, 900),
}


def next_check(state: str, sent_at: datetime, now: datetime) -> datetime | None:
    """Returns the next time to read after `now`; None when a week has shown nothing.

    Args:
        state: accepted or unknown.
        sent_at: when the POST left, aware.
        now: the present, aware; a clock set back behind `sent_at` counts as the moment of sending.
    """
    return next_look(_AFTER[state], sent_at, now)


def is_search_due(checks: int, sent_at: datetime, now: datetime) -> bool:
    """Returns whether this look may list runs, too: in the first minute only the first three and every other one after.

    Each list is a call, or several, on top of the look's own; a plan may have ten a minute.

    Args:
        checks: which look it is, from 1.
        sent_at: when the POST left, aware.
        now: the present, by the same clock.
    """
    return checks <= 3 or checks % 2 == 1 or now - sent_at >= timedelta(minutes=1)


def clock_ahead(server_date: datetime | None, now: datetime) -> timedelta | None:
    """Returns how far Zoho's clock is ahead of ours (behind: negative); None where it is not known.

    Args:
        server_date: the date in Zoho's answer, aware, whole seconds; None where it sent none.
        now: the present, aware, when that answer came.
    """
    if server_date is None or abs(server_date - now) > CLOCKS_AT_MOST:
        return None
    ahead = server_date - now
    return timedelta(0) if abs(ahead) <= CLOCKS_AGREE else ahead
