"""Says of a callback's address alone whether anybody is known by it, before the server takes a large body."""

from __future__ import annotations

import logging

from django.db import DatabaseError, InterfaceError, close_old_connections
from django.urls import Resolver404, resolve
from django.utils import timezone

from dashboard.errors import RETRY_AFTER, is_database_away
from dashboard.server.refusals import Refusal
from monitor.hooks import receive

log = logging.getLogger(__name__)


def refuse_address(path: str) -> Refusal | None:
    """Returns why no body is taken at an address of callbacks, or None.

    Args:
        path: as the server read it, without the query; its bytes as Latin-1 (PEP 3333).
    """
    try:
        found = resolve(path.encode("latin-1").decode("utf-8", "replace"))
    except Resolver404:
        return _unknown()
    close_old_connections()
    try:
        if found.url_name == "hook_flow":
            is_known = receive.endpoint_of(found.kwargs["key"]) is not None
        elif found.url_name == "hook_crm":
            is_known = receive.channel_of(found.kwargs["channel"], timezone.now()) is not None
        else:
            is_known = False
    except (DatabaseError, InterfaceError) as error:
        if not is_database_away(error):
            raise
        log.error("the database does not answer: %s", next(iter(str(error).splitlines()), ""))
        return Refusal(503, "the database cannot be reached", retry_after=RETRY_AFTER)
    finally:
        close_old_connections()
    return None if is_known else _unknown()


def _unknown() -> Refusal:
    return Refusal(receive.UNKNOWN.status, receive.UNKNOWN.text)
