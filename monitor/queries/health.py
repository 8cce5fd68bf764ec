"""Whether the installation works: for load balancers and watchdogs, so without names and without secrets."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from monitor.models import WorkerBeat
from monitor.queries.freshness import mirror

# The canary goes through the queue every few seconds; so long without one and nothing is mirrored.
SILENT_AFTER = timedelta(seconds=60)
WATCHED = ("supervisor", "canary")


@dataclass(frozen=True)
class Readiness:
    """`problems` in plain words, empty when all is well; `report` is the whole answer as JSON."""

    problems: list[str] = field(default_factory=list)
    report: dict[str, Any] = field(default_factory=dict)

    @property
    def is_ready(self) -> bool:
        return not self.problems


def readiness(now: datetime) -> Readiness:
    """Database, migrations, the worker's heart and the mirror's age. It never raises.

    A mirror that is behind is reported but does not make the installation unready: taking the pages away
    would only hide what they have to say about it.

    Args:
        now: the moment ages are counted to.
    """
    try:
        missing = _missing_migrations()
        if missing:
            problems = [f"{missing} migration(s) are not applied"]
            return Readiness(problems, _report(problems, database=True, migrations_missing=missing))
        beats = {beat.name: beat.beat_at for beat in WorkerBeat.objects.filter(name__in=WATCHED)}
        problems = worker_problems(beats, now)
        ages = {name: _seconds(beats.get(name), now) for name in WATCHED}
        report = _report(problems, database=True, migrations_missing=0, worker_age_seconds=ages, mirror=_mirror(now))
        return Readiness(problems, report)
    except DatabaseError:
        problems = ["the database cannot be reached"]
        return Readiness(problems, _report(problems, database=False))


def worker_problems(beats: dict[str, datetime], now: datetime) -> list[str]:
    """What is wrong with the worker. Pure.

    Args:
        beats: the last beat by name.
        now: the present.
    """
    canary = beats.get("canary")
    if canary is None:
        return ["the worker has not run yet (manage.py worker)"]
    if now - canary > SILENT_AFTER:
        return [f"the worker is silent: no task came through for {int((now - canary).total_seconds())} s"]
    return []


def _mirror(now: datetime) -> dict[str, Any]:
    """How many accounts are current and complete, and the greatest age."""
    fresh = mirror(now)
    ages = [account.age.total_seconds() for account in fresh.mirrored if account.age is not None]
    return {
        "accounts": len(fresh.accounts),
        "paused": len(fresh.accounts) - len(fresh.mirrored),
        "current": sum(account.is_current for account in fresh.mirrored),
        "complete": sum(account.is_complete for account in fresh.mirrored),
        "never_read": sum(account.as_of is None for account in fresh.mirrored),
        "oldest_age_seconds": int(max(ages)) if ages else None,
    }


def _report(problems: list[str], **facts: Any) -> dict[str, Any]:
    return {"status": "unavailable" if problems else "ok", "problems": problems, **facts}


def _seconds(at: datetime | None, now: datetime) -> int | None:
    return None if at is None else int((now - at).total_seconds())


def _missing_migrations() -> int:
    applied = MigrationRecorder(connection).applied_migrations()
    return sum(key not in applied for key in _newest_migrations())


@lru_cache(maxsize=1)
def _newest_migrations() -> frozenset[tuple[str, str]]:
    """The last migration of every app in this code; it cannot change while the process lives."""
    return frozenset(MigrationLoader(None).graph.leaf_nodes())
