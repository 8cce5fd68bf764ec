"""Decides how a failed run ended. Pure.

What happened at Zoho outweighs what a person said of it: a run that was written off and is made good later on has
been made good.
"""

from __future__ import annotations

from dataclasses import dataclass

OPEN, RECOVERED, RETRIED, SUPERSEDED, WRITTEN_OFF = "open", "recovered", "retried", "superseded", "written_off"
FATES = (OPEN, RECOVERED, RETRIED, SUPERSEDED, WRITTEN_OFF)


@dataclass(frozen=True, slots=True)
class FailedOnce:
    """Holds what is known of a run that failed at least once.

    Attributes:
        status: as Zoho says now.
        has_good_retry: a retry of it, a person's or a policy's, succeeded, in a run of its own or in the same one.
        is_superseded: a later run of the same flow for the same record succeeded.
        is_written_off: a person gave it up.
    """

    status: str
    has_good_retry: bool = False
    is_superseded: bool = False
    is_written_off: bool = False


def fate_of(run: FailedOnce) -> str:
    """Returns one of `FATES`."""
    if run.has_good_retry:
        return RETRIED
    if run.status == "success":
        return RECOVERED  # no retry of ours did it, so Zoho ran it again
    if run.is_superseded:
        return SUPERSEDED
    return WRITTEN_OFF if run.is_written_off else OPEN
