"""Turns callbacks into one read that happens sooner, whatever they say and however often they come.

Each target (a flow, the list of flows, the rules of CRM) has its turn at most once in a window; hints that come
meanwhile wait for the next turn, and share it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Min, Q, QuerySet

from monitor.connection import Gate, ledger
from monitor.ingest.base import list_pace
from monitor.ingest.base.read_soon import hint
from monitor.models import (
    Execution,
    Flow,
    Product,
    PushEvent,
    PushTurn,
    Stream,
    StreamState,
    SyncState,
    WorkflowRule,
    ZohoAccount,
)

FLOW_WINDOW = timedelta(seconds=5)
FLOWS_WINDOW = timedelta(seconds=30)
# A busy CRM tells of every edit: then its rules are read once a minute, not more.
RULES_WINDOW = timedelta(seconds=60)
LONGEST_WINDOW = timedelta(hours=6)
ABANDONED = timedelta(minutes=2)  # whoever claimed them is dead: a task lasts a minute at most
KEPT = timedelta(days=7)
AT_ONCE = 500
FLOWS, RULES = "flows", "rules"  # targets beside single flows
BATCH = 500
RUNNING = "running"


@dataclass(frozen=True)
class Target:
    """Names what hints ask for. `flow` is set for the executions of one flow; `flow_ids` are Zoho's, as given."""

    account_id: int
    name: str
    window: timedelta
    flow: Flow | None = None
    flow_ids: tuple[str, ...] = ()

    def events(self) -> QuerySet[PushEvent]:
        """Returns every hint at this target, old and new."""
        rows = PushEvent.objects.filter(account=self.account_id, channel__isnull=self.name != RULES)
        return rows if self.name == RULES else rows.filter(flow_id__in=self.flow_ids)


@dataclass
class Taken:
    """Says what became of the hints: `reads` are single executions that are still to be read."""

    at: datetime
    events: int = 0
    reads: list[tuple[Target, str]] = field(default_factory=list)

    def summary(self) -> dict[str, int]:
        return {"hints": self.events, "single_reads": len(self.reads)}


def take(now: datetime) -> Taken:
    """Claims the new hints whose targets have their turn, and makes what they ask for due.

    Args:
        now: the present.

    Returns:
        Single executions to read now; `settle_reads` ends their hints.
    """
    _give_back(now)
    taken = Taken(now)
    for target in _targets(now):
        claimed = _claim(target, now)
        if not claimed:
            continue
        taken.events += len(claimed)
        if target.name == RULES and not _has_spare(target.account_id, now):
            _settle(target, now, "nothing spare", now)  # the list comes in its own turn
            continue
        if target.flow is None:
            _make_due(target, now)
            _settle(target, now, "list due", now)
            continue
        single = single_execution(execution_id for execution_id, _ in claimed)
        if single and _is_known(target.flow, single, max(at for _, at in claimed)):
            _settle(target, now, "known", now)
        elif single:
            taken.reads.append((target, single))
        else:
            hint(target.flow, now)
            _settle(target, now, "flow wanted", now)
    return taken


def single_execution(ids: Iterable[str]) -> str:
    """Returns the one execution that all hints name, or "" where they name several or one names none. Pure."""
    named = set(ids)
    return named.pop() if len(named) == 1 else ""


def settle_reads(taken: Taken, read: set[str], now: datetime) -> None:
    """Ends the hints of single executions: what could not be read by itself is left to the next sweep.

    Args:
        taken: from `take`.
        read: Zoho's ids of those that were read.
        now: the present.
    """
    for target, execution_id in taken.reads:
        if execution_id in read:
            _settle(target, taken.at, "read", now)
        elif target.flow is not None:
            hint(target.flow, now)
            _settle(target, taken.at, "flow wanted", now)


def prune(now: datetime, most: int = 20 * BATCH) -> int:
    """Takes away hints that are older than a week, in small batches; returns how many.

    Args:
        now: the present.
        most: when to stop; the rest goes with the next call.
    """
    old, count = PushEvent.objects.filter(received_at__lt=now - KEPT), 0
    while count < most:
        keys = list(old.values_list("pk", flat=True)[:BATCH])
        if not keys:
            break
        PushEvent.objects.filter(pk__in=keys).delete()
        count += len(keys)
    PushTurn.objects.filter(taken_at__lt=now - KEPT).delete()
    return count


def _give_back(now: datetime) -> None:
    PushEvent.objects.filter(state=PushEvent.State.CLAIMED, claimed_at__lt=now - ABANDONED).update(
        state=PushEvent.State.NEW, claimed_at=None
    )


def _targets(now: datetime) -> list[Target]:
    """Lists what the new hints ask for, the longest waiting first: a flood at one flow holds nobody else up."""
    new = PushEvent.objects.filter(state=PushEvent.State.NEW).values("account_id", "flow_id", "channel_id")
    groups = list(new.annotate(first=Min("received_at")).order_by("first")[:AT_ONCE])
    wanted = Q(pk__in=[])
    for account_id in {group["account_id"] for group in groups}:
        ids = {group["flow_id"] for group in groups if group["account_id"] == account_id and group["flow_id"]}
        wanted |= Q(account=account_id, flow_id__in=ids)
    rows = Flow.objects.filter(wanted, gone_at=None).select_related("account", "progress").defer("raw", "description")
    flows = {(flow.account_id, flow.flow_id): flow for flow in rows}
    found: dict[tuple[int, str], Target] = {}
    for group in groups:
        account_id, flow_id = group["account_id"], group["flow_id"]
        flow = flows.get((account_id, flow_id))
        if group["channel_id"] is not None:
            target = found.get((account_id, RULES)) or Target(account_id, RULES, _window(account_id, Stream.RULES, now))
        elif flow is not None:
            target = Target(account_id, f"flow:{flow.pk}", FLOW_WINDOW, flow, (flow_id,))
        else:
            before = found.get((account_id, FLOWS))
            target = Target(account_id, FLOWS, FLOWS_WINDOW, None, (*(before.flow_ids if before else ()), flow_id))
        found[account_id, target.name] = target
    return list(found.values())


def _window(account_id: int, stream: Stream, now: datetime) -> timedelta:
    """Says how often hints may have a list of CRM read: a minute apart, and within its share of the day."""
    pages = 1
    if stream == Stream.RULES:
        pages += WorkflowRule.objects.filter(account=account_id, gone_at=None).count() // 200
    apart = list_pace.by_share(stream, pages, _crm_budget(account_id, now), now)
    return min(max(RULES_WINDOW, apart), LONGEST_WINDOW)


def _has_spare(account_id: int, now: datetime) -> bool:
    return list_pace.spare(_crm_budget(account_id, now), now, list_pace.USAGE_FLOOR) > 0


def _crm_budget(account_id: int, now: datetime) -> list_pace.Budget:
    account = ZohoAccount.objects.defer("client_secret").get(pk=account_id)
    per_day, others = Gate(account, lambda: now).day(Product.CRM)
    return list_pace.Budget(per_day, tuple(ledger.read(account, Product.CRM, now)), others)


def _claim(target: Target, now: datetime) -> list[tuple[str, datetime]]:
    """Claims a target's hints, and returns execution and time of each; none while it had its turn a moment ago."""
    with transaction.atomic():
        if not _has_turn(target.account_id, target.name, target.window, now):
            return []
        new = target.events().filter(state=PushEvent.State.NEW)
        new.update(state=PushEvent.State.CLAIMED, claimed_at=now)
        return list(_claimed(target, now).values_list("execution_id", "received_at"))


def _has_turn(account_id: int, name: str, window: timedelta, now: datetime) -> bool:
    """Takes the turn, where the last one was long enough ago."""
    PushTurn.objects.get_or_create(account_id=account_id, target=name)
    # A turn in the future is a clock that was set back.
    ready = Q(taken_at=None) | Q(taken_at__lte=now - window) | Q(taken_at__gt=now + window)
    return PushTurn.objects.filter(ready, account=account_id, target=name).update(taken_at=now) == 1


def _claimed(target: Target, at: datetime) -> QuerySet[PushEvent]:
    return target.events().filter(state=PushEvent.State.CLAIMED, claimed_at=at)


def _settle(target: Target, claimed_at: datetime, outcome: str, now: datetime) -> None:
    _claimed(target, claimed_at).update(state=PushEvent.State.DONE, done_at=now, outcome=outcome)


def _is_known(flow: Flow, execution_id: str, since: datetime) -> bool:
    """Says whether the mirror has the run's end already, from after the hint: then there is nothing new to ask for."""
    rows = Execution.objects.filter(account=flow.account_id, execution_id=execution_id, changed_at__gte=since)
    return rows.exclude(status=RUNNING).exists()


def _make_due(target: Target, now: datetime) -> None:
    streams = [Stream.FLOWS] if target.name == FLOWS else [Stream.RULES]
    if target.name == RULES:
        failures = Stream.WEBHOOK_FAILURES
        if _has_turn(target.account_id, failures.value, _window(target.account_id, failures, now), now):
            streams.append(failures)
    # A stream without a row has never been read, and is due anyway.
    StreamState.objects.filter(account=target.account_id, stream__in=streams, next_due_at__gt=now).update(
        next_due_at=now
    )
    later = Q(next_due_at=None) | Q(next_due_at__gt=now)
    SyncState.objects.filter(later, account=target.account_id).update(next_due_at=now)
