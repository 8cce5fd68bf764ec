"""Has Zoho test a connection, for a person who asked: a request that changes nothing, so that it may be asked again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from monitor import audit
from monitor.access import may
from monitor.edits.client import OpenForEdits
from monitor.edits.requests import EditRefused
from monitor.languages import gettext as _
from monitor.models import Connection, User
from monitor.privacy import mask_text
from monitor.vault import VaultError
from monitor.zoho.errors import ZohoError


def ask_for_test(connection: Connection, user: User, now: datetime, *, open_account: OpenForEdits) -> tuple[bool, str]:
    """Has Zoho test a connection, and writes down who asked and what came of it.

    Args:
        connection: with its account.
        user: who asks.
        now: the present, aware.
        open_account: see `client.OpenForEdits`.

    Returns:
        Whether it passed, and one line for the person.

    Raises:
        EditRefused: not permitted, no Zoho Flow, or Zoho could not be asked.
    """
    if not may(user, "connections.test", connection.account):
        raise EditRefused(_("You may not test connections."), "not_permitted")
    try:
        with open_account(connection.account, priority="people") as clients:
            if clients.flow is None:
                raise EditRefused(_("The account has no address for Zoho Flow."), "not_connected")
            found = clients.flow.test_connection(connection.connection_id)
    except (ZohoError, VaultError) as error:
        _record(connection, user, now, {"passed": None, "error": getattr(error, "code", "") or type(error).__name__})
        why = _("It could not be tested: %(why)s") % {"why": mask_text(str(error))[:300]}
        raise EditRefused(why, "not_asked") from None
    if found.passed is None:
        shown = mask_text(found.result)[:60] or _("nothing that it says")
        words = _("Zoho's test ended as “%(result)s”.") % {"result": shown}
    else:
        words = _("Zoho's test passed.") if found.passed else _("Zoho's test failed.")
    if found.message:
        said = _("Zoho's words: %(words)s") % {"words": mask_text(found.message)[:200]}
        words = f"{words} {said}"
    _record(connection, user, now, {"passed": found.passed})
    return found.passed is not False, words


def _record(connection: Connection, user: User, now: datetime, ended: dict[str, Any]) -> None:
    """Writes down who had what tested and how it ended, also where Zoho's answer was lost: the test may have run."""
    detail = {"connection": connection.connection_id} | ended
    with transaction.atomic():
        audit.record(user, "connection.test", connection, now=now, account=connection.account_id, detail=detail)
