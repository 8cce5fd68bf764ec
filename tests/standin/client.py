"""A small client for a stand-in, for its tests."""

from datetime import UTC, datetime
from typing import Any, Self

import httpx

from standin.build import App, Credentials

BEGINNING = datetime(2025, 6, 3, 9, 30, tzinfo=UTC)
CONTROL = {"X-Standin-Control": Credentials().control_token}


def token_form(**changes: str) -> dict[str, str]:
    """The form of a refresh, as docs/reference/zoho-oauth.md, "Tokens" has it."""
    known = Credentials()
    return {
        "grant_type": "refresh_token",
        "client_id": known.client_id,
        "client_secret": known.client_secret,
        "refresh_token": known.refresh_token,
        **changes,
    }


class Client(httpx.Client):
    """An HTTP client that signs in to a stand-in."""

    def __init__(self, app: App, **options: Any) -> None:
        options.setdefault("transport", httpx.WSGITransport(app))
        super().__init__(base_url=options.pop("base_url", "http://127.0.0.1:8765"), **options)
        self.app = app

    def __enter__(self) -> Self:
        super().__enter__()
        return self if "Authorization" in self.headers else self.sign_in()

    def sign_in(self) -> "Client":
        """Get an access token and use it from now on."""
        answer = self.post("/oauth/v2/token", data=token_form()).json()
        self.headers["Authorization"] = f"Zoho-oauthtoken {answer['access_token']}"
        return self

    def flow(self, path: str, method: str = "GET", **options: Any) -> Any:
        """A call of the Flow API that must go well; gives `data`."""
        answer = self.request(method, "/api/v1" + path, **options)
        if answer.status_code == 401:  # the clock has passed the token's hour
            answer = self.sign_in().request(method, "/api/v1" + path, **options)
        assert answer.status_code == 200, answer.text
        assert answer.json()["status"] == "success"
        return answer.json()["data"]

    def crm(self, path: str, method: str = "GET", **options: Any) -> httpx.Response:
        """A call of the CRM API."""
        return self.request(method, "/crm/v8" + path, **options)

    def do(self, mutation: str, **args: Any) -> Any:
        """Make something happen through the control endpoint."""
        answer = self.post(f"/_control/do/{mutation}", json=args, headers=CONTROL)
        assert answer.status_code == 200, answer.text
        return answer.json()["result"]

    def fault(self, kind: str, path: str = "", **entry: Any) -> None:
        """Add a fault to the script."""
        answer = self.post("/_control/faults", json={"kind": kind, "path": path, **entry}, headers=CONTROL)
        assert answer.status_code == 200, answer.text

    def ledger(self) -> Any:
        """What the stand-in has counted."""
        return self.get("/_control/ledger", headers=CONTROL).json()

    def rows(self, flow_id: str, **params: Any) -> list[dict[str, Any]]:
        """One page of executions of a flow."""
        return list(self.flow(f"/flows/{flow_id}/executions", params=params)["executions"])

    def failed(self, flow_id: str) -> dict[str, Any]:
        """A failed execution made by hand that only a person would retry."""
        made = self.do("add_executions", flow_id=flow_id, status="failed", kind="email", duration_ms=0)
        return dict(self.flow(f"/flows/{flow_id}/executions/{made[0]}"))


def flow_id(app: App, role: str) -> str:
    """The id of the flow with this part in the story."""
    flow = app.world.role(role)
    assert flow is not None
    return flow.flow_id
