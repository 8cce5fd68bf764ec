"""Links to pages of Zoho's own: only those whose addresses are documented."""

from __future__ import annotations

import pytest

from monitor.models import User, ZohoAccount
from monitor.zoho.own_pages import own_page
from tests import factories


@pytest.mark.parametrize(
    ("what", "data_center", "address"),
    [
        ("flows", "us", "https://flow.zoho.com/app/flows"),
        ("connections", "eu", "https://flow.zoho.eu/app/connections"),
        ("flows", "cn", ""),
        ("flows", "custom", ""),
        ("rules", "us", ""),
    ],
)
def test_a_page_is_at_the_host_of_its_data_centre_and_what_is_not_documented_has_none(
    what: str, data_center: str, address: str
) -> None:
    assert own_page(what, data_center) == address


@pytest.mark.parametrize(("data_center", "links"), [("in", 1), ("custom", 0)])
def test_flow_run_and_connection_lead_to_zohos_lists_and_what_is_deleted_there_does_not(
    signed_in, vera: User, account: ZohoAccount, now, data_center: str, links: int
) -> None:
    ZohoAccount.objects.filter(pk=account.pk).update(data_center=data_center)
    account.refresh_from_db()
    flow, client = factories.make_flow(account), signed_in(vera)
    run, connection = factories.make_execution(flow), factories.make_connection(account)
    for thing, what in ((flow, "flows"), (run, "flows"), (connection, "connections")):
        page = client.get(thing.get_absolute_url()).content.decode()
        assert page.count(f'href="https://flow.zoho.in/app/{what}" rel="noreferrer noopener"') == links
    type(flow).objects.filter(pk=flow.pk).update(gone_at=now)
    assert "flow.zoho.in" not in client.get(flow.get_absolute_url()).content.decode()
