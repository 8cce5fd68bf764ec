"""Compares the database's migrations with this version's: for commands, `migrate` and the readiness page."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

APP = "monitor"


@dataclass(frozen=True)
class Differences:
    """Holds how the database differs from this version's tables.

    `missing` counts migrations that are not applied; `unknown` names applied ones of ours that this version does not
    have, such as those of a database from before the first release.
    """

    missing: int
    unknown: tuple[str, ...]

    @property
    def problem(self) -> str:
        """Says in one line what is wrong and the way out; empty when nothing is."""
        if self.unknown:
            return (
                f"the database was made by another version (it has {self.unknown[-1]}, which this one does not know) "
                "and cannot be migrated: take that version or an empty database (the demo: `make demo-reset`)"
            )
        if self.missing:
            return f"the database lacks {self.missing} migration(s): run `manage.py migrate` first"
        return ""


def differences(database: BaseDatabaseWrapper = connection) -> Differences:
    """Asks a database which migrations it has had.

    Args:
        database: the connection to ask through; the default one unless given.

    Raises:
        DatabaseError: it cannot be reached.
    """
    applied = MigrationRecorder(database).applied_migrations()
    known = _known()
    return Differences(
        missing=sum(key not in applied for key in known),
        unknown=tuple(f"{app}.{name}" for app, name in sorted(applied) if app == APP and (app, name) not in known),
    )


@lru_cache(maxsize=1)
def _known() -> frozenset[tuple[str, str]]:
    """Every migration of every app in this code; it cannot change while the process lives."""
    loader = MigrationLoader(None, ignore_no_migrations=True)
    return frozenset(loader.graph.nodes)
