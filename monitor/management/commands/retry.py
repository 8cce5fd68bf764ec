"""Runs a failed execution again from the command line, without a worker (`manage.py retry`)."""

from __future__ import annotations

import secrets
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from monitor import connection, pipeline
from monitor.management.data_command import DataCommand
from monitor.management.ranges import require_range
from monitor.models import AuditEntry, Execution, RetryAttempt, ZohoAccount, system_user
from monitor.retry.effects import Ref, merged
from monitor.retry.requests import RetryRefused, request_retry
from monitor.retry.settle import advance
from monitor.zoho.errors import ZohoError

State = RetryAttempt.State
PAUSE = 0.5  # seconds between two looks at our own row; Zoho is asked on the row's own schedule
MIRROR_WAIT = timedelta(seconds=15)  # after the outcome is known
INTERRUPTED = 130  # what a shell makes of Ctrl-C
LONGEST_FOLLOW = 86_400  # seconds

clock: Callable[[], datetime] = timezone.now
sleep: Callable[[float], None] = time.sleep


class Command(DataCommand):
    """Sends in the foreground, follows the outcome, exit code 0 only for a success."""

    help = "Run a failed execution again at Zoho, follow what becomes of it, and exit 0 only if it succeeded."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Adds the options; see --help."""
        parser.add_argument("execution_id", metavar="EXECUTION_ID", help="Zoho's id of the failed execution")
        parser.add_argument("--reason", required=True, metavar="TEXT", help="why; kept in the audit trail")
        parser.add_argument("--account", metavar="NAME", help="needed where two accounts know the same id")
        parser.add_argument(
            "--accept-risk", action="store_true", help="confirm a retry that could run the work a second time"
        )
        parser.add_argument(
            "--follow", type=float, default=60.0, metavar="SECONDS", help="how long to wait for the outcome (60)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Runs the command.

        Raises:
            CommandError: unknown execution, refused retry, or any outcome but success.
        """
        require_range("--follow", options["follow"], 0, LONGEST_FOLLOW)
        execution = find_execution(options["execution_id"], options["account"])
        try:
            attempt = request_retry(
                execution=execution,
                user=system_user(),
                reason=options["reason"],
                client_token=secrets.token_urlsafe(32),
                accept_risk=options["accept_risk"],
                now=clock(),
            )
        except RetryRefused as refusal:
            raise CommandError(_refusal_text(refusal)) from None
        try:
            self._follow(attempt, options["follow"])
        except KeyboardInterrupt:
            raise CommandError(
                f"Interrupted; retry {attempt.pk} is left to the worker.", returncode=INTERRUPTED
            ) from None
        attempt.refresh_from_db()
        if attempt.state != State.SUCCEEDED:
            raise CommandError(_outcome_text(attempt, options["follow"]))
        self.stdout.write(f"Succeeded: {attempt.answer}")

    def _follow(self, attempt: RetryAttempt, seconds: float) -> None:
        """Advances the attempt until it is settled or the time is over, a line for each change."""
        end = clock() + timedelta(seconds=seconds)
        told = 0
        unread: list[Ref] = []
        while True:
            report = advance(attempt.pk, now_fn=clock, open_account=connection.open_account)
            for entry in _news(attempt, told):
                self.stdout.write(_line(entry))
                told = entry.pk
            unread = self._mirror(merged([*unread, *report.refs]))
            attempt.refresh_from_db()
            if not attempt.is_open:
                end = min(end, (attempt.settled_at or clock()) + MIRROR_WAIT)
            if clock() >= end or not (attempt.is_open or unread):
                break
            sleep(PAUSE)
        if unread:
            self.stderr.write("The mirror could not be brought up to date; the next sync does it.")

    def _mirror(self, refs: list[Ref]) -> list[Ref]:
        """Lets the mirror see the rows; gives those back that could not be read now.

        It may have to wait: for a sync of this account, or for our own limit of calls.
        """
        wanted = sum(len(ids) for _, ids in refs)
        try:
            return [] if not refs or pipeline.refresh_executions(refs) >= wanted else refs
        except ZohoError:
            return refs


def find_execution(execution_id: str, account_name: str | None) -> Execution:
    """Finds the mirrored execution with Zoho's id.

    Args:
        execution_id: Zoho's.
        account_name: which account's, None for whichever has it.

    Raises:
        CommandError: no such account, no such execution, or more than one.
    """
    found = Execution.objects.select_related("account", "flow").filter(execution_id=execution_id)
    if account_name is not None:
        if not ZohoAccount.objects.filter(name=account_name).exists():
            raise CommandError(f"There is no account named “{account_name}”.")
        found = found.filter(account__name=account_name)
    rows = list(found.order_by("account__name"))
    if not rows:
        raise CommandError(f"No mirrored execution has the id “{execution_id}”; has it been synced?")
    if len(rows) > 1:
        names = ", ".join(row.account.name for row in rows)
        raise CommandError(f"Several accounts have an execution {execution_id}: say --account NAME ({names}).")
    return rows[0]


def _news(attempt: RetryAttempt, told: int) -> Iterator[AuditEntry]:
    entries = AuditEntry.objects.filter(object_type="retry", object_id=str(attempt.pk), pk__gt=told)
    yield from entries.order_by("pk")


def _line(entry: AuditEntry) -> str:
    note = entry.detail.get("note", "")
    state = entry.action.removeprefix("retry.").replace("_", " ")
    return f"{entry.at:%H:%M:%S} {state}" + (f": {note}" if note else "")


def _refusal_text(refusal: RetryRefused) -> str:
    if refusal.code == "risk_not_accepted":
        return refusal.message.replace("Confirm the risk to retry anyway.", "Add --accept-risk to retry anyway.")
    return refusal.message


def _outcome_text(attempt: RetryAttempt, seconds: float) -> str:
    what = attempt.get_state_display()
    if attempt.is_open:
        known = _sentence(attempt.answer or "nothing is known yet")
        return f"{what} after {seconds:g} s: {known} The worker goes on looking."
    return f"{what}: {attempt.answer}"


def _sentence(text: str) -> str:
    """Ends Zoho's words as a sentence, so that ours can go on after them."""
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."
