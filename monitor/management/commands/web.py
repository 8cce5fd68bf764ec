"""Starts the web server and what keeps it running (`manage.py web`)."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.db import connections

from monitor.management.data_command import DataCommand
from monitor.management.ports import listen, require_port


class Command(DataCommand):
    help = "Serves the pages. Put a proxy with TLS in front of it in production."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen at (127.0.0.1)")
        parser.add_argument("--port", type=int, default=8000, help="port to listen at (8000)")

    def handle(self, *args: Any, **options: Any) -> None:
        host, port = options["host"], options["port"]
        require_port(host, port)
        with listen(host, port) as door:
            self.stdout.write(f"serving on http://{host}:{port}")
            self.stdout.flush()
            door.set_inheritable(True)
            connections.close_all()
            # This process goes on as the small one that keeps the server running.
            os.execv(sys.executable, keeper(door.fileno()))  # noqa: S606 - our own program


def keeper(door: int) -> list[str]:
    """Builds the command line of the process that keeps the server running, from the number of its listening socket."""
    return [sys.executable, "-m", "dashboard.server.keeper", "--fd", str(door)]
