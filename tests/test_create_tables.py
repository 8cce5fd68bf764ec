"""The first migration makes all tables in one step, and takes them away again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection, connections, models
from django.db.backends.sqlite3.base import DatabaseWrapper
from django.db.migrations import AddConstraint, AddField, AddIndex, CreateModel
from django.db.migrations.state import ProjectState

from monitor.create_tables import CreateTables

KEY = [("id", models.BigAutoField(primary_key=True))]
CIRCLE = CreateTables(
    [
        CreateModel(name="Ship", fields=[*KEY, ("name", models.CharField(max_length=9))]),
        CreateModel(name="Sailor", fields=[*KEY, ("ship", models.ForeignKey("sea.Ship", models.CASCADE))]),
        AddField("ship", "captain", models.ForeignKey("sea.Sailor", models.PROTECT, null=True)),
        AddIndex("ship", models.Index(fields=["captain", "name"], name="ship_by_captain")),
        AddConstraint("ship", models.UniqueConstraint(fields=["name"], name="ship_once")),
    ]
)


@pytest.fixture
def empty(db: None) -> Iterator[DatabaseWrapper]:
    """Gives a database of its own that has the table of a bystander."""
    fresh = DatabaseWrapper(
        {**connection.settings_dict, "ENGINE": "sqlite3", "NAME": ":memory:", "OPTIONS": {}}, "fresh"
    )
    connections["fresh"] = fresh  # a schema editor looks its transaction up by this name
    with fresh.cursor() as cursor:
        cursor.execute("CREATE TABLE harbour (id integer)")
    yield fresh
    fresh.close()
    del connections["fresh"]


def names(database: DatabaseWrapper) -> set[str]:
    """Names the tables and indexes, without those that Django names after a foreign key."""
    with database.cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' AND name NOT LIKE '%_id_%'")
        return {name for (name,) in cursor.fetchall()}


def states() -> tuple[ProjectState, ProjectState]:
    without = ProjectState()
    state = without.clone()
    CIRCLE.state_forwards("sea", state)
    return without, state


def test_tables_that_point_at_each_other_are_made_with_their_indexes_and_constraints(empty: DatabaseWrapper) -> None:
    without, state = states()
    with empty.schema_editor() as editor:
        CIRCLE.database_forwards("sea", editor, without, state)
    assert names(empty) == {"harbour", "sea_ship", "sea_sailor", "ship_by_captain"}
    with empty.cursor() as cursor:
        found = empty.introspection.get_constraints(cursor, "sea_ship")
    assert (found["ship_once"]["unique"], found["ship_once"]["columns"]) == (True, ["name"])
    assert {one["foreign_key"] for one in found.values() if one["foreign_key"]} == {("sea_sailor", "id")}


def test_going_back_takes_away_what_was_made_and_nothing_else(empty: DatabaseWrapper) -> None:
    without, state = states()
    with empty.schema_editor() as editor:
        CIRCLE.database_forwards("sea", editor, without, state)
    with empty.schema_editor() as editor:
        CIRCLE.database_backwards("sea", editor, state, without)
    assert names(empty) == {"harbour"}


def test_models_are_not_made_anew_after_each_operation() -> None:
    """Made anew 250 times, they were most of the half minute that an empty database took."""
    state = ProjectState()
    assert not state.apps.get_models(), "the models are made, as they are where another migration ran before"
    CIRCLE.state_forwards("sea", state)
    assert "apps" not in state.__dict__
    assert {model.__name__ for model in state.apps.get_models()} == {"Ship", "Sailor"}
