"""By which field a flow's records are known, on the flow's page."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.urls import reverse

from monitor.models import Flow, RecordField, User
from tests import factories
from tests.triage.conftest import Fail, Triage, fail, flow, triage

__all__ = ["fail", "flow", "triage"]
pytestmark = pytest.mark.usefixtures("at_noon")


@pytest.fixture
def orders(db: None, fail: Fail, triage: Triage, flow: Flow) -> Flow:
    triage(*(fail(minutes_ago=n, trigger_data={"id": str(n), "order": f"A{n}"}) for n in range(1, 7)))
    return flow


def page_of(client: Any, one: Flow, query: str = "") -> str:
    return " ".join(client.get(one.get_absolute_url() + (query or "?tab=definition")).content.decode().split())


@pytest.mark.parametrize("person", ["vera", "otto", "ada"])
def test_everybody_sees_what_was_found_and_only_an_admin_is_offered_another(
    orders: Flow, signed_in: Any, request: pytest.FixtureRequest, person: str
) -> None:
    page = page_of(signed_in(request.getfixturevalue(person)), orders)
    assert "Found by itself, from 6 runs." in page
    assert '<span class="tag mono">id</span>' in page
    assert ("Choose another field" in page) is (person == "ada")


def test_an_admin_chooses_another_it_is_told_who_did_and_takes_it_back(
    orders: Flow, signed_in: Any, ada: User, vera: User
) -> None:
    client = signed_in(ada)
    assert "order</span>: in 6 runs, 6 different" in page_of(client, orders, "?fields=1")
    response = client.post(reverse("flow_record_field", args=[orders.pk]), {"path": "order"})
    assert response["Location"] == f"{orders.get_absolute_url()}?tab=definition"
    page = page_of(signed_in(vera), orders)
    assert "Known by the field that ada chose" in page
    assert 'By itself <span class="mono">id</span> was found.' in page
    assert "Take the choice back" not in page
    assert "Take the choice back" in page_of(client, orders)
    client.post(reverse("flow_record_take_back", args=[orders.pk]))
    assert "Found by itself, from 6 runs." in page_of(client, orders)


@pytest.mark.parametrize(("path", "status"), [("", 400), ("x" * 201, 400), ("nowhere", 409)])
def test_what_cannot_be_chosen_is_refused_with_a_reason(
    orders: Flow, signed_in: Any, ada: User, path: str, status: int
) -> None:
    response = signed_in(ada).post(reverse("flow_record_field", args=[orders.pk]), {"path": path})
    assert response.status_code == status
    assert "Not done." in response.content.decode()
    assert RecordField.objects.get(flow=orders).chosen == ""


@pytest.mark.parametrize("person", ["vera", "otto"])
def test_nobody_else_chooses(orders: Flow, signed_in: Any, request: pytest.FixtureRequest, person: str) -> None:
    client = signed_in(request.getfixturevalue(person))
    for name in ("flow_record_field", "flow_record_take_back"):
        assert client.post(reverse(name, args=[orders.pk]), {"path": "order"}).status_code == 403
    assert "runs with trigger data" not in page_of(client, orders, "?fields=1")


def test_a_flow_that_never_failed_says_so(signed_in: Any, vera: User, now: datetime) -> None:
    assert "Looked for when a run fails." in page_of(signed_in(vera), factories.make_flow())
