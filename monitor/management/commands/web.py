"""Keeps a web server running (`manage.py web`)."""

from __future__ import annotations

import signal
import socket
import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management import CommandError

from monitor.management.data_command import DataCommand
from monitor.management.ports import listen, require_port
from monitor.supervisor import processes

TOO_SOON = 5.0  # seconds: a server that twice in a row ends that soon after its start would do so for ever
GRACE = 30.0  # seconds to end in: a little more than it takes for the answers under way (`dashboard.server.limits`)


class Command(DataCommand):
    help = "Serves the pages. Put a proxy with TLS in front of it in production."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen at (127.0.0.1)")
        parser.add_argument("--port", type=int, default=8000, help="port to listen at (8000)")

    def handle(self, *args: Any, **options: Any) -> None:
        host, port = options["host"], options["port"]
        require_port(host, port)
        with listen(host, port) as door:
            signal.signal(signal.SIGTERM, _interrupt)
            self.stdout.write(f"serving on http://{host}:{port}")
            self.stdout.flush()
            self._keep_serving(door)

    def _keep_serving(self, door: socket.socket) -> None:
        """Starts the server, and again where it was killed; who comes meanwhile waits at the door."""
        short_lives = 0
        while short_lives < 2:
            began = time.monotonic()
            server = processes.spawn(command_line(door.fileno()), files=[door.fileno()])
            try:
                server.wait()
            except KeyboardInterrupt:
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                signal.signal(signal.SIGINT, signal.SIG_IGN)
                door.close()
                processes.ask_to_end(server)
                processes.wait_for_end(server, grace=GRACE)
                return
            self.stderr.write(f"the web server ended (exit code {server.returncode})")
            short_lives = short_lives + 1 if time.monotonic() - began < TOO_SOON else 0
        raise CommandError("the web server ends as soon as it starts")


def command_line(door: int) -> list[str]:
    """Builds the command line of the process that serves, from the number of its listening socket."""
    return [sys.executable, "-m", "dashboard.server", "--fd", str(door)]


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt
