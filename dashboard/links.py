"""Builds the addresses behind numbers: a count that is a link opens exactly the runs that it counts."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlencode

from django.urls import reverse

from monitor.periods import Window


def runs(
    window: Window,
    status: str = "",
    *,
    flow_id: int | None = None,
    account_id: int | None = None,
    listed_from: datetime | None = None,
) -> str:
    """Returns the address of the list of the runs that began in a window; empty where no list can show all of them.

    Args:
        window: as it was counted. Its ends are written in UTC: a wall time may come twice.
        status: as the list's filter names it.
        flow_id: only of this flow.
        account_id: only of this account.
        listed_from: runs that began before are counted and no longer listed, because they are pruned.
    """
    if listed_from is not None and window.start < listed_from:
        return ""
    wanted = {"account": account_id, "flow": flow_id, "status": status}
    wanted |= {"start": _text(window.start), "end": _text(window.end)}
    return f"{reverse('executions')}?{urlencode({name: value for name, value in wanted.items() if value})}"


def _text(at: datetime) -> str:
    local = at.astimezone(UTC)
    return f"{local:%Y-%m-%dT%H:%M:%SZ}" if local.second else f"{local:%Y-%m-%dT%H:%MZ}"
