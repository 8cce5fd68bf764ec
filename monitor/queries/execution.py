"""Shows one execution: what happened to it, masked, and what people did about it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext_noop

from monitor.languages import gettext as _
from monitor.languages import pgettext
from monitor.models import Execution, ExecutionEvent, Failure, RetryAttempt, ages, zoho_ahead
from monitor.models.addresses import address_of
from monitor.models.masked_text import said_of_run
from monitor.models.prepared import Prepared
from monitor.privacy import mask, mask_text
from monitor.sentences import inside
from monitor.zoho.envelope import find_envelope

# An open retry mostly ends within a minute; one of unknown outcome may stay open for hours.
SOON = timedelta(minutes=2)
POLL_SOON, POLL_LATER = 2, 20  # seconds
LONGEST_SHOWN = 60_000  # characters of trigger data; a page is no place for megabytes

STATE_WORDS: dict[str, str] = {
    "requested": gettext_noop(
        "Waiting for the worker to send it. Nothing has left for Zoho yet; it can still be cancelled."
    ),
    "sending": gettext_noop("The request is on its way to Zoho."),
    "accepted": gettext_noop("Zoho took the request. Its run is followed until it has ended."),
    "unknown": gettext_noop(
        "Outcome unknown: no answer came, or none that tells; it is settled by reading, never by sending again."
    ),
    "succeeded": gettext_noop("The run that this retry caused has succeeded."),
    "failed_again": gettext_noop("Zoho ran it again and it failed again."),
    "rejected": gettext_noop("Zoho refused the request; nothing was run."),
    "cancelled": gettext_noop("Cancelled before anything was sent."),
    "not_run": gettext_noop("The outcome was not known, and a person has decided that Zoho did not run it."),
}


@dataclass(frozen=True)
class ErrorText:
    """Holds what Zoho said of the failure, masked. `action_id` is Zoho's id of the action that failed."""

    code: str
    message: str
    details: str
    action_id: str

    def __bool__(self) -> bool:
        return bool(self.code or self.message or self.details or self.action_id)


@dataclass(frozen=True)
class Attempt:
    """Holds a retry with its state in plain words. Texts are masked; `new_run` is the mirrored run it caused."""

    row: RetryAttempt
    who: str
    words: str
    answer: str
    reason: str
    new_run: Execution | None


@dataclass(frozen=True)
class CausedBy:
    """Holds whose retry a run is: the run that was retried, Zoho's id of it, and who asked for the retry."""

    run: int
    execution_id: str
    who: str

    @property
    def url(self) -> str:
        return address_of("execution", self.run)


@dataclass(frozen=True)
class Event:
    """Holds one line of an execution's history."""

    at: datetime
    status: str
    text: str
    who: str = ""
    reason: str = ""


@dataclass(frozen=True)
class ExecutionDetail:
    """Holds what the page shows.

    `trigger_data` is JSON text, "" where Zoho sent none; masked, as the error is, unless a person may see more and gave
    a reason (`is_masked`).
    """

    execution: Execution
    error: ErrorText
    trigger_data: str
    trigger_cut: bool
    attempts: list[Attempt]
    cause: CausedBy | None
    events: list[Event]
    payload_days: int = 0
    is_masked: bool = True

    @property
    def is_made_good(self) -> bool:
        """Returns whether it failed and a retry of it succeeded."""
        return self.execution.is_failed and any(a.row.state == RetryAttempt.State.SUCCEEDED for a in self.attempts)

    @property
    def was_retried(self) -> bool:
        """Returns whether a person's retry of it was sent to Zoho."""
        return any(attempt.row.sent_at for attempt in self.attempts)

    @property
    def open_attempt(self) -> Attempt | None:
        return next((attempt for attempt in self.attempts if attempt.row.is_open), None)

    @property
    def open_mark(self) -> str:
        """Returns what there is to see of the open retry, in one word, "" without one: one mark, one wording."""
        attempt = self.open_attempt
        if attempt is None:
            return ""
        return f"{attempt.row.pk}-{attempt.row.state}-{attempt.new_run.pk if attempt.new_run else 0}"

    def poll_seconds(self, now: datetime) -> int:
        """Returns how often a page asks what became of the open retry."""
        attempt = self.open_attempt
        return POLL_SOON if attempt is None or now - attempt.row.requested_at < SOON else POLL_LATER


def executions() -> QuerySet[Execution]:
    """Returns executions with the joins that the page needs, and `zoho_ahead` of their accounts.

    Who wrote it off, which later run settled it, and who said something of its flow's retries are read where there is
    such a thing: few runs have one.
    """
    joined = Execution.objects.select_related(
        "flow__retry_pin", "account", "failure__group__problem", "failure__write_off"
    )
    return joined.annotate(zoho_ahead=Subquery(zoho_ahead(OuterRef("account")))).defer("flow__raw", "search_text")


BY_KEY = Prepared(lambda pk: executions().filter(pk=pk).order_by()[:1], int)


def detail(execution: Execution, *, masked: bool = True) -> ExecutionDetail:
    """Everything about one execution. Three statements at most, one more where it was written off.

    Args:
        execution: from `executions()`.
        masked: False only for a person who may unmask and gave a reason.
    """
    rows, cause = _retries(execution)
    attempts = _attempts(execution, rows)
    text, cut = as_text(mask(execution.trigger_data) if masked else execution.trigger_data)
    return ExecutionDetail(
        execution=execution,
        error=error_of(execution, masked=masked),
        trigger_data=text,
        trigger_cut=cut,
        attempts=attempts,
        cause=cause,
        events=_events(execution, attempts),
        payload_days=ages().payload,
        is_masked=masked,
    )


def error_of(execution: Execution, *, masked: bool = True) -> ErrorText:
    """Returns the error of an execution.

    Args:
        masked: False only for a person who may unmask and gave a reason.
    """
    clean = partial(mask_text, people=execution.people) if masked else str
    return ErrorText(
        code=clean(execution.error_code),
        message=clean(execution.error_message),
        details=clean(execution.error_details),
        action_id=execution.error_action_id,
    )


def specific_error(execution: Execution) -> str:
    """Returns the line that tells most of a failure, as Zoho sent it: the details quote what the app said.

    Args:
        execution: whichever; "" where Zoho said nothing.
    """
    details = execution.error_details
    if details.lstrip().startswith(("{", "[")):
        try:
            envelope = find_envelope(json.loads(details))
        except (ValueError, RecursionError):
            envelope = None
        if envelope is not None and envelope.message:
            return envelope.message
    lines = (line.strip() for line in details.splitlines())
    # A bracket alone, as JSON begins with, says nothing.
    return next((line for line in lines if any(char.isalnum() for char in line)), execution.error_message)


def as_text(value: Any) -> tuple[str, bool]:
    """JSON for people, and whether it was cut at `LONGEST_SHOWN` characters."""
    if value is None:
        return "", False
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return text[:LONGEST_SHOWN], len(text) > LONGEST_SHOWN


def _retries_of(pk: int, account: int, zohos_id: str) -> QuerySet[RetryAttempt, Any]:
    rows = RetryAttempt.objects.filter(Q(execution=pk) | Q(account=account, new_execution_id=zohos_id))
    return rows.annotate(who=F("requested_by__username"), retried=F("execution__execution_id"))


_RETRIES = Prepared(_retries_of, int, int, str)
_RERUNS = Prepared(lambda pk: ExecutionEvent.objects.filter(execution=pk, kind=ExecutionEvent.Kind.RERUN), int)


def _retries(execution: Execution) -> tuple[list[Any], CausedBy | None]:
    """Returns the retries of a run, the newest first, and whose retry it is itself, if it is one. One statement."""
    own: list[Any] = []
    cause = None
    for row in _RETRIES.rows(execution.pk, execution.account_id, execution.execution_id):
        if row.execution_id == execution.pk:
            own.append(row)
        elif cause is None:
            cause = CausedBy(row.execution_id, row.retried, row.who)
    return own, cause


def _attempts(execution: Execution, rows: list[Any]) -> list[Attempt]:
    new_ids = [row.new_execution_id for row in rows if row.new_execution_id]
    runs: dict[str, Execution] = {}
    if new_ids:
        found = Execution.objects.filter(account_id=execution.account_id, execution_id__in=new_ids)
        runs = {run.execution_id: run for run in found}
    return [
        Attempt(
            row=row,
            who=row.who,
            words=_(STATE_WORDS[row.state]) if row.state in STATE_WORDS else _(row.get_state_display()),
            answer=said_of_run(row.answer, execution),
            reason=said_of_run(row.reason, execution),
            new_run=runs.get(row.new_execution_id),
        )
        for row in rows
    ]


def _rerun(event: ExecutionEvent) -> Event:
    words = {
        "success": _("Run again, and it succeeded"),
        "failed": _("Run again, and it failed again"),
        "running": _("Is being run again"),
    }
    text = words.get(event.to_status, pgettext("state", "Run again"))
    return Event(event.completed_time or event.seen_at, _known(event.to_status), text)


def _known(status: str) -> str:
    """Returns a status of Zoho's where it is known what it means; else none."""
    return status if status in Execution.Status.values else ""


def _events(execution: Execution, attempts: list[Attempt]) -> list[Event]:
    """Returns what happened, oldest first; of Zoho's own re-runs what the mirror saw between two of its readings."""
    events: list[Event] = []
    if execution.started_time:
        events.append(Event(execution.started_time, "running", _("Started in Zoho")))
    if execution.first_failed_at:
        events.append(Event(execution.first_failed_at, "failed", _("Failed for the first time")))
    seen = _RERUNS.rows(execution.pk) if execution.rerun_count else []
    reruns = [_rerun(event) for event in seen]
    told = {execution.first_failed_at, *(event.at for event in reruns)}
    events += reruns
    if execution.completed_time and execution.completed_time not in told:
        ended = _("Ended in a later run") if execution.rerun_count else _("Ended")
        events.append(Event(execution.completed_time, _known(execution.status), ended))
    for attempt in attempts:
        row = attempt.row
        events.append(Event(row.requested_at, "requested", _("Retry requested"), attempt.who, attempt.reason))
        if row.sent_at:
            events.append(Event(row.sent_at, "sending", _("Retry sent to Zoho")))
        if row.settled_at:
            events.append(
                Event(
                    row.settled_at,
                    row.state,
                    _("Retry settled: %(state)s") % {"state": inside(row.get_state_display())},
                )
            )
    events += _given_up(execution)
    return sorted(events, key=lambda event: event.at)


def _given_up(execution: Execution) -> list[Event]:
    """Returns who has written the run off, and why, where somebody has."""
    given_up = getattr(getattr(execution, "failure", None), "write_off", None)  # no row is an AttributeError, too
    if given_up is None:
        return []
    reason = mask_text(given_up.reason, people=given_up.people)
    return [Event(given_up.at, Failure.Fate.WRITTEN_OFF, _("Written off"), given_up.by.get_username(), reason)]
