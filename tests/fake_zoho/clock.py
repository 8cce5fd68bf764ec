"""A clock that moves when somebody sleeps, or is told to."""

from __future__ import annotations

from datetime import datetime, timedelta


class Clock:
    """Tells the time `at` until it is moved."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def pause(self, seconds: float) -> None:
        """Sleeps, as far as anybody can tell."""
        self.at += timedelta(seconds=seconds)

    def forward(self, **parts: float) -> None:
        """Moves on by `hours=3` or whatever else a timedelta takes."""
        self.at += timedelta(**parts)
