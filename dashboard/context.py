"""Gives templates what every page may use, and the age of what a page shows."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from datetime import datetime
from functools import cache, partial
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from dashboard import remembered
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
    frame = frame_at(now)
    mirror = frame["mirror"]
    age = freshness.of_list(mirror, stream, now, account_id) if stream else mirror.of(account_id)
    return frame | {"now": now, "freshness": age}


def frame_at(
    now: datetime, counting: Mapping[str, QuerySet[Any]] | None = None, *, counted_for: Hashable = None
) -> dict[str, Any]:
    """Gives what every page shows around its own: how fresh the mirror is, and the menu's numbers.

    One statement, every few seconds: all readers are given the same.

    Args:
        now: the present.
        counting: what a page counts besides, for `Mirror.counts`.
        counted_for: what `counting` goes by beside the present.
    """
    key = ("frame", *sorted(counting or ()), counted_for)
    counted = {**tallies.in_menu(), **(counting or {})}
    return of_mirror(remembered.of(key, lambda: freshness.mirror(now, counted)))


def of_mirror(mirror: freshness.Mirror) -> dict[str, Any]:
    """Gives what every page shows, where it is read already."""
    counts = mirror.counts
    return {"mirror": mirror, "open_incident_count": counts["alerts"], "open_problem_count": counts["problems"]}


def page(request: HttpRequest) -> dict[str, Any]:
    """Gives every page what it needs.

    `demo`: whether this is the demonstration; `now`: the page's time; and for people who are signed in `menu`,
    `on_profile`, `open_incident_count`, `open_problem_count` and `mirror` (how fresh and complete the mirror is). The
    last three ask the database only where a template uses them.
    """
    now = timezone.now()
    values: dict[str, Any] = {"demo": settings.DEMO, "now": now}
    user = getattr(request, "user", None)
    if isinstance(user, User):
        match = request.resolver_match
        page_name = (match.url_name or "") if match else ""
        values |= {"menu": menu_for(user, page_name), "on_profile": page_name == "profile"}
        # Templates call what can be called; `cache` makes it one question a page.
        frame = cache(partial(frame_at, now))
        for name in ("mirror", "open_incident_count", "open_problem_count"):
            values[name] = partial(_of_frame, frame, name)
    return values


def _of_frame(frame: Callable[[], dict[str, Any]], name: str) -> Any:
    return frame()[name]
