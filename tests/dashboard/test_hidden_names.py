"""What masking hides in the name of a thing stands on no page, and no search draws it out."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from monitor.models import (
    AlertRule,
    ConnectedWorkflow,
    Flow,
    Organisation,
    User,
    WebhookFailure,
    WorkflowRule,
    ZohoAccount,
)
from monitor.queries.shown_names import shows
from tests import factories
from tests.bystander import own
from tests.dashboard.test_hidden_text import answer
from tests.dashboard.world import World, make_world

pytestmark = pytest.mark.usefixtures("at_noon")

ADDRESS = "quilla.zorn@example.com"
NAME = f"Mails of {ADDRESS} to the desk"
SHOWN = "Mails of [e-mail] to the desk"
PAGES = [
    "/", "/flows/", "/flows/?status=gone", "/executions/", "/rules/", "/connected/", "/webhook-failures/", "/alerts/",
    "/alert-rules/", "/accounts-zoho/", "/audit/", "/mails/", "/people/", "/profile/",
]  # fmt: skip


@pytest.fixture
def named(db: Any, now: Any) -> World:
    """One of everything, with a person's address in whatever Zoho calls a name."""
    world = make_world(now)
    own(Flow).update(flow_name=NAME, trigger_app=NAME)
    own(WorkflowRule).update(name=NAME, modified_by=NAME)
    own(ConnectedWorkflow).update(name=NAME, primary_module=NAME, modified_by=NAME)
    for thing in (world.flow, world.rule, world.connected):
        thing.versions.update(modified_by=NAME)
    factories.make_webhook_failure(world.account, rule_name=NAME, webhook_name=NAME)
    for failure in own(WebhookFailure):
        failure.rule_name = failure.webhook_name = NAME
        failure.mask_text()
        failure.save()
    world.flow.account.connections.create(
        connection_id="c1",
        connection_name=NAME,
        app="gmail",
        status="error",
        status_since=now,
        first_seen_at=now,
        seen_at=now,
    )
    Organisation.objects.update_or_create(account=world.account, defaults={"org_id": "60012345678", "name": NAME})
    return world


def linked(client: Client) -> dict[str, str]:
    """Every page that is linked from another, one of each kind, by its address."""
    waiting, kinds, pages = [*PAGES], set(), {}
    while waiting:
        address = waiting.pop()
        response = client.get(address)
        pages[address] = response.content.decode()
        for found in re.findall(r'href="(/[^"#]*)"', pages[address]):
            kind = re.sub(r"\d+|\?.*", "N", found)
            if kind not in kinds and not found.startswith(("/static/", "/accounts/")):
                kinds.add(kind)
                waiting.append(found)
    return pages


@pytest.mark.one_database
def test_an_address_in_a_name_stands_on_no_page_also_not_for_an_admin(signed_in: Any, ada: User, named: World) -> None:
    pages = linked(signed_in(ada))
    assert [address for address, page in pages.items() if "quilla" in page] == []
    shown = [address for address, page in pages.items() if SHOWN in page]
    assert {re.sub(r"\d+", "N", address).partition("?")[0] for address in shown} >= {
        "/", "/flows/", "/flows/N/", "/executions/", "/executions/N/", "/rules/", "/rules/N/", "/connected/",
        "/connected/N/", "/webhook-failures/", "/alerts/", "/alerts/N/", "/accounts-zoho/", "/accounts-zoho/N/",
        "/flows/N/versions/N/",
    }  # fmt: skip


@pytest.mark.parametrize("where", ["/flows/", "/rules/", "/connected/", "/webhook-failures/", "/executions/"])
def test_a_right_guess_at_a_name_is_answered_like_a_wrong_one(
    where: str, signed_in: Any, vera: User, named: World
) -> None:
    client = signed_in(vera)
    for right, wrong in {ADDRESS: "quella.zirn@example.com", "quilla": "quelba", "zorn@exa": "zirn@exa"}.items():
        assert answer(client, where, text=right) == answer(client, where, text=wrong)


@pytest.mark.parametrize("where", ["/flows/", "/rules/", "/connected/", "/webhook-failures/"])
@pytest.mark.parametrize("text", ["mails OF", "to the desk", "[e-mail]"])
def test_what_is_shown_of_a_name_is_found(where: str, text: str, signed_in: Any, vera: User, named: World) -> None:
    assert SHOWN in signed_in(vera).get(where, {"text": text}).content.decode()


def test_names_without_anything_hidden_are_found_as_they_are_stored(db: Any) -> None:
    account = factories.make_account()
    flows = [factories.make_flow(account, flow_name=name) for name in ("Invoices 2025-2026", "Offene Posten", NAME)]
    for text, found in {"2025-2": [0], "POSTEN": [1], "o": [0, 1, 2], "desk": [2], "_": [], "%": []}.items():
        condition = shows(Flow.objects.all(), text, "flow_name", "trigger_app")
        assert set(own(Flow).filter(condition)) == {flows[place] for place in found}


def test_an_admin_who_chooses_a_flow_for_an_alert_rule_sees_its_name_masked(
    signed_in: Any, ada: User, named: World
) -> None:
    filled_in = f"/alert-rules/add/?kind=in_a_row&account={named.account.pk}&flow={named.flow.pk}"
    for address in (filled_in, "/flows/suggest/?flow=Mails"):
        page = signed_in(ada).get(address).content.decode()
        assert SHOWN in page
        assert "quilla" not in page
    assert own(AlertRule).exists()


@pytest.mark.parametrize("address", ["/flows/?sort=name", "/rules/", "/connected/", "/flows/suggest/"])
def test_what_is_hidden_in_a_name_does_not_decide_its_place(
    signed_in: Any, otto: User, account: ZohoAccount, address: str
) -> None:
    """A place among other names would tell how it begins."""
    for name in ("zoe.last@example.com", "Middle", "ada.first@example.com", "Beginning"):
        factories.make_flow(account, flow_name=name)
        factories.make_rule(account, name=name)
        factories.make_connected(account, name=name)
    text = signed_in(otto).get(address).content.decode()
    main = text[max(0, text.find("<main")) :]  # suggestions are a part of a page alone
    places = [main.index(shown) for shown in ("[e-mail]", "Beginning", "Middle")]
    assert places == sorted(places)
    first = main[places[0] : places[1]]
    assert first.count("[e-mail]") >= 2
