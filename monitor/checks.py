"""Checks the settings at the start and says what is missing and where to read about it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from monitor.vault import VaultError, decrypt, encrypt


@register()
def encryption_keys_work(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Checks that a secret survives a round trip through the vault (E001)."""
    try:
        if decrypt(encrypt("canary")) == "canary":
            return []
    except VaultError as error:
        return [Error(str(error), hint="See docs/settings.md, ENCRYPTION_KEYS.", id="monitor.E001")]
    return [Error("the vault does not return what was put in", id="monitor.E001")]


@register()
def public_url_is_an_origin(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Checks PUBLIC_URL: mails and the OAuth redirect use it, never the Host header (E002)."""
    url = settings.PUBLIC_URL
    if url.startswith(("http://", "https://")) and not url.endswith("/"):
        return []
    return [Error("PUBLIC_URL must be an origin such as https://monitor.example.com", id="monitor.E002")]
