"""Collects what a sweep did: rows written, how each stream ended, what is missing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Self


@dataclass
class Written:
    """Counts the rows that storing changed; `apart` stand here with another status than they were listed with."""

    new: int = 0
    changed: int = 0
    quarantined: int = 0
    apart: int = 0

    def __iadd__(self, other: Written) -> Self:
        self.new += other.new
        self.changed += other.changed
        self.quarantined += other.quarantined
        self.apart += other.apart
        return self


@dataclass
class StreamOutcome:
    """Says how the reading of one stream ended."""

    state: str
    reason: str = ""
    items: int = 0
    error: Exception | None = None
    began: datetime | None = None  # a reading that took several sweeps: when the first of them began it
    aside: int = 0  # records of it that are in quarantine; where nothing else is missing it was read to its end


@dataclass
class Result:
    """Collects what a sweep did.

    `missing` has one line for each item that could not be read, `unreadable` one for what came and is in quarantine.
    """

    outcomes: dict[str, StreamOutcome] = field(default_factory=dict)
    written: Written = field(default_factory=Written)
    flows_read: int = 0
    not_available: set[str] = field(default_factory=set)  # ids of flows whose executions Zoho does not give
    missing: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    fresh_at: datetime | None = None  # the list up to which all new runs are read, older history aside
    stopped: Exception | None = None
    dead_products: dict[str, Exception] = field(default_factory=dict)  # by product, what ended it for this sweep
    resume: dict[str, datetime] = field(default_factory=dict)  # by product, when it may be asked again

    @property
    def complete(self) -> bool:
        """Says whether nothing that Zoho offers is missing."""
        return not self.unreadable and self.is_read

    @property
    def is_read(self) -> bool:
        """Says whether all that Zoho offers was read, though some of it may not be readable."""
        return not self.missing and self.stopped is None
