"""Remembers how an account's Zoho gives pages of executions: how many rows it takes, how it takes dates.

The largest page of executions is not documented, so it is tried: a server that refuses it answers with an error,
which costs a call. What was found out stands in the cursor of the stream *executions* from sweep to sweep:
``{"page_size": 50, "page_size_at": "..."}``; a size of null is the one that Zoho chooses. How long a full page came out
is not remembered: a first reading that believes in longer pages than there are now would stop short in silence.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

# Which of the documents' forms a window is sent in: times, days, or not at all.
DateForm = Literal["time", "day", "none"]

TRY_AGAIN = timedelta(days=1)
ONE_PAGE = 50  # rows, where Zoho chooses the size


@dataclass
class PageHabits:
    """Holds what this sweep knows of Zoho's pages of executions.

    Attributes:
        sizes: rows to ask for, those that may still be taken, the largest first; None leaves it to Zoho.
        full: rows of a full page, once one was seen.
        dates: how a window is taken, as far as this sweep has seen.
        are_dates_taken: whether a list with dates was answered: a refusal has another cause then.
    """

    sizes: list[int | None] = field(default_factory=lambda: [200, 50, None])
    full: int | None = None
    dates: DateForm = "time"
    are_dates_taken: bool = False

    def take_over(self, cursor: dict[str, Any], now: datetime) -> None:
        """Takes over which sizes the last sweeps found refused.

        Args:
            cursor: of the stream *executions*.
            now: the present.
        """
        self.sizes = sizes_left(self.sizes, cursor, now)

    def found(self, now: datetime) -> dict[str, Any]:
        """Returns what is to stand in the cursor of the stream *executions*."""
        return {"page_size": self.sizes[0], "page_size_at": now.isoformat()}

    def saw_full(self, rows: int) -> None:
        """Notes that a page of so many rows was full."""
        self.full = max(rows, self.full or 0) or None


def sizes_left(sizes: list[int | None], cursor: dict[str, Any], now: datetime) -> list[int | None]:
    """Returns the sizes to be tried, by what an earlier sweep found out. Pure.

    Args:
        sizes: all, the largest first.
        cursor: of the stream *executions*.
        now: the present.
    """
    try:
        age = now - datetime.fromisoformat(cursor["page_size_at"])
        place = sizes.index(cursor["page_size"])
    except (KeyError, TypeError, ValueError):
        return sizes
    return sizes[place:] if timedelta(0) <= age < TRY_AGAIN else sizes
