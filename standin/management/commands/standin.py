"""`manage.py standin` starts the stand-in Zoho on loopback."""

import errno
import os
import signal
import threading
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

DEFAULTS = {"seed": 1, "flows": 24, "rules": 12, "executions": 6000, "history_days": 30}

RANGES = {
    "port": (0, 65_535),
    "seed": (0, 2**31),
    "flows": (0, 100_000),
    "rules": (0, 100_000),
    "executions": (0, 100_000_000),
    "history_days": (1, 3_650),
    "flow_goes_bad_after": (0, 31_536_000),
}


class Command(BaseCommand):
    """`manage.py standin`: no database, no settings of the product beyond their import."""

    help = "Starts a Zoho of our own (accounts, Flow and CRM) on loopback, with a seeded world that moves."
    requires_system_checks = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        from standin.build import PLANS
        from standin.flow.failures import BY_NAME
        from standin.what_goes_wrong import STORIES

        parser.add_argument("--port", type=int, default=8765, help="0 picks a free one (default: 8765)")
        parser.add_argument("--host", default="127.0.0.1", help="a loopback address (default: 127.0.0.1)")
        for name, default in DEFAULTS.items():
            parser.add_argument("--" + name.replace("_", "-"), type=int, default=default)
        parser.add_argument("--plan", choices=[*PLANS], default="standard")
        parser.add_argument("--state", type=Path, help="journal file: a restart on it gives the same world")
        parser.add_argument("--client-id")
        parser.add_argument("--client-secret", help="or STANDIN_CLIENT_SECRET")
        parser.add_argument("--refresh-token", help="or STANDIN_REFRESH_TOKEN")
        parser.add_argument("--control-token", help="or STANDIN_CONTROL_TOKEN")
        parser.add_argument("--dialect", choices=["zoho", "seed"], default="zoho")
        parser.add_argument("--story", choices=[*STORIES], action="append", default=[])
        parser.add_argument("--retry-answers", choices=["new-id", "same-id"], default="new-id")
        parser.add_argument("--retries", choices=["likely", "succeed", "fail"], default="likely")
        parser.add_argument("--consent", choices=["page", "skip"], default="page")
        parser.add_argument(
            "--flow-goes-bad-after",
            type=float,
            metavar="SECONDS",
            help="after this time one flow begins to fail every few seconds (default: never)",
        )
        parser.add_argument(
            "--flow-goes-bad-with",
            choices=sorted(BY_NAME),
            default="sickness",
            help="the kind of its failures; Zoho re-runs 503, 429, timeout, 500 and 409 by itself",
        )
        parser.add_argument(
            "--habit", action="append", default=[], metavar="NAME=VALUE", help="switch one of Zoho's oddities"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        from standin.build import JournalError, OffsetClock, StandinServer, make_app, make_world
        from standin.what_goes_wrong import begin

        for name, (least, most) in RANGES.items():
            if options[name] is not None and not least <= options[name] <= most:
                raise CommandError(f"--{name.replace('_', '-')} must be between {least} and {most}")
        try:
            world = make_world(
                **{name: options[name] for name in DEFAULTS},
                clock=OffsetClock(),
                habits=_habits(options),
                state=options["state"],
                goes_bad_after=options["flow_goes_bad_after"],
                goes_bad_with=options["flow_goes_bad_with"],
            )
        except JournalError as problem:
            raise CommandError(str(problem)) from None
        world.advance(world.now())  # the history is made up now, so that the first call does not wait for it
        app = make_app(world, credentials=_credentials(options), plan=options["plan"])
        for name in options["story"]:
            begin(name, world, app.faults)
        try:
            server = StandinServer(options["host"], options["port"], app)
        except ValueError as problem:
            raise CommandError(str(problem)) from None
        except (OSError, OverflowError) as problem:
            raise CommandError(_why(problem, options["host"], options["port"])) from None
        self._serve(server)
        world.close()

    def _serve(self, server: Any) -> None:
        # No threading.Event: a second signal while the first is inside set() would wait for its lock for ever.
        signals: list[int] = []
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda number, _: signals.append(number))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1})
        thread.start()
        self.stdout.write(f"standin listening on {server.base_url}")
        self.stdout.flush()
        while not signals:
            time.sleep(0.1)
        server.stop()
        thread.join()


def _habits(options: dict[str, Any]) -> Any:
    from standin.build import habits_for

    changes: dict[str, Any] = {name: options[name] for name in ("retry_answers", "retries", "consent")}
    for wish in options["habit"]:
        name, _, value = wish.partition("=")
        changes[name] = {"true": True, "false": False}.get(value, int(value) if value.isdigit() else value)
    try:
        return habits_for(options["dialect"], **changes)
    except ValueError as problem:
        raise CommandError(str(problem)) from None


def _credentials(options: dict[str, Any]) -> Any:
    from standin.build import Credentials

    usual = Credentials()
    return Credentials(
        client_id=options["client_id"] or usual.client_id,
        **{
            name: options[name] or os.environ.get("STANDIN_" + name.upper()) or getattr(usual, name)
            for name in ("client_secret", "refresh_token", "control_token")
        },
    )


def _why(problem: Exception, host: str, port: int) -> str:
    number = getattr(problem, "errno", None)
    if number == errno.EADDRINUSE:
        return f"port {port} on {host} is in use; choose another with --port"
    if number == errno.EACCES:
        return f"port {port} on {host} may not be used by this user"
    return f"cannot listen on {host}:{port}: {problem}"
