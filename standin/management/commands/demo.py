"""`manage.py demo` shows the product with a Zoho of its own; its parts are in `standin.demo`."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from monitor.management.ports import require_port
from monitor.management.speech import speak
from standin.demo import demo_story, people, settings, static
from standin.demo.processes import Ended, Show


class Command(BaseCommand):
    help = "Shows the product: a Zoho of its own, the web server and the worker on this machine, until Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=settings.PORT, help="of the pages")
        parser.add_argument("--standin-port", type=int, default=settings.STANDIN_PORT, help="of the demo's Zoho")
        parser.add_argument("--reset", action="store_true", help="throw the demo's data away, and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        if os.environ.get("DEMO") != "1" or settings.MARKER not in os.environ:
            raise CommandError("start it as `manage.py demo`: it brings its own settings")
        with _only_one():
            if options["reset"]:
                shutil.rmtree(settings.FOLDER, ignore_errors=True)
                self.stdout.write("the demo's data is gone")
                return
            if options["port"] == options["standin_port"]:
                raise CommandError("--port and --standin-port must differ")
            require_port("127.0.0.1", options["port"])
            require_port("127.0.0.1", options["standin_port"], option="--standin-port")
            self._show(options["port"], options["standin_port"])

    def _show(self, port: int, standin_port: int) -> None:
        kept = settings.load()
        password = people.new_password()
        try:
            with Show(self._say) as show:
                standin = {name: value for name, value in kept.items() if name.startswith("STANDIN_")}
                show.start("standin", *demo_story.standin_command(standin_port), **standin)
                self._say("preparing the database …")
                call_command("migrate", verbosity=0)
                if not static.is_collected():  # the first start, or a file has changed
                    self._say("compressing the pages' files …")
                    static.collect()
                people.welcome(password)
                zoho = f"http://127.0.0.1:{standin_port}"
                show.wait_until_it_answers("standin", zoho, standin_port)
                if not demo_story.is_connected(zoho):  # the first start, or the stand-in's port has changed
                    self._say("connecting the demo's Zoho account …")
                    demo_story.connect(zoho, kept)
                show.start("web", "web", "--port", str(port))
                show.start("worker", "worker", "--grace", "3")  # a demo is ended by somebody who waits
                show.wait_until_it_answers("web", f"http://127.0.0.1:{port}/accounts/login/", port)
                self._say(demo_story.greeting(port, password))
                show.watch()
        except Ended:
            self._say("\nthe demo has ended; its data is kept (`make demo-reset` throws it away)")

    def _say(self, line: str) -> None:
        speak(sys.stdout, line)


@contextmanager
def _only_one() -> Iterator[None]:
    """Holds the demo's lock, which the system releases however the demo ends."""
    settings.LOCK.parent.mkdir(parents=True, exist_ok=True)
    with settings.LOCK.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandError("a demo is running in this directory; end it first (Ctrl-C)") from None
        yield
