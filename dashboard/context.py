"""Gives templates what every page may use, and the age of what a page shows."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from dashboard.navigation import menu_for
from monitor.models import User
from monitor.queries import freshness, tallies


def age_of(account_id: int, stream: str = "") -> dict[str, Any]:
    """Finds what the page of a thing of one account says about its age.

    Args:
        account_id: whose it is.
        stream: one of `monitor.models.Stream`, where things of its kind have an age of their own.
    """
    now = timezone.now()
    mirror = freshness.mirror(now)
    age = freshness.of_list(mirror, stream, now, account_id) if stream else mirror.of(account_id)
    return {"now": now, "mirror": mirror, "freshness": age}


def page(request: HttpRequest) -> dict[str, Any]:
    """Gives every page what it needs.

    `demo`: whether this is the demonstration; `now`: the page's time; and for people who are signed in `menu`,
    `open_incident_count`, `open_problem_count` and `mirror` (how fresh and complete the mirror is). The last three ask
    the database only where a template uses them.
    """
    now = timezone.now()
    values: dict[str, Any] = {"demo": settings.DEMO, "now": now}
    user = getattr(request, "user", None)
    if isinstance(user, User):
        match = request.resolver_match
        values["menu"] = menu_for(user, (match.url_name or "") if match else "")
        # Templates call what can be called; `cache` makes it one question a page.
        counts = cache(tallies.of_menu)
        values["open_incident_count"] = lambda: counts()["alerts"]
        values["open_problem_count"] = lambda: counts()["problems"]
        values["mirror"] = cache(partial(freshness.mirror, now))
    return values
