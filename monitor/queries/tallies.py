"""Says what every page counts for its menu; counted by `freshness.mirror`."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from monitor.models import Incident
from monitor.queries import problems


def in_menu() -> dict[str, QuerySet[Any]]:
    """Says what the menu counts: open incidents as "alerts", problems that somebody has to look at as "problems"."""
    return {"alerts": Incident.objects.filter(closed_at=None), "problems": problems.unresolved()}
