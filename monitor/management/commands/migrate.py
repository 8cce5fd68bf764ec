"""`manage.py migrate`: Django's own, which refuses a database of another version before it changes anything."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import connections

from monitor.schema import differences


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        found = differences(connections[options["database"]])
        if found.unknown:
            raise CommandError(found.problem)
        super().handle(*args, **options)
