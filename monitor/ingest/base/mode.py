"""Says what a piece of reading is for: what it reads, whether it may wait, and for whom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Literal


class Mode(Enum):
    """Names what a piece of reading is for; what differs between a task and a person's sync is asked of it."""

    TASK = "a worker's sweep: what is due, within a minute"
    SYNC = "a person's `sync`: everything, from the beginning, however long it takes"
    SYNC_WITHOUT_WAITING = "`sync --no-wait`: everything that can be had at once"
    REFRESH = "single runs that a person waits for"
    HINT = "single runs that a callback named; nobody waits for them"

    @property
    def reads_everything(self) -> bool:
        """Says whether all streams are read now, held back by the account's limits only."""
        return self in (Mode.SYNC, Mode.SYNC_WITHOUT_WAITING)

    @property
    def waits(self) -> bool:
        """Says whether it sleeps until it may go on, instead of stopping there."""
        return self is Mode.SYNC

    @property
    def begins_anew(self) -> bool:
        """Says whether nothing is taken over from earlier sweeps.

        Histories are read from their first page, for what changed in the part read earlier is only found by that; and
        what was put off because it could not be read is tried.
        """
        return self is Mode.SYNC

    @property
    def priority(self) -> Literal["background", "people"]:
        """Says whose share of the calls it takes."""
        return "people" if self is Mode.REFRESH else "background"


@dataclass(frozen=True)
class Patience:
    """Says what a piece of reading is for, and how it waits where its mode lets it.

    Args:
        mode: what it is for.
        pause: sleeps for seconds.
        deadline: when to stop in any case; None for never.
        tell: is given one line before each wait.
    """

    mode: Mode
    pause: Callable[[float], None]
    deadline: datetime | None = None
    tell: Callable[[str], None] = field(default=lambda line: None)
