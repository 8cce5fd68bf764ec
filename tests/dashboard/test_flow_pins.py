"""What an admin says of retries of a flow, on the flow's page and on the page of a run."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse

from monitor.models import Execution, Flow, RetryPin, User
from tests import factories

pytestmark = pytest.mark.usefixtures("at_noon")
ACTIONS = [{"action_id": "1", "app": "CRM", "action": "Create"}, {"action_id": "2", "app": "Books", "action": "Bill"}]


@pytest.fixture
def run(healthy: Any, now: Any) -> Execution:
    flow = factories.make_flow(healthy)
    factories.make_version(flow, content={"actions": ACTIONS}, first_seen_at=now - timedelta(days=3))
    return factories.make_execution(flow, "failed", error_action_id="2", started_time=now - timedelta(days=3))


def page_of(client: Any, thing: Flow | Execution) -> str:
    where = thing.get_absolute_url() + ("?tab=definition" if isinstance(thing, Flow) else "")
    return " ".join(client.get(where).content.decode().split())


def say(client: Any, flow: Flow, **fields: Any) -> Any:
    form = {"retry_class": "unsafe", "action": ["1"], "seen": ["1", "2"], "reason": "It sends money"} | fields
    return client.post(reverse("flow_pin", args=[flow.pk]), form)


def test_an_admin_says_it_everybody_sees_who_said_what_and_the_verdict_goes_by_it(
    run: Execution, signed_in: Any, ada: User, otto: User, vera: User
) -> None:
    client = signed_in(ada)
    assert "Nobody has said whether its work may be repeated" in page_of(client, run.flow)
    assert say(client, run.flow)["Location"] == f"{run.flow.get_absolute_url()}?tab=definition"
    words = "ada said on 2026-11-22 that this flow&#x27;s work must not be repeated: It sends money."
    for person in (vera, otto, ada):
        page = page_of(signed_in(person), run.flow)
        assert words in page
        assert "CRM: Create" in page
        assert ("Say it anew" in page) is (person == ada)
        assert ('<option value="unsafe" selected>' in page) is (person == ada)
        assert ('value="1" checked>' in page) is (person == ada)
        assert words in page_of(signed_in(person), run)
    assert "Only an admin may accept this risk." in page_of(signed_in(otto), run)
    back = client.post(reverse("flow_pin_take_back", args=[run.flow.pk]), {"reason": "It was another flow"})
    assert back.status_code == 302
    assert words not in page_of(client, run.flow) + page_of(client, run)


def test_a_word_is_about_the_actions_that_the_page_showed(run: Execution, signed_in: Any, ada: User, now: Any) -> None:
    client = signed_in(ada)
    page = page_of(client, run.flow)
    assert page.count('name="seen"') == 2
    new = [*ACTIONS, {"action_id": "3", "app": "Bank", "action": "Pay"}]
    factories.make_version(run.flow, number=2, content={"actions": new}, first_seen_at=now)
    refused = say(client, run.flow, retry_class="safe", action=[])
    assert refused.status_code == 409
    assert "other actions by now than the page showed" in refused.content.decode()
    assert not RetryPin.objects.filter(flow=run.flow).exists()
    assert say(client, run.flow, retry_class="safe", action=[], seen=["1", "2", "3"]).status_code == 302


def test_a_change_of_the_flow_is_said_beside_it(
    run: Execution, signed_in: Any, ada: User, vera: User, now: Any
) -> None:
    say(signed_in(ada), run.flow, retry_class="safe", action=[], reason="It looks first")
    new = [*ACTIONS, {"action_id": "3", "app": "Bank", "action": "Pay"}]
    factories.make_version(run.flow, number=2, content={"actions": new}, first_seen_at=now + timedelta(minutes=1))
    page = page_of(signed_in(vera), run.flow)
    assert "The flow was changed since, on 2026-11-22; of its new actions nothing is said: Bank: Pay." in page
    assert "It does not count until somebody says it anew." in page
    assert "So it does not count for this run." in page_of(signed_in(vera), run)


@pytest.mark.parametrize("person", ["vera", "otto"])
def test_nobody_else_says_or_takes_back(run: Execution, signed_in: Any, request: Any, person: str) -> None:
    client = signed_in(request.getfixturevalue(person))
    assert say(client, run.flow).status_code == 403
    assert client.post(reverse("flow_pin_take_back", args=[run.flow.pk]), {"reason": "so it is"}).status_code == 403
    assert not RetryPin.objects.filter(flow=run.flow).exists()


def test_a_form_that_says_too_little_or_what_is_not_there_changes_nothing(
    run: Execution, signed_in: Any, ada: User
) -> None:
    client = signed_in(ada)
    for status, fields in (
        (400, {"reason": ""}),
        (400, {"retry_class": ""}),
        (400, {"retry_class": "harmless"}),
        (409, {"action": ["3"]}),
    ):
        response = say(client, run.flow, **fields)
        assert response.status_code == status
        assert "Not done." in response.content.decode()
    for status, reason in ((400, ""), (409, "so it is")):
        url = reverse("flow_pin_take_back", args=[run.flow.pk])
        assert client.post(url, {"reason": reason}).status_code == status
    assert not RetryPin.objects.filter(flow=run.flow).exists()
