"""Runs a failed execution again from the command line, without a worker (`manage.py retry`)."""

from __future__ import annotations

import json
import secrets
import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import CommandError
from django.db import transaction
from django.db.models import Model
from django.utils import timezone

from monitor import connection, pipeline
from monitor.management import choose_runs
from monitor.management.choose_runs import Choice
from monitor.management.columns import in_columns
from monitor.management.data_command import DataCommand
from monitor.management.once import Once
from monitor.management.ranges import require_range
from monitor.models import (
    AuditEntry,
    Execution,
    Flow,
    Problem,
    RetryAttempt,
    RetryBatch,
    RetryItem,
    ZohoAccount,
    system_user,
)
from monitor.privacy import mask_name, mask_text
from monitor.queries.quota import QuotaLeft, quota_left
from monitor.retry.batches import MOST_CANARY, MOST_PER_MINUTE, USUAL_PER_MINUTE, request_batch
from monitor.retry.effects import Ref, merged
from monitor.retry.preview import Preview, preview
from monitor.retry.requests import RetryRefused, request_retry
from monitor.retry.settle import advance
from monitor.retry.steps import pace_within
from monitor.zoho.errors import ZohoError

State = RetryAttempt.State
PAUSE = 0.5  # seconds between two looks at our own row; Zoho is asked on the row's own schedule
MIRROR_WAIT = timedelta(seconds=15)  # after the outcome is known
INTERRUPTED = 130  # what a shell makes of Ctrl-C
LONGEST_FOLLOW = 86_400  # seconds
USUAL_FOLLOW = 60.0
KINDS = {"safe": "safe", "risky": "risky", "refused": "impossible"}

clock: Callable[[], datetime] = timezone.now
sleep: Callable[[float], None] = time.sleep


class Command(DataCommand):
    """Sends one in the foreground and follows it; several become a batch for the worker, or for `--follow`."""

    help = (
        "Run failed executions again at Zoho. One is sent at once and followed, exit code 0 only if it succeeded. "
        "Several, or those of a problem or of a flow and a time, become a batch: see --dry-run."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Adds the options; see --help."""
        parser.add_argument("execution_ids", nargs="*", metavar="EXECUTION_ID", help="Zoho's ids of failed executions")
        parser.add_argument("--problem", type=int, action=Once, metavar="N", help="the open failures of this problem")
        parser.add_argument(
            "--flow", action=Once, metavar="ID", help="the failed runs of this flow (Zoho's id); needs --since"
        )
        parser.add_argument("--since", metavar="TIME", help="a day or a time (UTC where unsaid): began then or later")
        parser.add_argument("--until", metavar="TIME", help="began earlier than that")
        parser.add_argument("--code", metavar="CODE", help="with this error code")
        parser.add_argument("--text", metavar="TEXT", help="with this in the error, as it is shown")
        parser.add_argument("--reason", default="", metavar="TEXT", help="why; kept in the audit trail")
        parser.add_argument("--account", metavar="NAME", help="needed where two accounts know the same id")
        parser.add_argument(
            "--accept-risk", action="store_true", help="confirm retries that could run the work a second time"
        )
        parser.add_argument("--dry-run", action="store_true", help="say what it would do, and do nothing")
        parser.add_argument("--json", action="store_true", help="with --dry-run: machine-readable")
        parser.add_argument("--rate", type=int, default=USUAL_PER_MINUTE, metavar="N", help="of a batch: a minute (30)")
        parser.add_argument("--canary", type=int, default=1, metavar="N", help="of a batch: how many go first (1)")
        parser.add_argument(
            "--follow", type=float, nargs="?", const=float(LONGEST_FOLLOW), metavar="SECONDS",
            help="how long to wait for the outcome (60 for one; without it a batch is left to the worker)",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        """Runs the command.

        Raises:
            CommandError: unknown execution, refused retry, or any outcome but success.
        """
        if options["follow"] is not None:
            require_range("--follow", options["follow"], 0, LONGEST_FOLLOW)
        require_range("--rate", options["rate"], 1, MOST_PER_MINUTE)
        require_range("--canary", options["canary"], 1, MOST_CANARY)
        if not options["dry_run"] and not options["reason"].strip():
            raise CommandError("say why: --reason TEXT")
        if options["json"] and not options["dry_run"]:
            raise CommandError("--json is for --dry-run")
        choice = _choice(options)
        if options["dry_run"]:
            self._preview(choice, options)
        elif len(options["execution_ids"]) == 1:
            self._retry_one(choice.keys[0], options)
        else:
            self._retry_many(choice, options)

    def _preview(self, choice: Choice, options: dict[str, Any]) -> None:
        found = preview(choice.keys, clock())
        if options["json"]:
            self.stdout.write(json.dumps(found.as_json(), ensure_ascii=False))
            return
        self.stdout.write(f"{found.total} runs: {found.safe} safe, {found.risky} risky, {found.impossible} impossible")
        for line in _table_of(found):
            self.stdout.write(line)
        accept_risk = options["accept_risk"]
        quota = quota_left(found.calls_by_account(accept_risk=accept_risk), clock())
        limits = {one.account.pk: one.per_minute for one in quota}
        needed = found.time_needed(options["rate"], limits, accept_risk=accept_risk)
        items, calls = found.items(accept_risk=accept_risk), found.calls(accept_risk=accept_risk)
        pace = f"{_span(needed)} at {options['rate']} a minute"
        self.stdout.write(f"{items} would be sent, with about {calls} API calls, in {pace}")
        for one in quota:
            self.stdout.write(f"{one.account.name}: {_quota_text(one, options['rate'])}")

    def _retry_one(self, key: int, options: dict[str, Any]) -> None:
        execution = Execution.objects.select_related("account", "flow").get(pk=key)
        seconds = USUAL_FOLLOW if options["follow"] is None else options["follow"]
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
            self._follow(attempt, seconds)
        except KeyboardInterrupt:
            raise CommandError(
                f"Interrupted; retry {attempt.pk} is left to the worker.", returncode=INTERRUPTED
            ) from None
        attempt.refresh_from_db()
        if attempt.state != State.SUCCEEDED:
            raise CommandError(_outcome_text(attempt, seconds))
        self.stdout.write(f"Succeeded: {attempt.answer}")

    def _retry_many(self, choice: Choice, options: dict[str, Any]) -> None:
        """Makes a batch of each account's runs, all or none, and follows them if asked to."""
        if not choice.keys:
            raise CommandError("No failed run matches: nothing was done.")
        try:
            with transaction.atomic():
                batches = [
                    request_batch(
                        account=ZohoAccount.objects.get(pk=account),
                        executions=keys,
                        user=system_user(),
                        reason=options["reason"],
                        client_token=secrets.token_urlsafe(32),
                        now=clock(),
                        accept_risk=options["accept_risk"],
                        per_minute=options["rate"],
                        canary=options["canary"],
                        source=choice.source,
                        problem=choice.problem,
                    )
                    for account, keys in choice.by_account.items()
                ]
        except RetryRefused as refusal:
            raise CommandError(refusal.message) from None
        for batch in batches:
            self.stdout.write(f"Batch {batch.pk}: {batch.items.count()} runs of {batch.account.name}")
        if options["follow"] is not None:
            try:
                self._follow_batches(batches, options["follow"])
            except KeyboardInterrupt:
                raise CommandError("Interrupted; the worker goes on with it.", returncode=INTERRUPTED) from None

    def _follow_batches(self, batches: list[RetryBatch], seconds: float) -> None:
        """Carries the batches out, a line for each change, until they are over or the time is.

        Raises:
            CommandError: not every run succeeded.
        """
        end = clock() + timedelta(seconds=seconds)
        told: dict[int, str] = {}
        while True:
            pipeline.settle_retries()
            for batch in batches:
                batch.refresh_from_db()
                line = progress_line(batch)
                if told.get(batch.pk) != line:
                    self.stdout.write(line)
                    told[batch.pk] = line
            is_over = not any(batch.is_open or progress(batch)["started"] for batch in batches)
            if is_over or clock() >= end:
                break
            sleep(PAUSE)
        if not all(progress(batch)["succeeded"] == batch.items.count() for batch in batches):
            raise CommandError("Not every run succeeded." if is_over else "It is not over; the worker goes on with it.")

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


def _choice(options: dict[str, Any]) -> Choice:
    """Reads which runs are meant: exactly one of the three ways to say so.

    Raises:
        CommandError: none or several ways, or nothing of that name.
    """
    ways = [bool(options["execution_ids"]), options["problem"] is not None, options["flow"] is not None]
    if sum(ways) != 1:
        raise CommandError("say which runs: EXECUTION_ID ..., --problem N, or --flow ID --since TIME")
    narrowing = ("since", "until", "code", "text")
    if options["flow"] is None and any(options[name] is not None for name in narrowing):
        raise CommandError("--since, --until, --code and --text are for --flow")
    if options["problem"] is not None and options["account"] is not None:
        raise CommandError("a problem is of one account: leave --account out")
    if options["problem"] is not None:
        return choose_runs.by_problem(options["problem"])
    if options["flow"] is None:
        names = dict.fromkeys(options["execution_ids"])
        return choose_runs.by_ids([find_execution(name, options["account"]) for name in names])
    if options["since"] is None:
        raise CommandError("--flow needs --since TIME: all that ever failed is never meant")
    return choose_runs.by_flow(
        options["flow"], options["account"], clock(), **{name: options[name] for name in narrowing}
    )


def _table_of(found: Preview) -> list[str]:
    """Returns the verdicts by flow, by problem where there are several, and why, as tables; nothing without runs."""
    if not found.total:
        return []
    flows = {key: mask_name(name) for key, name in _names(Flow, found.by_flow, "flow_name").items()}
    lines = _by("FLOW", found.by_flow, flows, found)
    if len(found.by_problem) > 1:
        titles = {
            key: f"{key}: {mask_text(title)}" for key, title in _names(Problem, found.by_problem, "title").items()
        }
        lines += ["", *_by("PROBLEM", found.by_problem, titles | {0: "in no problem yet"}, found)]
    said = {f"safe: {words}": count for words, count in found.said.items()}
    why = [[count, words] for part in (found.reasons, found.outlooks, said) for words, count in part.items()]
    return [*lines, "", *in_columns(["RUNS", "WHY"], why), ""] if why else [*lines, ""]


def _names(kind: type[Model], keys: Iterable[int], name: str) -> dict[int, str]:
    return dict(kind._default_manager.filter(pk__in=list(keys)).values_list("pk", name))


def _by(head: str, verdicts: Mapping[int, Counter[str]], names: Mapping[int, str], found: Preview) -> list[str]:
    most_first = sorted(verdicts.items(), key=lambda pair: (-pair[1].total(), pair[0]))
    rows = [[names[key], *(counts[kind] for kind in KINDS), counts.total()] for key, counts in most_first]
    rows += [["In all", found.safe, found.risky, found.impossible, found.total]] if len(rows) > 1 else []
    return in_columns([head, *(word.upper() for word in KINDS.values()), "RUNS"], rows)


def _quota_text(one: QuotaLeft, rate: int) -> str:
    day = "quota of a day is not known yet"
    if one.limit is not None:
        day = f"quota of any 24 h: {one.after} of {one.limit} after it{'' if one.is_enough else ', more than is left'}"
    runs = pace_within(rate, one.per_minute)
    slowed = f"; its {one.per_minute} calls a minute let about {runs:.1f} runs start a minute" if runs < rate else ""
    return f"{day}{slowed}"


def progress(batch: RetryBatch) -> dict[str, int]:
    """Counts the items of a batch by their states."""
    counts = Counter(batch.items.values_list("state", flat=True))
    return {state: counts[state] for state in RetryItem.State.values}


def progress_line(batch: RetryBatch) -> str:
    """Says in one line how far a batch is."""
    parts = ", ".join(f"{count} {state}" for state, count in progress(batch).items() if count)
    reason = f" ({batch.state_reason})" if batch.state_reason else ""
    return f"Batch {batch.pk}: {batch.get_state_display().lower()}{reason}; {parts}"


def _span(length: timedelta) -> str:
    minutes = length.total_seconds() / 60
    return f"{minutes:.0f} min" if minutes >= 1 else f"{length.total_seconds():.0f} s"


def find_execution(execution_id: str, account_name: str | None) -> Execution:
    """Finds the mirrored execution with Zoho's id.

    Args:
        execution_id: Zoho's.
        account_name: which account's, None for whichever has it.

    Raises:
        CommandError: no such account, no such execution, or more than one.
    """
    rows = Execution.objects.select_related("account", "flow").filter(execution_id=execution_id)
    missing = f"No mirrored execution has the id “{execution_id}”; has it been synced?"
    return choose_runs.only_one(rows, "an execution", missing, account_name)


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
