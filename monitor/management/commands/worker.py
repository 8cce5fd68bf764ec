"""`manage.py worker`: the background work, under a supervisor that replaces a frozen queue."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, Error, connections
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from monitor.supervisor.loop import Supervisor


class Command(BaseCommand):
    help = "Runs the background work: the periodic jobs and the queue, under a supervisor. Ends on SIGTERM or Ctrl-C."

    def handle(self, *args: Any, **options: Any) -> None:
        self._require_migrations()
        Supervisor(self._say).run()

    def _require_migrations(self) -> None:
        try:
            executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
            missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
        except Error as error:
            raise CommandError(f"the database does not answer: {str(error).splitlines()[0]}") from None
        if missing:
            raise CommandError(f"{len(missing)} migrations are missing: run `manage.py migrate` first")

    def _say(self, line: str) -> None:
        self.stdout.write(f"{timezone.now():%H:%M:%SZ} worker: {line}")
        self.stdout.flush()
