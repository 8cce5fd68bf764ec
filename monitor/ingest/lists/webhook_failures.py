"""Reads failed calls of webhooks as a stream of events: each once, by its id.

Source: `docs/reference/zoho-crm.md`, Webhook failures: days from and to (both included, in the organisation's time
zone), 30 days where they are left out, at most 90 apart. First the newest 30 days, then those before, span by span;
after that only the days since the last reading and a few before it, for a failure may be listed late. The stream's
cursor says how far that has come: ``{"until": day, "back_to": day, "first": day}``, all from `back_to` to `until`
being read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from django.db.models import OuterRef, Subquery

from monitor.ingest.base import stream_due
from monitor.ingest.base.context import Context
from monitor.ingest.base.quarantine import (
    clipped,
    let_go_read,
    let_go_unlisted,
    put_aside,
    write_or_put_aside,
)
from monitor.models import Stream, StreamState, WebhookFailure, WorkflowRule, ZohoAccount
from monitor.periods import day_of, first_of_days, last_of_days
from monitor.zoho.crm import CrmClient
from monitor.zoho.errors import BadAnswer, DaysRefused, Refused
from monitor.zoho.shapes.crm_webhooks import WebhookFailure as FailureRow

SPAN_DAYS = 30  # of one window
BACK_DAYS = 89  # the span allowed is 90, and the organisation's day may be ahead of ours
# Read again each time: the organisation's day may be behind ours, and a failure may be listed late.
OVERLAP_DAYS = 2
FULL_PAGE = 200
MOST_PAGES = 500
MOST_LATE = 2  # days by which Zoho's calendar may be ahead


@dataclass(frozen=True, slots=True)
class Cursor:
    """Says how far the failures are read: all days from `back_to` to `until`; the oldest wanted is `first`."""

    until: date
    back_to: date
    first: date

    def as_json(self) -> dict[str, str]:
        return {"until": str(self.until), "back_to": str(self.back_to), "first": str(self.first)}


@dataclass(frozen=True, slots=True)
class DaysToAsk:
    """Names days to ask for, both included; `last` None is Zoho's own today. `reached` is the cursor once it is read.

    `is_past`: it was never read and Zoho may have forgotten it.
    """

    first: date
    last: date | None
    reached: Cursor
    is_past: bool = False


def read_cursor(value: Any) -> Cursor | None:
    """Reads the cursor that stands in the database; None where there is none that can be used. Pure."""
    try:
        return Cursor(*(date.fromisoformat(value[name]) for name in ("until", "back_to", "first")))
    except (KeyError, TypeError, ValueError):
        return None


def windows(cursor: Cursor | None, today: date) -> Iterator[DaysToAsk]:
    """Lists what is to be asked for, in order. Pure.

    Args:
        cursor: how far it has come.
        today: by Zoho's clock, in UTC.

    Returns:
        First what is new, the oldest of it first so that the cursor never leaps over a hole; then, newest first, what
        of the past was never read.
    """
    oldest = today - timedelta(days=BACK_DAYS)
    if cursor is None or cursor.until < oldest or cursor.until > today + timedelta(days=1):
        start = first_of_days(today, SPAN_DAYS)
        cursor = Cursor(until=today, back_to=start, first=oldest)
        yield DaysToAsk(start, None, cursor)
    else:
        start = max(cursor.until - timedelta(days=OVERLAP_DAYS), oldest)
        while (today - start).days >= SPAN_DAYS:
            last = last_of_days(start, SPAN_DAYS)
            cursor = Cursor(until=last, back_to=cursor.back_to, first=cursor.first)
            yield DaysToAsk(start, last, cursor)
            start = last
        cursor = Cursor(until=today, back_to=cursor.back_to, first=cursor.first)
        yield DaysToAsk(start, None, cursor)
    while cursor.back_to > max(cursor.first, oldest):
        last = cursor.back_to - timedelta(days=1)
        start = max(first_of_days(last, SPAN_DAYS), cursor.first, oldest)
        cursor = Cursor(until=cursor.until, back_to=start, first=cursor.first)
        yield DaysToAsk(start, last, cursor, is_past=True)


def read_webhook_failures(context: Context, client: CrmClient) -> None:
    """Reads the failures that are new, and what of the past is still to be read.

    Raises:
        ZohoError: a window could not be read; those before it are there.
    """
    account = context.account
    stored = StreamState.objects.filter(account=account, stream=Stream.WEBHOOK_FAILURES)
    cursor = read_cursor(stored.values_list("cursor", flat=True).first())
    today = day_of(client.last_server_date or context.clock())
    for window in windows(cursor, today):
        reached = window.reached
        if not _read_days(context, client, window):
            # Zoho keeps no more of the past than has been read by now.
            known = window.last + timedelta(days=1) if window.last is not None else reached.back_to
            reached = Cursor(reached.until, back_to=known, first=known)
        _keep_cursor(context, reached)
        if reached is not window.reached:
            break
    _link(account)
    # What was put aside is listed no longer than what could be read.
    listed_since = context.clock() - timedelta(days=BACK_DAYS)
    if Stream.WEBHOOK_FAILURES in context.lists_aside:
        with context.writing():
            let_go_unlisted(account, Stream.WEBHOOK_FAILURES, listed_since, context.clock())
    total = WebhookFailure.objects.filter(account=account).count()
    context.note(Stream.WEBHOOK_FAILURES, StreamState.State.OK, items=total)


def _read_days(context: Context, client: CrmClient, window: DaysToAsk) -> bool:
    """Reads a window, from a later day on where Zoho's calendar is ahead of the clock it shows.

    Returns:
        False where Zoho refuses days of the past as too old.

    Raises:
        Refused: it does so with days that must be there.
    """
    for late in range(MOST_LATE + 1):
        try:
            _read_window(context, client, window.first + timedelta(days=late), window.last)
        except Refused as error:
            is_too_far = isinstance(error, DaysRefused) and error.is_too_old
            if not is_too_far or (late == MOST_LATE and not window.is_past):
                raise
        else:
            return True
    return False


def _read_window(context: Context, client: CrmClient, first: date, last: date | None) -> None:
    started = context.clock()
    seen: set[str] = set()
    write = partial(_write, context.account, started=started)
    for page in range(1, MOST_PAGES + 1):
        answer = context.call(partial(client.list_webhook_failures, page=page, from_day=first, to_day=last))
        new = {row.id for row in answer.items} - seen
        with context.writing():
            unique = list({row.id: row for row in answer.items}.values())
            let_go_read(context.account, Stream.WEBHOOK_FAILURES, [row.id for row in unique], started)
            rejected = write_or_put_aside(context.account, Stream.WEBHOOK_FAILURES, unique, write, started)
            rejected += put_aside(context.account, Stream.WEBHOOK_FAILURES, answer.rejected, started)
        seen |= new
        context.progress("webhook failures", len(seen), len(seen))
        is_full = len(answer.items) + len(answer.rejected) >= FULL_PAGE
        if not (new or answer.rejected) or not (answer.more_records or is_full):
            return
    raise BadAnswer(f"the failures of webhooks from {first} on have no end after {MOST_PAGES} pages")


def _write(account: ZohoAccount, rows: Sequence[FailureRow], *, started: datetime) -> None:
    """Inserts those that are not here yet; what has failed once never changes."""
    made = [_made(account, row, started) for row in rows]
    WebhookFailure.objects.bulk_create(made, ignore_conflicts=True)


def _made(account: ZohoAccount, row: FailureRow, started: datetime) -> WebhookFailure:
    texts = {
        "rule_zoho_id": row.workflow_rule.id,
        "rule_name": row.workflow_rule.name,
        "webhook_id": row.webhook.id,
        "webhook_name": row.webhook.name,
        "module": row.module_api_name,
        "record_id": row.record.id,
        "record_name": row.record.name,
        "reason": row.failure_reason,
    }
    made = WebhookFailure(
        account=account,
        failure_id=row.id,
        first_seen_at=started,
        failure_time=row.failure_time,
        **clipped(WebhookFailure, texts),
    )
    made.mask_text()
    return made


def _keep_cursor(context: Context, cursor: Cursor) -> None:
    stream_due.write(context, Stream.WEBHOOK_FAILURES, cursor=cursor.as_json())


def _link(account: ZohoAccount) -> None:
    """Joins failures to the rules that are mirrored by now."""
    rules = WorkflowRule.objects.filter(account=account, rule_id=OuterRef("rule_zoho_id"))
    ids = WorkflowRule.objects.filter(account=account).values("rule_id")
    loose = WebhookFailure.objects.filter(account=account, rule=None, rule_zoho_id__in=ids)
    loose.update(rule=Subquery(rules.values("pk")[:1]))
