"""The key under which an account's secrets are digested: made once, and kept encrypted."""

from __future__ import annotations

import secrets

from monitor.models import DigestKey, ZohoAccount
from monitor.secrets_mask import SecretMask


def mask_of(account: ZohoAccount) -> SecretMask:
    """What hides the secrets in this account's definitions.

    Raises:
        VaultError: the key cannot be decrypted.
    """
    row, _ = DigestKey.objects.get_or_create(account=account, defaults={"key": secrets.token_hex(32)})
    return SecretMask(row.key.encode())
