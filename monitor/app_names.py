"""Compares names of apps, which Zoho writes in more than one way. Pure."""

from __future__ import annotations


def plain_app(app: str) -> str:
    """Returns an app's name as it is compared: "Zoho CRM", "zoho_crm" and " ZOHO  CRM" are one."""
    return "".join(app.casefold().replace("_", " ").split())
