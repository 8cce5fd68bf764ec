"""Compares a column with many values at once, cheaply: `filter(pk__among=keys)`."""

from __future__ import annotations

from typing import Any

from django.db.models import Field
from django.db.models.lookups import In


@Field.register_lookup
class Among(In):
    """Is `in` with all values as one parameter, where the database has arrays.

    For thousands of values, building the statement costs several times what running it does. Values are taken as they
    are: of the column's own type, none of them null. It knows no relations: a foreign key is `flow__id__among`, which
    joins nothing.
    """

    lookup_name = "among"

    def get_prep_lookup(self) -> list[Any]:
        return list(self.rhs)

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        """Writes `column = ANY(array)`."""
        column, parameters = self.process_lhs(compiler, connection)
        # An array of the column's own type: an index on it is of use for no other.
        kind = self.lhs.output_field.rel_db_type(connection) or self.lhs.output_field.db_type(connection)
        return f"{column} = ANY(%s::{kind}[])", [*parameters, self.rhs]
