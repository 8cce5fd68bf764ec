"""Checks the settings and says what is missing and where to read about it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from monitor import vault


@register(deploy=True)
def encryption_keys_work(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Checks for `manage.py check --deploy` that there are usable keys (E001).

    At every other start the product goes on without: pages, `status` and `/healthz/ready` say it.
    """
    if trouble := vault.trouble():
        return [Error(trouble, hint="See docs/settings.md, ENCRYPTION_KEYS.", id="monitor.E001")]
    return []


@register()
def public_url_is_an_origin(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Checks PUBLIC_URL: mails and the OAuth redirect use it, never the Host header (E002)."""
    url = settings.PUBLIC_URL
    if url.startswith(("http://", "https://")) and not url.endswith("/"):
        return []
    return [Error("PUBLIC_URL must be an origin such as https://monitor.example.com", id="monitor.E002")]
