"""Invents the records of the organisation's modules, the same for equal seeds, and changes them.

People change them by the control endpoint only; the interface writes no record.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from standin.chance import rng
from standin.crm.rules import ORG_ZONE, crm_id, written
from standin.crm.templates import MODULES
from standin.errors import RefusalError
from standin.journaled import Journaled
from standin.people import SOURCES, person

Record = dict[str, Any]
Watcher = Callable[[datetime, str, str, str], None]

COUNT = 250  # over 200, so that a second page is needed
OPERATIONS = ("create", "edit", "delete")
FIRST_NEW = 5_000  # numbers of records that the organisation did not begin with
STAGES = ("Qualification", "Proposal", "Negotiation/Review", "Closed Won", "Closed Lost")
# api_name, label, data type; the first lines are in every module.
COMMON = (
    ("id", "Record Id", "bigint"),
    ("Owner", "Owner", "ownerlookup"),
    ("Created_Time", "Created Time", "datetime"),
    ("Modified_Time", "Modified Time", "datetime"),
)
PEOPLE_FIELDS = (
    ("First_Name", "First Name", "text"),
    ("Last_Name", "Last Name", "text"),
    ("Email", "Email", "email"),
    ("Phone", "Phone", "phone"),
    ("Company", "Company", "text"),
    ("Lead_Source", "Lead Source", "picklist"),
    ("Annual_Revenue", "Annual Revenue", "currency"),
)
DEAL_FIELDS = (
    ("Deal_Name", "Deal Name", "text"),
    ("Amount", "Amount", "currency"),
    ("Stage", "Stage", "picklist"),
    ("Closing_Date", "Closing Date", "date"),
)
OTHER_FIELDS = (("Name", "Name", "text"), ("Subject", "Subject", "text"), ("Status", "Status", "picklist"))


def fields_of(module: str) -> tuple[tuple[str, str, str], ...]:
    """Returns the fields of a module: api_name, label, data type."""
    if module in {"Leads", "Contacts"}:
        return COMMON + PEOPLE_FIELDS
    return COMMON + (DEAL_FIELDS if module == "Deals" else OTHER_FIELDS)


class Records:
    """Holds the records of every module, made up when they are first asked for, and the changes that people make.

    `watchers` are called with (time, module, record id, operation) of each change.
    """

    def __init__(self, home: Journaled) -> None:
        """Makes the change `change_record` known."""
        self._home = home
        self._rows: dict[str, list[Record]] = {}
        self._made = 0
        self.watchers: list[Watcher] = []
        home.register("change_record", self.change_record)

    def of(self, module: str) -> list[Record]:
        """Returns every record of a module, by id."""
        if module not in self._rows:
            self._rows[module] = [self._invented(module, number) for number in range(COUNT)]
        return self._rows[module]

    def _id(self, module: str, number: int) -> str:
        return crm_id(self._home.prefix, 300_000_000 + MODULES.index(module) * 10_000 + number)

    def _invented(self, module: str, number: int) -> Record:
        dice = rng("record", self._home.settings.seed, module, number)
        who = person(dice)
        created = self._home.anchor - timedelta(days=dice.randint(5, 500), seconds=dice.randint(0, 80_000))
        values: Record = {
            "id": self._id(module, number),
            "Owner": {"name": "Marta Ops", "id": crm_id(self._home.prefix, 90_001), "email": "marta.ops@example.com"},
            "Created_Time": written(created, ORG_ZONE),
            "Modified_Time": written(created + timedelta(days=dice.randint(0, 4)), ORG_ZONE),
            "First_Name": who["first"],
            "Last_Name": who["last"],
            "Email": who["email"],
            "Phone": who["phone"],
            "Company": who["firm"],
            "Lead_Source": dice.choice(SOURCES),
            "Annual_Revenue": dice.randint(2, 900) * 10_000,
            "Deal_Name": f"{who['firm']} {number}",
            "Amount": dice.randint(1, 600) * 1_000,
            "Stage": dice.choice(STAGES),
            "Closing_Date": (created + timedelta(days=40)).date().isoformat(),
            "Name": who["firm"],
            "Subject": f"{module} {number}",
            "Status": dice.choice(("Open", "Closed")),
        }
        return {name: values[name] for name, _, _ in fields_of(module)}

    def change_record(
        self, at: datetime, *, module: str, operation: str, record: str = "", values: Record | None = None
    ) -> list[str]:
        """Creates, edit or delete a record; without `record` the first one is meant. Gives its id."""
        if module not in MODULES or operation not in OPERATIONS:
            raise RefusalError(
                "INVALID_DATA", "no such module or operation", {"module": module, "operation": operation}
            )
        rows = self.of(module)
        known = {name for name, _, _ in fields_of(module)} - {"id"}
        if not {*(values or {})} <= known:
            raise RefusalError("INVALID_DATA", "no such field", {"fields": sorted({*(values or {})} - known)})
        if operation == "create":
            self._made += 1
            row = {**rows[0], "id": self._id(module, FIRST_NEW + self._made)}
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
