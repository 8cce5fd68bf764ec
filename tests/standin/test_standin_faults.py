"""Faults by script, in process: what they spoil, how often, and that they can be repeated."""

import gzip
import json
import zlib
from email.utils import parsedate_to_datetime

import pytest

from standin.build import SettableClock, make_app, make_world
from standin.faults.bodies import SHAPES
from standin.faults.rows import SPOILED
from tests.standin.client import BEGINNING, CONTROL, Client, flow_id, token_form

ROWS = "/executions([?]|$)"


def page(client, app, **params):
    return client.get(f"/api/v1/flows/{flow_id(app, 'broken')}/executions", params=params)


def test_a_fault_strikes_the_calls_it_names_as_often_as_it_says(client, app):
    client.fault("status", "/connections$", method="GET", times=2, skip=1, args={"status": 502})
    assert [client.get("/api/v1/connections").status_code for _ in range(5)] == [200, 502, 502, 200, 200]
    assert client.get("/api/v1/flows").status_code == 200
    shown = client.get("/_control/faults", headers=CONTROL).json()["faults"][0]
    assert (shown["seen"], shown["struck"]) == (3, 2)


def test_a_fault_may_last_for_a_time_and_be_called_off(client, clock):
    client.fault("status", "/flows", times=0, begins=10, lasts=60)
    assert client.get("/api/v1/flows").status_code == 200
    clock.advance(10)
    assert client.get("/api/v1/flows").status_code == 500
    clock.advance(60)
    assert client.get("/api/v1/flows").status_code == 200
    client.fault("status", "/flows", times=0)
    client.request("DELETE", "/_control/faults", headers=CONTROL)
    assert client.get("/api/v1/flows").status_code == 200


@pytest.mark.parametrize("entry", [{"kind": "nonsense"}, {"kind": "html", "path": "("}, {"kind": "html", "odd": 1}])
def test_a_fault_that_cannot_be_carried_out_is_refused(client, entry):
    assert client.post("/_control/faults", json=entry, headers=CONTROL).status_code == 400


@pytest.mark.parametrize(
    ("args", "header"),
    [
        ({"retry_after": 7}, "7"),
        ({"retry_after": "soon"}, "soon"),
        ({"retry_after": "-1"}, "-1"),
        ({"retry_after": "date", "seconds": 30}, "Tue, 03 Jun 2025 09:30:30 GMT"),
        ({}, None),
    ],
)
def test_429_says_any_retry_after_or_none(client, args, header):
    client.fault("rate_limited", "/", args=args)
    answer = client.get("/api/v1/flows")
    assert (answer.status_code, answer.headers.get("Retry-After")) == (429, header)
    client.fault("rate_limited", "/", args=args)
    assert client.crm("/org").json()["code"] == "TOO_MANY_REQUESTS"


def test_a_status_comes_in_the_envelope_of_its_product_or_as_a_page(client):
    client.fault("status", "/flows", args={"status": 503, "code": "EXECUTION_FAILED", "headers": {"X-A": 1}})
    answer = client.get("/api/v1/flows")
    assert (answer.status_code, answer.json()["error"]["code"], answer.headers["X-A"]) == (503, "EXECUTION_FAILED", "1")
    client.fault("status", "/org", args={"status": 500})
    assert client.crm("/org").json()["code"] == "INTERNAL_ERROR"
    client.fault("status", "/flows", args={"status": 502, "html": True})
    assert client.get("/api/v1/flows").headers["content-type"].startswith("text/html")


def test_headers_of_a_good_answer_can_be_set_and_left_out(world):
    with Client(make_app(world, plan="free")) as client:
        client.fault("headers", "/flows", args={"set": {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": None}})
        answer = client.get("/api/v1/flows")
        assert (answer.status_code, answer.headers["X-RateLimit-Remaining"]) == (200, "0")
        assert "X-RateLimit-Reset" not in answer.headers


@pytest.mark.parametrize("shape", SHAPES)
def test_json_of_a_wrong_shape_comes_with_200(client, app, shape):
    client.fault("shape", ROWS, args={"shape": shape})
    answer = page(client, app)
    assert (answer.status_code, answer.json()) == (200, SHAPES[shape])


def test_a_page_or_nothing_can_come_instead_of_json(client, app):
    for kind, args, status in (("html", {}, 200), ("html", {"status": 502}, 502), ("no_content", {}, 204)):
        client.fault(kind, ROWS, args=args)
        answer = page(client, app)
        assert answer.status_code == status
        assert b'"executions"' not in answer.content


def test_encodings_and_types_can_be_odd(client, app):
    client.fault("content_type", ROWS, args={"type": "text/html"})
    assert page(client, app).headers["content-type"] == "text/html"
    client.fault("content_type", ROWS, args={"type": None})
    assert "content-type" not in page(client, app).headers
    starts = {"bom": b"\xef\xbb\xbf{", "utf16": b"\xff\xfe{\x00"}
    for how, start in starts.items():
        client.fault("encoding", ROWS, args={"how": how})
        assert page(client, app).content.startswith(start)
    client.fault("encoding", ROWS, args={"how": "bad_utf8"})
    with pytest.raises(UnicodeDecodeError):
        page(client, app).content.decode()


@pytest.mark.parametrize("how", ["bom", "utf16", "bad_utf8"])
def test_an_empty_answer_has_no_encoding_to_spoil(client, how):
    client.fault("encoding", "^/crm/", args={"how": how})
    answer = client.crm("/Leads/1")
    assert (answer.status_code, answer.content) == (204, b"")


def test_a_small_body_can_unpack_to_a_large_one(client, app):
    client.fault("gzip_bomb", ROWS, args={"megabytes": 3})
    with client.stream("GET", f"/api/v1/flows/{flow_id(app, 'broken')}/executions") as answer:
        packed = b"".join(answer.iter_raw())
    assert len(packed) < 20_000
    assert len(json.loads(gzip.decompress(packed))["data"]) == 3 * 1024 * 1024
    client.fault("huge", ROWS, args={"megabytes": 2})
    assert len(page(client, app).content) > 2 * 1024 * 1024
    client.fault("bad_gzip", ROWS)
    with client.stream("GET", f"/api/v1/flows/{flow_id(app, 'broken')}/executions") as answer:
        packed = b"".join(answer.iter_raw())
    with pytest.raises((OSError, EOFError, zlib.error)):
        gzip.decompress(packed)


@pytest.mark.parametrize(
    ("what", "part"),
    [
        ("nested", b"[" * 1000),
        ("huge_int", b"7" * 5000),
        ("duplicate_keys", b'{"status": "failure", "status": "success"'),
        ("nan", b'"duration_ms": NaN'),
        ("infinity", b'"duration_ms": 1e999'),
    ],
)
def test_json_itself_can_be_odd(client, app, what, part):
    client.fault("odd_json", ROWS, args={"what": what})
    assert part in page(client, app).content


@pytest.mark.parametrize("what", SPOILED)
def test_single_rows_are_spoiled_and_the_others_are_not(client, app, what):
    good = page(client, app).json()["data"]["executions"]
    client.fault("spoil_rows", ROWS, args={"what": what, "share": 0.2})
    first = page(client, app)
    rows = json.loads(first.content)["data"]["executions"]
    differing = [row for row, before in zip(rows, good, strict=True) if json.dumps(row) != json.dumps(before)]
    assert 0 < len(differing) < len(rows) / 2
    client.fault("spoil_rows", ROWS, args={"what": what, "share": 0.2})
    assert page(client, app).content == first.content


def test_rows_can_come_twice_or_in_any_order_or_not_at_all(client, app):
    good = page(client, app).json()["data"]["executions"]
    client.fault("duplicate_rows", ROWS)
    twice = page(client, app).json()["data"]["executions"]
    assert twice[::2] == twice[1::2] == good
    client.fault("shuffle_rows", ROWS)
    shuffled = page(client, app).json()["data"]["executions"]
    assert shuffled != good
    assert sorted(row["execution_id"] for row in shuffled) == sorted(row["execution_id"] for row in good)
    client.fault("empty_list", "/flows$")
    assert client.flow("/flows") == {"flows": [], "page": 1, "per_page": 20, "total_count": 0}


def test_pages_can_lie(client, app):
    first, second = (page(client, app, page=number).json()["data"]["executions"] for number in (1, 2))
    client.fault("ignore_page", "page=2")
    assert page(client, app, page=2).json()["data"]["executions"] == first
    client.fault("ignore_page", "page=3", args={"back": 1})
    assert page(client, app, page=3).json()["data"]["executions"] == second
    client.fault("cap_per_page", ROWS, args={"cap": 7})
    assert page(client, app, per_page=50).json()["data"]["executions"] == first[:7]
    client.fault("wrong_total", "/flows$", args={"total": 3})
    assert client.flow("/flows")["total_count"] == 3
    client.fault("wrong_total", "workflow_rules$", args={"more": True})
    assert client.crm("/settings/automation/workflow_rules").json()["info"]["more_records"] is True


def test_rows_can_come_in_and_go_between_two_pages(client, app):
    flow = flow_id(app, "broken")
    first, second = (page(client, app, page=number).json()["data"]["executions"] for number in (1, 2))
    client.fault("add_rows", "page=2", args={"flow_id": flow, "count": 3})
    moved = page(client, app, page=2).json()["data"]["executions"]
    assert moved[:3] == first[-3:]
    client.fault("delete_rows", "page=2", args={"flow_id": flow, "count": 5})
    assert page(client, app, page=2).json()["data"]["executions"][0] == second[2]


def test_rows_can_appear_long_after_their_start(client, app, clock):
    flow = flow_id(app, "sick")
    late = client.do("add_executions", flow_id=flow, status="failed", late_seconds=1200)[0]
    assert client.get(f"/api/v1/flows/{flow}/executions/{late}").status_code == 404
    clock.advance(1200)
    row = client.flow(f"/flows/{flow}/executions/{late}")
    assert row["started_time"] == "2025-06-03T09:30:00Z"


def test_a_row_can_stay_running_until_it_is_ended(client, app, clock):
    flow = flow_id(app, "sick")
    stuck = client.do("add_executions", flow_id=flow, status="running")[0]
    clock.advance(30 * 86_400)
    assert client.flow(f"/flows/{flow}/executions/{stuck}")["status"] == "running"
    client.do("change_execution", flow_id=flow, execution_id=stuck, status="failed")
    failed = client.flow(f"/flows/{flow}/executions/{stuck}")
    assert (failed["status"], failed["error"]["details"]) == ("failed", "HTTP 503 from Zoho CRM")
    clock.advance(60)
    client.do("change_execution", flow_id=flow, execution_id=stuck, status="success")
    ended = client.flow(f"/flows/{flow}/executions/{stuck}")
    assert ended["status"] == "success"
    assert ended["completed_time"] > failed["completed_time"]


def test_a_row_can_be_spoiled_for_good(client, app):
    flow = flow_id(app, "sick")
    override = {"status": "paused", "error": "__drop__", "duration_ms": -1}
    client.do("add_executions", flow_id=flow, override=override)
    row = client.rows(flow, per_page=1)[0]
    assert (row["status"], row["duration_ms"]) == ("paused", -1)
    assert "error" not in row


def test_the_servers_clock_can_be_wrong_or_absent(client):
    client.fault("date_header", "/flows", args={"skew": -3600})
    shown = parsedate_to_datetime(client.get("/api/v1/flows").headers["Date"])
    assert (BEGINNING - shown).total_seconds() == 3600
    client.fault("date_header", "/flows", args={"absent": True})
    assert "Date" not in client.get("/api/v1/flows").headers


def test_a_token_can_expire_between_two_pages(client, app):
    client.fault("expire_tokens", ROWS, skip=1)
    assert page(client, app).status_code == 200
    assert page(client, app, page=2).status_code == 401
    client.sign_in()
    assert page(client, app, page=2).status_code == 200


def test_permission_scope_and_token_can_be_refused(client):
    for kind, status, code in (
        ("scope_mismatch", 401, "OAUTH_SCOPE_MISMATCH"),
        ("no_permission", 403, "NO_PERMISSION"),
        ("invalid_token", 401, "INVALID_TOKEN"),
    ):
        client.fault(kind, "/")
        answer = client.get("/api/v1/flows")
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    client.fault("narrow_scope", "/org", args={"scope": "ZohoFlow.flows.READ"})
    assert client.crm("/org").json()["code"] == "OAUTH_SCOPE_MISMATCH"


def test_an_invalid_token_can_be_called_an_authentication_failure(client, app):
    app.world.habits = app.world.habits.changed(invalid_token_code="AUTHENTICATION_FAILURE")
    answer = client.crm("/org", headers={"Authorization": "Zoho-oauthtoken x"})
    assert (answer.status_code, answer.json()["code"]) == (401, "AUTHENTICATION_FAILURE")


def test_the_token_endpoint_can_say_anything_with_200(client):
    def token():
        return client.post("/oauth/v2/token", data=token_form()).json()

    client.fault("oauth_error", "/token", args={"error": "invalid_client"})
    assert token() == {"error": "invalid_client"}
    client.fault("token_throttle", "/token")
    assert token()["error"] == "Access Denied"
    client.fault(
        "token_fields", "/token", args={"drop": ["expires_in"], "set": {"api_domain": "https://x.example.com"}}
    )
    odd = token()
    assert (odd.get("expires_in"), odd["api_domain"]) == (None, "https://x.example.com")
    client.fault("revoke_refresh_tokens", "/token")
    assert token() == {"error": "invalid_code"}


def test_a_refused_retry_runs_nothing_unless_the_script_says_so(client, app):
    row = client.failed(flow_id(app, "sick"))
    retry = f"/api/v1/flows/{row['flow_id']}/executions/{row['execution_id']}/retry"
    client.fault("status", "/retry", args={"status": 503, "code": "EXECUTION_FAILED"})
    assert client.post(retry).status_code == 503
    assert client.ledger()["runs_caused"] == {}
    client.fault("status", "/retry", args={"status": 503, "code": "EXECUTION_FAILED", "ran": True})
    assert client.post(retry).status_code == 503
    ledger = client.ledger()
    assert len(ledger["runs_caused"][row["execution_id"]]) == 1
    assert ledger["retries_received"][row["execution_id"]] == 2
    client.fault("reset", "/retry")
    with pytest.raises(ConnectionResetError):
        client.post(retry)


def test_calls_at_once_are_limited_by_plan(world):
    app = make_app(world, plan="free")
    crm = app.products[1]
    with Client(app) as client, crm.place(), crm.place(), crm.place(), crm.place():
        assert client.crm("/org").status_code == 200
        with crm.place():
            refused = client.crm("/org")
            assert (refused.status_code, refused.json()["code"]) == (429, "TOO_MANY_REQUESTS")
            app.world.habits = app.world.habits.changed(concurrency_limit=False)
            assert client.crm("/org").status_code == 200


def test_retry_after_can_be_switched_for_both_products(world, clock):
    world.habits = world.habits.changed(flow_retry_after=False, crm_retry_after=True)
    app = make_app(world, plan="free")
    with Client(app) as client:
        for _ in range(10):
            client.get("/api/v1/flows")
        limited = client.get("/api/v1/flows")
        assert (limited.status_code, "Retry-After" in limited.headers) == (429, False)
        app.products[1].credits.ask(clock(), cost=5000)
        spent = client.crm("/org")
        assert (spent.status_code, spent.headers["Retry-After"]) == (429, "86401")


def test_the_same_script_on_the_same_world_gives_the_same_answers():
    answers = []
    for _ in range(2):
        app = make_app(make_world(seed=9, clock=SettableClock(BEGINNING), flows=3, rules=1, executions=300))
        with Client(app) as client:
            client.fault("shuffle_rows", ROWS)
            client.fault("spoil_rows", ROWS, args={"what": "nul"})
            answers.append([page(client, app).content for _ in range(3)])
    assert answers[0] == answers[1]


@pytest.mark.parametrize("form", ["desk", "mail", "books", "number", "list", "empty", "html"])
def test_a_refused_token_can_be_said_in_the_words_of_other_products(client, app, form):
    app.world.habits = app.world.habits.changed(refused_token_words=form)
    for path in ("/crm/v8/org", "/api/v1/flows"):
        answer = client.get(path, headers={"Authorization": "Zoho-oauthtoken x"})
        assert answer.status_code == 401
        assert '"code": "INVALID_TOKEN"' not in answer.text
    client.fault("other_words", "/org", args={"form": form, "status": 403})
    assert client.crm("/org").status_code == 403
    assert client.crm("/org").status_code == 200


def test_a_change_is_answered_with_any_documented_error_and_not_carried_out(client, world):
    (rule_id, *_) = world.rules.rules
    path = f"/settings/automation/workflow_rules/{rule_id}"
    off = {"workflow_rules": [{"status": {"active": False}}]}
    for code, place, status in (
        ("NO_PERMISSION", "", 403),
        ("INVALID_DATA", "$.workflow_rules[0].name", 400),
        ("TOO_MANY_REQUESTS", "", 429),
        ("INTERNAL_ERROR", "", 500),
    ):
        args = {"code": code, "message": "no", "place": place}
        client.fault("documented_error", "workflow_rules", method="PUT", args=args)
        answer = client.crm(path, "PUT", json=off)
        assert answer.status_code == status
        said = answer.json()["workflow_rules"][0] if place else answer.json()
        assert (said["code"], said["message"]) == (code, "no")
        assert said["details"] == ({"api_name": "name", "json_path": place} if place else {})
    assert world.rules.rules[rule_id].on.at(world.now())
    client.fault("documented_error", "/flows/", method="POST", args={"code": "FLOW_NOT_FOUND", "message": "gone"})
    answer = client.post(f"/api/v1/flows/{flow_id(client.app, 'broken')}/disable")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "FLOW_NOT_FOUND")
    assert client.crm(path, "PUT", json=off).status_code == 200
