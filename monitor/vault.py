"""Encrypts and decrypts what is stored as ciphertext; it is the only file that touches the keys.

Keys come from the setting `ENCRYPTION_KEYS` (apart from `SECRET_KEY`): the first one encrypts, all decrypt,
so that a key is replaced by putting a new one in front, running `manage.py rotate_keys`, and taking the old
one away (cryptography's MultiFernet; Fernet specification, version 0x80).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models
from django.db.models.query_utils import DeferredAttribute
from django.utils.translation import gettext_noop

NO_KEY = gettext_noop("ENCRYPTION_KEYS is not set: comma-separated Fernet keys, newest first (see docs/settings.md)")
NOT_THE_KEY = gettext_noop("a stored secret cannot be decrypted: ENCRYPTION_KEYS lacks the key it was written with")


class VaultError(Exception):
    """Says that a stored secret cannot be read, or none be stored, with the keys at hand."""


@lru_cache(maxsize=4)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    if trouble := _trouble_with(keys):
        raise VaultError(trouble)
    return MultiFernet([Fernet(key) for key in keys])


@lru_cache(maxsize=4)
def _trouble_with(keys: tuple[str, ...]) -> str:
    """Says what is wrong with some keys, without repeating them; empty where they are usable."""
    for position, key in enumerate(keys, start=1):
        try:
            Fernet(key)
        except ValueError:
            return f"ENCRYPTION_KEYS: key {position} is not a Fernet key (32 url-safe base64-encoded bytes)"
    return "" if keys else NO_KEY


def trouble(stored: Iterable[str | None] = ()) -> str:
    """Says why secrets cannot be read now, in one line without a secret; empty where they can.

    Args:
        stored: ciphertexts that have to be readable; those that are empty are not looked at.
    """
    return _trouble_with(tuple(settings.ENCRYPTION_KEYS)) or ("" if all(map(_opens, stored)) else NOT_THE_KEY)


def _opens(stored: str | None) -> bool:
    try:
        if stored:
            decrypt(stored)
    except VaultError:
        return False
    return True


def _vault() -> MultiFernet:
    return _fernet(tuple(settings.ENCRYPTION_KEYS))


def encrypt(text: str) -> str:
    """Returns the ciphertext of `text` under the first key.

    Raises:
        VaultError: there is no usable key.
    """
    return _vault().encrypt(text.encode()).decode("ascii")


def decrypt(ciphertext: str) -> str:
    """Returns the text behind `ciphertext`.

    Raises:
        VaultError: no key at hand fits, or the ciphertext was tampered with.
    """
    try:
        return _vault().decrypt(ciphertext.encode("ascii")).decode()
    except (InvalidToken, UnicodeEncodeError) as error:
        raise VaultError(NOT_THE_KEY) from error


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


class Sealed(str):
    """Holds a ciphertext as it came from the database."""

    __slots__ = ()


class OpenedWhenRead(DeferredAttribute):
    """Decrypts a field when somebody reads it, not when its row is loaded.

    A row is more than its secret: what never asks for the secret goes on without a key.
    """

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        value = super().__get__(instance, cls)
        if isinstance(value, Sealed):
            value = instance.__dict__[self.field.attname] = decrypt(value)
        return value

    def __set__(self, instance: Any, value: Any) -> None:
        # Only what can be set, too, stands before the row's own values when they are read.
        instance.__dict__[self.field.attname] = value


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]
    """Holds text that stands in the database as ciphertext only. It cannot be searched.

    Reading it from a row raises `VaultError` where no key at hand fits; loading and saving the row does not.
    """

    descriptor_class = OpenedWhenRead

    def get_prep_value(self, value: Any) -> Any:
        prepared = super().get_prep_value(value)
        return encrypt(prepared) if prepared and not isinstance(prepared, Sealed) else prepared

    def from_db_value(self, value: str | None, expression: object, connection: object) -> str | None:
        return Sealed(value) if value else value

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """Returns what is to be stored: what nobody has read is written back as it came."""
        stored = model_instance.__dict__.get(self.attname)
        return stored if isinstance(stored, Sealed) else super().pre_save(model_instance, add)


def sealed(row: models.Model, name: str) -> str:
    """Returns a field's ciphertext as its row was loaded; "" where it is empty, was read already or was not loaded.

    Args:
        row: of any model.
        name: of an `EncryptedTextField`.
    """
    value = row.__dict__.get(name)
    return value if isinstance(value, Sealed) else ""
