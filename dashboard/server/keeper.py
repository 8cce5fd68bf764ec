"""Keeps the process that serves alive: `manage.py web` becomes this one when it has found that it may serve.

It waits for months. So it imports no Django, which alone would take as much memory as all the rest of it four times.
"""

from __future__ import annotations

import argparse
import signal
import socket
import sys
import time
from typing import Any

from monitor.supervisor import processes

TOO_SOON = 5.0  # seconds: a server that twice in a row ends that soon after its start would do so for ever
GRACE = 30.0  # seconds to end in: a little more than it takes for the answers under way (`dashboard.server.limits`)


def main() -> None:
    """Starts the server on a socket that listens already, and again where it was killed, until SIGTERM or SIGINT."""
    signal.signal(signal.SIGTERM, _interrupt)
    parser = argparse.ArgumentParser(prog="dashboard.server.keeper", description=__doc__)
    parser.add_argument("--fd", type=int, required=True, help="number of the listening socket")
    with socket.socket(fileno=parser.parse_args().fd) as door:
        try:
            _keep_serving(door)
        except KeyboardInterrupt:
            return
    sys.exit("error: the web server ends as soon as it starts")


def _keep_serving(door: socket.socket) -> None:
    """Returns when it is of no use to start the server again; who comes between two lives of it waits at the door."""
    short_lives = 0
    while short_lives < 2:
        began = time.monotonic()
        server = processes.spawn(
            [sys.executable, "-m", "dashboard.server", "--fd", str(door.fileno())], files=[door.fileno()]
        )
        try:
            server.wait()
        except KeyboardInterrupt:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            door.close()
            processes.ask_to_end(server)
            processes.wait_for_end(server, grace=GRACE)
            raise
        print(f"the web server ended (exit code {server.returncode})", file=sys.stderr, flush=True)
        short_lives = short_lives + 1 if time.monotonic() - began < TOO_SOON else 0


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
