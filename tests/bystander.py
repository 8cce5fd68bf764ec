"""Keeps a second account in the test database and shows that a test left it alone.

A write that has lost its scope (`.filter(pk=…)` has become `.all()`) does what its test expects, and the same to
everybody else. So every test with a database has a bystander beside its own account: an account, flow, person, open
alert, token and a row in nearly every other table. It is put into the empty database once, and what is its own must
be the same after each test, to the last column; nothing new may hang on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeVar

from django.apps import apps
from django.db import connection, models

from monitor import models as tables
from monitor.models import AlertState, Execution
from monitor.models import ZohoAccount as Account

NAME = "Bystander Ltd"
TAG = "theirs"  # belongs to nobody, as every tag; its uses are the bystander's
PAST = datetime(2025, 3, 9, 8, 30, tzinfo=UTC)  # before every test's present
NEVER = datetime(2099, 1, 1, tzinfo=UTC)  # when what waits falls due: no job of a test has anything to do for it

_FIND = """
    SELECT account.id, person.id FROM monitor_zohoaccount account, monitor_user person
    WHERE account.name = %s AND person.username = 'bystander'
"""

# The bystander has no row there, each for its reason.
WITHOUT_A_ROW = {
    "DirtyHour": "one would rightly be counted by whatever counts next",
    "CountedHour": "one would rightly be taken by whatever looks at failures next",
}

M = TypeVar("M", bound=models.Model)
Row = dict[str, Any]
_ACCOUNT, _PERSON = -101, -102  # stand for the two keys in the prepared statements


@dataclass
class Bystander:
    """Somebody else: the keys of an account and a person, and all their rows as they were."""

    account_id: int
    person_id: int
    before: dict[tuple[str, Any], Row] = field(default_factory=dict, repr=False)
    expected: set[tuple[str, str]] = field(default_factory=set)
    is_there: bool = True

    @classmethod
    def find(cls) -> Bystander | None:
        """Finds the one that stands in the database; None where a test flushed it away."""
        with connection.cursor() as cursor:
            cursor.execute(_FIND, [NAME])
            keys = cursor.fetchone()
        return cls(*keys) if keys else None

    @property
    def account(self) -> Account:
        return Account.objects.get(pk=self.account_id)

    @property
    def person(self) -> tables.User:
        return tables.User.objects.get(pk=self.person_id)

    @property
    def flow(self) -> tables.Flow:
        return tables.Flow.objects.get(account=self.account_id)

    @property
    def execution(self) -> Execution:
        return Execution.objects.get(account=self.account_id)

    @property
    def alert(self) -> AlertState:
        return AlertState.objects.get(flow__account=self.account_id)

    def remember(self) -> None:
        """Takes what is there now as its own, for instance after an asserted change."""
        self.before = self._rows()

    def expect(self, *changes: str) -> None:
        """Lets a job that concerns everybody do its work.

        Args:
            changes: "AlertState.evaluated_at" for a column that may change, "StageRun" for rows that may come or go.
        """
        for change in changes:
            label, _, column = change.partition(".")
            self.expected.add((label, column))

    def go(self) -> None:
        """Deletes all rows of it, for a test of a database where nobody else is.

        Past the ORM, which would take longer than most tests, and refuses to delete audit entries. No row of a test
        hangs on these.
        """
        statements = [*self._deletions(), f"DELETE FROM monitor_tag WHERE name = '{TAG}'"]  # noqa: S608 - our own name
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":  # one way to the server and back
                statements = ["; ".join(statements)]
            for statement in statements:
                cursor.execute(statement)
        self.is_there = False

    def _deletions(self) -> list[str]:
        keys: dict[str, list[int]] = {}
        for label, key in self.before:
            keys.setdefault(label, []).append(int(key))
        return [
            f"DELETE FROM {model._meta.db_table} WHERE {model._meta.pk.column} IN "  # noqa: S608 - our own names and numbers
            f"({', '.join(map(str, keys[model.__name__]))})"
            for model in reversed(_owned())
            if model.__name__ in keys
        ]

    def differences(self) -> list[str]:
        """Says what is not as it was, a line each: columns that changed, rows that went, rows that came."""
        if not self.is_there:
            return []
        now = self._rows()
        if now == self.before:
            return []
        return sorted(self._compare(now))

    def _compare(self, now: dict[tuple[str, Any], Row]) -> Iterator[str]:
        for (label, key), before in self.before.items():
            row = now.get((label, key))
            if row is None and (label, "") in self.expected:
                continue
            if row is None:
                yield f"{label} {key} is gone"
                continue
            for name, value in before.items():
                if row[name] != value and (label, name) not in self.expected:
                    yield f"{label} {key}.{name}: {value!r} became {row[name]!r}"
        for label, key in now.keys() - self.before.keys():
            if (label, "") not in self.expected:
                yield f"{label} {key} is new: {now[label, key]}"

    def _rows(self) -> dict[tuple[str, Any], Row]:
        """Reads every row that hangs on the account or the person, as the database has it."""
        keys = {_ACCOUNT: self.account_id, _PERSON: self.person_id}
        found: dict[tuple[str, Any], Row] = {}
        with connection.cursor() as cursor:
            for label, key, sql, places in _statements():
                cursor.execute(sql, [keys[place] for place in places])
                names = [column[0] for column in cursor.description]
                place = names.index(key)
                for row in cursor.fetchall():
                    found[label, row[place]] = dict(zip(names, row, strict=True))
        return found


_present: list[Bystander] = []


def own(model: type[M]) -> models.QuerySet[M]:
    """Gives the rows of a table that are the test's own: all but those that the bystander brought along.

    In an order of their own: the database gives rows without one as it likes, PostgreSQL otherwise after an update.
    """
    keys = [key for found in _present for label, key in found.before if label == model.__name__]
    rows = model._default_manager.exclude(pk__in=keys)
    return rows if rows.ordered else rows.order_by("pk")


def stand_by(found: Bystander) -> None:
    """Makes a bystander the one whose rows are not a test's own."""
    _present[:] = [found]


@cache
def _owned() -> list[type[models.Model]]:
    """Lists the tables whose rows belong to an account or a person, those that others refer to first."""
    found: list[type[models.Model]] = []
    waiting = [model for model in apps.get_app_config("monitor").get_models() if _ways(model)]
    while waiting:
        ready = [m for m in waiting if not any(to in waiting and to is not m for _, to in _links(m))]
        found += ready
        waiting = [model for model in waiting if model not in ready]
    return found


def _links(model: type[models.Model]) -> list[tuple[str, Any]]:
    fields = model._meta.get_fields()
    return [(one.name, one.related_model) for one in fields if isinstance(one, models.ForeignKey)]


def _ways(model: type[models.Model]) -> dict[str, int]:
    """Finds how a table's rows belong to somebody: the nearest paths to an account, and each link to a person."""
    ways = {name: _PERSON for name, to in _links(model) if to is tables.User}
    if model is tables.User:
        ways["pk"] = _PERSON
    return ways | dict.fromkeys(_paths_to_account(model), _ACCOUNT)


def _paths_to_account(model: type[models.Model]) -> list[str]:
    """Finds the shortest paths; where a row hangs on one of several things, those by each of them."""
    if model is Account:
        return ["pk"]
    found: dict[bool, list[str]] = {True: [], False: []}
    for name, to in _links(model):
        is_sure = not model._meta.get_field(name).null
        paths = _paths_to_account(to) if to is not model else []
        found[is_sure] += [name if path == "pk" else f"{name}__{path}" for path in paths]
    shortest = min((path.count("__") for path in found[True]), default=0)
    return [path for path in found[True] if path.count("__") == shortest] or found[False]


_prepared: list[tuple[str, str, str, list[int]]] = []


def _statements() -> list[tuple[str, str, str, list[int]]]:
    """Prepares a SELECT for each table, with the name of its key, once: the ORM would take most of a check's time."""
    if not _prepared:
        for model in _owned():
            mine = models.Q()
            for way, key in _ways(model).items():
                mine |= models.Q(**{way: key})
            sql, places = model._default_manager.filter(mine).order_by().query.sql_with_params()
            _prepared.append((model.__name__, model._meta.pk.column, sql, list(places)))
    return _prepared
