"""Reads the CRM organisation's edition and users, once a day: they decide how many credits there are."""

from __future__ import annotations

import logging
from datetime import timedelta

from monitor.ingest.base.context import Context
from monitor.zoho.crm import CrmClient
from monitor.zoho.errors import ClientRefused, GrantRevoked, Wait, ZohoError
from monitor.zoho.shapes.org import Org

AGE = timedelta(hours=24)
logger = logging.getLogger(__name__)


def read_edition(context: Context, client: CrmClient) -> None:
    """Asks for the organisation if that is due. Where it cannot be had the limits stay as they are for a day.

    Raises:
        Wait: it was asked for, and another time has to be waited for.
    """
    gate = context.clients.gate
    if not gate.edition_is_due(AGE):
        return
    found = _ask(context, client)
    if found is None:
        gate.learn_edition(None, None)
    else:
        gate.learn_edition(found.paid_type, found.users_license_purchased)


def _ask(context: Context, client: CrmClient) -> Org | None:
    try:
        return context.call(client.org)
    except (Wait, GrantRevoked, ClientRefused):
        raise
    except ZohoError as error:
        # Nothing is missing in the mirror by it: the account page says where the limits come from.
        name = type(error).__name__
        logger.info("the CRM organisation of account %s could not be read: %s", context.account.pk, name)
        return None
