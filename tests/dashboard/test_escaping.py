"""What Zoho sends is text, wherever it is shown."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest

from monitor.models import Connection, SyncState, User
from tests import factories

NASTY = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "</script><script>alert(1)</script>",
    "{{ 7|add:7 }}{% now 'Y' %}",
    "<b>bold</b> &amp; <a href=javascript:alert(1)>x</a>",
    "]]><svg onload=alert(1)>",
]
ADDRESSES = ("href", "src", "action", "formaction", "hx-get", "hx-post")


class Reader(HTMLParser):
    """Reads a page as a browser does and notes what would act."""

    def __init__(self) -> None:
        super().__init__()
        self.dangers: list[str] = []
        self.in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.in_script = tag == "script" and given.get("type") != "application/json"
        if tag in ("img", "b", "iframe", "object"):
            self.dangers.append(f"an element <{tag}>")
        for name, value in attrs:
            if name.startswith("on") or name == "style":
                self.dangers.append(f"{name}={value}")
            if name in ADDRESSES and (value or "").strip().lower().startswith("javascript:"):
                self.dangers.append(f"{name}={value}")

    def handle_endtag(self, tag: str) -> None:
        self.in_script = False

    def handle_data(self, data: str) -> None:
        if self.in_script and data.strip():
            self.dangers.append(f"a script: {data[:80]}")


PAGES = ["/", "/?days=30", "/flows/", "/executions/", "flow"]


@pytest.mark.one_database
@pytest.mark.parametrize("nasty", NASTY)
def test_names_and_errors_come_out_as_text(
    ada: User, signed_in: Any, busy_flow: Any, at_noon: datetime, nasty: str
) -> None:
    flow = busy_flow(flow_name=nasty, trigger_app=nasty, description=nasty, hole_reason=nasty)
    type(flow.account).objects.update(name=nasty)
    SyncState.objects.update(state="unreachable", reason=nasty)
    flow.executions.filter(status="failed").update(error_code=nasty, error_message=nasty, error_details=nasty)
    rule = factories.make_alert_rule(flow.account, name=nasty)
    flow.alert_states.create(rule=rule, state="firing", is_open=True, since=at_noon, evaluated_at=at_noon, reason=nasty)
    Connection.objects.create(
        account=flow.account,
        connection_id="1",
        connection_name=nasty,
        app=nasty,
        status=nasty[:32],
        status_since=at_noon - timedelta(days=1),
        first_seen_at=at_noon,
        seen_at=at_noon,
    )
    client = signed_in(ada)
    for address in PAGES:
        url = flow.get_absolute_url() if address == "flow" else address
        for page in (client.get(url), client.get(url, {"text": nasty[:32]})):
            reader = Reader()
            reader.feed(page.content.decode())
            assert reader.dangers == []
            assert "14" + str(at_noon.year) not in page.content.decode()


def test_no_name_from_zoho_reaches_a_figure(ada: User, signed_in: Any, busy_flow: Any, at_noon: datetime) -> None:
    flow = busy_flow(flow_name="UNMISTAKABLE", hole_reason="UNMISTAKABLE")
    client = signed_in(ada)
    for url in ("/", flow.get_absolute_url()):
        figures = re.findall(r'type="application/json">(.*?)</script>', client.get(url).content.decode())
        assert figures
        assert all("UNMISTAKABLE" not in json.dumps(json.loads(figure)) for figure in figures)
