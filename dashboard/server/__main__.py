"""Is the process that serves: `python -m dashboard.server --fd N`; `manage.py web` starts it and keeps it alive."""

from __future__ import annotations

import argparse
import logging
import os
import resource
import signal
import socket
import sys
import threading
from types import TracebackType

from dashboard.server.application import Front
from dashboard.server.limits import ServerLimits
from dashboard.server.listener import Listener

LOG = logging.getLogger("dashboard.server")
FILES = 8192  # at once: sockets, and the bodies and answers that are too large for memory


def main() -> None:
    """Serves on a socket that listens already, until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="dashboard.server", description=__doc__)
    parser.add_argument("--fd", type=int, required=True, help="number of the listening socket")
    sock = socket.socket(fileno=parser.parse_args().fd)
    allow_files()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
    from dashboard.wsgi import application  # isort: skip - sets Django up, which the settings below need
    from django.conf import settings

    from dashboard.hooks.early import refuse_address
    from monitor import audit, garbage

    log_what_nobody_caught()
    listener = Listener(
        Front(application), sock, ServerLimits(), trust=settings.TRUSTED_PROXIES, refuse_address=refuse_address
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: listener.stop())
    garbage.settle()
    with audit.counted_in_memory():
        listener.serve()


def allow_files() -> None:
    """Raises the number of files this process may have open, as far as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def log_what_nobody_caught() -> None:
    """Sends what nobody caught through the log, whose formatter hides secrets, in place of standard error."""

    def caught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        LOG.critical("nobody caught this", exc_info=(kind, error, trace))

    sys.excepthook = caught
    threading.excepthook = lambda said: said.exc_value and caught(said.exc_type, said.exc_value, said.exc_traceback)
    sys.unraisablehook = lambda said: said.exc_value and caught(said.exc_type, said.exc_value, said.exc_traceback)


if __name__ == "__main__":
    main()
