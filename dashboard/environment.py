"""Reads the environment: each setting once, typed, with one clear line when it is wrong."""

from __future__ import annotations

import os
import re
from difflib import get_close_matches
from email.utils import getaddresses
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.core.exceptions import ImproperlyConfigured

from dashboard.addresses import Address, read_address, refuse_parts
from dashboard.client_address import Trust, read_trust
from monitor.public_addresses import PrivateHosts

SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;PRAGMA mmap_size=134217728;"
    "PRAGMA journal_size_limit=27103364;PRAGMA cache_size=2000;"
)
# A server that answers nothing at all must not hold our threads for the minutes of the system's own patience.
PATIENCE = {"connect_timeout": "10", "tcp_user_timeout": "20000"}  # seconds; milliseconds
EMAIL_SCHEMES = {"smtp": 25, "smtp+tls": 587, "smtp+ssl": 465}


def text(name: str, default: str = "") -> str:
    """Reads a variable without surrounding white space, or `default` where it is unset or empty."""
    return os.environ.get(name, "").strip() or default


def boolean(name: str, *, default: bool = False) -> bool:
    """Reads a yes/no variable.

    Raises:
        ImproperlyConfigured: neither 1/true/yes/on nor 0/false/no/off.
    """
    value = text(name).lower()
    if not value:
        return default
    if value in ("1", "true", "yes", "on"):
        return True
    if value in ("0", "false", "no", "off"):
        return False
    raise ImproperlyConfigured(f"{name} must be true or false, not {value!r}")


def words(name: str) -> list[str]:
    """Reads a comma-separated variable."""
    return [word.strip() for word in text(name).split(",") if word.strip()]


def secret_key(*, debug: bool) -> str:
    """Reads SECRET_KEY; only while DEBUG is on is there a default.

    Raises:
        ImproperlyConfigured: it is missing, short or a known default in production.
    """
    key = text("SECRET_KEY")
    if debug:
        return key or "insecure-development-key-that-production-refuses-to-start-with"
    if not key:
        raise ImproperlyConfigured("SECRET_KEY is not set (see docs/settings.md)")
    if "insecure" in key or len(key) < 32:
        raise ImproperlyConfigured("SECRET_KEY is a default or shorter than 32 characters")
    return key


def encryption_keys(*, debug: bool) -> list[str]:
    """Reads ENCRYPTION_KEYS, newest first; `monitor.vault` says what is wrong with them.

    Without usable keys the product starts all the same: pages, alerts and mails need none of the stored secrets.
    """
    keys = words("ENCRYPTION_KEYS")
    return keys or (["ZGV2ZWxvcG1lbnQtb25seS1rZXktMDEyMzQ1Njc4OWE="] if debug else [])


def database(base: Path) -> dict[str, Any]:
    """Reads DATABASE_URL as Django's settings: sqlite:///path or postgres://user:password@host/name.

    Raises:
        ImproperlyConfigured: another kind of database, or an address that cannot be read.
    """
    default = f"sqlite:///{quote(str(base / 'var' / 'monitor.sqlite3'))}"
    url = text("DATABASE_URL", default)
    scheme, found, _ = url.partition("://")
    if not found or scheme.lower() not in ("sqlite", "postgres", "postgresql"):
        raise ImproperlyConfigured(
            "DATABASE_URL must start with sqlite:/// or postgres:// (its value is not shown: it may hold a password)"
        )
    address = read_address("DATABASE_URL", _encoded_account(url))
    config = _sqlite(base, address) if address.scheme == "sqlite" else _postgresql(address)
    return config | {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}


def _encoded_account(url: str) -> str:
    """Encodes a # in user and password, which is not ambiguous in a database's address."""
    account, at, rest = url.rpartition("@")
    return account.replace("#", "%23") + at + rest


def _sqlite(base: Path, address: Address) -> dict[str, Any]:
    name = address.path or address.host
    if not name:
        raise ImproperlyConfigured("DATABASE_URL names no database")
    if address.options:
        refuse_parts("DATABASE_URL", address, "options", instead="SQLite has none here")
    if (address.host and address.path) or address.port or address.user:
        raise ImproperlyConfigured("DATABASE_URL: SQLite has no host; three slashes are expected, sqlite:///path")
    if name != ":memory:":
        path = base / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "it is not a path"
            raise ImproperlyConfigured(f"DATABASE_URL: its folder cannot be made ({why})") from None
        name = str(path)
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": name,
        "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE", "init_command": SQLITE_PRAGMAS},
    }


def _postgresql(address: Address) -> dict[str, Any]:
    options = dict(address.options)
    # For a pooler in front, such as PgBouncer by transactions.
    no_cursors = options.pop("DISABLE_SERVER_SIDE_CURSORS", "false").lower()
    if no_cursors not in ("true", "false"):
        raise ImproperlyConfigured("DATABASE_URL: DISABLE_SERVER_SIDE_CURSORS must be true or false")
    if not address.path or "/" in address.path:
        raise ImproperlyConfigured("DATABASE_URL must name one database behind the host: postgres://host/name")
    doubled = [name for name, given in (("host", address.host), ("port", address.port)) if given and name in options]
    unknown = [name for name in options if name in _SAID_ELSEWHERE or not _is_option(name)] + doubled
    if unknown:
        named = ", ".join(unknown)
        raise ImproperlyConfigured(
            f"DATABASE_URL: PostgreSQL knows no option {named} behind the ?, or it is said twice"
        )
    modes = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
    if options.get("sslmode", "prefer") not in modes:
        raise ImproperlyConfigured(f"DATABASE_URL: sslmode must be one of {', '.join(modes)}")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": address.path,
        "USER": address.user,
        "PASSWORD": address.password,
        "HOST": address.host,
        "PORT": address.port or "",
        "OPTIONS": PATIENCE | options,
        "DISABLE_SERVER_SIDE_CURSORS": no_cursors == "true",
    }


_SAID_ELSEWHERE = frozenset({"user", "password", "dbname"})


def _is_option(name: str) -> bool:
    """Returns whether PostgreSQL's client knows a connection option; it knows them best itself."""
    import psycopg.conninfo  # only where PostgreSQL is used

    try:
        psycopg.conninfo.make_conninfo("", **{name: "0"})
    except psycopg.ProgrammingError:
        return False
    return True


def email(*, debug: bool) -> dict[str, Any]:
    """Reads EMAIL_URL as Django's EMAIL_* settings.

    smtp:// is plain SMTP, smtp+tls:// STARTTLS, smtp+ssl:// TLS from the start; console: prints, and
    mailbox: only files the message on the app's own mails page.

    Raises:
        ImproperlyConfigured: another scheme, no host, or a part that would have no effect.
    """
    url = text("EMAIL_URL", "console:" if debug else "smtp://localhost:25")
    for scheme, backend in (("console:", "console"), ("mailbox:", "dummy")):
        if url.lower() in (scheme, f"{scheme}//"):
            return {"EMAIL_BACKEND": f"django.core.mail.backends.{backend}.EmailBackend"}
    if "://" not in url or url.partition("://")[0].lower() not in EMAIL_SCHEMES:
        raise ImproperlyConfigured(
            "EMAIL_URL must be smtp://, smtp+tls:// or smtp+ssl:// [user:password@]host[:port], or mailbox: or console:"
        )
    address = read_address("EMAIL_URL", url)
    refuse_parts(
        *("EMAIL_URL", address, "options", "path"),
        instead="smtp+tls:// is STARTTLS, smtp+ssl:// TLS from the start, and nothing stands behind host and port",
    )
    if not address.host:
        raise ImproperlyConfigured("EMAIL_URL names no host")
    if address.user and not address.password:
        raise ImproperlyConfigured("EMAIL_URL has a user name and no password: user:password@host is expected")
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": address.host,
        "EMAIL_PORT": address.port or EMAIL_SCHEMES[address.scheme],
        "EMAIL_HOST_USER": address.user,
        "EMAIL_HOST_PASSWORD": address.password,
        "EMAIL_USE_TLS": address.scheme == "smtp+tls",
        "EMAIL_USE_SSL": address.scheme == "smtp+ssl",
    }


def sender() -> str:
    """Reads DEFAULT_FROM_EMAIL.

    Raises:
        ImproperlyConfigured: not exactly one mail address, with or without a name.
    """
    value = text("DEFAULT_FROM_EMAIL", "Zoho monitor <monitor@localhost>")
    found = getaddresses([value])
    local, _, domain = found[0][1].rpartition("@") if len(found) == 1 else ("", "", "")
    if not local or not domain or not value.isprintable() or " " in found[0][1]:
        raise ImproperlyConfigured("DEFAULT_FROM_EMAIL must be one mail address, such as Monitor <monitor@example.com>")
    return value


def public_url(*, debug: bool) -> str:
    """Reads PUBLIC_URL without a trailing slash: the origin people reach the product at.

    Raises:
        ImproperlyConfigured: not an http(s) origin.
    """
    url = text("PUBLIC_URL", "http://127.0.0.1:8000" if debug else "https://localhost").rstrip("/")
    example = "an origin such as https://monitor.example.com is expected"
    if url.partition("://")[0].lower() not in ("http", "https"):
        raise ImproperlyConfigured(f"PUBLIC_URL must start with https:// or http://: {example}")
    address = read_address("PUBLIC_URL", url)
    refuse_parts("PUBLIC_URL", address, "user", "path", "options", instead=example)
    if not address.host or not re.fullmatch(r"[A-Za-z0-9._:-]+", address.host):
        raise ImproperlyConfigured(f"PUBLIC_URL names no host: {example}")
    return url.lower()


def hosts(default: list[str]) -> list[str]:
    """Reads ALLOWED_HOSTS.

    Raises:
        ImproperlyConfigured: one of them could never be the name of a host.
    """
    found = words("ALLOWED_HOSTS")
    for host in found:
        if not re.fullmatch(r"\*|\.?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?|\[[0-9A-Fa-f:.]+\]", host):
            raise ImproperlyConfigured(
                "ALLOWED_HOSTS must be host names, comma-separated, without scheme, port and path: "
                f"entry {found.index(host) + 1} is none"
            )
    return found or default


def trusted_proxies() -> Trust:
    """Reads TRUSTED_PROXIES: whose `X-Forwarded-For` is believed.

    Raises:
        ImproperlyConfigured: neither a number nor networks, or all the world.
    """
    try:
        return read_trust(text("TRUSTED_PROXIES"))
    except ValueError as error:
        raise ImproperlyConfigured(f"TRUSTED_PROXIES cannot be read: {error}") from None


def log_level() -> str:
    """Reads LOG_LEVEL.

    Raises:
        ImproperlyConfigured: no level of Python's.
    """
    value, levels = text("LOG_LEVEL", "INFO").upper(), ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
    if value not in levels:
        raise ImproperlyConfigured(f"LOG_LEVEL must be one of {', '.join(levels)}")
    return value


def private_hosts() -> PrivateHosts:
    """Reads CHANNEL_PRIVATE_HOSTS: host names, addresses and networks.

    Raises:
        ImproperlyConfigured: one is none of these.
    """
    try:
        return PrivateHosts.read(words("CHANNEL_PRIVATE_HOSTS"))
    except ValueError as error:
        raise ImproperlyConfigured(f"CHANNEL_PRIVATE_HOSTS: {error}") from None


SETTINGS = (
    "SECRET_KEY", "ENCRYPTION_KEYS", "DATABASE_URL", "PUBLIC_URL", "ALLOWED_HOSTS", "EMAIL_URL", "DEFAULT_FROM_EMAIL",
    "TRUST_PROXY", "TRUSTED_PROXIES", "LOG_LEVEL", "RETAIN_PAYLOAD_DAYS", "RETAIN_ROWS_DAYS", "RETAIN_HOURS_DAYS",
    "RETAIN_DAYS_DAYS", "ALERT_GROUP_WAIT", "ALLOW_LOOPBACK", "CHANNEL_PRIVATE_HOSTS", "DEBUG",
    "DEMO",
)  # fmt: skip
_SHORT = 8  # letters: fewer, and other programs' variables look like ours
_NEAR = 0.88  # of 1: one or two letters apart


def refuse_misspelt() -> None:
    """Ends with one clear line where a variable is set whose name is nearly a setting's that is not set.

    Raises:
        ImproperlyConfigured: it would have no effect, and a default would be taken in its place.
    """
    unset = [name for name in SETTINGS if len(name) >= _SHORT and not text(name)]
    for given in sorted(os.environ.keys() - set(SETTINGS)):
        near = get_close_matches(given.upper(), unset, n=1, cutoff=_NEAR)
        if near and text(given):
            raise ImproperlyConfigured(f"{given} is not a setting: {near[0]} is meant, or it belongs to something else")


# Zoho shows 90 days of runs: rows are kept a little longer, so that both can be held against each other.
LEAST_ROWS_DAYS = 100
# Pages set 90 days of charts beside the 90 days before.
LEAST_HOURS_DAYS = 182
MOST_DAYS = 36_500


MOST_GROUP_WAIT = 3_600


def group_wait() -> int:
    """Reads ALERT_GROUP_WAIT, in seconds.

    Raises:
        ImproperlyConfigured: not a whole number from 0 to 3,600.
    """
    value = text("ALERT_GROUP_WAIT", "30")
    if not (value.isascii() and value.isdigit() and int(value[:9]) <= MOST_GROUP_WAIT):
        raise ImproperlyConfigured(f"ALERT_GROUP_WAIT must be seconds from 0 to {MOST_GROUP_WAIT}, not {value!r}")
    return int(value)


def retention() -> dict[str, int]:
    """Reads RETAIN_PAYLOAD_DAYS, RETAIN_ROWS_DAYS, RETAIN_HOURS_DAYS and RETAIN_DAYS_DAYS (0 = for ever).

    Raises:
        ImproperlyConfigured: not a whole number, or one that is shorter than what it depends on.
    """
    payload = whole_days("RETAIN_PAYLOAD_DAYS", 30, least=1, why="")
    rows = whole_days("RETAIN_ROWS_DAYS", 180, least=LEAST_ROWS_DAYS, why=": Zoho's 90 days must stay comparable")
    hours = whole_days(
        "RETAIN_HOURS_DAYS", 400, least=LEAST_HOURS_DAYS, why=": charts compare 90 days with those before"
    )
    days = whole_days("RETAIN_DAYS_DAYS", 0, least=0, why="")
    if rows < payload:
        raise ImproperlyConfigured(f"RETAIN_ROWS_DAYS ({rows}) must not be less than RETAIN_PAYLOAD_DAYS ({payload})")
    if hours < rows:
        raise ImproperlyConfigured(f"RETAIN_HOURS_DAYS ({hours}) must not be less than RETAIN_ROWS_DAYS ({rows})")
    if 0 < days < hours:
        raise ImproperlyConfigured(
            f"RETAIN_DAYS_DAYS ({days}) must be 0 (for ever) or not less than RETAIN_HOURS_DAYS ({hours})"
        )
    return {"payload": payload, "rows": rows, "hours": hours, "days": days}


def whole_days(name: str, default: int, *, least: int, why: str) -> int:
    """Reads a number of days.

    Raises:
        ImproperlyConfigured: not a whole number from `least` to a hundred years.
    """
    value = text(name, str(default))
    if not (value.isascii() and value.isdigit() and least <= int(value[:9]) <= MOST_DAYS):
        raise ImproperlyConfigured(f"{name} must be a number of days from {least} to {MOST_DAYS}{why}, not {value!r}")
    return int(value)
