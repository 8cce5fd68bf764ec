"""Records of the organisation's modules: invented, the same for each seed, never written."""

from datetime import timedelta
from typing import Any

from standin.chance import rng
from standin.crm.rules import ORG_ZONE, crm_id, module_stub, written
from standin.crm.templates import MODULES
from standin.people import SOURCES, person
from standin.world import World

COUNT = 250  # over 200, so that a second page is needed
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
    """The fields of a module: api_name, label, data type."""
    if module in {"Leads", "Contacts"}:
        return COMMON + PEOPLE_FIELDS
    return COMMON + (DEAL_FIELDS if module == "Deals" else OTHER_FIELDS)


def records_of(world: World, module: str) -> list[dict[str, Any]]:
    """Every record of a module, by id."""
    if module not in world.records:
        world.records[module] = [_record(world, module, number) for number in range(COUNT)]
    return world.records[module]


def record_id(world: World, module: str, number: int) -> str:
    """The id of the record at a place in its module."""
    return crm_id(world.prefix, 300_000_000 + MODULES.index(module) * 10_000 + number)


def _record(world: World, module: str, number: int) -> dict[str, Any]:
    dice = rng("record", world.settings.seed, module, number)
    who = person(dice)
    created = world.anchor - timedelta(days=dice.randint(5, 500), seconds=dice.randint(0, 80_000))
    values: dict[str, Any] = {
        "id": record_id(world, module, number),
        "Owner": {"name": "Marta Ops", "id": crm_id(world.prefix, 90_001), "email": "marta.ops@example.com"},
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


def stub(world: World, module: str) -> dict[str, str]:
    """The module as lists of records refer to it."""
    return module_stub(world.prefix, module)
