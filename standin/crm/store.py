"""Keeps rows of CRM settings that can be written; every change goes through the journal."""

import copy
from datetime import datetime
from typing import Any

from standin.crm.rules import ORG_ZONE, crm_id, written
from standin.journaled import Journaled

Row = dict[str, Any]


class Store:
    """Keeps collections of rows by name; ids are numbered in the order of the changes."""

    def __init__(self, home: Journaled) -> None:
        self._home = home
        self._made = 0
        self.rows: dict[str, dict[str, Row]] = {}
        home.register("crm_put", self._put)
        home.register("crm_remove", self._remove)

    def collection(self, name: str) -> dict[str, Row]:
        """Returns the rows of one collection by id, oldest first."""
        return self.rows.setdefault(name, {})

    def put(self, name: str, row: Row) -> Row:
        """Adds a row (without an id) or replace the one with its id; gives it as it is stored."""
        stored: Row = self._home.do("crm_put", name=name, row=row)
        return stored

    def remove(self, name: str, identity: str) -> None:
        """Takes a row out."""
        self._home.do("crm_remove", name=name, identity=identity)

    def _put(self, at: datetime, *, name: str, row: Row) -> Row:
        stamp = written(at, ORG_ZONE)
        user = {"name": "Marta Ops", "id": crm_id(self._home.prefix, 90_001)}
        stored = copy.deepcopy(row)
        if "id" not in stored:
            self._made += 1
            stored["id"] = crm_id(self._home.prefix, 800_000_000 + self._made)
            stored |= {"created_time": stamp, "created_by": user}
        stored |= {"modified_time": stamp, "modified_by": user}
        self.collection(name)[stored["id"]] = stored
        return stored

    def _remove(self, at: datetime, *, name: str, identity: str) -> None:
        self.collection(name).pop(identity, None)

    def found(self, name: str, row: Row) -> None:
        """Puts in a row that the world begins with."""
        self.collection(name)[row["id"]] = row
