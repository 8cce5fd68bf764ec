"""Moves the row of a wish from state to state, by compare-and-set on (id, state, fence) and with an audit entry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.db import transaction

from monitor.models import User
from monitor.models.sent_once import SentOnce

Row = TypeVar("Row", bound=SentOnce)


def _nothing(row: Any) -> dict[str, Any]:
    return {}


def _no_word(row: Any, to: str, now: datetime) -> None:
    """Has nothing to say where Zoho's word came too late."""


@dataclass(frozen=True, slots=True)
class WishStates(Generic[Row]):
    """Describes the states of one kind of wish, and moves its rows.

    The fence goes up with each new send, so that a sender that woke up late cannot write over a later one's row.

    Attributes:
        noun: what it is called, such as "retry"; the actions of its audit entries begin with it.
        waiting: the state of a wish that has not been sent.
        edges: the states that may follow each.
        load: returns a row anew, with all that sending and settling need.
        record: writes down who did what to a row, in the transaction that does it.
        at_the_end: returns the columns to set with any final state.
        contradicted: is called where Zoho's own word came after a row had come to its end.
    """

    noun: str
    waiting: str
    edges: Mapping[str, frozenset[str]]
    load: Callable[[int], Row]
    record: Callable[[Row, User | None, datetime, str, dict[str, Any]], None]
    at_the_end: Callable[[Row], dict[str, Any]] = _nothing
    contradicted: Callable[[Row, str, datetime], None] = _no_word

    def move(
        self,
        row: Row,
        to: str,
        *,
        now: datetime,
        actor: User | None,
        note: str = "",
        durable: bool = False,
        **changes: Any,
    ) -> bool:
        """Takes a row along one edge, if nobody else has moved it.

        Args:
            row: as it was read; on success it is brought up to date, on failure left as it was.
            to: the state to go to.
            now: the present, aware.
            actor: the person behind it, None where the program found it out.
            note: why, for the audit trail; no personal data.
            durable: whether it must be committed when this returns (refused inside another transaction).
            changes: other columns to set with it.

        Returns:
            False when the row has been moved meanwhile; then nothing was written.

        Raises:
            ValueError: there is no such edge.
            IntegrityError: a constraint forbids a change; nothing was written.
        """
        before = row.state
        if to not in self.edges[before]:
            raise ValueError(f"no {self.noun} goes from {before} to {to}")
        if to in row.FINAL_STATES:
            changes |= {"settled_at": now, "next_check_at": None, "lease_until": None, "not_before": None}
            changes |= self.at_the_end(row)
        with transaction.atomic(durable=durable):
            if not _compare_and_set(row, {}, {"state": to, **changes}):
                return False
            self.record(row, actor, now, f"{self.noun}.{to}", {"from": before, "to": to, "note": note})
        _remember(row, {"state": to, **changes})
        return True

    def move_late(self, row: Row, to: str, now: datetime, **changes: Any) -> bool:
        """Moves like `move`, also where the sweep has meanwhile given this very send up for `unknown`."""
        if self.move(row, to, now=now, actor=None, **changes):
            return True
        current = self.load(row.pk)
        if current.state != current.UNKNOWN or current.fence != row.fence:
            self.contradicted(current, to, now)
            return False
        if not self.move(current, to, now=now, actor=None, **changes):
            return False
        row.refresh_from_db()
        return True

    def amend(
        self,
        row: Row,
        *,
        expect: Mapping[str, Any] | None = None,
        told: tuple[datetime, str] | None = None,
        **changes: Any,
    ) -> bool:
        """Sets columns without leaving the state, by the same compare-and-set.

        Args:
            row: as it was read; on success it is brought up to date.
            expect: further columns that must still have these values: a claim.
            told: (now, what happened) where it is worth an audit entry.
            changes: columns to set.

        Returns:
            False when the row has been changed meanwhile; then nothing was written.
        """
        if told is None:
            if not _compare_and_set(row, expect or {}, changes):
                return False
        else:
            with transaction.atomic():
                if not _compare_and_set(row, expect or {}, changes):
                    return False
                self.record(row, None, told[0], f"{self.noun}.{told[1]}", {"state": row.state})
        _remember(row, changes)
        return True


def _compare_and_set(row: SentOnce, expect: Mapping[str, Any], changes: Mapping[str, Any]) -> bool:
    same = {"pk": row.pk, "state": row.state, "fence": row.fence, **expect}
    return type(row)._default_manager.filter(**same).update(**changes) == 1


def _remember(row: SentOnce, changes: Mapping[str, Any]) -> None:
    for name, value in changes.items():
        setattr(row, name, value)
