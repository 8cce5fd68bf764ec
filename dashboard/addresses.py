"""Reads the parts of an address in a setting; what it does not understand is refused, never left aside."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote

from django.core.exceptions import ImproperlyConfigured

_NOT_ENCODED = re.compile(r"%(?![0-9A-Fa-f]{2})")
_NAME = re.compile(r"[\w.,/-]+|/.*|\[.*")  # of a host, several with commas, of a socket's folder; IPv6
_HOST = re.compile(r"[^\s/\\@?#:\[\]]+|\[[0-9A-Fa-f:.]+(?:%[^\s/\]]+)?\]")


@dataclass(frozen=True, slots=True)
class Address:
    """Holds the parts of scheme://user:password@host:port/path?options, percent-decoded; "" and None where left out.

    `path` is without the slash in front of it.
    """

    scheme: str
    user: str = ""
    password: str = field(default="", repr=False)
    host: str = ""
    port: int | None = None
    path: str = ""
    options: tuple[tuple[str, str], ...] = ()


def read_address(name: str, url: str) -> Address:
    """Takes an address apart.

    Args:
        name: of the setting, for the message.
        url: its value.

    Raises:
        ImproperlyConfigured: it cannot be one; one line that names the setting and repeats none of its value.
    """
    scheme, found, rest = url.partition("://")
    if not found or any(ord(char) < 32 or ord(char) == 127 for char in url):
        raise ImproperlyConfigured(f"{name} cannot be read as an address: scheme://host is expected")
    if "#" in rest:
        raise ImproperlyConfigured(f"{name} must not hold a #: write it as %23 in a user name or password")
    if _NOT_ENCODED.search(re.sub(r"\[[^]]*]", "", rest)):
        raise ImproperlyConfigured(f"{name}: a % that begins no code of two hexadecimal digits must be written as %25")
    rest, _, query = rest.partition("?")
    place, slash, path = rest.partition("/")
    account, at, server = place.rpartition("@")
    user, colon, password = account.partition(":")
    if at and (not user or "@" in account or (colon and not password)):
        raise ImproperlyConfigured(
            f"{name}: what stands before the @ must be user:password, special characters percent-encoded (@ is %40)"
        )
    if "@" in path or "@" in query:
        raise ImproperlyConfigured(
            f"{name}: special characters of user and password must be percent-encoded (/ is %2F, ? is %3F, @ is %40)"
        )
    host, port = _server(name, server)
    return Address(
        scheme=scheme.lower(),
        user=unquote(user),
        password=unquote(password),
        host=host,
        port=port,
        path=unquote(path) if slash else "",
        options=_options(name, query),
    )


def _server(name: str, server: str) -> tuple[str, int | None]:
    """Takes host and port apart; a host may be percent-encoded, as a socket's folder has to be."""
    host, port = server, ""
    if not server.endswith("]") and ":" in server:
        host, _, port = server.rpartition(":")
        if not (port.isascii() and port.isdigit() and 0 < int(port[:6]) <= 65535):
            raise ImproperlyConfigured(f"{name}: the port must be a number between 1 and 65535")
    if host and not (_HOST.fullmatch(host) and _NAME.fullmatch(unquote(host))):
        raise ImproperlyConfigured(f"{name} cannot be read as an address: the host is none")
    return unquote(host).removeprefix("[").removesuffix("]"), int(port) if port else None


def _options(name: str, query: str) -> tuple[tuple[str, str], ...]:
    try:
        found = tuple(parse_qsl(query, keep_blank_values=True, strict_parsing=True)) if query else ()
    except ValueError:
        raise ImproperlyConfigured(f"{name}: what stands behind the ? must be option=value") from None
    if len({option for option, _ in found}) != len(found):
        raise ImproperlyConfigured(f"{name} names an option twice")
    return found


def refuse_parts(name: str, address: Address, *parts: str, instead: str = "") -> None:
    """Ends with one clear line where an address has a part that would have no effect.

    Args:
        name: of the setting.
        address: its parts.
        parts: names of `Address` that must be left out.
        instead: what to write, for the message.

    Raises:
        ImproperlyConfigured: one of them is there.
    """
    words = {"path": "a path", "options": "options behind a ?", "user": "a user name", "password": "a password"}
    for part in parts:
        if getattr(address, part):
            told = words[part]
            if part == "options":
                told += f" ({', '.join(_shown(option) for option, _ in address.options)})"
            raise ImproperlyConfigured(f"{name} must not hold {told}{instead and ': '}{instead}")


def _shown(option: str) -> str:
    """Returns an option's name if it looks like one: a piece of a password that was not encoded does not."""
    return option if re.fullmatch(r"[A-Za-z_]{1,30}", option) else "…"
