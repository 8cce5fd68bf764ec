"""The logs of a flow's webhook are read by a click, masked and not kept, and the trail says who asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.urls import reverse

from monitor.models import AuditEntry, Flow, Role, User
from monitor.zoho.errors import AnswerLost
from monitor.zoho.flow import FlowClient
from monitor.zoho.shapes.flow_webhooks import webhook_log_page, webhook_page
from tests import factories
from tests.bystander import Bystander, own
from tests.dashboard.soup import Page, words
from tests.edits.conftest import EditDesk, opened_desk

NAME = "Payments of jane@example.com"


@pytest.fixture
def desk(db: None, ada: Any) -> Iterator[EditDesk]:
    with opened_desk(ada, syncs=False) as found, time_machine.travel(found.clock(), tick=False):
        yield found


@pytest.fixture
def flow(desk: EditDesk) -> Flow:
    key = next(iter(desk.world.flows))
    row: Flow = factories.make_flow(desk.account, flow_id=key)
    factories.make_version(row, number=1, content={"trigger": {"type": "custom_webhook"}})
    return row


@pytest.fixture
def olga(db: None) -> User:
    return factories.make_user("olga", Role.OPERATOR)


def make_webhook(desk: EditDesk, flow_id: str, name: str = NAME) -> str:
    desk.world.do("create_webhook", body={"webhook_name": name, "flow_id": flow_id, "method": "POST"})
    return next(one.webhook_id for one in desk.world.webhooks.values() if one.name == name)


def asked(desk: EditDesk) -> list[str]:
    return [call.path for call in desk.wire.app.ledger.calls if "/webhooks" in call.path]


def press(client: Any, flow: Flow, **said: str) -> tuple[int, str]:
    answer = client.post(reverse("flow_webhook_logs", args=[flow.pk]), said)
    return answer.status_code, words(Page(answer.content.decode()).root)


def test_a_look_at_the_page_asks_nothing_and_the_definition_leads_there(
    desk: EditDesk, flow: Flow, signed_in: Any, vera: User, olga: User
) -> None:
    address = reverse("flow_webhook_logs", args=[flow.pk])
    assert address in signed_in(vera).get(f"{flow.get_absolute_url()}?tab=definition").content.decode()
    assert signed_in(olga).get(address).status_code == 200
    assert "Operators and admins may ask" in signed_in(vera).get(address).content.decode()
    assert asked(desk) == []


def test_the_person_chooses_where_the_list_names_no_flow_and_sees_each_call_masked(
    desk: EditDesk, flow: Flow, signed_in: Any, olga: User, bystander: Bystander
) -> None:
    key = make_webhook(desk, flow.flow_id)
    desk.clock.advance(2 * 86_400)
    with time_machine.travel(desk.clock(), tick=False):
        client = signed_in(olga)
        status, text = press(client, flow)
        assert status == 200
        assert "Which one is it?" in text
        assert "jane@example.com" not in text
        assert asked(desk) == ["/api/v1/webhooks"]
        status, text = press(client, flow, webhook=key)
    assert status == 200
    assert asked(desk)[1:] == [f"/api/v1/webhooks/{key}", f"/api/v1/webhooks/{key}/logs"]
    assert "Success" in text
    assert "200" in text
    assert "What was sent to the webhook is not shown" in text
    found = own(AuditEntry).filter(action="flow.webhook_logs").order_by("pk")
    assert [(one.actor, one.object_id) for one in found] == [(olga, str(flow.pk))] * 2
    assert found[1].detail["shown"] > 10


def test_the_webhook_that_names_the_flow_is_read_at_once_and_a_reason_is_masked(
    desk: EditDesk, flow: Flow, signed_in: Any, olga: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = factories.make_execution(flow, "failed")
    rows = [{"webhook_id": "8", "webhook_name": "Other", "flow_id": "1"}]
    rows += [{"webhook_id": "9", "webhook_name": NAME, "flow_id": flow.flow_id}]
    log = {"log_id": "1", "status": "failed", "response_code": 401, "execution_id": run.execution_id}
    log |= {"received_time": "2026-11-18T08:00:00Z", "message": "no key from jane@example.com"}
    log |= {"payload": {"a": "b-sent"}}
    seen: list[str] = []

    def logs(_: FlowClient, webhook_id: str) -> Any:
        seen.append(webhook_id)
        return webhook_log_page({"logs": [log, {"id": "2", "status": "odd <b>"}]})

    monkeypatch.setattr(FlowClient, "list_webhooks", lambda _: webhook_page({"webhooks": rows}))
    monkeypatch.setattr(FlowClient, "webhook_logs", logs)
    answer = signed_in(olga).post(reverse("flow_webhook_logs", args=[flow.pk]))
    page = answer.content.decode()
    assert answer.status_code == 200
    assert seen == ["9"]
    assert "no key from" in page
    assert "jane@example.com" not in page
    assert "b-sent" not in page
    assert "odd <b>" not in page
    assert f'href="{run.get_absolute_url()}"' in page
    assert '<input type="hidden" name="webhook" value="9">' in page, "the same webhook is read again"
    assert "401" in page


@pytest.mark.parametrize(
    ("webhook", "status", "said"),
    [("", 409, "lists no webhook"), ("../x", 400, "no id of a"), ("404", 409, "no such webhook")],
)
def test_what_cannot_be_read_is_one_line(
    desk: EditDesk, flow: Flow, signed_in: Any, olga: User, webhook: str, status: int, said: str
) -> None:
    code, text = press(signed_in(olga), flow, webhook=webhook)
    assert code == status
    assert said in text
    trail = own(AuditEntry).filter(action="flow.webhook_logs")
    assert [(one.actor, bool(one.detail["error"])) for one in trail] == ([] if status == 400 else [(olga, True)])


def test_a_lost_answer_stands_in_the_trail_too(
    desk: EditDesk, flow: Flow, signed_in: Any, olga: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(_: FlowClient) -> None:
        raise AnswerLost("no answer")

    monkeypatch.setattr(FlowClient, "list_webhooks", lost)
    assert press(signed_in(olga), flow)[0] == 409
    entry = own(AuditEntry).get(action="flow.webhook_logs")
    assert (entry.actor, entry.detail) == (olga, {"webhook": "", "error": "AnswerLost"})


def test_a_webhook_of_another_flow_is_refused_and_its_logs_are_not_read(
    desk: EditDesk, flow: Flow, signed_in: Any, olga: User
) -> None:
    other = factories.make_flow(desk.account, flow_id="4711")
    factories.make_version(other, number=1, content={"trigger": {"type": "webhook"}})
    key = make_webhook(desk, flow.flow_id, "Mine")
    code, text = press(signed_in(olga), other, webhook=key)
    assert (code, "starts another flow" in text) == (409, True)
    assert not [path for path in asked(desk) if path.endswith("/logs")]


def test_viewers_may_not_ask_and_a_flow_that_no_webhook_starts_has_no_such_page(
    desk: EditDesk, flow: Flow, signed_in: Any, vera: User, olga: User
) -> None:
    assert press(signed_in(vera), flow)[0] == 403
    plain = factories.make_flow(desk.account)
    factories.make_version(plain, number=1, content={"trigger": {"type": "schedule"}})
    odd = factories.make_flow(desk.account)
    factories.make_version(odd, number=1, content={"trigger": ["webhook"]})
    for row in (plain, odd, factories.make_flow(desk.account)):
        assert signed_in(olga).get(reverse("flow_webhook_logs", args=[row.pk])).status_code == 404
        assert "Webhook's logs" not in signed_in(olga).get(f"{row.get_absolute_url()}?tab=definition").content.decode()
    assert asked(desk) == []


def test_the_page_costs_few_statements(
    flow: Flow, signed_in: Any, ada: User, django_assert_max_num_queries: Any
) -> None:
    client = signed_in(ada)
    with django_assert_max_num_queries(8):
        assert client.get(reverse("flow_webhook_logs", args=[flow.pk])).status_code == 200
