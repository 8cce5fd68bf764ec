"""Reads the environment: each setting once, typed, with one clear line when it is wrong."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;PRAGMA mmap_size=134217728;"
    "PRAGMA journal_size_limit=27103364;PRAGMA cache_size=2000;"
)
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
    url = text("DATABASE_URL", f"sqlite:///{base / 'var' / 'monitor.sqlite3'}")
    scheme = url.partition("://")[0].lower()
    if scheme not in ("sqlite", "postgres", "postgresql"):
        raise ImproperlyConfigured(
            "DATABASE_URL must start with sqlite:/// or postgres:// (its value is not shown: it may hold a password)"
        )
    try:
        config: dict[str, Any] = environ.Env.db_url_config(url)
    except (ValueError, ImproperlyConfigured):
        raise ImproperlyConfigured("DATABASE_URL cannot be read as an address (see docs/settings.md)") from None
    if not config.get("NAME"):
        raise ImproperlyConfigured("DATABASE_URL names no database")
    config["CONN_MAX_AGE"] = 60
    config["CONN_HEALTH_CHECKS"] = True
    if scheme == "sqlite":
        config["OPTIONS"] = {"timeout": 20, "transaction_mode": "IMMEDIATE", "init_command": SQLITE_PRAGMAS}
        path = Path(config["NAME"])
        if config["NAME"] != ":memory:":
            if not path.is_absolute():
                path = base / path
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise ImproperlyConfigured(f"DATABASE_URL: its folder cannot be made ({error.strerror})") from None
            config["NAME"] = str(path)
    return config


def email(*, debug: bool) -> dict[str, Any]:
    """Reads EMAIL_URL as Django's EMAIL_* settings.

    smtp:// is plain SMTP, smtp+tls:// STARTTLS, smtp+ssl:// TLS from the start; console: prints, and
    mailbox: only files the message on the app's own mails page.

    Raises:
        ImproperlyConfigured: another scheme, no host, or a port that is no number.
    """
    url = text("EMAIL_URL", "console:" if debug else "smtp://localhost:25")
    parts = urlsplit(url)
    if parts.scheme == "console":
        return {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}
    if parts.scheme == "mailbox":
        return {"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}
    if parts.scheme not in EMAIL_SCHEMES or not parts.hostname:
        raise ImproperlyConfigured("EMAIL_URL must be smtp://, smtp+tls:// or smtp+ssl:// [user:password@]host[:port]")
    try:
        port = parts.port or EMAIL_SCHEMES[parts.scheme]
    except ValueError:
        raise ImproperlyConfigured("EMAIL_URL: the port is not a number") from None
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": port,
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_TLS": parts.scheme == "smtp+tls",
        "EMAIL_USE_SSL": parts.scheme == "smtp+ssl",
    }


def public_url(*, debug: bool) -> str:
    """Reads PUBLIC_URL without a trailing slash: the origin people reach the product at.

    Raises:
        ImproperlyConfigured: not an http(s) origin.
    """
    url = text("PUBLIC_URL", "http://127.0.0.1:8000" if debug else "https://localhost").rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query:
        raise ImproperlyConfigured("PUBLIC_URL must be an origin such as https://monitor.example.com")
    return url


# Zoho shows 90 days of runs: rows are kept a little longer, so that both can be held against each other.
LEAST_ROWS_DAYS = 100
# Pages set 90 days of charts beside the 90 days before.
LEAST_HOURS_DAYS = 182
MOST_DAYS = 36_500


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
