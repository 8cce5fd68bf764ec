"""Encrypts every stored secret again under the first key of ENCRYPTION_KEYS (`manage.py rotate_keys`)."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError
from django.db import models
from django.db.models import F
from django.db.models.functions import Cast

from monitor import audit
from monitor.connection import utc_now
from monitor.encrypted_fields import encrypted_fields
from monitor.management.data_command import DataCommand
from monitor.models import system_user
from monitor.vault import VaultError, decrypt, is_current, trouble

_TRIES = 5  # a token is refreshed about once an hour: not five times between a reading and a writing


def rotate_one(model: type[models.Model], field: str, key: Any) -> bool:
    """Encrypts one secret again, unless it is empty, gone, or under the first key already.

    A secret that somebody else replaces meanwhile is not overwritten: only the very ciphertext that was read
    is exchanged, else it is read again.

    Returns:
        Whether it was written.

    Raises:
        VaultError: no key at hand reads it.
    """
    rows = model._default_manager.annotate(stored=Cast(F(field), models.TextField()))
    for _ in range(_TRIES):
        stored = rows.filter(pk=key).values_list("stored", flat=True).first()
        if not stored or is_current(stored):
            return False
        if rows.filter(pk=key, stored=stored).update(**{field: decrypt(stored)}):
            return True
    raise CommandError(f"{model._meta.label} {key} is written to all the time; run this again")


class Command(DataCommand):
    help = "Encrypts every stored secret under the first key of ENCRYPTION_KEYS. May be run again at any time."

    def handle(self, *args: Any, **options: Any) -> None:
        if locked := trouble():
            raise CommandError(locked)
        written = 0
        unreadable = []
        for model, field in encrypted_fields():
            for key in list(model._default_manager.order_by("pk").values_list("pk", flat=True)):
                try:
                    written += rotate_one(model, field, key)
                except VaultError:
                    unreadable.append(f"{model._meta.label} {key} ({field})")
        detail = {"encrypted again": written, "fit no key": len(unreadable)}
        audit.record(system_user(), "keys.rotate", None, now=utc_now(), detail=detail)
        self.stdout.write(f"{written} secret(s) encrypted again under the first key")
        if unreadable:
            raise CommandError(
                f"{len(unreadable)} secret(s) fit no key in ENCRYPTION_KEYS and were left as they are: "
                + ", ".join(unreadable)
            )
