"""The settings say how far the network is opened towards Zoho."""

from __future__ import annotations

from datetime import datetime

import pytest

from monitor.connection import open_account
from monitor.connection.network import open_transport
from monitor.connection.prove import ConnectError, Wanted, prove
from monitor.connection.token_store import TokenStore
from monitor.models import ApiToken
from monitor.zoho import NotSent, Origins
from monitor.zoho.protocol import Request
from tests import factories
from tests.zoho.helpers import raw_server, says

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("allowed", [True, False])
def test_this_machine_is_reached_where_the_setting_says_so(settings, allowed: bool) -> None:
    settings.ALLOW_LOOPBACK = allowed
    with raw_server(says(b"{}")) as server, open_transport(5.0) as transport:
        if allowed:
            assert transport.request(Request("GET", f"{server.origin}/x")).status == 200
        else:
            with pytest.raises(NotSent, match="no public address"):
                transport.request(Request("POST", f"{server.origin}/x"))
        assert server.connections == int(allowed)


def test_an_account_of_this_machine_is_not_asked_when_the_setting_is_gone(settings, now: datetime) -> None:
    """It was connected while the setting was on: each use is checked anew, by whichever way the account is asked."""
    settings.ALLOW_LOOPBACK = False
    with raw_server(says(b"{}")) as server:
        urls = {"accounts_url": server.origin, "flow_url": server.origin, "crm_url": server.origin}
        account = factories.make_account(data_center="custom", **urls)
        with open_account(account, clock=lambda: now) as clients, pytest.raises(NotSent, match="no public address"):
            clients.tokens.renew("")
        with pytest.raises(NotSent, match="no public address"):
            TokenStore(clock=lambda: now).usable(str(ApiToken.objects.get(account=account).pk))
        wanted = Wanted(
            "x", "custom", Origins(**{k[:-4]: v for k, v in urls.items()}), "1000.A", "s", refresh_token="r"
        )
        with pytest.raises(ConnectError, match="no public address"):
            prove(wanted, None, lambda: now, [])
        assert server.connections == 0
