"""`manage.py demo`: the product with a Zoho of its own, for looking at. Settings: monitor.management.demo."""

from __future__ import annotations

import fcntl
import io
import os
import shutil
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from monitor.management.demo import environment, people
from monitor.management.demo.show import Ended, Show
from monitor.management.ports import require_port
from monitor.management.speech import speak
from monitor.models import ZohoAccount

ACCOUNT = "Demo company"
CLIENT_ID = "1000.DEMOCLIENT"
GOES_BAD_AFTER = 120  # seconds: long enough to look around first


class Command(BaseCommand):
    help = "Shows the product: a Zoho of its own, the web server and the worker on this machine, until Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=environment.PORT, help="of the pages")
        parser.add_argument("--standin-port", type=int, default=environment.STANDIN_PORT, help="of the demo's Zoho")
        parser.add_argument("--reset", action="store_true", help="throw the demo's data away, and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        if os.environ.get("DEMO") != "1" or environment.MARKER not in os.environ:
            raise CommandError("start it as `manage.py demo`: it brings its own settings")
        with _only_one():
            if options["reset"]:
                shutil.rmtree(environment.FOLDER, ignore_errors=True)
                self.stdout.write("the demo's data is gone")
                return
            if options["port"] == options["standin_port"]:
                raise CommandError("--port and --standin-port must differ")
            require_port("127.0.0.1", options["port"])
            require_port("127.0.0.1", options["standin_port"], option="--standin-port")
            self._show(options["port"], options["standin_port"])

    def _show(self, port: int, standin_port: int) -> None:
        kept = environment.load()
        password = people.new_password()
        try:
            with Show(self._say) as show:
                standin = {name: value for name, value in kept.items() if name.startswith("STANDIN_")}
                show.start("standin", *_standin(standin_port), **standin)
                self._say("preparing the database …")
                call_command("migrate", verbosity=0)
                people.welcome(password)
                zoho = f"http://127.0.0.1:{standin_port}"
                show.wait_until_it_answers("standin", zoho, standin_port)
                self._connect(zoho, kept)
                show.start("web", "web", "--port", str(port))
                show.start("worker", "worker", "--grace", "3")  # a demo is ended by somebody who waits
                show.wait_until_it_answers("web", f"http://127.0.0.1:{port}/accounts/login/", port)
                self._greet(port, password)
                show.watch()
        except Ended:
            self._say("\nthe demo has ended; its data is kept (`make demo-reset` throws it away)")

    def _connect(self, zoho: str, kept: dict[str, str]) -> None:
        """On the first start, and again when the stand-in's port has changed."""
        if ZohoAccount.objects.filter(name=ACCOUNT, accounts_url=zoho).exists():
            return
        self._say("connecting the demo's Zoho account …")
        os.environ["ZOHO_CLIENT_SECRET"] = kept["STANDIN_CLIENT_SECRET"]
        os.environ["ZOHO_REFRESH_TOKEN"] = kept["STANDIN_REFRESH_TOKEN"]
        try:
            call_command(
                "connect",
                ACCOUNT,
                *("--data-center", "custom", "--accounts-url", zoho, "--flow-url", zoho, "--crm-url", zoho),
                *("--client-id", CLIENT_ID, "--plan", "enterprise"),
                stdout=io.StringIO(),
            )
        finally:
            del os.environ["ZOHO_CLIENT_SECRET"], os.environ["ZOHO_REFRESH_TOKEN"]

    def _greet(self, port: int, password: str) -> None:
        lines = [
            "",
            f"  The demo runs at    http://127.0.0.1:{port}",
            f"  Sign in as          {', '.join(people.PEOPLE)}",
            f"  Password            {password}    (of this start only)",
            "",
            "  Thirty days of history are read in the first minutes. After two minutes one flow goes bad.",
            "  Logs: var/demo/*.log. Ctrl-C ends everything.",
            "",
        ]
        self._say("\n".join(lines))

    def _say(self, line: str) -> None:
        speak(sys.stdout, line)


def _standin(port: int) -> list[str]:
    return [
        *("standin", "--port", str(port), "--client-id", CLIENT_ID, "--plan", "enterprise"),
        *("--state", str(environment.FOLDER / "zoho.journal"), "--flow-goes-bad-after", str(GOES_BAD_AFTER)),
    ]


@contextmanager
def _only_one() -> Iterator[None]:
    """Holds the demo's lock, which the system releases however the demo ends."""
    environment.LOCK.parent.mkdir(parents=True, exist_ok=True)
    with environment.LOCK.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandError("a demo is running in this directory; end it first (Ctrl-C)") from None
        yield
