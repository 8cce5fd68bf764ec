"""Lists where secrets are stored, for the commands that look at all of them."""

from __future__ import annotations

from collections.abc import Iterator

from django.apps import apps
from django.db import models

from monitor.vault import EncryptedTextField


def encrypted_fields() -> Iterator[tuple[type[models.Model], str]]:
    """Lists every field of every model that holds a secret."""
    for model in apps.get_models():
        for field in model._meta.local_fields:
            if isinstance(field, EncryptedTextField):
                yield model, field.name
