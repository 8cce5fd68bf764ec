"""Whatever Zoho says of an error, and wherever: nobody finds personal data in what is stored, shown, logged or sent."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.urls import reverse

from monitor.models import Execution, Flow, RetryAttempt, User, ZohoAccount
from standin.build import App
from tests.bystander import own
from tests.commands.commandline import a_zoho, connect_arguments, know_the_secrets, run

PRIVATE = ("jane.doe@", "170 1234567", "Jane Doe", "10.9.8.7")
SAID = "locked by jane.doe@example.com (+49 170 1234567), user name: Jane Doe"
CODE = "HELD_BY jane.doe@example.com"
FORMS: dict[str, Any] = {
    "flow": {"status": "failure", "error": {"code": CODE, "message": SAID, "details": "from 10.9.8.7"}},
    "crm": {"code": CODE, "message": SAID, "status": "error", "details": {"param_name": "jane.doe@example.com"}},
    "word": {"error": "held by jane.doe@example.com", "error_description": SAID},
    "list": [{"errorCode": CODE, "errorMessage": SAID}],
    "nobody": {"who": "Jane Doe", "email": "jane.doe@example.com", "ip": "10.9.8.7"},
}


@pytest.fixture
def zoho(all_are_judged: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[App, str]]:
    know_the_secrets(monkeypatch)
    with a_zoho(flows=2) as (app, base):
        run(*connect_arguments(base, plan="standard"))
        some_runs(app, status="failed", kind="mandatory", count=len(FORMS))
        run("sync", "Acme")
        yield app, base


def some_runs(app: App, **what: Any) -> None:
    """An hour ago, of each flow: its counters move, so that it is read."""
    started = (app.world.now() - timedelta(hours=1)).isoformat()
    for flow_id in app.world.flows:
        app.world.do("add_executions", flow_id=flow_id, started=started, **what)


def says(app: App, path: str, form: str, status: int, method: str = "GET") -> None:
    args = {"content": FORMS[form], "status": status}
    app.faults.push({"path": path, "kind": "shape", "times": 0, "method": method, "args": args})


def everything_stored() -> str:
    """Every value of every table."""
    rows = [row for model in apps.get_app_config("monitor").get_models() for row in model._default_manager.values()]
    return json.dumps(rows, default=str)


def everything_shown(client: Any, account: ZohoAccount) -> Iterator[str]:
    names = ("overview", "flows", "executions", "rules", "alerts", "accounts", "webhook_failures")
    paths = [reverse(name) for name in names] + [reverse("account", args=[account.pk])]
    paths += [row.get_absolute_url() for row in own(Flow)]
    paths += [row.get_absolute_url() for row in own(Execution).filter(retries__isnull=False)]
    for path in paths:
        answer = client.get(path)
        assert answer.status_code == 200
        yield answer.content.decode()
    for arguments in (("status",), ("status", "--json"), ("export", "flows"), ("export", "retries")):
        ended = run(*arguments)
        yield ended.out + ended.err + ended.error


def a_sync(*_: Any) -> str:
    ended = run("sync", "Acme", "--no-wait")
    return ended.out + ended.err + ended.error


def a_retry(*_: Any) -> str:
    failed = own(Execution).filter(status="failed", retries=None).first()
    assert failed is not None
    ended = run("retry", failed.execution_id, "--reason", "address corrected", "--accept-risk", "--follow", "0")
    assert own(RetryAttempt).exists()
    return ended.out + ended.err + ended.error


def a_connect(base: str) -> str:
    ended = run(*connect_arguments(base, "Other"))
    assert ended.error
    return ended.out + ended.err + ended.error


def refused_flow() -> str:
    return "/flows/" + str(own(Flow).order_by("pk").values_list("flow_id", flat=True)[0]) + "/executions"


PLACES: dict[str, tuple[Callable[[], str], int, str, Callable[[str], str]]] = {
    "a flow is refused": (refused_flow, 403, "GET", a_sync),
    "a flow is refused for an odd reason": (refused_flow, 400, "GET", a_sync),
    "the list of flows is refused": (lambda: "/api/v1/flows([?]|$)", 400, "GET", a_sync),
    "the list of flows is not available": (lambda: "/api/v1/flows([?]|$)", 403, "GET", a_sync),
    "the list of flows answers in other words": (lambda: "/api/v1/flows([?]|$)", 200, "GET", a_sync),
    "the list of rules is refused": (lambda: "/workflow_rules([?]|$)", 400, "GET", a_sync),
    "a token is refused": (lambda: "/api/v1/", 401, "GET", a_sync),
    "a retry is refused": (lambda: "/retry", 400, "POST", a_retry),
    "a retry is lost": (lambda: "/retry", 200, "POST", a_retry),
    "nothing is connected": (lambda: "/oauth/v2/token", 400, "POST", a_connect),
    "nothing is connected, in a 200": (lambda: "/oauth/v2/token", 200, "POST", a_connect),
    "the organisation is refused": (lambda: "/(crm|api)/", 400, "GET", a_connect),
}


@pytest.mark.deep
@pytest.mark.parametrize("place", PLACES)
def test_personal_data_in_zohos_words_stays_there(
    zoho: tuple[App, str], signed_in: Any, vera: User, caplog: pytest.LogCaptureFixture, place: str
) -> None:
    app, base = zoho
    path, status, method, act = PLACES[place]
    before, shown = everything_stored(), []
    for form in FORMS:
        some_runs(app)
        says(app, path(), form, status, method)
        with caplog.at_level(logging.DEBUG):
            shown.append(act(base))
        app.faults.clear()
        shown.append(everything_stored())
    assert shown[-1] != before or act is a_connect, "it happened"
    account = own(ZohoAccount).get(name="Acme")
    for text in [*shown, caplog.text, *everything_shown(signed_in(vera), account)]:
        for private in PRIVATE:
            assert private not in text, text[max(text.find(private) - 200, 0) :][:400]


def test_what_is_no_personal_data_is_told_in_zohos_own_words(zoho: tuple[App, str]) -> None:
    some_runs(zoho[0])
    says(zoho[0], refused_flow(), "flow", 403)
    a_sync()
    flow = own(Flow).exclude(progress__hole_reason="").get()
    assert f"{flow.flow_id}/executions answered 403 HELD_BY [e-mail]: locked by [e-mail]" in flow.progress.hole_reason
