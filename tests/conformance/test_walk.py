"""Our client and the stand-in, each an own reading of the documents, understand each other in every call."""

from __future__ import annotations

import inspect

import pytest

from monitor.zoho import CrmClient, FlowClient, OAuthClient
from tests.conformance.places import make_place
from tests.conformance.walk import walk


@pytest.fixture(scope="module")
def seen():
    return walk(make_place())


def test_every_method_of_the_client_was_answered_by_the_stand_in(seen):
    methods = {
        f"{client.__name__}.{name}"
        for client in (FlowClient, CrmClient, OAuthClient)
        for name, _ in inspect.getmembers(client, inspect.isfunction)
        if not name.startswith("_")
    }
    local = {"OAuthClient.authorization_url"}  # an address for a browser: nothing is called
    assert {name for name, endpoints in seen.items() if endpoints} == methods - local
