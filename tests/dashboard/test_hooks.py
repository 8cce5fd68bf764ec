"""The doors for callbacks, as senders see them."""

from __future__ import annotations

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import OperationalError, connection, connections
from django.test import Client
from django_q.models import OrmQ

from dashboard.hooks.early import refuse_address
from dashboard.logs import LineFormatter
from monitor.hooks import endpoints
from monitor.hooks.signature import sign
from monitor.models import HookEndpoint, HookTraffic, PushEvent, WatchChannel, ZohoAccount
from tests import factories
from tests.bystander import own

BODY = json.dumps({"flow_id": "12345000000123456", "execution_id": "12345000000567891"}).encode()
TOKEN = "the-token-of-the-channel"
THREADS = 32


@dataclass
class Sender:
    """Somebody who knows an endpoint's address, and perhaps its secret."""

    path: str
    secret: str
    endpoint: HookEndpoint

    def post(self, body: bytes = BODY, *, signature: str | None = None, **headers: str) -> Any:
        given = {"X-Webhook-Signature": signature or sign(self.secret, body)} if signature != "" else {}
        return Client(enforce_csrf_checks=True).post(
            self.path, body, content_type="application/json", headers=given | headers
        )


def make_sender(account: ZohoAccount, now: datetime, **fields: Any) -> Sender:
    actor = factories.make_user(role="admin")
    fields = {"name": "Errors"} | fields
    shown = endpoints.create(account=account, actor=actor, now=now, **fields)
    return Sender("/hooks/flow/" + shown.address.rpartition("/")[2], shown.secret, shown.endpoint)


@pytest.fixture
def sender(account: ZohoAccount, at_noon: datetime) -> Sender:
    return make_sender(account, at_noon)


@pytest.fixture
def channel(account: ZohoAccount, at_noon: datetime) -> WatchChannel:
    return WatchChannel.objects.create(
        account=account,
        module="Leads",
        channel_id="100000000000000068",
        token=TOKEN,
        notify_url="https://monitor.example.com/hooks/crm/100000000000000068",
        granted_at=at_noon,
        expires_at=at_noon + timedelta(hours=1),
    )


def notification(**changes: Any) -> dict[str, Any]:
    """The body that docs/reference/zoho-crm.md, "Notification channels" shows."""
    return {
        "server_time": 1_732_276_800_000,
        "module": "Leads",
        "resource_uri": "https://www.zohoapis.com/crm/v8/Leads",
        "ids": ["336126500000000071"],
        "affected_fields": [],
        "operation": "insert",
        "channel_id": "100000000000000068",
        "token": TOKEN,
        "query_params": {},
    } | changes


def notify(channel: WatchChannel, body: Any) -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Client(enforce_csrf_checks=True).post(
        f"/hooks/crm/{channel.channel_id}", data, content_type="application/json"
    )


def traffic() -> tuple[int, int, int]:
    row = own(HookTraffic).get()
    return row.accepted, row.replayed, row.refused


def test_a_signed_callback_is_accepted_and_its_ids_are_kept(sender: Sender, at_noon: datetime):
    response = sender.post()

    assert (response.status_code, response.json()) == (202, {"status": "accepted"})
    event = own(PushEvent).get()
    assert (event.flow_id, event.execution_id, event.state) == ("12345000000123456", "12345000000567891", "new")
    assert (event.account, event.endpoint, event.received_at) == (sender.endpoint.account, sender.endpoint, at_noon)
    assert own(HookTraffic).get().last_received_at == at_noon


@pytest.mark.parametrize(("minutes", "late"), [(0, 0), (5, 0), (6, 1), (-6, 0)])
def test_a_notification_that_was_minutes_on_its_way_is_counted_as_late_once(
    channel: WatchChannel, at_noon: datetime, minutes: int, late: int
):
    sent_at = int((at_noon - timedelta(minutes=minutes)).timestamp() * 1000)
    for _ in range(2):
        assert notify(channel, notification(server_time=sent_at)).status_code == 202
    assert traffic() == (1, 1, 0)
    assert own(HookTraffic).get().late == late


@pytest.mark.parametrize("odd", ["soon", -1, 10**40, None, [1], 1.5, "١٢٣"])
def test_a_time_that_cannot_be_read_makes_no_notification_late(channel: WatchChannel, odd: Any):
    assert notify(channel, notification(server_time=odd)).status_code == 202
    assert own(HookTraffic).get().late == 0


def test_the_worker_is_woken_by_the_first_callback_and_not_by_each_of_a_flood(sender: Sender):
    for number in range(5):
        sender.post(json.dumps({"execution_id": str(number)}).encode())
    assert [row.task["func"] for row in OrmQ.objects.all()] == ["monitor.tasks.take_hints"]


def test_nothing_of_the_body_but_ids_and_digest_is_kept(sender: Sender):
    sender.post(json.dumps({"flow_id": "1", "trigger_data": {"Email": "jo@example.com"}}).encode())
    kept = [str(value) for row in own(PushEvent).values() for value in row.values()]
    assert not any("jo@example" in value for value in kept)


def test_an_endpoint_of_one_flow_speaks_for_that_flow_only(account: ZohoAccount, at_noon: datetime):
    flow = factories.make_flow(account)
    make_sender(account, at_noon, flow=flow).post()
    assert own(PushEvent).get().flow_id == flow.flow_id


@pytest.mark.parametrize("key", ["unknown", "x" * 200, "%00", "é", "unknown/"])
def test_an_unknown_address_is_a_404_without_its_body_being_read(db: None, key: str):
    response = Client(enforce_csrf_checks=True).post(f"/hooks/flow/{key}", BODY, content_type="application/json")
    assert response.status_code == 404
    assert not own(PushEvent).exists()


def test_an_endpoint_that_is_switched_off_is_unknown(sender: Sender, ada, now: datetime):
    endpoints.switch(sender.endpoint, on=False, actor=ada, now=now)
    assert sender.post().status_code == 404


@pytest.mark.parametrize("signature", ["", "0" * 64, "abc", "é" * 64, "sha256=", "0" * 64 + "," + "0" * 64])
def test_a_missing_or_wrong_signature_is_a_401(sender: Sender, signature: str):
    response = sender.post(signature=signature)
    assert response.status_code == 401
    assert not own(PushEvent).exists()
    assert traffic() == (0, 0, 1)


def test_a_secret_that_was_removed_is_refused_and_the_new_one_passes(sender: Sender, ada, now: datetime):
    new = endpoints.rotate(sender.endpoint, actor=ada, now=now)
    assert sender.post(b"{}").status_code == 202
    endpoints.retire(sender.endpoint, actor=ada, now=now)
    assert sender.post(b'{"a": 1}').status_code == 401
    sender.secret = new.secret
    assert sender.post(b'{"a": 1}').status_code == 202


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe{}", b"[" * 100_000, b"a=b"])
def test_a_signed_body_that_is_no_json_is_a_400(sender: Sender, body: bytes):
    assert sender.post(body).status_code == 400


def test_a_signature_is_looked_at_before_the_body_is_parsed(sender: Sender):
    assert sender.post(b"[" * 100_000, signature="0" * 64).status_code == 401


def test_numbers_of_any_length_are_no_trouble(sender: Sender):
    assert sender.post(b'{"flow_id": ' + b"9" * 20_000 + b"}").status_code == 202


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete", "head", "options"])
def test_only_post_is_answered(sender: Sender, channel: WatchChannel, method: str):
    for path in (sender.path, f"/hooks/crm/{channel.channel_id}"):
        response = getattr(Client(), method)(path)
        assert (response.status_code, response["Allow"]) == (405, "POST")


def test_ten_mebibytes_pass_and_one_byte_more_is_a_413(sender: Sender, channel: WatchChannel):
    limit = 10 * 1024 * 1024
    filler = b" " * (limit - 2)
    assert sender.post(b"{" + filler + b"}").status_code == 202
    assert sender.post(b"{ " + filler + b"}").status_code == 413
    assert notify(channel, b"{ " + filler + b"}").status_code == 413


def test_a_callback_without_a_last_slash_is_not_redirected_and_one_with_it_neither(sender: Sender):
    sender.path += "/"
    assert sender.post().status_code == 202


def test_over_plain_http_nothing_is_accepted_where_the_product_has_https(sender: Sender, settings):
    settings.SECURE_SSL_REDIRECT = True
    response = sender.post()
    assert (response.status_code, response["Location"]) == (301, f"https://testserver{sender.path}")
    assert not own(PushEvent).exists()


def test_a_body_sent_a_hundred_times_has_one_effect_and_a_hundred_good_answers(sender: Sender):
    assert {sender.post().status_code for _ in range(100)} == {202}
    assert own(PushEvent).count() == 1
    assert traffic() == (1, 99, 0)


def test_an_event_that_is_sent_again_in_other_bytes_has_one_effect(sender: Sender):
    assert sender.post(b'{"event_id": "e-1", "try": 1}').status_code == 202
    assert sender.post(b'{"event_id": "e-1", "try": 2}').status_code == 202
    assert own(PushEvent).count() == 1
    assert traffic() == (1, 1, 0)


def test_two_endpoints_do_not_share_their_memory_of_bodies(sender: Sender, account: ZohoAccount, at_noon: datetime):
    other = make_sender(account, at_noon, name="Others")
    sender.post()
    other.post()
    assert own(PushEvent).count() == 2


def test_too_many_in_a_minute_are_told_when_to_come_back(account: ZohoAccount, at_noon: datetime):
    sender = make_sender(account, at_noon, per_minute=3)
    with time_machine.travel(at_noon + timedelta(seconds=48), tick=False):
        answers = [sender.post(json.dumps({"n": n}).encode()) for n in range(5)]
    assert [answer.status_code for answer in answers] == [202, 202, 202, 429, 429]
    assert answers[3]["Retry-After"] == "12"
    with time_machine.travel(at_noon + timedelta(seconds=60), tick=False):
        assert sender.post(b'{"n": 9}').status_code == 202


def test_forged_callbacks_count_against_the_minute_too(account: ZohoAccount, at_noon: datetime):
    sender = make_sender(account, at_noon, per_minute=2)
    assert [sender.post(signature="0" * 64).status_code for _ in range(3)] == [401, 401, 429]


def test_a_notification_with_its_token_is_accepted(channel: WatchChannel):
    response = notify(channel, notification())
    assert response.status_code == 202
    event = own(PushEvent).get()
    assert (event.channel, event.flow_id, event.execution_id) == (channel, "", "")


def test_a_channel_number_may_be_written_as_a_number(channel: WatchChannel):
    assert notify(channel, notification(channel_id=int(channel.channel_id))).status_code == 202


@pytest.mark.parametrize(
    "changes",
    [{"token": "forged"}, {"token": ""}, {"token": 5}, {"token": "\ud800"}, {"channel_id": "100000000000000069"}],
)
def test_a_forged_notification_is_a_401(channel: WatchChannel, changes: dict[str, Any]):
    assert notify(channel, notification(**changes)).status_code == 401
    assert not own(PushEvent).exists()


@pytest.mark.parametrize(
    ("body", "status"), [(b"{", 400), (b"[" * 100_000, 400), (b"\xff", 400), (b"[]", 401), (b"", 400), (b"null", 401)]
)
def test_a_malformed_notification_is_refused(channel: WatchChannel, body: bytes, status: int):
    assert notify(channel, body).status_code == status


def test_a_notification_may_come_before_the_answer_that_opens_its_channel(channel: WatchChannel, at_noon: datetime):
    path = f"/hooks/crm/{channel.channel_id}"
    body = json.dumps(notification())
    own(WatchChannel).update(expires_at=None, granted_at=None, asked_at=at_noon - timedelta(minutes=9))
    assert Client().post(path, body, content_type="application/json").status_code == 202
    own(WatchChannel).update(asked_at=at_noon - timedelta(minutes=10))
    assert Client().post(path, body, content_type="application/json").status_code == 404


def test_an_error_branch_that_only_names_its_flow_hints_again_after_some_minutes(sender: Sender, at_noon: datetime):
    body = json.dumps({"flow_id": "12345000000123456"}).encode()
    hinted = []
    for minutes in (0, 1, 6):
        with time_machine.travel(at_noon + timedelta(minutes=minutes), tick=False):
            assert sender.post(body).status_code == 202
        hinted.append(own(PushEvent).count())
    assert hinted == [1, 1, 2]


def test_a_body_that_names_its_execution_is_known_for_as_long_as_it_is_kept(sender: Sender, at_noon: datetime):
    for minutes in (0, 6, 1000):
        with time_machine.travel(at_noon + timedelta(minutes=minutes), tick=False):
            assert sender.post().status_code == 202
    assert own(PushEvent).count() == 1


def test_an_expired_or_unknown_channel_is_a_404(channel: WatchChannel, at_noon: datetime):
    own(WatchChannel).update(expires_at=at_noon)
    assert notify(channel, notification()).status_code == 404
    own(WatchChannel).update(expires_at=None)
    assert notify(channel, notification()).status_code == 404
    channel.channel_id = "7"
    assert notify(channel, notification()).status_code == 404


def test_a_notification_sent_again_has_one_effect(channel: WatchChannel):
    assert {notify(channel, notification()).status_code for _ in range(10)} == {202}
    assert own(PushEvent).count() == 1


def test_no_body_no_secret_and_no_address_is_logged(sender: Sender, channel: WatchChannel, caplog):
    canary = "canary-of-a-body"
    with caplog.at_level(logging.DEBUG):
        sender.post(json.dumps({"flow_id": "1", "note": canary}).encode())
        sender.post(json.dumps({"note": canary}).encode(), signature="0" * 64)
        sender.post(b"{" + canary.encode())
        sender.path += "/"
        sender.post(signature="")
        Client().get(sender.path)
        Client().post("/hooks/flow/a-key-that-was-deleted", BODY, content_type="application/json")
        notify(channel, notification(note=canary))
        notify(channel, notification(token="forged", note=canary))
    lines = [record for record in caplog.records if not record.name.startswith("django.db")]
    told = "\n".join(f"{record.getMessage()} {record.args}" for record in lines)
    key = sender.path.strip("/").rpartition("/")[2]
    for secret in (canary, sender.secret, key, TOKEN, "a-key-that-was-deleted"):
        assert secret not in told


def test_the_log_hides_an_address_and_a_secret_that_come_into_a_line():
    told = "POST /hooks/flow/abc-DEF_1?x=1 whsec_QUJD/+= done"
    record = logging.LogRecord("django.request", logging.WARNING, "here.py", 1, told, (), None)
    assert LineFormatter().format(record).endswith("POST /hooks/flow/[secret]?… [secret] done")


@pytest.mark.django_db(transaction=True)
def test_thirty_two_at_once_with_one_body_have_one_effect(now: datetime, tmp_path: Path, monkeypatch):
    sender = make_sender(factories.make_account(), now)
    share_database(tmp_path, monkeypatch)

    def post(number: int) -> int:
        try:
            return sender.post().status_code
        finally:
            connection.close()

    def look() -> tuple[int, tuple[int, int, int]]:
        try:
            return own(PushEvent).count(), traffic()
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        assert set(pool.map(post, range(THREADS))) == {202}
        assert pool.submit(look).result() == (1, (1, THREADS - 1, 0))


@pytest.mark.django_db(transaction=True)
def test_thirty_two_at_once_do_not_pass_the_minute_s_limit(now: datetime, tmp_path: Path, monkeypatch):
    sender = make_sender(factories.make_account(), now, per_minute=10)
    share_database(tmp_path, monkeypatch)

    def post(number: int) -> int:
        try:
            return sender.post(json.dumps({"n": number}).encode()).status_code
        finally:
            connection.close()

    with time_machine.travel(now, tick=False), ThreadPoolExecutor(THREADS) as pool:
        answers = list(pool.map(post, range(THREADS)))
    assert answers.count(202) == 10
    assert answers.count(429) == THREADS - 10


def share_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets other threads see what is written so far: SQLite's test database is in this one's memory."""
    if connection.vendor == "sqlite" and connection.is_in_memory_db():
        name = str(tmp_path / "shared.sqlite3")
        with connection.cursor() as cursor:
            cursor.execute("VACUUM INTO %s", [name])
        monkeypatch.setitem(connections.settings["default"], "NAME", name)


@pytest.fixture
def open_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keeps the connection, in which the test's transaction is."""
    monkeypatch.setattr("dashboard.hooks.early.close_old_connections", lambda: None)


@pytest.mark.usefixtures("open_connection")
class TestAddressBeforeTheBody:
    @pytest.mark.parametrize("ending", ["", "/"])
    def test_an_endpoints_address_is_known_and_no_other(self, ending: str, sender: Sender):
        assert refuse_address(sender.path + ending) is None
        for path in ("/hooks/flow/unknown", "/hooks", f"{sender.path}x", "/hooks/flow/\xff\xc3", "/hooks/crm/x", "/"):
            refused = refuse_address(path + ending)
            assert refused is not None
            assert (refused.code, refused.body) == (404, "unknown address")

    def test_one_that_is_switched_off_is_not(self, sender: Sender, ada, now: datetime):
        endpoints.switch(sender.endpoint, on=False, actor=ada, now=now)
        assert refuse_address(sender.path) is not None

    def test_a_channels_address_is_known_as_long_as_it_is_open(self, channel: WatchChannel, at_noon: datetime):
        path = f"/hooks/crm/{channel.channel_id}"
        assert refuse_address(path) is None
        with time_machine.travel(at_noon + timedelta(hours=1), tick=False):
            assert refuse_address(path) is not None

    def test_where_the_database_is_away_the_sender_is_asked_to_come_again(self, db: None, caplog):
        def away(*_: object) -> None:
            raise OperationalError("connection refused")

        with connection.execute_wrapper(away):
            refused = refuse_address("/hooks/flow/a-key-that-nobody-sees")
        assert refused is not None
        assert (refused.code, refused.retry_after) == (503, 10)
        assert "a-key" not in caplog.text
