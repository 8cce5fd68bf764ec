"""docs/zoho-api.md says what is so: each endpoint, who calls it, who answers it, and where it is tested."""

from __future__ import annotations

import ast
import inspect
import re
from dataclasses import dataclass, fields

import httpx
import pytest

from monitor.zoho import CRM_SCOPES, FLOW_SCOPES, CrmClient, FlowClient, OAuthClient
from standin.build import Credentials, Habits
from standin.faults.one_per_fault import FAULT_STORIES
from standin.what_goes_wrong import STORIES
from tests.conformance.places import answered, endpoints, make_place
from tests.conformance.walk import HOST, walk
from tests.realprocess import ROOT

PAGE = (ROOT / "docs" / "zoho-api.md").read_text()
CONFIRMED = {"OAS", "docs", "SDK run", "third party", "unofficial", "analogy"}
CLIENTS = (FlowClient, CrmClient, OAuthClient)
FAULTS = {f"F{number}" for number in (*range(1, 34), 46, 47)}


@dataclass(frozen=True)
class Row:
    endpoint: str
    source: str
    confirmed: frozenset[str]
    client: str
    standin: str
    tests: tuple[str, ...]

    @property
    def methods(self) -> set[str]:
        return set(re.findall(r"`(\w+Client\.\w+)`", self.client))


def section(number: int) -> str:
    return PAGE.split(f"\n## {number}. ")[1].split("\n## ")[0]


def cells(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("| `") or re.match(r"\| F\d", line)]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]


def table() -> list[Row]:
    rows = []
    for endpoint, source, confirmed, client, standin, tests in cells(section(2)):
        words = frozenset(confirmed.split(", "))
        rows.append(Row(endpoint.strip("`"), source, words, client, standin.strip("`"), tuple(tests.split("<br>"))))
    return rows


ROWS = table()


@pytest.fixture(scope="module")
def places():
    """Both dialects, each walked through by the client; and which endpoints answered which method."""
    apps = {dialect: make_place(dialect) for dialect in ("zoho", "seed")}
    return apps, {dialect: walk(app) for dialect, app in apps.items()}


def routes(apps) -> dict[str, str]:
    """Every endpoint of both dialects with the file of its handler."""
    found = {}
    for app in apps.values():
        for endpoint, route in endpoints(app).items():
            owner = getattr(route.handler, "__self__", route.handler)
            module = type(owner).__module__.removeprefix("standin.")
            found[str(endpoint)] = module.replace(".", "/") + ".py"
    return found


def test_every_endpoint_of_the_stand_in_is_one_row_and_nothing_else_is(places):
    assert sorted(row.endpoint for row in ROWS) == sorted(routes(places[0]))


def test_every_row_is_filled():
    assert len(ROWS) > 120
    for row in ROWS:
        assert all([row.endpoint, row.source, row.confirmed, row.client, row.standin, row.tests]), row
        assert row.confirmed <= CONFIRMED, row
        assert row.methods or row.client.startswith("not called: "), row


def test_every_public_method_of_the_client_is_in_the_row_of_the_endpoint_that_answers_it(places):
    told: dict[str, set[str]] = {}
    for row in ROWS:
        for method in row.methods:
            told.setdefault(method, set()).add(row.endpoint)
    seen = {method: {str(one) for one in found} for method, found in places[1]["zoho"].items() if found}
    seen["OAuthClient.authorization_url"] = {"GET /oauth/v2/auth"}  # an address for a browser
    assert told == seen
    public = {
        f"{client.__name__}.{name}"
        for client in CLIENTS
        for name, _ in inspect.getmembers(client, inspect.isfunction)
        if not name.startswith("_")
    }
    assert set(told) == public


def test_every_row_names_the_file_that_answers(places):
    assert {row.endpoint: row.standin for row in ROWS} == routes(places[0])


def test_every_test_that_a_row_names_exists():
    found: dict[str, set[str]] = {}
    for name in {name for row in ROWS for name in row.tests}:
        path, test = re.fullmatch(r"`(tests/[\w/]+\.py)::(test_\w+)`", name).groups()  # type: ignore[union-attr]
        if path not in found:
            tree = ast.parse((ROOT / path).read_text())
            found[path] = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert test in found[path], name


def test_sdk_run_is_said_where_a_test_runs_the_sdks_own_classes():
    for row in ROWS:
        runs = any("tests/conformance/test_s" in name for name in row.tests)
        assert runs == ("SDK run" in row.confirmed), row.endpoint


def test_every_endpoint_of_the_stand_in_is_answered():
    """What our client does not call is called here as its documents say."""
    for dialect in ("zoho", "seed"):
        app = make_place(dialect)
        with httpx.Client(transport=httpx.WSGITransport(app), base_url=HOST) as http:
            form = {"grant_type": "refresh_token"} | {
                name: getattr(Credentials(), name) for name in ("client_id", "client_secret", "refresh_token")
            }
            token = http.post("/oauth/v2/token", data=form).json()["access_token"]
            http.headers["Authorization"] = f"Zoho-oauthtoken {token}"
            seen = {str(one) for found in walk(app).values() for one in found}
            app.ledger.clear()
            http.get("/oauth/serverinfo")
            http.get("/oauth/v2/auth", params={"client_id": form["client_id"]})
            http.post("/oauth/v2/revoke/token", params={"token": "unknown"})
            flow = http.get("/api/v1/flows").json()["data"]["flows"][0]["flow_id"]
            http.post("/api/v1/webhooks", json={"webhook_name": "Pay", "flow_id": flow})
            (hook,) = app.world.webhooks.values()
            http.post(f"/webhook/{app.world.prefix}/{hook.key}", json={})
            http.post(f"/{app.world.prefix}/flow/webhook/incoming", params={"zapikey": hook.key}, json={})
            if dialect == "seed":
                call_the_seeds_addresses(http, app)
            seen |= {str(one) for one in answered(app)}
        assert {str(one) for one in endpoints(app)} - seen == set()


def call_the_seeds_addresses(http: httpx.Client, app) -> None:
    v8 = "/crm/v8"
    http.get(v8 + "/coql", params={"select_query": "select id from Leads limit 1"})
    http.post(v8 + "/composite", json={"composite_request": [{"method": "GET", "url": "/crm/v8/org"}]})
    job = http.post(v8 + "/bulk/read", json={"query": {"module": "Leads"}}).json()["data"][0]["id"]
    app.world.clock.advance(30)
    http.get(f"{v8}/bulk/read/{job}")
    http.get(f"{v8}/bulk/read/{job}/result")
    wish = {"channel_id": "1", "events": ["Leads.update"], "notify_url": "https://a.example.com/"}
    for method in ("POST", "PUT", "PATCH"):
        http.request(method, v8 + "/settings/actions/watch", json={"watch": [wish]})
    http.get(v8 + "/settings/actions/watch")
    http.request("DELETE", v8 + "/settings/actions/watch", params={"channel_ids": "1"})


def test_every_habit_is_described_with_its_default_and_switched_in_a_test():
    told = {name.strip("`"): default.strip("`") for name, default, _ in cells(section(6))}
    assert told == {
        field.name: str(field.default).lower() if isinstance(field.default, bool) else str(field.default)
        for field in fields(Habits)
    }
    tests = "".join(path.read_text() for path in (ROOT / "tests" / "standin").glob("test_*.py"))
    assert [name for name in told if not re.search(rf'\b{name}=|"{name}"', tests)] == []


def test_every_story_and_every_kind_of_fault_is_described_and_tested():
    faults, *others = section(7).split("Stories of the organisation")
    rows = cells(faults)
    assert {number for number, *_ in rows} == FAULTS
    assert {story.strip("`"): told for _, story, told, _ in rows} == {
        name: told for name, (told, _) in FAULT_STORIES.items()
    }
    assert {name.strip("`") for name, _ in cells(others[0])} == set(STORIES) - set(FAULT_STORIES)
    kinds = make_place().faults.kinds()
    tests = "".join(path.read_text() for path in (ROOT / "tests" / "standin").glob("test_*.py"))
    assert [kind for kind in kinds if f"`{kind}`" not in faults or f'"{kind}"' not in tests] == []


def test_every_scope_that_is_asked_for_is_on_the_page_and_none_writes_to_crm():
    asked = {*CRM_SCOPES, *FLOW_SCOPES}
    assert asked == set(re.findall(r"`(Zoho\w+\.[\w.]+)`", section(3)))
    assert all(scope.endswith(".READ") for scope in CRM_SCOPES)


def test_no_method_of_the_client_could_write_a_record():
    writers = [row.endpoint for row in ROWS if "{module}" in row.endpoint and not row.endpoint.startswith("GET ")]
    assert writers == []
    assert not [
        name for name in dir(CrmClient) if re.search(r"(create|update|upsert|delete|convert)_record|write", name)
    ]


def arguments(doc: str) -> set[str]:
    """The names that the `Args` of a docstring describe; one line may describe several."""
    described = doc.split("Args:\n")[1].split("\n\n", maxsplit=1)[0] if "Args:\n" in doc else ""
    return {name for line in re.findall(r"^    ([\w, ]+): ", described, re.MULTILINE) for name in line.split(", ")}


@pytest.mark.parametrize("client", CLIENTS)
def test_every_method_of_the_client_describes_its_arguments_and_errors_and_its_module_cites_its_source(client):
    lacking = []
    for name, method in inspect.getmembers(client, inspect.isfunction):
        if name.startswith("_"):
            continue
        doc = inspect.getdoc(method) or ""
        lacking += [f"{name}: {one}" for one in set(inspect.signature(method).parameters) - {"self"} - arguments(doc)]
        lacking += [f"{name}: raises nothing"] if "Raises:\n" not in doc else []
        source = inspect.getmodule(method).__doc__ or ""
        lacking += [f"{method.__module__}: no source"] if "docs/reference/zoho-" not in source else []
    assert sorted(set(lacking)) == []
