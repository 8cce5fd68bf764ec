"""Mirrors accounts in the foreground (`manage.py sync`)."""

from __future__ import annotations

import signal
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable
from types import FrameType
from typing import Any, Self

from django.core.management.base import CommandError
from tqdm import tqdm

from monitor import garbage
from monitor.connection import utc_now
from monitor.ingest.base.mode import Mode, Patience
from monitor.ingest.base.result import Result
from monitor.ingest.run import Busy
from monitor.management.data_command import DataCommand, accounts_named, add_account_argument
from monitor.models import SyncState, ZohoAccount
from monitor.pipeline import sync_now
from monitor.queries.quarantine import open_quarantine

LEASE_PATIENCE = 180.0  # seconds; a killed sync's lease ends within 60, a living one's sweep goes on by itself
WATCH_PAUSE = 30.0  # seconds


class Command(DataCommand):
    help = (
        "Reads everything that Zoho holds of the accounts into the mirror. Waits where Zoho or our own limits "
        "ask for it (--no-wait ends at once instead). Ends non-zero if anything is missing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_account_argument(parser)
        parser.add_argument("--watch", action="store_true", help="goes on until Ctrl-C")
        parser.add_argument("--no-wait", action="store_true", help="ends instead of waiting")

    def handle(self, *args: Any, **options: Any) -> None:
        accounts = accounts_named(options["name"])
        garbage.settle()
        before = signal.signal(signal.SIGTERM, _interrupt)
        try:
            self._all(accounts, watch=options["watch"], waits=not options["no_wait"])
        finally:
            signal.signal(signal.SIGTERM, before)

    def _all(self, accounts: list[ZohoAccount], *, watch: bool, waits: bool) -> None:
        while True:
            incomplete = [account.name for account in accounts if not self._sync(account, waits=waits)]
            if not watch:
                break
            time.sleep(WATCH_PAUSE)
        if incomplete:
            raise CommandError(f"the mirror is not complete: {', '.join(incomplete)}")

    def _sync(self, account: ZohoAccount, *, waits: bool) -> bool:
        with _Progress(account.name) as progress:
            patience = Patience(Mode.SYNC if waits else Mode.SYNC_WITHOUT_WAITING, pause=time.sleep, tell=progress.tell)
            try:
                result = self._when_free(account, patience, progress.show)
            except Busy as busy:
                self.stderr.write(f"{account.name}: {busy}")
                return False
        self._summary(account, result)
        return result.complete

    def _when_free(self, account: ZohoAccount, patience: Patience, show: Callable[[str, int, int], None]) -> Result:
        """Waits for the lease of another sync, which a killed one leaves behind for up to a minute."""
        waited = 0.0
        while True:
            try:
                return sync_now(account, patience=patience, progress=show)
            except Busy as busy:
                if not patience.mode.waits or waited >= LEASE_PATIENCE:
                    raise
                if waited == 0:
                    patience.tell(f"waiting: {busy}")
                left = (busy.until - utc_now()).total_seconds() if busy.until else 0.2
                pause = min(max(left, 0.2), 2.0)
                patience.pause(pause)
                waited += pause

    def _summary(self, account: ZohoAccount, result: Result) -> None:
        written = result.written
        state = SyncState.objects.get(account=account)
        self.stdout.write(
            f"{account.name}: {written.new} new and {written.changed} changed executions, "
            f"{result.flows_read} flows read, {sum(open_quarantine(account).values())} records quarantined; "
            f"{state.get_state_display()}"
        )
        for name, outcome in result.outcomes.items():
            reason = f" ({outcome.reason})" if outcome.reason else ""
            self.stdout.write(f"  {name}: {outcome.state.replace('_', ' ')}{reason}")
        if result.stopped is not None:
            self.stderr.write(
                f"{account.name}: stopped: {result.stopped}. {getattr(result.stopped, 'hint', '')}".rstrip()
            )
        for line in result.missing:
            self.stderr.write(f"{account.name}: missing: {line}")
        for line in result.unreadable:
            self.stderr.write(f"{account.name}: not readable: {line}")


class _Progress:
    """Draws a bar a stream on a terminal; on anything else only the lines about waiting."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._bar: Any = None
        self._what = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._close()

    def show(self, what: str, done: int, of: int) -> None:
        """Moves the stream's bar."""
        if what != self._what:
            self._close()
            self._what = what
            self._bar = tqdm(total=of, desc=f"{self._name}: {what}", file=sys.stderr, disable=None, leave=False)
        self._bar.total = of
        self._bar.n = done
        self._bar.refresh()

    def tell(self, line: str) -> None:
        """Prints one line beside the bar."""
        tqdm.write(f"{self._name}: {line}", file=sys.stderr)
        sys.stderr.flush()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Makes SIGTERM end like Ctrl-C: the lease is given back."""
    raise KeyboardInterrupt
