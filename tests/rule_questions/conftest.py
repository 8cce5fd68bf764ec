from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from monitor.models import WorkflowRule
from monitor.rule_questions import ask
from monitor.zoho import CrmClient, FixedToken, OAuthClient, Origins, Transport
from standin.build import App, Credentials, SettableClock, habits_for, make_app, make_world
from tests import factories

HOST = "http://127.0.0.1:8765"
BEGINNING = datetime(2026, 11, 30, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="session")
def app() -> App:
    """A Zoho of our own with 250 records a module."""
    habits = habits_for("zoho", token_throttle=False)
    return make_app(make_world(seed=7, clock=SettableClock(BEGINNING), flows=1, rules=4, executions=1, habits=habits))


@pytest.fixture
def asked(app: App, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Has questions go to the stand-in; each call's path, in their order."""
    calls: list[str] = []
    known = Credentials()
    transport = Transport(http=httpx.WSGITransport(app))
    oauth = OAuthClient(transport, Origins(HOST, HOST, HOST), known.client_id, known.client_secret)
    token = FixedToken(oauth.refresh(known.refresh_token).access_token)
    crm = CrmClient(transport, HOST, token, lambda product, method, path: calls.append(path))

    @contextmanager
    def opened(account: Any, **how: Any) -> Any:
        assert how["priority"] == "people"
        yield SimpleNamespace(crm=crm)

    monkeypatch.setattr(ask, "open_account", opened)
    return calls


@pytest.fixture
def rule(account: Any) -> WorkflowRule:
    return factories.make_rule(account, module="Deals", execute_when="create_or_edit")


def content_of(*criteria: Any, module: str = "Deals", trigger: str = "create_or_edit", details: Any = None) -> Any:
    """A definition with a condition for each of some criteria."""
    return {
        "module": {"api_name": module},
        "execute_when": {"type": trigger, "details": {"trigger_module": {"api_name": module}} | (details or {})},
        "conditions": [{"criteria_details": {"criteria": one} if one else None} for one in criteria],
    }
