"""Refuses django-q2's own command: started by hand its cluster would freeze one day unnoticed."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "The queue's cluster. Not to be started by hand: `manage.py worker` starts, watches and replaces it."

    def handle(self, *args: Any, **options: Any) -> None:
        """Refuses.

        Raises:
            CommandError: always.
        """
        raise CommandError("start `manage.py worker`: it runs this cluster and replaces it when it freezes")
