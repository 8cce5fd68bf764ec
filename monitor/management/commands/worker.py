"""Does the background work, under a supervisor that replaces a frozen queue (`manage.py worker`)."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.db import connections
from django.utils import timezone

from monitor import vault
from monitor.management.data_command import DataCommand
from monitor.management.ranges import require_range
from monitor.management.speech import speak
from monitor.supervisor.loop import GRACE, Supervisor

LONGEST_GRACE = 3600  # seconds


class Command(DataCommand):
    help = "Runs the background work: the periodic jobs and the queue, under a supervisor. Ends on SIGTERM or Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--grace", type=float, default=GRACE, help="seconds that running tasks have to finish at the end (20)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        require_range("--grace", options["grace"], 0, LONGEST_GRACE)
        if not options["skip_checks"]:
            _start_again_without_checks()
        if locked := vault.trouble():
            self._say(f"{locked}; no account is read, alerts and mails go on")
        Supervisor(self._say, grace=options["grace"]).run()

    def _say(self, line: str) -> None:
        speak(sys.stdout, f"{timezone.now():%H:%M:%SZ} worker: {line}")


def _start_again_without_checks() -> None:
    """Begins anew in this process, now that all is found good: the checks import every page, which takes 25 MiB."""
    connections.close_all()
    os.execv(sys.executable, [*sys.orig_argv, "--skip-checks"])  # noqa: S606 - our own command line
