"""Names of a run's own data are hidden in its error wherever people read it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from monitor.models import Execution, User, ZohoAccount
from monitor.notify.facts import top_errors
from monitor.queries.execution import error_of
from monitor.queries.export import exports
from tests import factories
from tests.dashboard.world import make_attempt

SAID = "Contact Quilla Zorn not found"


@pytest.fixture
def run(account: ZohoAccount) -> Execution:
    flow = factories.make_flow(account)
    said = {"error_code": "NO Zorn", "error_message": SAID, "error_details": json.dumps({"who": 7, "said": SAID})}
    return factories.make_execution(flow, "failed", trigger_data={"body": {"name": "Quilla Zorn"}}, **said)


def test_no_page_mail_or_export_shows_the_name(run: Execution, vera: User, signed_in: Any, at_noon: Any) -> None:
    make_attempt(run, vera, at_noon, answer=f"again: {SAID}")
    client = signed_in(vera)
    columns = exports()["executions"].columns
    shown = {
        "its page": client.get(run.get_absolute_url()).content.decode(),
        "the list": client.get("/executions/").content.decode(),
        "its flow's page": client.get(run.flow.get_absolute_url()).content.decode(),
        "the export": " ".join(str(columns[name](run)) for name in columns),
        "a mail": " ".join(text for _, text in top_errors(run.flow.pk, at_noon, 24)),
        "what is searched": run.search_text,
    }
    for place, text in shown.items():
        assert "[hidden]" in text, place
        assert "quilla" not in text.lower(), place
        assert "zorn" not in text.lower(), place
    assert client.get("/executions/?text=zorn").context["rows"] == []


def test_whoever_may_unmask_sees_it(run: Execution) -> None:
    assert error_of(run, masked=False).message == SAID
    assert exports(masked=False)["executions"].columns["error_message"](run) == SAID
