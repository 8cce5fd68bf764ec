"""What the stand-in sends by itself, as a receiver on loopback gets it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from standin.build import App, SettableClock
from tests.standin.client import CONTROL, Client, flow_id

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()


@dataclass
class Receiver:
    """What came in: path, headers, body of each; answers with `status`."""

    url: str = ""
    status: int = 202
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, _, body in self.got]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.got.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(found.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def sending(app: App) -> Iterator[App]:
    yield app
    app.callbacks.stop()


def configure(client: Client, **wish: Any) -> Any:
    return client.put("/_control/callbacks", json=wish, headers=CONTROL)


def look(app: App) -> int:
    with app.world.lock:
        count = app.callbacks.look()
    app.callbacks.drain()
    return count


def test_a_failed_run_is_told_once_with_a_signature_over_its_bytes(
    sending: App, client: Client, receiver: Receiver, clock: SettableClock
):
    flow = flow_id(sending, "sick")
    configure(client, url=receiver.url + "/hook", secret=SECRET, header="x-zoho-signature", flow_ids=[flow])
    clock.advance(5)
    made = client.do("add_executions", flow_id=flow, status="failed", duration_ms=0)
    client.do("add_executions", flow_id=flow, status="success", duration_ms=0)

    assert look(sending) == 1
    assert look(sending) == 0

    path, headers, body = receiver.got[0]
    said = json.loads(body)
    assert (path, said["execution_id"], said["flow_id"], said["status"]) == ("/hook", made[0], flow, "failed")
    assert headers["x-zoho-signature"] == hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    told = client.ledger()["callbacks"]
    assert [(one["kind"], one["execution_id"], one["status"]) for one in told] == [("flow", made[0], 202)]


def test_the_standard_headers_sign_id_time_and_body(
    sending: App, client: Client, receiver: Receiver, clock: SettableClock
):
    flow = flow_id(sending, "sick")
    configure(client, url=receiver.url, secret=SECRET, header="webhook-signature", flow_ids=[flow])
    clock.advance(5)
    client.do("add_executions", flow_id=flow, status="failed", duration_ms=0)
    look(sending)

    _, headers, body = receiver.got[0]
    message = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    right = base64.b64encode(hmac.new(b"k" * 32, message, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{right}"


def test_what_failed_before_and_other_flows_are_not_told(sending: App, client: Client, receiver: Receiver):
    flow = flow_id(sending, "sick")
    client.do("add_executions", flow_id=flow, status="failed", duration_ms=0, started="2025-06-03T09:00:00+00:00")
    configure(client, url=receiver.url, secret=SECRET, flow_ids=[flow])
    client.do("add_executions", flow_id=flow_id(sending, "silent"), status="failed", duration_ms=0)
    assert look(sending) == 0


def test_each_is_sent_once_whatever_the_answer(sending: App, client: Client, receiver: Receiver, clock: SettableClock):
    receiver.status = 500
    flow = flow_id(sending, "sick")
    configure(client, url=receiver.url, secret=SECRET, flow_ids=[flow])
    clock.advance(5)
    client.do("add_executions", flow_id=flow, status="failed", duration_ms=0)
    look(sending)
    look(sending)
    assert len(receiver.got) == 1
    assert client.ledger()["callbacks"][0]["status"] == 500


@pytest.mark.parametrize(
    "url", ["http://example.com/", "http://10.0.0.1/", "ftp://127.0.0.1/", "http://127.0.0.1.example.com"]
)
def test_only_loopback_is_called(client: Client, url: str):
    answer = configure(client, url=url, secret=SECRET)
    assert answer.status_code == 400
    assert "loopback" in answer.json()["error"]["message"]


def test_an_unknown_header_is_refused(client: Client, receiver: Receiver):
    assert configure(client, url=receiver.url, header="x-other").status_code == 400


def subscribe(client: Client, url: str, events: list[str], channel: str = "1000000068001") -> None:
    wish = {"channel_id": channel, "events": events, "notify_url": url, "token": "our-token"}
    answer = client.crm("/actions/watch", "POST", json={"watch": [wish]})
    assert answer.status_code == 201, answer.text


def test_a_channel_is_told_of_a_record_with_the_documented_body(sending: App, client: Client, receiver: Receiver):
    subscribe(client, receiver.url + "/crm?a=b", ["Leads.all"])
    (record,) = client.do("change_record", module="Leads", operation="create", values={"Company": "Zylker"})
    client.do("change_record", module="Contacts", operation="create")
    sending.callbacks.drain()

    (said,) = receiver.bodies
    assert said == {
        "server_time": int(sending.world.now().timestamp() * 1000),
        "module": "Leads",
        "resource_uri": "https://www.zohoapis.com/crm/v8/Leads",
        "ids": [record],
        "affected_fields": [],
        "operation": "insert",
        "channel_id": "1000000068001",
        "token": "our-token",
        "query_params": {"a": "b"},
    }


@pytest.mark.parametrize(("event", "told"), [("create", ["insert"]), ("edit", ["update"]), ("delete", ["delete"])])
def test_a_channel_is_told_of_the_events_that_it_asked_for(
    sending: App, client: Client, receiver: Receiver, event: str, told: list[str]
):
    subscribe(client, receiver.url, [f"Leads.{event}"])
    for operation in ("create", "edit", "delete"):
        client.do("change_record", module="Leads", operation=operation)
    sending.callbacks.drain()
    assert [said["operation"] for said in receiver.bodies] == told


def test_an_expired_channel_is_told_nothing(sending: App, client: Client, receiver: Receiver, clock: SettableClock):
    subscribe(client, receiver.url, ["Leads.all"])
    clock.advance(3601)
    client.do("change_record", module="Leads", operation="edit")
    sending.callbacks.drain()
    assert receiver.got == []


def test_what_goes_to_another_host_goes_to_the_proxy_as_it_would_have_come(
    sending: App, client: Client, receiver: Receiver
):
    subscribe(client, "https://monitor.example.com/hooks/crm/1", ["Leads.all"])
    client.do("change_record", module="Leads", operation="edit")
    sending.callbacks.drain()
    assert client.ledger()["callbacks"][0]["why"] == "not a loopback address"

    configure(client, proxy=receiver.url)
    client.do("change_record", module="Leads", operation="edit")
    sending.callbacks.drain()
    path, headers, _ = receiver.got[0]
    assert (path, headers["host"], headers["x-forwarded-proto"]) == ("/hooks/crm/1", "monitor.example.com", "https")


def test_a_changed_record_is_what_the_api_shows(client: Client):
    (made,) = client.do("change_record", module="Leads", operation="create", values={"Company": "Zylker"})
    assert client.crm(f"/Leads/{made}").json()["data"][0]["Company"] == "Zylker"
    client.do("change_record", module="Leads", operation="delete", record=made)
    assert client.crm(f"/Leads/{made}").status_code == 204


@pytest.mark.parametrize(
    "wish",
    [
        {"module": "Nothing", "operation": "edit"},
        {"module": "Leads", "operation": "explode"},
        {"module": "Leads", "operation": "edit", "record": "7"},
        {"module": "Leads", "operation": "edit", "values": {"id": "7"}},
    ],
)
def test_a_change_that_makes_no_sense_is_refused(client: Client, wish: dict[str, Any]):
    assert client.post("/_control/do/change_record", json=wish, headers=CONTROL).status_code >= 400
