"""Creates the tables of a first migration in one step, as a migration's operation."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import SeparateDatabaseAndState
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import Model


class CreateTables(SeparateDatabaseAndState):
    """Creates every table that its operations add up to, each in its last form.

    Django makes all related models anew after each operation. Where every model leads to every other one, 250
    operations take half a minute; the models they add up to are made once here, which takes a second.
    https://docs.djangoproject.com/en/5.2/ref/migration-operations/#writing-your-own

    Args:
        operations: what Django wrote, as it is; nothing but the making of models, fields, indexes and constraints.
    """

    def __init__(self, operations: Sequence[Operation]) -> None:
        super().__init__(state_operations=list(operations))

    def deconstruct(self) -> tuple[str, list[object], dict[str, object]]:
        return type(self).__qualname__, [self.state_operations], {}

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        # Models that nobody has made need not be made anew: this is what costs.
        state.__dict__.pop("apps", None)
        super().state_forwards(app_label, state)

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        for model in self._tables(schema_editor, from_state, to_state):
            schema_editor.create_model(model)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        for model in reversed(self._tables(schema_editor, to_state, from_state)):
            schema_editor.delete_model(model)

    def describe(self) -> str:
        return f"Create {len(self.state_operations)} tables, fields, indexes and constraints"

    def _tables(
        self, schema_editor: BaseDatabaseSchemaEditor, without: ProjectState, state: ProjectState
    ) -> list[type[Model]]:
        """Lists the models of one state that another is without, in the order of their operations."""
        added = [state.apps.get_model(*key) for key in state.models if key not in without.models]
        return [model for model in added if self.allow_migrate_model(schema_editor.connection.alias, model)]
