"""The client against a Zoho that speaks as its descriptions do, and in the older ways that are its habits."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from monitor.zoho import CrmClient, NotAvailable, NotFound, Refused, TokenRefused, Transport
from monitor.zoho.crm.actions import ActionKind
from monitor.zoho.errors import DaysRefused
from monitor.zoho.tokens import FixedToken
from standin.build import App, Credentials
from tests.conformance.places import make_place
from tests.conformance.walk import HOST, TODAY


class Talk:
    """A client and the Zoho it talks to, with the calls that arrived."""

    def __init__(self, app: App, transport: Transport, token: str) -> None:
        self.app = app
        self.crm = CrmClient(transport, HOST, FixedToken(token))

    def habits(self, **changes: Any) -> None:
        self.app.world.habits = self.app.world.habits.changed(**changes)

    def calls(self, method: str) -> int:
        return sum(call.method == method for call in self.app.ledger.calls)


@pytest.fixture
def talk() -> Iterator[Talk]:
    app, known = make_place(), Credentials()
    form = {"client_id": known.client_id, "client_secret": known.client_secret, "refresh_token": known.refresh_token}
    with httpx.Client(transport=httpx.WSGITransport(app), base_url=HOST) as http:
        token = http.post("/oauth/v2/token", data={"grant_type": "refresh_token", **form}).json()["access_token"]
    with Transport(http=httpx.WSGITransport(app), sleep=lambda seconds: None) as transport:
        yield Talk(app, transport, token)


def test_a_change_of_a_locked_task_is_sent_once_and_told(talk: Talk) -> None:
    task = talk.crm.list_actions(ActionKind.TASKS).items[0]
    talk.app.world.store.put("tasks", {**task.raw, "lock_status": {"locked": True}})
    with pytest.raises(NotAvailable, match="AUTHORIZATION_ERROR: Locked task cannot be edited"):
        talk.crm.update_action(ActionKind.TASKS, task.id, task.raw)
    assert talk.calls("PUT") == 1


@pytest.mark.parametrize("form", ["list", "object", "nested"])
@pytest.mark.parametrize("kind", [*ActionKind])
def test_an_unknown_id_is_not_found_in_every_form_and_wording(talk: Talk, form: str, kind: ActionKind) -> None:
    talk.habits(error_rows=form)
    with pytest.raises(NotFound, match="INVALID_DATA"):
        talk.crm.delete_action(kind, "1")


def test_a_locked_rule_is_not_taken_for_one_that_is_gone(talk: Talk) -> None:
    rule = next(iter(talk.app.world.rules.rules.values()))
    rule.body["lock"]["status"] = True
    with pytest.raises(Refused, match="NOT_ALLOWED: the id given seems to be invalid"):
        talk.crm.delete_workflow_rule(rule.rule_id)


@pytest.mark.parametrize("kind", [ActionKind.TASKS, ActionKind.WEBHOOKS, ActionKind.EMAIL_NOTIFICATIONS])
@pytest.mark.parametrize("code", ["NOT_ALLOWED", "ALREADY_USED"])
def test_an_action_in_use_is_refused_in_zohos_words(talk: Talk, code: str, kind: ActionKind) -> None:
    talk.habits(in_use_code=code)
    first = talk.crm.list_actions(kind).items[0]
    with pytest.raises(Refused, match=f"{code}: This {kind[:-1].replace('_', ' ')} is associated"):
        talk.crm.delete_action(kind, first.id)
    assert first.id in {one.id for one in talk.crm.list_actions(kind).items}


def test_every_answer_of_a_mixed_composite_is_read(talk: Talk) -> None:
    answers = talk.crm.composite([("/crm/v8/org", {}), ("/crm/v8/Leads", {})])
    assert [(one.sub_request_id, one.status, one.code) for one in answers] == [
        ("1", 200, "SUCCESS"),
        ("2", 400, "REQUIRED_PARAM_MISSING"),
    ]


@pytest.mark.parametrize("way", ["refuse", "range"])
def test_days_that_are_too_old_are_known_as_such(talk: Talk, way: str) -> None:
    talk.habits(failures_from=way)
    with pytest.raises(DaysRefused) as error:
        talk.crm.list_webhook_failures(from_day=TODAY - timedelta(days=120), to_day=TODAY)
    assert error.value.is_too_old


def test_what_a_rule_did_to_a_record_is_told_as_a_workflow_rules(talk: Talk) -> None:
    deals = talk.crm.list_records("Deals", ["Stage"]).items[:8]
    told = [entry for deal in deals for entry in talk.crm.record_timeline("Deals", deal.id).items]
    assert {(entry.automation_type, bool(entry.rule.id)) for entry in told} == {("workflow_rule", True)}


@pytest.mark.parametrize("form", ["desk", "mail", "books", "number", "list", "empty", "html"])
def test_a_refused_token_is_one_in_whatever_words(talk: Talk, form: str) -> None:
    talk.habits(refused_token_words=form)
    talk.app.world.do("token_expire_all")
    with pytest.raises(TokenRefused):
        talk.crm.org()
    assert talk.calls("GET") == 2
