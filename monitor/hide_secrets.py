"""Hides an account's secrets in what is stored, by digests under a key that is made once and kept encrypted."""

from __future__ import annotations

import secrets
from typing import Any

from monitor.models import DigestKey, ZohoAccount
from monitor.privacy import SecretMask


def mask_of(account: ZohoAccount) -> SecretMask:
    """Returns what hides the secrets in this account's definitions.

    Raises:
        VaultError: the key cannot be decrypted.
    """
    row, _ = DigestKey.objects.get_or_create(account=account, defaults={"key": secrets.token_hex(32)})
    return SecretMask(row.key.encode())


def without_secrets(mask: SecretMask, values: dict[str, Any]) -> dict[str, Any]:
    """Hides the secrets in a row's columns that people write freely: its description, and Zoho's own JSON.

    Args:
        mask: the account's.
        values: by name of column.
    """
    hidden = dict(values)
    if "raw" in hidden:
        hidden["raw"] = mask.hide(hidden["raw"])
    if hidden.get("description"):
        hidden["description"] = mask.text(hidden["description"])
    return hidden
