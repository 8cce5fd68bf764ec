"""Posts what Zoho sends by itself: a flow's error branch of failed runs, CRM to its channels of changed records.

The body of an error branch is whatever the flow's author writes: here the fields of an execution. Sources:
docs/reference/zoho-flow.md, "Webhook signatures" and docs/reference/zoho-crm.md, "Notification channels".
Each is sent once, to loopback only, by few threads; the ledger keeps what became of it.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from standin.chance import hexadecimal
from standin.clock import DAY, zulu
from standin.errors import RefusalError
from standin.flow.executions import Attempt, Execution
from standin.flow.flows import Flow
from standin.web.loopback import is_loopback
from standin.web.outbox import Letter, Outbox
from standin.world import World

HEADERS = ("x-zoho-signature", "x-webhook-signature", "webhook-signature")
WORDS = {"create": "insert", "edit": "update", "delete": "delete"}
EVENTS = {"create": {"create"}, "edit": {"edit", "update"}, "delete": {"delete"}}
KEPT = 2_000


@dataclass(slots=True)
class Wish:
    """Holds where the error branch of the flows posts to; `flow_ids` empty means of every flow."""

    url: str
    secret: str = field(repr=False)
    header: str
    prefix: str
    flow_ids: frozenset[str]
    since: datetime


class Callbacks:
    """Finds what is to be posted, and hands it to the outbox."""

    def __init__(self, world: World, send: Callable[[Letter], int] | None = None) -> None:
        self._world = world
        self._wish: Wish | None = None
        self._posted: set[tuple[str, int]] = set()
        self._proxy = ""
        self.sent: list[dict[str, Any]] = []
        self._outbox = Outbox(self._note, send)
        world.records.watchers.append(self._record_changed)

    def configure(self, body: dict[str, Any]) -> dict[str, Any]:
        """Takes `{"url", "secret", "header", "prefix", "flow_ids", "proxy"}`; an empty `url` ends it.

        `proxy` is a loopback origin that takes what goes to other hosts, as a proxy with their TLS would.
        RefusalError for an unknown header, or an address that is not loopback and has no proxy.
        """
        header, url = str(body.get("header", HEADERS[0])).lower(), str(body.get("url", ""))
        proxy = str(body.get("proxy", ""))
        if header not in HEADERS:
            raise RefusalError("INVALID_REQUEST", f"no such header: {header}", ", ".join(HEADERS))
        if proxy and not _is_near(proxy):
            raise RefusalError("INVALID_REQUEST", "the proxy must be a loopback address")
        if url and not (_is_near(url) or proxy):
            raise RefusalError("INVALID_REQUEST", "callbacks go to loopback addresses only")
        self._proxy = proxy
        self._posted.clear()
        self._wish = None
        if url:
            flows = frozenset(str(one) for one in body.get("flow_ids") or ())
            secret, prefix = str(body.get("secret", "")), str(body.get("prefix", ""))
            since = self._world.now().replace(microsecond=0)  # runs made by hand begin at whole seconds
            self._wish = Wish(url, secret, header, prefix, flows, since)
        return {"url": url, "header": header, "proxy": proxy, "flow_ids": sorted(body.get("flow_ids") or ())}

    def look(self) -> int:
        """Sends what failed since the last look; the world's lock must be held. Gives how many."""
        wish, count = self._wish, 0
        if wish is None:
            return 0
        now = self._world.now()
        self._world.advance(now)
        for flow in self._world.flows.values():
            if wish.flow_ids and flow.flow_id not in wish.flow_ids:
                continue
            for run in flow.between(now - DAY, now):
                for number, attempt in enumerate(run.attempts):
                    key = (run.execution_id, number)
                    failed = attempt.failure is not None and not attempt.quiet and wish.since <= attempt.ended <= now
                    if failed and key not in self._posted:
                        self._posted.add(key)
                        self._send_failure(wish, flow, run, attempt, number)
                        count += 1
        return count

    def _send_failure(self, wish: Wish, flow: Flow, run: Execution, attempt: Attempt, number: int) -> None:
        failure = attempt.failure
        assert failure is not None  # noqa: S101 - tells the type checker what the caller has looked at
        event = hexadecimal(24, "callback", run.execution_id, number)
        said = {
            "event": "execution.failed",
            "event_id": event,
            "flow_id": flow.flow_id,
            "flow_name": flow.name,
            "execution_id": run.execution_id,
            "status": "failed",
            "started_time": zulu(attempt.started),
            "error": {"code": failure.code, "message": failure.message},
        }
        body = json.dumps(said).encode()
        about = {"kind": "flow", "flow_id": flow.flow_id, "execution_id": run.execution_id}
        self._post(wish.url, body, self._signed(wish, body, event), about)

    def _signed(self, wish: Wish, body: bytes, event: str) -> dict[str, str]:
        if wish.header != "webhook-signature":
            digest = hmac.new(wish.secret.encode(), body, hashlib.sha256).hexdigest()
            return {wish.header: wish.prefix + digest}
        at = str(int(self._world.now().timestamp()))
        key = base64.b64decode(wish.secret.removeprefix("whsec_"))
        raw = hmac.new(key, f"{event}.{at}.".encode() + body, hashlib.sha256).digest()
        signature = "v1," + base64.b64encode(raw).decode()
        return {"webhook-id": event, "webhook-timestamp": at, wish.header: signature}

    def _record_changed(self, at: datetime, module: str, record: str, operation: str) -> None:
        for channel in self._world.store.collection("watch").values():
            if datetime.fromisoformat(channel["channel_expiry"]) <= at:
                continue
            kinds = {event.partition(".")[2] for event in channel["events"] if event.partition(".")[0] == module}
            if not kinds & {"all", *EVENTS[operation]}:
                continue
            said = {
                "server_time": int(at.timestamp() * 1000),
                "module": module,
                "resource_uri": f"https://www.zohoapis.com/crm/v8/{module}",
                "ids": [record],
                "affected_fields": [],
                "operation": WORDS[operation],
                "channel_id": channel["channel_id"],
                "token": channel.get("token"),
                "query_params": dict(parse_qsl(urlsplit(channel["notify_url"]).query)),
            }
            about = {"kind": "crm", "channel_id": channel["channel_id"], "operation": WORDS[operation]}
            self._post(channel["notify_url"], json.dumps(said).encode(), {}, about)

    def _post(self, url: str, body: bytes, headers: dict[str, str], about: dict[str, Any]) -> None:
        parts = urlsplit(url)
        entry = {**about, "at": self._world.now().isoformat(), "status": None, "seconds": None, "why": ""}
        self.sent.append(entry)
        del self.sent[:-KEPT]
        headers = {"Content-Type": "application/json", **headers}
        if not _is_near(url):
            if not self._proxy:
                entry["why"] = "not a loopback address"
                return
            headers |= {"Host": parts.netloc, "X-Forwarded-Proto": parts.scheme}
            url = self._proxy.rstrip("/") + url.partition(parts.netloc)[2]
        self._outbox.put(Letter(url, headers, body, entry))

    def _note(self, letter: Letter, status: int | None, seconds: float, why: str) -> None:
        letter.entry.update({"status": status, "seconds": round(seconds, 3), "why": why})

    def drain(self) -> None:
        """Waits until everything handed over so far was sent."""
        self._outbox.drain()

    def start(self) -> None:
        """Looks twice a second from a thread, until `stop`."""
        self._outbox.every(0.5, self._look_with_lock)

    def _look_with_lock(self) -> None:
        with self._world.lock:
            self.look()

    def stop(self) -> None:
        """Ends the threads; what was not sent is not sent."""
        self._outbox.stop()


def _is_near(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in {"http", "https"} and is_loopback(parts.hostname or "")
