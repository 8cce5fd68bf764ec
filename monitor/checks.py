"""Checks the settings and says what is missing and where to read about it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as CheckWarning

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


@register(deploy=True)
def proxy_is_named(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Checks for `manage.py check --deploy` that the proxy in front is named (W001)."""
    if trouble := proxy_trouble():
        return [CheckWarning(trouble, hint="See docs/settings.md, HTTPS.", id="monitor.W001")]
    return []


def proxy_trouble() -> str:
    """Says in one line what follows where a proxy must stand in front and is not named; "" where all is well.

    The server speaks plain HTTP, so that pages under an https address come through a proxy.
    """
    if settings.TRUSTED_PROXIES or not settings.PUBLIC_URL.startswith("https://"):
        return ""
    return (
        "TRUSTED_PROXIES does not name the proxy in front: all who come through it count as one address, "
        "and nobody is known by their network"
    )
