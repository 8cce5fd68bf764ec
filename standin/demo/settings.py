"""Puts the demo's own settings and secrets into the environment before Django reads them. Imports no Django."""

from __future__ import annotations

import base64
import json
import os
import secrets
import sys
from argparse import ArgumentParser
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "var" / "demo"
LOCK = ROOT / "var" / "demo.lock"
SECRETS = FOLDER / "secrets.json"
MARKER = "MONITOR_DEMO_RUN"  # environment variable: every process of one run holds its value
PORT, STANDIN_PORT = 8000, 8765
# Settings of the caller's that must not reach the demo: it would write into a real database, or send real mail.
_CLEARED = (
    "DEBUG",
    "ALLOWED_HOSTS",
    "DEFAULT_FROM_EMAIL",
    "TRUST_PROXY",
    "TRUSTED_PROXIES",
    "LOG_LEVEL",
    "ALERT_GROUP_WAIT",
)


def prepare(arguments: list[str]) -> None:
    """Replaces the caller's settings by the demo's.

    Args:
        arguments: what stands behind `manage.py demo`.
    """
    parser = ArgumentParser(add_help=False)
    parser.add_argument("--port", default=str(PORT))
    parser.add_argument("--reset", action="store_true")
    parser.add_argument("-h", "--help", action="store_true")
    options, _ = parser.parse_known_args(arguments)
    made_up = options.reset or options.help  # nothing is to be written for these
    kept = _made_up() if made_up else load()
    os.environ.update(dict.fromkeys(_CLEARED, ""))
    os.environ.update(
        {
            "DEMO": "1",
            "EMAIL_URL": "mailbox:",
            "PUBLIC_URL": f"http://127.0.0.1:{options.port}",
            "DATABASE_URL": f"sqlite:///{quote(str(FOLDER / 'monitor.sqlite3'))}",
            "SECRET_KEY": kept["SECRET_KEY"],
            "ENCRYPTION_KEYS": kept["ENCRYPTION_KEYS"],
            MARKER: secrets.token_hex(8),
        }
    )


def load() -> dict[str, str]:
    """Returns the demo's secrets, made on the first run and readable by their owner only."""
    try:
        kept = json.loads(SECRETS.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return _write(_made_up())
    except (OSError, ValueError):
        sys.exit(f"error: {SECRETS} cannot be read; `make demo-reset` throws the demo's data away")
    if not isinstance(kept, dict) or set(kept) != set(_made_up()):
        sys.exit(f"error: {SECRETS} is of another version; `make demo-reset` throws the demo's data away")
    return kept


def _made_up() -> dict[str, str]:
    return {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "ENCRYPTION_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "STANDIN_CLIENT_SECRET": secrets.token_hex(20),
        "STANDIN_REFRESH_TOKEN": f"1000.{secrets.token_hex(16)}.{secrets.token_hex(16)}",
        "STANDIN_CONTROL_TOKEN": secrets.token_urlsafe(24),
    }


def _write(kept: dict[str, str]) -> dict[str, str]:
    FOLDER.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = SECRETS.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(kept, file)
    draft.replace(SECRETS)
    return kept
