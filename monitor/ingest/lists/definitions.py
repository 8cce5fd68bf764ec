"""Reads what flows, rules and connected workflows are made of, and keeps it as versions.

The lists say cheaply whether a definition may have changed (time of the change, state, name); only then it is asked
for whole, and once a week in any case. Of all that a sweep reads this is the least urgent: it comes last, takes few
calls a sweep, and where calls or time run out it goes on with the next one without calling the mirror incomplete.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db.models import QuerySet

from monitor.connection import BudgetSpent
from monitor.definition_diff import MOST_CHANGES, definition, diff, sha256
from monitor.ingest.base.calls import OutOfTime
from monitor.ingest.base.context import Context
from monitor.ingest.base.item_errors import ItemErrors
from monitor.ingest.base.quarantine import clipped
from monitor.ingest.base.retry_times import hole_recheck
from monitor.models import (
    ConnectedVersion,
    ConnectedWorkflow,
    Flow,
    FlowVersion,
    HasDefinition,
    RuleVersion,
    Stream,
    StreamState,
    WorkflowRule,
)
from monitor.models.crm import packed_kinds
from monitor.models.definitions import apps_of
from monitor.privacy import SecretMask
from monitor.zoho.crm import CrmClient
from monitor.zoho.delays import may_wait
from monitor.zoho.errors import BadAnswer, SignIn, Wait, ZohoError
from monitor.zoho.flow import FlowClient
from monitor.zoho.moments import moment
from monitor.zoho.shapes.base import person
from monitor.zoho.shapes.rule_definition import read_rule_definition

MOST_A_SWEEP = 10  # definitions read by one background sweep, of each kind
REREAD = timedelta(days=7)
MOST_TRIES = 1000  # fits the column
# Zoho's times have whole seconds: a change so short before the reading may be followed by one of the same second.
UNSURE = timedelta(seconds=60)
Answered = tuple[str, Mapping[str, Any]]  # Zoho's id of what came, and the whole of it


@dataclass(frozen=True, slots=True)
class DefinitionKind:
    """Describes one kind of thing that has a definition.

    Attributes:
        signature_of: the columns of the list's row that say that a definition may have changed.
    """

    model: type[Any]
    version: type[Any]
    parent: str
    key: str
    signature_of: tuple[str, ...]


FLOWS = DefinitionKind(Flow, FlowVersion, "flow", "flow_id", ("modified_time", "status", "flow_name", "trigger_app"))
RULES = DefinitionKind(
    WorkflowRule, RuleVersion, "rule", "rule_id", ("modified_time", "active", "name", "execute_when")
)
CONNECTED = DefinitionKind(
    ConnectedWorkflow,
    ConnectedVersion,
    "workflow",
    "workflow_id",
    ("modified_time", "status", "name", "primary_module", "involved_modules"),
)


def signature(kind: DefinitionKind, row: Any) -> str:
    """Shortens what the list says of a thing: another signature means that its definition is worth a call."""
    shown = [getattr(row, name) for name in kind.signature_of]
    return sha256([value.isoformat() if isinstance(value, datetime) else value for value in shown])


def is_due(kind: DefinitionKind, row: Any, now: datetime) -> bool:
    """Says whether a definition is to be read: it never was, the list's row moved, or a week went by. Pure."""
    if row.definition_retry_at is not None and row.definition_retry_at > now:
        return False
    if row.definition_read_at is None or row.definition_signature != signature(kind, row):
        return True
    return bool(now - row.definition_read_at >= REREAD)


def read_flow_definitions(context: Context, client: FlowClient) -> None:
    """Reads the flows' definitions that are due.

    Raises:
        ZohoError: some could not be read; the others are there.
    """

    def ask(row: Flow) -> Answered:
        found = client.get_flow(row.flow_id)
        return found.flow_id, found.raw

    _read(context, FLOWS, ask)


def read_rule_definitions(context: Context, client: CrmClient) -> None:
    """Reads the workflow rules' definitions that are due: conditions and actions are in no list.

    Raises:
        ZohoError: some could not be read; the others are there.
    """

    def ask(row: WorkflowRule) -> Answered:
        found = client.get_workflow_rule(row.rule_id)
        return found.id, found.raw

    _read(context, RULES, ask)


def read_connected_definitions(context: Context, client: CrmClient) -> None:
    """Reads the connected workflows' definitions that are due.

    Raises:
        ZohoError: some could not be read; the others are there.
    """

    def ask(row: ConnectedWorkflow) -> Answered:
        found = client.get_connected_workflow(row.workflow_id)
        return found.id, found.raw

    _read(context, CONNECTED, ask)


def _read(context: Context, kind: DefinitionKind, ask: Callable[[Any], Answered]) -> None:
    now = context.clock()
    rows = list(_living(context, kind))
    _note_unmoved(context, kind, rows)
    due = sorted((row for row in rows if is_due(kind, row, now)), key=partial(_urgency, kind))
    turn = due if context.mode.reads_everything else due[:MOST_A_SWEEP]
    trouble, done = ItemErrors(), 0
    mask = context.mask if turn else None
    # Where calls or time are used up the rest is as due as before, is counted below, and goes on by itself.
    with suppress(BudgetSpent, OutOfTime):
        for row in turn:
            with trouble.of(str(row)):
                raw = _ask(context, kind, row, ask)
                with context.writing():
                    assert mask is not None  # noqa: S101 - tells the type checker what the loop implies
                    store_version(kind, row, raw, mask, context.clock())
            done += 1
            context.progress("definitions", done, len(turn))
    trouble.settle()
    is_due_now = {row.pk for row in due}
    put_off = sum(row.definition_tries > 0 for row in rows if row.pk not in is_due_now)
    _note(context, len(rows), len(due) - done + put_off)


def _living(context: Context, kind: DefinitionKind) -> QuerySet[Any]:
    """Selects what is there, with the columns that are needed here: this is asked for in every sweep."""
    have = {field.name for field in kind.model._meta.fields}
    needed = {kind.key, "seen_at", "modified_time", "modified_by", *kind.signature_of} & have
    own = {field.name for field in HasDefinition._meta.fields}
    return kind.model.objects.filter(account=context.account, gone_at=None).only(*needed, *own)  # type: ignore[no-any-return]


def _urgency(kind: DefinitionKind, row: Any) -> tuple[bool, bool, int]:
    """Sorts those that changed first, then those never read, then the week's."""
    moved = row.definition_read_at is not None and row.definition_signature != signature(kind, row)
    return not moved, row.definition_read_at is not None, row.pk


def _note_unmoved(context: Context, kind: DefinitionKind, rows: Sequence[Any]) -> None:
    """Notes the newest list that still had the definition as it was read: there a change's span begins."""
    still: dict[datetime, list[int]] = {}
    for row in rows:
        is_later = row.definition_seen_at is not None and row.seen_at > row.definition_seen_at
        if is_later and row.definition_signature == signature(kind, row):
            still.setdefault(row.seen_at, []).append(row.pk)
            row.definition_seen_at = row.seen_at
    if not still:
        return
    with context.writing():
        for seen_at, keys in still.items():
            kind.model.objects.filter(pk__in=keys).update(definition_seen_at=seen_at)


def _ask(context: Context, kind: DefinitionKind, row: Any, ask: Callable[[Any], Answered]) -> Mapping[str, Any]:
    try:
        found, raw = context.call(partial(ask, row))
        if found != getattr(row, kind.key):
            raise BadAnswer(f"the definition of {found} came for that of {getattr(row, kind.key)}")
        return raw
    except (Wait, SignIn):
        raise
    except ZohoError:
        tries = min(row.definition_tries + 1, MOST_TRIES)
        with context.writing():
            kind.model.objects.filter(pk=row.pk).update(
                definition_tries=tries, definition_retry_at=hole_recheck(tries - 1, context.clock())
            )
        raise


def store_version(kind: DefinitionKind, row: Any, raw: Mapping[str, Any], mask: SecretMask, now: datetime) -> bool:
    """Keeps a definition as a new version where it differs from the newest one.

    Args:
        row: the thing as the list's row stands.
        raw: its definition as Zoho sent it.
        now: when it was read.

    Returns:
        Whether it differed.
    """
    content = mask.hide(definition(raw))
    kind.model.objects.select_for_update().only("pk").get(pk=row.pk)
    versions = kind.version.objects.filter(**{kind.parent: row.pk})
    last = versions.order_by("-number").first()
    digest = sha256(content)
    is_new = last is None or last.sha256 != digest
    if is_new:
        changes = diff(last.content, content) if last is not None else []
        values = {
            "modified_by": person(raw.get("modified_by")) or getattr(row, "modified_by", ""),
            "modified_time": moment(raw.get("modified_time")) or row.modified_time,
        }
        kind.version.objects.create(
            **{f"{kind.parent}_id": row.pk},
            **clipped(kind.version, values),
            number=1 if last is None else last.number + 1,
            sha256=digest,
            content=content,
            changes=changes[:MOST_CHANGES],
            change_count=len(changes),
            seen_before=None if last is None else _seen_before(kind, row),
            first_seen_at=now,
        )
    kind.model.objects.filter(pk=row.pk).update(
        definition_signature="" if _is_unsure(row, now) else signature(kind, row),
        definition_read_at=now,
        definition_seen_at=now,
        definition_tries=0,
        definition_retry_at=None,
    )
    if kind is FLOWS:
        known = {"may_wait": may_wait(raw), "apps": apps_of(row.trigger_app, content)}
        Flow.objects.filter(pk=row.pk).exclude(**known).update(**known)
    if kind is RULES:
        kinds = packed_kinds(action.type for action in read_rule_definition(content).actions)
        WorkflowRule.objects.filter(pk=row.pk).exclude(action_kinds=kinds).update(action_kinds=kinds)
    return is_new


def _is_unsure(row: Any, now: datetime) -> bool:
    """Says whether the next sweep is to read it again: it was being changed at that very moment."""
    return row.modified_time is not None and abs(now - row.modified_time) < UNSURE


def _seen_before(kind: DefinitionKind, row: Any) -> datetime | None:
    """Returns the last moment at which the former definition surely stood.

    Where the list's row did not move it did not tell of this change: then only the last reading is sure.
    """
    moved = row.definition_signature != signature(kind, row)
    seen: datetime | None = row.definition_seen_at if moved else row.definition_read_at
    return seen


def _note(context: Context, items: int, left: int) -> None:
    """Notes how one kind ended; flows, rules and connected workflows share a stream, and the worse end stands."""
    before = context.result.outcomes.get(Stream.DEFINITIONS.value)
    if before is not None and before.state != StreamState.State.OK:
        return
    items += before.items if before is not None else 0
    if left > 0:
        plural = "s are" if left != 1 else " is"
        context.note(Stream.DEFINITIONS, StreamState.State.INCOMPLETE, f"{left} definition{plural} still to be read")
    else:
        context.note(Stream.DEFINITIONS, StreamState.State.OK, items=items)
