"""Signs as Standard Webhooks says it: what others send us is checked with it, and what we send is signed with it. Pure.

`webhook-signature` is `v1,<base64>` of HMAC-SHA256 over `<id>.<time>.<body>`, one a secret, apart by spaces.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from collections.abc import Sequence

ID, TIME, SIGNATURE = HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")
PREFIX = "whsec_"
VERSION = "v1,"
KEY_BYTES = 32


def make_secret() -> str:
    """Makes 256 random bits in the form that Standard Webhooks libraries take, which is also plain text."""
    return PREFIX + base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def key_of(secret: str) -> bytes:
    """Returns the key that a secret stands for: base64 behind `whsec_`, else the text itself."""
    if not secret.startswith(PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret[len(PREFIX) :], validate=True)
    except (binascii.Error, ValueError):
        return secret.encode()


def digest(secret: str, message_id: str, time: str, body: bytes) -> bytes:
    """Returns the HMAC of a message.

    Args:
        secret: with or without `whsec_`.
        message_id: of `webhook-id`.
        time: of `webhook-timestamp`, in seconds since 1970.
        body: the raw bytes.
    """
    return hmac.digest(key_of(secret), b".".join([message_id.encode(), time.encode(), body]), "sha256")


def headers_of(known: Sequence[str], message_id: str, time: int, body: bytes) -> dict[str, str]:
    """Returns the three headers of a message; while secrets are exchanged it has a signature of each.

    Args:
        known: the secrets, in any order.
        message_id: the same on each repeat, so that the receiver takes the message once.
        time: in seconds since 1970, of this very attempt.
        body: the raw bytes.
    """
    signed = (VERSION + base64.b64encode(digest(one, message_id, str(time), body)).decode() for one in known)
    return {ID: message_id, TIME: str(time), SIGNATURE: " ".join(signed)}
