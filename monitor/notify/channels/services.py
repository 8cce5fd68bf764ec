"""Lists the services that a channel can be of, and what a person fills in for each. Pure; apprise is not imported.

The list is fixed: an address with another scheme (a file, a program, a desktop's bus) is none of these fields.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

from monitor.public_addresses import PrivateHosts, as_address, refusal_of

LONGEST_FIELD = 1_000
SHORTEST_SECRET = 5  # what is shorter is a word of its own
TAIL = 4  # characters of a secret that its hint shows
_LONG_ENOUGH = 16  # for a hint to give nothing away
_PRINTED = re.compile(r"[!-~]+")
_REGIONS = (("us", "United States"), ("eu", "Europe"))
# Ends of Microsoft's own names: of Azure Logic Apps and of Power Platform, each with the clouds of states.
# Sources: https://learn.microsoft.com/power-platform/admin/online-requirements and
# https://learn.microsoft.com/azure/azure-government/compare-azure-government-global-azure
_TEAMS_HOSTS = "|".join(
    re.escape(host)
    for host in (
        "logic.azure.com",
        "logic.azure.us",
        "logic.azure.cn",
        "api.powerplatform.com",
        "api.gov.powerplatform.microsoft.us",
        "api.high.powerplatform.microsoft.us",
        "api.appsplatform.us",
        "api.powerplatform.partner.microsoftonline.cn",
    )
)
_CLIQ_REGIONS = (
    ("us", "zoho.com"),
    ("eu", "zoho.eu"),
    ("in", "zoho.in"),
    ("au", "zoho.com.au"),
    ("cn", "zoho.com.cn"),
    ("jp", "zoho.jp"),
    ("sa", "zoho.sa"),
    ("uk", "zoho.uk"),
    ("ca", "zohocloud.ca"),
)


@dataclass(frozen=True, slots=True)
class ServiceField:
    """Describes one field of a service's form.

    Attributes:
        name: in the form and in what is stored.
        label: for people; `help_text` where they find it.
        pattern: of the whole value.
        wrong: what is said of another value.
        is_secret: whether it is never shown again.
        is_required: whether it may not be empty.
        is_origin: whether it is a server's address, which a person chooses freely.
        choices: (value, label) each, where there are few.
        usual: what stands in an empty form.
    """

    name: str
    label: str
    pattern: str = r".+"
    wrong: str = "This is not what the service takes."
    help_text: str = ""
    is_secret: bool = False
    is_required: bool = True
    is_origin: bool = False
    choices: tuple[tuple[str, str], ...] = ()
    usual: str = ""


@dataclass(frozen=True, slots=True)
class ChannelService:
    """Describes a service.

    Attributes:
        name: one of `Channel.Service`.
        fields: of its form.
        has_incidents: whether it opens an incident of its own, which our recovery resolves.
        is_markdown: whether it reads text as Markdown, so that ours is escaped.
    """

    name: str
    fields: tuple[ServiceField, ...]
    has_incidents: bool = False
    is_markdown: bool = False


def _url(pattern: str, help_text: str, wrong: str) -> ServiceField:
    return ServiceField("url", "Address", pattern, wrong, help_text, is_secret=True)


SERVICES: dict[str, ChannelService] = {
    service.name: service
    for service in (
        ChannelService(
            "slack",
            (
                _url(
                    r"https://hooks\.slack(-gov)?\.com/services/[A-Za-z0-9]+/[A-Za-z0-9]+/[A-Za-z0-9]+/?",
                    "The address of an incoming webhook: https://hooks.slack.com/services/…/…/…",
                    "Give the address of an incoming webhook: https://hooks.slack.com/services/…/…/…",
                ),
            ),
        ),
        ChannelService(
            "teams",
            (
                _url(
                    rf"https://[A-Za-z0-9_.-]+\.({_TEAMS_HOSTS})"
                    r"(:443)?(/powerautomate/automations/direct(/cu/[0-9]+)?)?/workflows/[A-Za-z0-9_-]+"
                    r"/triggers/manual/paths/invoke/?\?(?=.*\bsig=)((api-version|sp|sv|sig)=[A-Za-z0-9%._~-]*(&(?!\Z)|\Z))+",
                    "The address that the workflow “Send webhook alerts to a channel” shows in Teams.",
                    "Give the address of a workflow of Teams, as “Send webhook alerts to a channel” shows it.",
                ),
            ),
            is_markdown=True,
        ),
        ChannelService(
            "google_chat",
            (
                _url(
                    r"https://chat\.googleapis\.com/v1/spaces/[A-Za-z0-9_-]+/messages\?(?=.*\bkey=)(?=.*\btoken=)"
                    r"((key|token)=[A-Za-z0-9%._~-]+(&(?!\Z)|\Z))+",
                    "The address of a space's webhook: https://chat.googleapis.com/v1/spaces/…/messages?key=…&token=…",
                    "Give a webhook's address: https://chat.googleapis.com/v1/spaces/…/messages?key=…&token=…",
                ),
            ),
            is_markdown=True,
        ),
        ChannelService(
            "cliq",
            (
                ServiceField(
                    "token",
                    "Webhook token",
                    r"[A-Za-z0-9]+(\.[A-Za-z0-9]+)+",
                    "A webhook token is letters and digits with dots between.",
                    "Bots & Tools, Webhook Tokens.",
                    is_secret=True,
                ),
                ServiceField(
                    "target",
                    "Channel or bot",
                    r"[#@]?[A-Za-z0-9_.-]+",
                    "Give a channel's unique name, such as operations, or a bot's, such as @monitor.",
                    "A channel's unique name, or @ and a bot's.",
                ),
                ServiceField("region", "Data centre", choices=_CLIQ_REGIONS, usual="us"),
            ),
            is_markdown=True,
        ),
        ChannelService(
            "telegram",
            (
                ServiceField(
                    "bot_token",
                    "Bot token",
                    r"[0-9]{3,16}:[A-Za-z0-9_-]{10,100}",
                    "A bot's token is a number, a colon, and letters and digits.",
                    "BotFather shows it.",
                    is_secret=True,
                ),
                ServiceField(
                    "chat",
                    "Chat",
                    r"-?[0-9]{1,20}|@[A-Za-z][A-Za-z0-9_]{4,31}",
                    "Give a chat's number, such as -1001234567890, or @ and its public name.",
                    "A chat's number, or @ and its public name.",
                ),
            ),
        ),
        ChannelService(
            "pagerduty",
            (
                ServiceField(
                    "routing_key",
                    "Integration key",
                    r"[A-Za-z0-9]{32}",
                    "An integration key has 32 letters and digits.",
                    "Of an integration “Events API v2”.",
                    is_secret=True,
                ),
                ServiceField("region", "Region", choices=_REGIONS, usual="us"),
            ),
            has_incidents=True,
        ),
        ChannelService(
            "opsgenie",
            (
                ServiceField(
                    "api_key",
                    "API key",
                    r"[A-Za-z0-9-]{10,100}",
                    "An API key has letters, digits and hyphens.",
                    "Of an integration “API”.",
                    is_secret=True,
                ),
                ServiceField("region", "Region", choices=_REGIONS, usual="us"),
            ),
            has_incidents=True,
        ),
        ChannelService(
            "ntfy",
            (
                ServiceField(
                    "server",
                    "Server",
                    r"https?://[^/?#@\s]+/?",
                    "Give the server's address without a path, such as https://ntfy.sh.",
                    is_origin=True,
                    usual="https://ntfy.sh",
                ),
                ServiceField(
                    "topic",
                    "Topic",
                    r"[A-Za-z0-9_-]{1,64}",
                    "A topic has letters, digits, hyphens and underscores.",
                    "Who knows it can read along where the server asks for no token.",
                    is_secret=True,
                ),
                ServiceField(
                    "token",
                    "Access token",
                    r"[A-Za-z0-9_.-]{5,200}",
                    "An access token has letters, digits and underscores.",
                    "Where the server asks for one.",
                    is_secret=True,
                    is_required=False,
                ),
            ),
        ),
        ChannelService(
            "webhook",
            (
                ServiceField(
                    "url",
                    "Address",
                    r"https?://[^/?#@\s]+(/[^#\s]*)?",
                    "Give an https address, without a user name and without #.",
                    "What is posted there is signed after Standard Webhooks; the secret is shown once.",
                    is_secret=True,
                    is_origin=True,
                ),
            ),
        ),
    )
}


def wrong_with(service: ChannelService, fields: Mapping[str, str], private_hosts: PrivateHosts) -> dict[str, str]:
    """Says what is wrong with the fields of a form, by field; empty where nothing is.

    Args:
        service: whose form.
        fields: as they were filled in, without white space around them.
        private_hosts: which hosts may be asked though they are not public.
    """
    found = ((field.name, _wrong(field, fields.get(field.name, ""), private_hosts)) for field in service.fields)
    return {name: problem for name, problem in found if problem}


def _wrong(field: ServiceField, value: str, private_hosts: PrivateHosts) -> str:
    if not value:
        return "This field is required." if field.is_required else ""
    if field.choices:
        return "" if value in dict(field.choices) else field.wrong
    is_fit = len(value) <= LONGEST_FIELD and _PRINTED.fullmatch(value) and re.fullmatch(field.pattern, value)
    if not is_fit:
        return field.wrong
    return _wrong_origin(value, field.wrong, private_hosts) if field.is_origin else ""


def _wrong_origin(url: str, wrong: str, private_hosts: PrivateHosts) -> str:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return wrong
    if not host or port == 0:
        return wrong
    if is_private_by_name(host, private_hosts):
        return ""
    if parts.scheme != "https":
        return "Give an https address; http is for hosts of CHANNEL_PRIVATE_HOSTS only."
    refused = refusal_of(host, allow_loopback=False)
    return "Only public hosts and those of CHANNEL_PRIVATE_HOSTS are asked." if refused else ""


def is_private_by_name(host: str, private_hosts: PrivateHosts) -> bool:
    """Returns whether a host is on the list of private ones as it is spelled, without a look-up."""
    address = as_address(host)
    if address is None:
        return host.lower().rstrip(".") in private_hosts.names
    return private_hosts.permit(host, address)


def hint_of(service: ChannelService, fields: Mapping[str, str]) -> str:
    """Returns by what people tell a channel from another, with nothing of a secret but the end of a long one."""
    parts = [_hint(field, fields[field.name]) for field in service.fields if fields.get(field.name)]
    return " ".join(part for part in parts if part)[:120]


def _hint(field: ServiceField, value: str) -> str:
    tail = f"…{value[-TAIL:]}" if len(value) >= _LONG_ENOUGH else "…"
    if field.name == "url":
        return f"{urlsplit(value).hostname or ''} {tail if not field.is_origin else '…'}"
    if field.is_secret:
        return tail
    return dict(field.choices).get(value, value)


def secrets_in(service: ChannelService, fields: Mapping[str, str], signing: Sequence[str] = ()) -> list[str]:
    """Lists what must not stand in a log or an answer, the longest first, in each spelling that addresses know.

    Args:
        service: whose fields.
        fields: as they are stored.
        signing: the secrets of a signed webhook.
    """
    found = {one for one in signing if one}
    for field in service.fields:
        value = fields.get(field.name, "")
        if field.is_secret and value:
            found |= {value, *_parts_of(value)} if field.name == "url" else {value}
    spelled = {way(one) for one in found for way in (str, quote, quote_plus, unquote, _all_quoted)}
    return sorted((one for one in spelled if len(one) >= SHORTEST_SECRET), key=lambda one: (-len(one), one))


def _all_quoted(text: str) -> str:
    return quote(text, safe="")


def _parts_of(url: str) -> list[str]:
    """Returns what of an address gives access: what stands behind the host, and each piece of it."""
    parts = urlsplit(url)
    rest = url.split(parts.netloc, 1)[1] if parts.netloc else url
    pieces = [piece for piece in parts.path.split("/") if len(piece) > _WORD]
    values = [value for _, value in parse_qsl(parts.query) if len(value) > _WORD]
    return [rest, *pieces, *values] if len(rest) > 1 else [*pieces, *values]


_WORD = 7  # letters: "services", "spaces" and "messages" are longer than some tokens, and hiding them does no harm


def without(secrets: Sequence[str], text: str) -> str:
    """Returns a text with each of some secrets replaced."""
    for secret in secrets:
        text = text.replace(secret, "…")
    return text
