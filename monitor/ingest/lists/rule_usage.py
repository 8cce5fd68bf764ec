"""Reads the usage reports of workflow rules: of those that ran, and once a day of all; says what was added since.

Zoho's counters are sums over days, at most 90 back from today (`docs/reference/zoho-crm.md`, Usage of rules). Were
the first day to move with each reading, they would fall by themselves. So it stays until it is nearly too old, and is
then moved with both spans read at that moment: no increment is lost. Two reports that count from the same first day
only grow, and what one shows more than the other is what happened between them. A counter that falls, or a
`reset_time` that moved, is a reset.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

from monitor.ingest.base.context import Context
from monitor.ingest.base.item_errors import ItemErrors
from monitor.ingest.base.quarantine import clipped
from monitor.ingest.base.retry_times import hole_recheck
from monitor.models import Stream, StreamState, UsageSnapshot, WorkflowRule
from monitor.models.crm import action_key
from monitor.periods import day_of
from monitor.zoho import clean
from monitor.zoho.clean import INT_MAX
from monitor.zoho.crm import CrmClient
from monitor.zoho.errors import DaysRefused, NotAvailable, Refused, SignIn, Unreachable, Wait, ZohoError
from monitor.zoho.shapes import RuleUsage

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class ActionCount:
    """Counts what one action of a rule did from the report's first day on."""

    id: str
    name: str
    type: str
    success: int
    failure: int

    @property
    def key(self) -> Key:
        """Returns what names it: its id; where Zoho gives none, type and name."""
        return action_key(self.id, self.type, self.name)


@dataclass(frozen=True, slots=True)
class UsageReading:
    """Holds one usage report. `since` is the first day it counts, None where that is not known."""

    since: date | None
    reset_time: datetime | None
    triggered: int | None
    actions: tuple[ActionCount, ...]


@dataclass(frozen=True, slots=True)
class Increment:
    """Holds what was added; None where it is not known."""

    triggered: int | None
    succeeded: int | None
    failed: int | None
    is_reset: bool


UNKNOWN = Increment(None, None, None, is_reset=False)


def increment(previous: UsageReading | None, new: UsageReading) -> Increment:
    """Computes what was added from one reading to the next; never negative.

    After a reset whose time Zoho tells it is all that was counted since then, and so at least right. Where a counter
    fell and Zoho tells no reset, nothing can be said of it. An action that a rule no longer has adds nothing, one
    that it has newly adds all it did.
    """
    if previous is None or previous.since is None or previous.since != new.since:
        return UNKNOWN
    if new.reset_time is not None and new.reset_time != previous.reset_time:
        previous = UsageReading(new.since, None, None if previous.triggered is None else 0, ())
        is_reset = True
    else:
        is_reset = False
    good = _added(_sums(previous.actions, "success"), _sums(new.actions, "success"))
    bad = _added(_sums(previous.actions, "failure"), _sums(new.actions, "failure"))
    known = previous.triggered is not None and new.triggered is not None
    fired = _added({("", ""): previous.triggered or 0}, {("", ""): new.triggered or 0}) if known else None
    fell = good is None or bad is None or (known and fired is None)
    return Increment(fired, good, bad, is_reset=is_reset or fell)


def _sums(actions: Iterable[ActionCount], which: str) -> dict[Key, int]:
    """Sums up by action: one that stands in several places of a rule is reported once for each."""
    sums: Counter[Key] = Counter()
    for action in actions:
        sums[action.key] += getattr(action, which)
    return dict(sums)


def _added(before: Mapping[Key, int], after: Mapping[Key, int]) -> int | None:
    """Sums up what each grew; None where one fell."""
    grown = [count - before.get(key, 0) for key, count in after.items()]
    return None if any(step < 0 for step in grown) else min(sum(grown), clean.INT_MAX)


def plus(one: int | None, other: int | None) -> int | None:
    """Adds what is known of both; None where nothing is."""
    known = [value for value in (one, other) if value is not None]
    return min(sum(known), clean.INT_MAX) if known else None


def action_counts(report: Mapping[str, Any]) -> tuple[ActionCount, ...]:
    """Collects the counters of every action in a usage report, instant and scheduled."""
    found: list[ActionCount] = []
    for condition in _objects(report.get("conditions")):
        scheduled = condition.get("scheduled_actions")
        groups = [condition.get("instant_actions"), *(scheduled if isinstance(scheduled, list) else [scheduled])]
        for group in groups:
            found += [_action(item) for item in _objects(group.get("actions") if isinstance(group, Mapping) else None)]
    return tuple(found)


def _action(item: Mapping[str, Any]) -> ActionCount:
    return ActionCount(
        id=clean.identifier(item.get("id")),
        name=clean.line(item.get("name"), clean.NAME_LIMIT),
        type=clean.word(item.get("type")),
        success=clean.count(item.get("success_count")) or 0,
        failure=clean.count(item.get("failure_count")) or 0,
    )


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


# Less than the 90 days allowed: the organisation's day may be ahead of ours, and a daily reading may come late.
LONGEST_DAYS = 88
FIRST_DAYS = 87  # what the first reading looks back
NEXT_DAYS = 44  # where the first day moves to
SHORTEST_DAYS = 7
MOST_TRIES = 3
LONGEST_AGE = timedelta(hours=24)  # of a report; then it is read though the rule has not run
MOST_FAILED = 100  # fits the column


@dataclass(frozen=True, slots=True)
class Report:
    """Holds a rule's newest counters, the first day they cover, and what was added since the reading before."""

    usage: RuleUsage
    since: date
    added: Increment


def usage_is_due(
    executed: datetime | None, executed_at_read: datetime | None, read_at: datetime | None, now: datetime
) -> bool:
    """Says whether a rule's usage report is worth a call: it ran since, or the last report is a day old."""
    if read_at is None:
        return True
    return executed != executed_at_read or now - read_at >= LONGEST_AGE


def read_usage(context: Context, client: CrmClient) -> None:
    """Reads the usage report of each rule that is due: those that ran first.

    Raises:
        ZohoError: a report could not be read; the others are there.
    """
    now = context.clock()
    rules = WorkflowRule.objects.filter(account=context.account, gone_at=None)
    due = [r for r in rules if usage_is_due(r.last_executed_time, r.usage_executed_time, r.usage_read_at, now)]
    # A person who waits has all of them asked for.
    waiting = [
        r for r in due if not context.mode.begins_anew and r.usage_retry_at is not None and r.usage_retry_at > now
    ]
    due = sorted(set(due) - set(waiting), key=_turn)
    if waiting and not due:
        return  # nothing was asked for: all is as it was
    today = day_of(client.last_server_date or now)
    trouble = ItemErrors()
    for done, rule in enumerate(due, start=1):
        with trouble.of(rule.shown_name), _put_off_if_refused(context, rule):
            till = last_day(rule.raw, today)
            before = rule.snapshots.order_by("-day").first()
            report, read_till = _read_till(context, client, rule, before, till)
            if read_till < till == today:
                today = till = read_till  # where Zoho is, today has not begun yet: for the other rules too
            with context.writing():
                _store(rule, report, before, context.clock(), till=read_till)
        context.progress("usage", done, len(due))
    trouble.settle()
    unread = [r for r in waiting if r.usage_problem]
    if unread:
        others = f" (and {len(unread) - 1} more)" if len(unread) > 1 else ""
        reason = f"{unread[0].shown_name}: {unread[0].usage_problem}{others}"
        context.note(Stream.USAGE, StreamState.State.INCOMPLETE, reason)
    else:
        context.note(Stream.USAGE, StreamState.State.OK, items=rules.count())


def _turn(rule: WorkflowRule) -> tuple[bool, datetime, bool, int]:
    """Sorts those never read first, of them those that ran; then the one whose report is the oldest."""
    at = rule.usage_read_at
    return at is not None, at or datetime.min.replace(tzinfo=UTC), rule.last_executed_time is None, rule.pk


@contextmanager
def _put_off_if_refused(context: Context, rule: WorkflowRule) -> Iterator[None]:
    """Has a rule that cannot be read tried ever more seldom, so that it does not take the turn of the others.

    Raises:
        ZohoError: as it was raised within.
    """
    try:
        yield
    except (Wait, SignIn, Unreachable):
        raise
    except ZohoError as error:
        # What is not to be had by Zoho's word is not missing.
        problem = "" if isinstance(error, NotAvailable) else str(error)
        with context.writing():
            WorkflowRule.objects.filter(pk=rule.pk).update(
                usage_tries=min(rule.usage_tries + 1, MOST_FAILED),
                usage_retry_at=hole_recheck(rule.usage_tries, context.clock()),
                usage_problem=clipped(WorkflowRule, {"usage_problem": problem})["usage_problem"],
            )
        raise


def last_day(row: dict[str, Any], today: date) -> date:
    """Picks the last day to ask for: today, or the organisation's day of the last run if that is ahead. Pure.

    Args:
        row: the rule as the list shows it; its times carry the organisation's offset.
        today: the day in UTC.
    """
    try:
        ran = date.fromisoformat(str(row.get("last_executed_time"))[:10])
    except ValueError:
        return today
    return ran if ran == today + timedelta(days=1) else today


def _read_till(
    context: Context, client: CrmClient, rule: WorkflowRule, before: UsageSnapshot | None, till: date
) -> tuple[Report, date]:
    """Reads the report till a day, or the day before where Zoho, west of UTC, refuses one that has not begun there."""
    try:
        return _read(context, client, rule, before, till), till
    except Refused as error:
        less = till - timedelta(days=1)
        try:
            return _read(context, client, rule, before, less), less
        except Refused:
            raise error from None  # it was not the last day


def _read(context: Context, client: CrmClient, rule: WorkflowRule, before: UsageSnapshot | None, till: date) -> Report:
    anchor = rule.usage_from
    if anchor is None or before is None or before.since != anchor or anchor > till:
        usage, since = _ask(context, client, rule.rule_id, till - timedelta(days=FIRST_DAYS), till)
        return Report(usage, since, UNKNOWN)
    if (till - anchor).days < LONGEST_DAYS:
        usage, since = _ask(context, client, rule.rule_id, anchor, till)
        return Report(usage, since, increment(_reading_of(before), _reading(usage, since)))
    return _move(context, client, rule.rule_id, before, till)


def _move(context: Context, client: CrmClient, rule_id: str, before: UsageSnapshot, till: date) -> Report:
    """Counts from a later day on. The old span is read before and after the new one: both are of one moment."""
    anchor = before.since
    assert anchor is not None  # noqa: S101 - tells the type checker what the caller has looked at
    later = till - timedelta(days=NEXT_DAYS)
    closing = _ask_exactly(context, client, rule_id, anchor, till)
    for _ in range(MOST_TRIES):
        usage, since = _ask(context, client, rule_id, later, till)
        again = _ask_exactly(context, client, rule_id, anchor, till) if closing is not None else None
        if closing is None or again is None or _reading(again, anchor) == _reading(closing, anchor):
            break
        closing = again
    added = UNKNOWN if closing is None else increment(_reading_of(before), _reading(closing, anchor))
    return Report(usage, since, added)


def _ask_exactly(context: Context, client: CrmClient, rule_id: str, since: date, till: date) -> RuleUsage | None:
    """Asks for the report from that very day on; None where Zoho finds it too old."""
    try:
        return context.call(partial(client.rule_usage, rule_id, since, till))
    except Refused as error:
        if not _is_too_far(error):
            raise
        return None


def _ask(context: Context, client: CrmClient, rule_id: str, since: date, till: date) -> tuple[RuleUsage, date]:
    """Asks for the report; returns also the day it begins at, later where Zoho's calendar is ahead of its clock."""
    while True:
        try:
            return context.call(partial(client.rule_usage, rule_id, since, till)), since
        except Refused as error:
            span = (till - since).days // 2
            if not _is_too_far(error) or span < SHORTEST_DAYS:
                raise
            since = till - timedelta(days=span)


def _is_too_far(error: Refused) -> bool:
    return isinstance(error, DaysRefused) and error.is_too_old


def _reading(usage: RuleUsage, since: date) -> UsageReading:
    return UsageReading(since, usage.reset_time, usage.trigger_count, action_counts(usage.raw))


def _reading_of(row: UsageSnapshot) -> UsageReading:
    return UsageReading(
        row.since, row.reset_time, row.trigger_count, tuple(ActionCount(**item) for item in row.actions)
    )


def _store(rule: WorkflowRule, report: Report, before: UsageSnapshot | None, now: datetime, *, till: date) -> None:
    usage, added = report.usage, report.added
    # Sums over a rule's actions may be longer than any column.
    counts = {
        "trigger_count": usage.trigger_count,
        "success_count": min(usage.success_count, INT_MAX),
        "failure_count": min(usage.failure_count, INT_MAX),
    }
    WorkflowRule.objects.filter(pk=rule.pk).update(
        usage_from=report.since,
        usage_till=till,
        usage_reset_time=usage.reset_time,
        usage_read_at=now,
        usage_executed_time=rule.last_executed_time,
        usage_tries=0,
        usage_retry_at=None,
        usage_problem="",
        **counts,
    )
    day, _ = UsageSnapshot.objects.select_for_update().get_or_create(rule=rule, day=till, defaults={"taken_at": now})
    is_known = added != UNKNOWN
    UsageSnapshot.objects.filter(pk=day.pk).update(
        **counts,
        taken_at=now,
        since=report.since,
        reset_time=usage.reset_time,
        triggered=plus(day.triggered, added.triggered),
        succeeded=plus(day.succeeded, added.succeeded),
        failed=plus(day.failed, added.failed),
        counted_from=day.counted_from or (before.taken_at if is_known and before is not None else None),
        is_reset=day.is_reset or added.is_reset,
        actions=[asdict(action) for action in action_counts(usage.raw)],
    )
