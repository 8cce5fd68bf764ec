"""Starts the web server in place of this process (`manage.py web`)."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings

from monitor.management.data_command import DataCommand
from monitor.management.ports import require_port


def command_line(host: str, port: int) -> list[str]:
    """Builds the server's command line. Without `--respawn-failed-workers` one killed worker would end it."""
    return [
        sys.executable,
        *("-m", "granian", "--interface", "wsgi", "--host", host, "--port", str(port)),
        *("--workers", "1", "--blocking-threads", "8", "--respawn-failed-workers", "--no-ws"),
        *("--working-dir", str(settings.BASE_DIR), "--log-level", "warning"),
        "dashboard.wsgi:application",
    ]


class Command(DataCommand):
    help = "Serves the pages. Put a proxy with TLS in front of it in production."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen at (127.0.0.1)")
        parser.add_argument("--port", type=int, default=8000, help="port to listen at (8000)")

    def handle(self, *args: Any, **options: Any) -> None:
        host, port = options["host"], options["port"]
        require_port(host, port)
        self.stdout.write(f"serving on http://{host}:{port}")
        self.stdout.flush()
        command = command_line(host, port)
        os.execv(command[0], command)  # noqa: S606  (no shell is wanted)
