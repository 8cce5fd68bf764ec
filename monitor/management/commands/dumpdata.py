"""Prints tables as Django's own `dumpdata`, without tokens, secrets, passwords, sessions and the queue's tasks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.management.commands import dumpdata
from django.db import models

from monitor.models import HookEndpoint
from monitor.vault import EncryptedTextField

# A session's key signs a person in; a task is packed code.
LEFT_OUT = ("sessions", "django_q")


class Command(dumpdata.Command):
    help = f"{dumpdata.Command.help} Secrets, passwords, sessions and queued tasks are left out."

    def handle(self, *app_labels: str, **options: Any) -> None:
        options["exclude"] = [*options["exclude"], *LEFT_OUT]
        with secrets_left_out():
            super().handle(*app_labels, **options)


@contextmanager
def secrets_left_out() -> Iterator[None]:
    """Has every serializer leave out the fields of secrets, in whatever format, until the context ends."""
    fields: list[Any] = [field for model in apps.get_models() for field in model._meta.local_fields if is_secret(field)]
    before = [field.serialize for field in fields]
    for field in fields:
        field.serialize = False
    try:
        yield
    finally:
        for field, was in zip(fields, before, strict=True):
            field.serialize = was


def is_secret(field: models.Field[Any, Any]) -> bool:
    """Says whether a column holds a secret, or what proves that somebody knows one."""
    if isinstance(field, EncryptedTextField):
        return True
    if issubclass(field.model, AbstractBaseUser) and field.name == "password":
        return True
    return field.model is HookEndpoint and field.name == "key_hash"
