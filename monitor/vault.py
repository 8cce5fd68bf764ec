"""Encrypts and decrypts what is stored as ciphertext; it is the only file that touches the keys.

Keys come from the setting `ENCRYPTION_KEYS` (apart from `SECRET_KEY`): the first one encrypts, all decrypt,
so that a key is replaced by putting a new one in front, running `manage.py rotate_keys`, and taking the old
one away (cryptography's MultiFernet; Fernet specification, version 0x80).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models


class VaultError(Exception):
    """Says that a stored secret cannot be read with the keys at hand."""


@lru_cache(maxsize=4)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    if not keys:
        raise VaultError("no encryption key is set: put at least one Fernet key in ENCRYPTION_KEYS")
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError as error:
        raise VaultError("ENCRYPTION_KEYS holds something that is not a Fernet key") from error


def _vault() -> MultiFernet:
    return _fernet(tuple(settings.ENCRYPTION_KEYS))


def encrypt(text: str) -> str:
    """Returns the ciphertext of `text` under the first key."""
    return _vault().encrypt(text.encode()).decode("ascii")


def decrypt(ciphertext: str) -> str:
    """Returns the text behind `ciphertext`.

    Raises:
        VaultError: no key at hand fits, or the ciphertext was tampered with.
    """
    try:
        return _vault().decrypt(ciphertext.encode("ascii")).decode()
    except (InvalidToken, UnicodeEncodeError) as error:
        raise VaultError(
            "a stored secret cannot be decrypted: ENCRYPTION_KEYS lacks the key it was written with"
        ) from error


def rotate(ciphertext: str) -> str:
    """Returns the same secret under the first key.

    Raises:
        VaultError: see `decrypt`.
    """
    return encrypt(decrypt(ciphertext))


def is_current(ciphertext: str) -> bool:
    """Returns whether `ciphertext` is readable with the first key alone."""
    try:
        _fernet(tuple(settings.ENCRYPTION_KEYS[:1])).decrypt(ciphertext.encode("ascii"))
    except (InvalidToken, UnicodeEncodeError):
        return False
    return True


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]
    """Holds text that stands in the database as ciphertext only. It cannot be searched."""

    def get_prep_value(self, value: Any) -> Any:
        prepared = super().get_prep_value(value)
        return encrypt(prepared) if prepared else prepared

    def from_db_value(self, value: str | None, expression: object, connection: object) -> str | None:
        return decrypt(value) if value else value
