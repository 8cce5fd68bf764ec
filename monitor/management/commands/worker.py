"""`manage.py worker`: the background work, under a supervisor that replaces a frozen queue."""

from __future__ import annotations

import sys
from typing import Any

from django.utils import timezone

from monitor.management.base import DataCommand
from monitor.management.speech import speak
from monitor.supervisor.loop import Supervisor


class Command(DataCommand):
    help = "Runs the background work: the periodic jobs and the queue, under a supervisor. Ends on SIGTERM or Ctrl-C."

    def handle(self, *args: Any, **options: Any) -> None:
        Supervisor(self._say).run()

    def _say(self, line: str) -> None:
        speak(sys.stdout, f"{timezone.now():%H:%M:%SZ} worker: {line}")
