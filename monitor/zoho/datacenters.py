"""Knows the origins of each of Zoho's data centres, and checks addresses of a person's own choice.

Source: docs/reference/zoho-oauth.md, "Data centres". No Flow host is known for China, Saudi Arabia, the United Kingdom
and the Emirates.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from monitor.public_addresses import is_loopback, refusal_of
from monitor.zoho.transport import can_be_asked


@dataclass(frozen=True, slots=True)
class Origins:
    """Holds scheme and host of the three products; None where the product is not there."""

    accounts: str
    flow: str | None
    crm: str | None


DATA_CENTERS: dict[str, Origins] = {
    "us": Origins("https://accounts.zoho.com", "https://flow.zoho.com", "https://www.zohoapis.com"),
    "eu": Origins("https://accounts.zoho.eu", "https://flow.zoho.eu", "https://www.zohoapis.eu"),
    "in": Origins("https://accounts.zoho.in", "https://flow.zoho.in", "https://www.zohoapis.in"),
    "au": Origins("https://accounts.zoho.com.au", "https://flow.zoho.com.au", "https://www.zohoapis.com.au"),
    "jp": Origins("https://accounts.zoho.jp", "https://flow.zoho.jp", "https://www.zohoapis.jp"),
    # Canada's accounts live on another domain than its APIs; its Flow host is unconfirmed.
    "ca": Origins("https://accounts.zohocloud.ca", "https://flow.zoho.ca", "https://www.zohoapis.ca"),
    "cn": Origins("https://accounts.zoho.com.cn", None, "https://www.zohoapis.com.cn"),
    "sa": Origins("https://accounts.zoho.sa", None, "https://www.zohoapis.sa"),
    "uk": Origins("https://accounts.zoho.uk", None, "https://www.zohoapis.uk"),
    "ae": Origins("https://accounts.zoho.ae", None, "https://www.zohoapis.ae"),
}
PRODUCTION, SANDBOX, DEVELOPER = "production", "sandbox", "developer"
_KINDS = {"sandbox.": SANDBOX, "developer.": DEVELOPER, "www.": PRODUCTION, "": PRODUCTION}


def custom_origins(accounts: str, flow: str | None, crm: str | None, *, allow_loopback: bool = False) -> Origins:
    """Checks three addresses of a person's own choice. What a name leads to is checked at each connection.

    Args:
        accounts: is required.
        flow, crm: may be None or "", but not both.
        allow_loopback: whether they may be on this machine.

    Raises:
        ValueError: with one line for people.
    """
    if not (accounts or "").strip():
        raise ValueError("accounts URL: an address is required")
    origins = Origins(
        accounts=_public_origin(accounts, "accounts URL", allow_loopback),
        flow=_public_origin(flow, "flow URL", allow_loopback) if flow and flow.strip() else None,
        crm=_public_origin(crm, "CRM URL", allow_loopback) if crm and crm.strip() else None,
    )
    if origins.flow is None and origins.crm is None:
        raise ValueError("flow URL or CRM URL: at least one of them is required")
    return origins


def _public_origin(text: str, name: str, allow_loopback: bool) -> str:
    """Returns the origin that a person gave, or raises ValueError, also where it leads to no public address."""
    origin = _origin(text, name)
    parts = urlsplit(origin)
    host = parts.hostname or ""
    if refusal := refusal_of(host, allow_loopback=allow_loopback):
        raise ValueError(f"{name}: {refusal}")
    if not is_loopback(host) and parts.port is not None and parts.port < _FREE_PORTS:
        raise ValueError(f"{name}: the port is 443, or one from {_FREE_PORTS} on")
    return origin


# Below are the ports of other services (mail, databases' old ones, remote shells), which no HTTPS is for.
_FREE_PORTS = 1024


def _origin(text: str, name: str) -> str:
    """Returns `text` as scheme://host[:port], or raises ValueError."""
    text = text.strip()
    if not text.isascii() or any(ord(char) <= 32 or ord(char) == 127 or char == "\\" for char in text):
        raise ValueError(f"{name}: only plain ASCII without spaces is allowed")
    try:
        parts = urlsplit(text)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise ValueError(f"{name}: this is not an address") from None
    if parts.scheme not in {"http", "https"} or not host:
        raise ValueError(f"{name}: must start with https:// and name a host")
    if not re.fullmatch(r"[a-z0-9._-]+|[0-9a-f:.]+", host):
        raise ValueError(f"{name}: the host may hold letters, digits, dots and hyphens only")
    if not can_be_asked(host):
        raise ValueError(f"{name}: “{host[:60]}” is no host name")
    if "@" in parts.netloc:
        raise ValueError(f"{name}: must not hold a user name or password")
    if parts.path not in {"", "/"} or parts.query or parts.fragment or "?" in text or "#" in text:
        raise ValueError(f"{name}: must be scheme and host only, without path or query")
    if parts.scheme == "http" and not is_loopback(host):
        raise ValueError(f"{name}: http:// is allowed for this machine only, use https://")
    if port == 0:
        raise ValueError(f"{name}: port 0 is not a port")
    shown = f"[{host}]" if ":" in host else host
    default = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{shown}" + (f":{port}" if port is not None and port != default else "")


def allowed_api_domain(origins: Origins, api_domain: str) -> bool:
    """Returns whether an `api_domain` that came with a token may be used for this account.

    Tokens must not follow an address that a reply names: only the CRM origin of the account itself is
    allowed, with or without the `www.` that Zoho's own documents disagree about.

    Args:
        origins: of the account.
        api_domain: as in the token reply (docs/reference/zoho-oauth.md, "Tokens").
    """
    if origins.crm is None:
        return False
    try:
        asked = _origin(api_domain, "api_domain")
    except ValueError:
        return False
    return _bare(asked) == _bare(origins.crm)


def _bare(origin: str) -> str:
    return origin.replace("://www.", "://", 1)


def data_center_of_accounts_server(accounts_server: str) -> str | None:
    """Returns the key of the data centre whose accounts host this is, or None.

    Used for the `accounts-server` of an OAuth redirect, which must never be trusted beyond this list.

    Source: docs/reference/zoho-oauth.md, "Consent".
    """
    try:
        asked = _origin(accounts_server, "accounts-server")
    except ValueError:
        return None
    return next((key for key, origins in DATA_CENTERS.items() if origins.accounts == asked), None)


@dataclass(frozen=True, slots=True)
class ApiHost:
    """Says of one of Zoho's API addresses of which data centre it is, and of which kind of organisation."""

    origin: str
    data_center: str
    kind: str


def known_api_host(address: str) -> ApiHost | None:
    """Returns what an API address of Zoho's stands for; None for any other address.

    Source: docs/reference/zoho-oauth.md, "Data centres".
    """
    try:
        origin = _origin(address, "api_domain")
    except ValueError:
        return None
    for key, origins in DATA_CENTERS.items():
        domain = _bare(origins.crm or "").removeprefix("https://")
        for prefix, kind in _KINDS.items():
            if origin == f"https://{prefix}{domain}":
                return ApiHost(origin, key, kind)
    return None


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Says that a grant belongs to another address than the account's.

    Attributes:
        hint: what to do, for people.
        is_certain: whether both addresses are Zoho's, so that asking the account's with this grant makes no sense.
    """

    hint: str
    is_certain: bool


def elsewhere(origins: Origins, api_domain: str | None) -> Elsewhere | None:
    """Says where the `api_domain` of a token reply puts the account, if that is not where it is asked. Pure.

    Args:
        origins: of the account.
        api_domain: as in the token reply; None where it names none.
    """
    if not api_domain or origins.crm is None or allowed_api_domain(origins, api_domain):
        return None
    told, ours = known_api_host(api_domain), known_api_host(origins.crm)
    if told is None:
        try:
            origin = _origin(api_domain, "api_domain")
        except ValueError:
            return None
        hint = f"Zoho names {origin} as this grant's API address: if the account lives there, connect with custom URLs"
        return Elsewhere(hint, is_certain=False)
    if told.kind == PRODUCTION:
        hint = (
            f"Zoho names {told.origin} as this grant's API address: choose the data centre {told.data_center.upper()}"
        )
        return Elsewhere(hint, is_certain=ours is not None)
    return Elsewhere(
        f"Zoho names {told.origin} as this grant's API address: the grant is for a {told.kind} organisation. Choose "
        f"production on Zoho's page; or connect the {told.kind} as an account of its own, with custom URLs and "
        f"{told.origin} as CRM URL",
        is_certain=ours is not None,
    )
