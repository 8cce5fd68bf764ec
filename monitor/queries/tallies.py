"""Says what every page counts; counted by `freshness.mirror`."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from monitor.queries import executions, problems
from monitor.queries.incidents import open_now

MASKED_ANEW = "runs masked anew"


def in_menu() -> dict[str, QuerySet[Any]]:
    """Says what pages count: open incidents as "alerts", problems that somebody has to look at as "problems".

    With them goes whether a run waits to be masked anew: that costs a look into an index, and a search says so.
    """
    return {"alerts": open_now(), "problems": problems.unresolved(), MASKED_ANEW: executions.masked_anew()}
