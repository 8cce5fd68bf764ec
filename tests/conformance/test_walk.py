"""Our client and the stand-in, each an own reading of the documents, understand each other in every call."""

from __future__ import annotations

import inspect

import pytest

from monitor.zoho import CrmClient, FlowClient, OAuthClient
from tests.conformance.places import make_place
from tests.conformance.walk import walk


@pytest.mark.parametrize("dialect", ["zoho", "seed"])
def test_every_method_of_the_client_is_answered_in_both_dialects(dialect):
    seen = walk(make_place(dialect))
    methods = {
        f"{client.__name__}.{name}"
        for client in (FlowClient, CrmClient, OAuthClient)
        for name, _ in inspect.getmembers(client, inspect.isfunction)
        if not name.startswith("_")
    }
    local = {"OAuthClient.authorization_url"}  # an address for a browser: nothing is called
    assert {name for name, endpoints in seen.items() if endpoints} == methods - local
    crm = [str(one) for endpoints in seen.values() for one in endpoints]
    assert not [one for one in crm if "/settings/actions/watch" in one or "/v8/composite" in one or "/v8/bulk" in one]
