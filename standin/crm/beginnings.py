"""Makes the rows of CRM settings that the organisation has on its first day."""

from standin.chance import rng
from standin.clock import DAY
from standin.crm.rules import ORG_ZONE, OTHER_ZONE, RuleBook, crm_id, module_stub, written
from standin.crm.store import Store
from standin.crm.templates import ADDRESSES, USUAL_ADDRESS, WRITES
from standin.journaled import Journaled

KINDS = ("tasks", "field_updates", "webhooks", "email_notifications")
CONNECTED = (
    ("Lead to cash", "From the first call to the paid invoice", "Leads", ("Contacts", "Deals", "Invoices"), "active"),
    ("Case care", "A case, its calls and its follow-up", "Cases", ("Calls", "Tasks"), "active"),
    ("Partner onboarding", "Being drawn", "Vendors", ("Contacts",), "draft"),
    ("Old campaign", "Last year's", "Campaigns", ("Leads",), "inactive"),
)


def connected_workflows(home: Journaled, store: Store) -> None:
    """Makes a few connected workflows; none carries a counter or a last run.

    Source: docs/reference/zoho-crm.md, "Connected workflows".
    """
    prefix, user = home.prefix, {"name": "Marta Ops", "id": crm_id(home.prefix, 90_001)}
    for number, (name, description, primary, others, status) in enumerate(CONNECTED):
        zone = OTHER_ZONE if home.habits.mixed_offsets and number % 2 else ORG_ZONE
        created = home.anchor - rng("connected", home.settings.seed, number).randint(40, 400) * DAY
        store.found(
            "connected_workflows",
            {
                "id": crm_id(prefix, 600_000_000 + number),
                "name": name,
                "description": description,
                "status": status,
                "sequence_number": number + 1,
                "created_time": written(created, zone),
                "created_by": user,
                "modified_time": written(created + 3 * DAY, zone),
                "modified_by": user,
                "primary_module": module_stub(prefix, primary),
                "involved_modules": [module_stub(prefix, one) for one in (primary, *others)],
                "rules": [
                    {
                        "id": crm_id(prefix, 610_000_000 + number * 10 + place),
                        "name": f"{module} step",
                        "module": module_stub(prefix, module),
                        "execute_when": {"type": "create_or_edit", "details": {}},
                    }
                    for place, module in enumerate((primary, *others))
                ],
            },
        )


def actions_of_the_rules(rules: RuleBook, store: Store) -> None:
    """Makes the rows that the rules of the beginning refer to, under the same ids."""
    for rule in rules.rules.values():
        for action in rule.actions():
            kind = action["type"]
            if kind not in KINDS:
                continue
            row = {
                "id": action["id"],
                "name": action["name"],
                "module": rule.body["module"],
                "created_time": rule.body["created_time"],
                "modified_time": rule.body["modified_time"],
                "created_by": rule.body["created_by"],
                "modified_by": rule.body["modified_by"],
                "feature_type": "workflow",
                "editable": True,
                "deletable": True,
                "associated": True,
            }
            if kind == "webhooks":
                row |= {"url": ADDRESSES.get(action["name"], USUAL_ADDRESS), "http_method": "POST"}
            elif kind == "field_updates":
                field, value = WRITES[action["name"]]
                row |= {"field": {"api_name": field}, "type": "static", "value": value}
            elif kind == "tasks":
                row |= task_parts(action["name"])
            elif kind == "email_notifications":
                row |= {"template": {"name": action["name"], "id": action["id"][:-1] + "8"}}
                row |= {"recipients": {"to": [{"type": "user", "resource": rule.body["created_by"]}]}}
            store.found(kind, row)


def task_parts(subject: str) -> dict[str, object]:
    """Makes what is special to a task (https://github.com/zoho/crm-oas, getWorkflowTasks)."""
    due = {"period": "business_days", "unit": "2", "trigger_field": "${CURRENTTIME}", "sign": "plus"}
    wishes: tuple[tuple[str, str, str, object], ...] = (
        ("Subject", "static", subject, subject),
        ("Due_Date", "execution_time", "Trigger Date plus 2 business day(s)", due),
        ("Status", "static", "Not Started", "Not Started"),
        ("Priority", "static", "Normal", "Normal"),
    )
    mappings = [
        {
            "field": {"api_name": name, "id": f"55510000000000{number:04d}"},
            "type": kind,
            "display_value": shown,
            "value": value,
        }
        for number, (name, kind, shown, value) in enumerate(wishes, start=221)
    ]
    return {
        "source": "crm",
        "notify": False,
        "related_module": None,
        "lock_status": {"locked": False},
        "field_mappings": mappings,
    }
