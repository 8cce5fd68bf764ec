"""Changes of records, as people make them in CRM: by the control endpoint only, the API writes no record."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from standin.crm.records import fields_of, record_id, records_of
from standin.crm.rules import ORG_ZONE, written
from standin.crm.templates import MODULES
from standin.errors import RefusalError

if TYPE_CHECKING:
    from standin.world import World

OPERATIONS = ("create", "edit", "delete")
FIRST_NEW = 5_000  # numbers of records that the world did not begin with

Watcher = Callable[[datetime, str, str, str], None]


class RecordEdits:
    """The mutation `change_record`; watchers are told (time, module, record id, operation) of each."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._made = 0
        self.watchers: list[Watcher] = []
        world.register("change_record", self.change_record)

    def change_record(
        self, at: datetime, *, module: str, operation: str, record: str = "", values: dict[str, Any] | None = None
    ) -> list[str]:
        """Create, edit or delete a record; without `record` the first one is meant. Gives its id."""
        if module not in MODULES or operation not in OPERATIONS:
            raise RefusalError(
                "INVALID_DATA", "no such module or operation", {"module": module, "operation": operation}
            )
        rows = records_of(self._world, module)
        known = {name for name, _, _ in fields_of(module)} - {"id"}
        if not {*(values or {})} <= known:
            raise RefusalError("INVALID_DATA", "no such field", {"fields": sorted({*(values or {})} - known)})
        if operation == "create":
            self._made += 1
            row = {**rows[0], "id": record_id(self._world, module, FIRST_NEW + self._made)}
            row["Created_Time"] = written(at, ORG_ZONE)
            rows.append(row)
        else:
            found = [one for one in rows if record in {"", one["id"]}]
            if not found:
                raise RefusalError("RECORD_NOT_FOUND", "record not found", {"id": record}, 404)
            row = found[0]
        if operation == "delete":
            rows.remove(row)
        else:
            row |= {**(values or {}), "Modified_Time": written(at, ORG_ZONE)}
        for watcher in self.watchers:
            watcher(at, module, row["id"], operation)
        return [row["id"]]
