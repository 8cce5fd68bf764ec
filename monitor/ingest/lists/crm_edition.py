"""Reads the CRM organisation once a day: whose it is, its edition and its users; these decide about its credits."""

from __future__ import annotations

import logging
from datetime import timedelta

from monitor.connection import organisation
from monitor.ingest.base.context import Context
from monitor.models import Product
from monitor.zoho.crm import CrmClient
from monitor.zoho.errors import ClientRefused, GrantRevoked, Wait, ZohoError
from monitor.zoho.shapes.org import Org

AGE = timedelta(hours=24)
logger = logging.getLogger(__name__)


def read_edition(context: Context, client: CrmClient) -> bool:
    """Asks for the organisation if that is due, before anything is mirrored: it has to be the account's own.

    Where it cannot be had the limits stay as they are for a day. Of another one nothing is learned, so that the next
    sweep asks again.

    Returns:
        Whether it was asked whose organisation it is, and answered for the account's own as far as is known.

    Raises:
        OtherOrganisation: the account's grant answers for another one.
        GrantRevoked, ClientRefused: the credentials are refused for good.
    """
    gate = context.clients.gate
    if not gate.edition_is_due(AGE):
        return False
    try:
        found = _ask(context, client)
    except Wait as stop:
        context.halt(Product.CRM, stop)
        return False
    organisation.check(context.account, found, context.clock())
    if found is None:
        gate.learn_edition(None, None)
    else:
        gate.learn_edition(found.edition(context.clock()), found.users_license_purchased)
    return True


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
