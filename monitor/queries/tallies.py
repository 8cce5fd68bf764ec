"""Says what every page counts for its menu; counted by `freshness.mirror`."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from monitor.queries import problems
from monitor.queries.incidents import open_now


def in_menu() -> dict[str, QuerySet[Any]]:
    """Says what the menu counts: open incidents as "alerts", problems that somebody has to look at as "problems"."""
    return {"alerts": open_now(), "problems": problems.unresolved()}
