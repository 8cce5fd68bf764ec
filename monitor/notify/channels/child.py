"""Hands one message to a service through apprise, in a process of its own: `python -m monitor.notify.channels.child`.

The order comes on standard input and the answer goes to standard output, both as JSON, so that no secret is in a list
of processes. apprise says only whether a message was taken and logs the rest; the status, `Retry-After` and the
beginning of the body are taken from the HTTP exchange itself.
"""

from __future__ import annotations

import json
import logging
import signal
import sys
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from monitor.notify.channels import services
from monitor.notify.channels.escape import harmless, markdown
from monitor.notify.channels.guard import Guard, HostRefused
from monitor.notify.channels.parcel import ChannelAnswer, Parcel
from monitor.public_addresses import PrivateHosts

MOST_BYTES = 64 * 1024  # of an answer
CONNECT_SECONDS, READ_SECONDS = 5, 10
WORDS_LENGTH = 1_000


@dataclass
class Exchange:
    """Watches the HTTP exchanges of this process: the last one's answer, and whether anything may have arrived."""

    ends_at: float
    answered: Any = None
    body: bytes = b""
    errors: list[Exception] = field(default_factory=list)

    def watch(self) -> None:
        """Puts itself between `requests` and the network."""
        import requests

        original, begin = requests.Session.send, requests.Session.__init__

        def set_up(session: Any) -> None:
            begin(session)
            session.trust_env = False  # before a request is prepared: no ~/.netrc takes the place of a token

        def send(session: Any, request: Any, **options: Any) -> Any:
            left = max(self.ends_at - time.monotonic(), 0.1)
            options |= {"timeout": (min(CONNECT_SECONDS, left), min(READ_SECONDS, left))}
            options |= {"stream": True, "verify": True}
            options |= {"allow_redirects": False, "proxies": {}}
            request.headers["Accept-Encoding"] = "identity"
            try:
                response = original(session, request, **options)
                self.answered, self.body = response, b""
                self._read(response)
            except Exception as error:
                self.errors.append(error)
                raise
            return response

        requests.Session.send = send  # type: ignore[method-assign,assignment]
        requests.Session.__init__ = set_up  # type: ignore[method-assign,assignment]

    def _read(self, response: Any) -> None:
        """Reads the beginning of an answer, and no more: with its status the server has said what counts."""
        try:
            while len(self.body) < MOST_BYTES and (left := self.ends_at - time.monotonic()) > 0:
                _wait_at_most(response.raw, left)
                chunk = response.raw.read1(4096)
                if not chunk:
                    break
                self.body += chunk
        except Exception as error:  # noqa: BLE001 - a connection may break in any way that a library knows
            logging.getLogger(__name__).debug("the answer broke off: %s", type(error).__name__)
        finally:
            self.body = self.body[:MOST_BYTES]
            response._content, response._content_consumed = self.body, True  # noqa: SLF001 - what `requests` looks at
            response.close()


def _wait_at_most(raw: Any, seconds: float) -> None:
    """Sets how long the next read of an answer may take; urllib3 hands the socket out under other names alone."""
    found = raw
    for name in ("_fp", "fp", "raw", "_sock"):
        found = getattr(found, name, None)
    if found is not None:
        found.settimeout(max(seconds, 0.1))


class Lines(logging.Handler):
    """Keeps what apprise logs."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def main() -> None:
    """Does what standard input orders."""
    order = json.load(sys.stdin)
    private_hosts, seconds = PrivateHosts.read(order.pop("private_hosts")), order.pop("seconds")
    signal.alarm(int(seconds) + 2)  # whoever ordered this may be gone
    parcel = Parcel(**order)
    answers, sys.stdout = sys.stdout, sys.stderr
    answers.write(answer_of(parcel, private_hosts, seconds).dumps())


def answer_of(parcel: Parcel, private_hosts: PrivateHosts, seconds: float) -> ChannelAnswer:
    """Hands a message over and returns what came of it, without secrets."""
    exchange, lines = Exchange(time.monotonic() + seconds), Lines()
    secrets = services.secrets_in(services.SERVICES[parcel.service], parcel.fields, parcel.signing)
    try:
        is_taken = _notify(parcel, exchange, lines, private_hosts)
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent is told, and nothing is printed
        return ChannelAnswer(is_taken=False, fault="settings", words=services.without(secrets, str(error)))
    answered = exchange.answered
    if answered is None:
        said = next((_reason(error) for error in exchange.errors), "; ".join(lines.lines))
        return ChannelAnswer(
            is_taken=False,
            fault=_fault(exchange.errors),
            words=services.without(secrets, said),
            may_have_arrived=any(map(_may_have_arrived, exchange.errors)),
        )
    return ChannelAnswer(
        is_taken=is_taken and answered.status_code < 300,
        status=answered.status_code,
        words=services.without(secrets, exchange.body.decode("utf-8", "replace"))[:WORDS_LENGTH],
        retry_after=answered.headers.get("Retry-After", ""),
    )


def _notify(parcel: Parcel, exchange: Exchange, lines: Lines, private_hosts: PrivateHosts) -> bool:
    import apprise

    logging.getLogger("apprise").addHandler(lines)
    asset = apprise.AppriseAsset(
        app_id="Zoho monitor",
        app_desc="Zoho monitor",
        app_url=parcel.link,
        image_url_mask=None,
        image_url_logo=None,
        http_redirects=False,
        storage_mode="memory",
    )
    plugin = _plugin(parcel, asset)
    exchange.watch()
    sys.addaudithook(Guard(private_hosts))
    if parcel.service == "opsgenie" and parcel.tone == "success" and parcel.key:
        return _close_in_opsgenie(parcel)
    sender = apprise.Apprise(asset=asset)
    sender.add(plugin)
    is_markdown = services.SERVICES[parcel.service].is_markdown
    title, body = _written(parcel, is_markdown=is_markdown)
    return bool(sender.notify(title=title, body=body, notify_type=parcel.tone, body_format=_format(is_markdown)))


def _format(is_markdown: bool) -> str:
    return "markdown" if is_markdown else "text"


def _written(parcel: Parcel, *, is_markdown: bool) -> tuple[str, str]:
    """Returns title and body as the service wants them."""
    title, lines = harmless(parcel.title), [harmless(line) for line in parcel.lines]
    if not is_markdown:
        return title, "\n".join([*lines, parcel.link])
    link = f"[Open the incident](<{parcel.link}>)" if parcel.link else ""
    body = "\n\n".join([*map(markdown, lines), *([link] if link else [])])
    # Cliq shows a title as it is; the other two read it as Markdown.
    return (title if parcel.service == "cliq" else markdown(title)), body


def _plugin(parcel: Parcel, asset: Any) -> Any:
    """Makes apprise's plugin of a service; no other one is known here."""
    plugin = _PLUGINS[parcel.service](parcel, asset)
    plugin.verify_certificate, plugin.redirects, plugin.retry = True, False, 0
    return plugin


def _native(kind: Any, parcel: Parcel, asset: Any) -> Any:
    read = kind.parse_native_url(parcel.fields["url"])
    if read is None:
        raise ValueError("this is no address of the service")
    return kind(**(read | {"asset": asset}))


def _slack(parcel: Parcel, asset: Any) -> Any:
    from apprise.plugins.slack import NotifySlack

    return _native(NotifySlack, parcel, asset)


def _teams(parcel: Parcel, asset: Any) -> Any:
    from apprise.plugins.workflows import NotifyWorkflows

    return _native(NotifyWorkflows, parcel, asset)


def _google_chat(parcel: Parcel, asset: Any) -> Any:
    from apprise.plugins.google_chat import NotifyGoogleChat

    return _native(NotifyGoogleChat, parcel, asset)


def _cliq(parcel: Parcel, asset: Any) -> Any:
    from apprise.plugins.cliq import NotifyCliq

    fields = parcel.fields
    return NotifyCliq(
        token=fields["token"], targets=fields["target"], region=fields["region"], include_image=False, asset=asset
    )


def _telegram(parcel: Parcel, asset: Any) -> Any:
    from apprise.plugins.telegram import NotifyTelegram

    kind: Any = NotifyTelegram
    return kind(bot_token=parcel.fields["bot_token"], targets=parcel.fields["chat"], detect_owner=False, asset=asset)


def _pagerduty(parcel: Parcel, asset: Any) -> Any:
    from apprise.plugins.pagerduty import NotifyPagerDuty

    # Events API v2 asks for the integration key alone; apprise wants a second one and puts it into a header.
    key = parcel.fields["routing_key"]
    return NotifyPagerDuty(
        apikey=key,
        integrationkey=key,
        region_name=parcel.fields["region"],
        action="map",
        dedup=parcel.key,
        click=parcel.link,
        source=parcel.source,
        component="Zoho monitor",
        include_image=False,
        asset=asset,
    )


def _opsgenie(parcel: Parcel, asset: Any) -> Any:
    from apprise.plugins.opsgenie import NotifyOpsgenie

    fields = parcel.fields
    kind: Any = NotifyOpsgenie
    return kind(
        apikey=fields["api_key"],
        targets=None,
        region_name=fields["region"],
        alias=parcel.key,
        action="new",
        priority=2 if parcel.tone == "failure" else 3,  # posted as P2 and P3; apprise's "high" is P4
        asset=asset,
    )


def _close_in_opsgenie(parcel: Parcel) -> bool:
    """Closes the alert of an incident by its alias: apprise knows only alerts that this very process opened."""
    import requests

    region = "eu." if parcel.fields["region"] == "eu" else ""
    try:
        response = requests.post(
            f"https://api.{region}opsgenie.com/v2/alerts/{quote(parcel.key, safe='')}/close",
            params={"identifierType": "alias"},
            json={"source": "Zoho monitor", "note": harmless(parcel.title)},
            headers={"Authorization": f"GenieKey {parcel.fields['api_key']}"},
            timeout=CONNECT_SECONDS,
        )
    except requests.RequestException:
        return False  # the exchange has it
    return response.status_code in (200, 202)


def _ntfy(parcel: Parcel, asset: Any) -> Any:
    from apprise.plugins.ntfy import NotifyNtfy

    server = urlsplit(parcel.fields["server"])
    token = parcel.fields.get("token", "")
    signed = {"token": token, "auth": "token"} if token else {}
    host = server.hostname or ""
    kind: Any = NotifyNtfy
    return kind(
        host=f"[{host}]" if ":" in host else host,
        port=server.port,
        secure=server.scheme == "https",
        targets=parcel.fields["topic"],
        mode="private",
        click=parcel.link,
        include_image=False,
        asset=asset,
        **signed,
    )


_PLUGINS = {
    "slack": _slack,
    "teams": _teams,
    "google_chat": _google_chat,
    "cliq": _cliq,
    "telegram": _telegram,
    "pagerduty": _pagerduty,
    "opsgenie": _opsgenie,
    "ntfy": _ntfy,
}


def _fault(errors: list[Exception]) -> str:
    """Names what went wrong without an answer, for people."""
    if not errors:
        return "nothing was sent"
    error = errors[-1]
    if _is_refused(error):
        return "no connection"
    if "ReadTimeout" in type(error).__name__:
        return "no answer in time"
    return "connection lost" if _may_have_arrived(error) else "no connection"


def _reason(error: Exception) -> str:
    refused = _refusal(error)
    if refused is not None:
        return str(refused)
    told = str(error)
    if "NameResolution" in told or "getaddrinfo" in told or "Name or service" in told:
        return "no public address is known for this host"
    return "its certificate is not trusted" if "CERTIFICATE_VERIFY_FAILED" in told else ""


def _is_refused(error: BaseException) -> bool:
    return _refusal(error) is not None


def _refusal(error: BaseException) -> HostRefused | None:
    """Returns the guard's refusal behind an error of a library."""
    seen: set[int] = set()
    waiting: list[Any] = [error]
    while waiting:
        one = waiting.pop()
        if isinstance(one, HostRefused):
            return one
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        waiting += [*one.args, one.__cause__, one.__context__, getattr(one, "reason", None)]
    return None


def _may_have_arrived(error: Exception) -> bool:
    """Returns whether the request may have been read: only a connection that never stood leaves no doubt."""
    import requests

    if _is_refused(error) or isinstance(error, (requests.ConnectTimeout, requests.exceptions.SSLError)):
        return False
    told = repr(error)
    return not any(sign in told for sign in ("NewConnectionError", "NameResolutionError", "ConnectTimeoutError"))


if __name__ == "__main__":
    main()
