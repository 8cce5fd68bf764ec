"""Invents people, firms and payloads; every address is under example.com (https://www.rfc-editor.org/rfc/rfc2606)."""

import random
from typing import Any

from standin.chance import rng

FIRST_NAMES = (
    "Ada", "Bela", "Chidi", "Dora", "Emre", "Fatou", "Goran", "Hana", "Ivo", "Jaya", "Kofi", "Lena",
    "Mina", "Nils", "Oya", "Pavel", "Quinn", "Rosa", "Sven", "Tala", "Uma", "Vito", "Wanda", "Yusuf",
)  # fmt: skip
LAST_NAMES = (
    "Abara", "Berger", "Castell", "Dumont", "Ekström", "Farouk", "Grünwald", "Halloran", "Ito", "Jansen",
    "Kowalska", "Lindqvist", "Moreau", "Nowak", "Okafor", "Petrov", "Quist", "Rossi", "Sato", "Tran",
)  # fmt: skip
FIRMS = (
    "Alder & Finch", "Bluewater Pumps", "Copperfield Tools", "Dovetail Joinery", "Eastgate Labs",
    "Fernhill Foods", "Granite Freight", "Harbour Lights", "Ironbridge Parts", "Juniper Optics",
)  # fmt: skip
SOURCES = ("Website", "Referral", "Trade show", "Advertisement", "Cold call", "Partner")
SUBJECTS = ("Cannot sign in", "Invoice is wrong", "Parcel has not arrived", "How do I export?", "App is slow")
ITEMS = ("Bracket M8", "Valve 3/4", "Filter set", "Torque arm", "Seal kit", "Sensor cable")


def person(dice: random.Random) -> dict[str, str]:
    """Returns one invented person: first name, last name, address under example.com, telephone in the 555 range."""
    first, last = dice.choice(FIRST_NAMES), dice.choice(LAST_NAMES)
    plain = last.encode("ascii", "ignore").decode()
    return {
        "first": first,
        "last": last,
        "email": f"{first}.{plain}{dice.randint(1, 99)}@example.com".lower(),
        "phone": f"+1-555-01{dice.randint(0, 99):02d}",
        "firm": dice.choice(FIRMS),
    }


def trigger_payload(kind: str, key: str) -> dict[str, Any]:
    """Returns what the triggering app sent; `kind` is the trigger's app, `key` makes it repeatable."""
    dice = rng("payload", key)
    who = person(dice)
    if kind in {"shopify", "woocommerce", "stripe"}:
        return _order(dice, who)
    if kind == "zohodesk":
        return {
            "ticket_number": str(dice.randint(10_000, 99_999)),
            "subject": dice.choice(SUBJECTS),
            "contact_name": f"{who['first']} {who['last']}",
            "email": who["email"],
            "priority": dice.choice(("Low", "Medium", "High")),
        }
    if kind in {"zohobooks", "zohoinventory"}:
        return {
            "invoice_number": f"INV-{dice.randint(1, 99_999):06d}",
            "customer_name": who["firm"],
            "email": who["email"],
            "total": round(dice.uniform(40, 9_000), 2),
            "currency": dice.choice(("EUR", "USD", "GBP", "INR")),
        }
    return {
        "First_Name": who["first"],
        "Last_Name": who["last"],
        "Email": who["email"],
        "Phone": who["phone"],
        "Company": who["firm"],
        "Lead_Source": dice.choice(SOURCES),
        "Annual_Revenue": dice.randint(2, 900) * 10_000,
    }


def _order(dice: random.Random, who: dict[str, str]) -> dict[str, Any]:
    lines: list[dict[str, Any]] = [
        {"name": dice.choice(ITEMS), "quantity": dice.randint(1, 6), "price": round(dice.uniform(3, 240), 2)}
        for _ in range(dice.randint(1, 3))
    ]
    return {
        "order_number": str(dice.randint(1_000, 99_999)),
        "customer": {"name": f"{who['first']} {who['last']}", "email": who["email"], "phone": who["phone"]},
        "line_items": lines,
        "total_price": round(sum(line["quantity"] * line["price"] for line in lines), 2),
    }
