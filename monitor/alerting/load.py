"""Loads what an evaluation needs, in few statements however many flows and rules there are.

Only what may have changed is evaluated: flows that were counted since the last evaluation, states whose time has come,
rules that were changed, and what rests and need not, or the reverse (docs/decisions/0007-alerts-by-ends.md).
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import F, Max, Q, QuerySet

from monitor.alerting.budgets import MARK_KEPT, keep_to_budgets
from monitor.alerting.kinds import condition_kinds
from monitor.alerting.kinds.interface import AlertStanding, Condition, Learned
from monitor.alerting.kinds.subjects import SubjectMaterial
from monitor.alerting.marks import why_left, why_replaced
from monitor.alerting.runs_of import FlowRuns, runs_of
from monitor.alerting.scope import Coverage, RuleSubject
from monitor.alerting.state_machine import RuleStanding, Stage
from monitor.alerting.steps import AlertPatience, ConditionPlace
from monitor.alerting.watched import covered_flows
from monitor.freshness import facts_of, why_unfit
from monitor.models import (
    AlertCursor,
    AlertRule,
    AlertState,
    CountedFlow,
    DirtyHour,
    Flow,
    LeftOut,
    Ownership,
    StreamState,
    SyncState,
    ZohoAccount,
    left_out_of,
)
from monitor.models.flows import SWITCHED_OFF
from monitor.standing.completeness import HOLE, MOVED, gap_of, why_incomplete

logger = logging.getLogger(__name__)

A_DAY = timedelta(days=1)  # for so long a hole is near enough to the present for what has no window
LEARNED_FROM = timedelta(days=90)  # what a flow's own usual is learned from, at the most
SOUND = (AlertState.State.OK, AlertState.State.RECOVERING)  # which nothing is where runs may be missing
FLOW_GONE, FLOW_OFF = "the flow is deleted in Zoho", "the flow is not active in Zoho"
MARK = 32  # characters
UNCORRECTED = "0" * MARK
FLOWS_AT_ONCE = 500  # whose runs are held in memory together


@dataclass(slots=True)
class ReadRule:
    """Holds a rule as it is evaluated.

    Attributes:
        condition: None where the rule's options are none of its kind's.
        fault: why there is no condition.
        mark: digest of all that an evaluation hangs on; another one means that the rule was changed.
        patience: how long it must be breached or clear.
        reruns: how long failures that Zoho runs again by itself are pending; None for not at all.
    """

    row: AlertRule
    condition: Condition | None
    fault: str
    mark: str
    patience: AlertPatience
    reruns: timedelta | None

    def start(self, now: datetime) -> datetime:
        """Returns from when on all runs must be mirrored to evaluate it: the beginning of its window, if it has one."""
        hours = getattr(self.condition, "window_hours", None)
        return now if hours is None else now - timedelta(hours=hours)

    def is_same(self, mark: str) -> bool:
        """Returns whether a state was evaluated by this rule as it is, whatever was left out of the rates then."""
        return mark[:MARK_KEPT] == self.mark[:MARK_KEPT]

    @property
    def is_on(self) -> bool:
        return self.row.is_active and self.row.deleted_at is None

    def reach(self, now: datetime) -> datetime:
        """Returns from when on a run that is not counted yet keeps its first evaluation waiting."""
        return now - LEARNED_FROM if self.start(now) == now else self.start(now)


@dataclass(slots=True)
class Case:
    """Holds one rule and flow, or other subject, to evaluate; `row` is unsaved where it never was.

    Attributes:
        stale: why the data are too old to go by; empty while they are fresh.
        fault: why it cannot be evaluated; empty while it can.
        gap: why runs may be missing among those that it is evaluated by; empty where none are.
        ended: why it is not evaluated any more (rule off, flow gone); empty while it is.
        runs: the flow's runs that it is evaluated by.
        known_from: from when on all runs are known; None for always.
        subject: what it is evaluated by where it is no flow.
        is_news: it came into being after its rule was evaluated for others: what is found of it is no first finding.
    """

    row: AlertState
    rule: ReadRule
    stale: str = ""
    fault: str = ""
    gap: str = ""
    ended: str = ""
    runs: FlowRuns = field(default_factory=FlowRuns)
    known_from: datetime | None = None
    subject: SubjectMaterial | None = None
    is_news: bool = False

    @property
    def standing(self) -> RuleStanding:
        row = self.row
        return RuleStanding(
            stage=Stage(row.state),
            episode=row.episode,
            since=row.since,
            place=ConditionPlace(_standing_of(row, self.rule), row.leaving_since),
            is_new=row.version == 0 and not row.is_open,
            is_resting=row.is_resting,
        )


@dataclass(slots=True)
class AccountWork:
    """Holds what is to be done for an account.

    Attributes:
        counted_at: up to where changes of counts are seen; None where none were counted yet.
        is_watching: whether anything is evaluated as soon as it changes: the data are fresh, and there are rules.
        resting: what is not evaluated, each with the reason.
        due: what is to be evaluated.
        rules: of the account, by key.
        stale: why the mirror is too old to go by; empty while it is not.
        left_out: what people left out of the rates.
    """

    counted_at: datetime | None
    rules: dict[int, ReadRule] = field(default_factory=dict)
    stale: str = ""
    left_out: LeftOut = field(default_factory=LeftOut)
    is_watching: bool = False
    resting: list[Case] = field(default_factory=list)
    due: list[Case] = field(default_factory=list)

    def with_runs(self, now: datetime) -> Iterator[list[Case]]:
        """Yields what is to be evaluated with its runs, some flows at a time; one statement each."""
        by_flow: dict[int, list[Case]] = {}
        for case in self.due:
            by_flow.setdefault(case.row.flow_id or 0, []).append(case)
        flows = sorted(by_flow)
        for start in range(0, len(flows), FLOWS_AT_ONCE):
            some = {flow: by_flow[flow] for flow in flows[start : start + FLOWS_AT_ONCE]}
            needed = {flow: min(_needs_from(case, now) for case in cases) for flow, cases in some.items()}
            found = runs_of(needed, now, self.left_out)
            for flow, cases in some.items():
                for case in cases:
                    case.runs = found.get(flow) or case.runs
            yield [case for cases in some.values() for case in cases]


def work_of(account: ZohoAccount, now: datetime) -> AccountWork:
    """Returns what is to be evaluated at an account.

    That is each enabled rule for each of its flows that are watched, as far as the answer may have changed, and
    whatever was evaluated before and is to be no longer.
    """
    left_out = left_out_of(account.pk)
    every = AlertRule.with_deleted.filter(account=account).select_related("tag", "owner")
    rules = {row.pk: _read(row, left_out.mark) for row in every}
    covered = _covered(account, rules)
    keep_to_budgets(account.pk, rules, covered, now)
    seen = AlertCursor.objects.filter(account=account).values_list("counted_at", flat=True).first()
    counted = _counted_since(account, seen)
    changed = dict(counted.values_list("flow_id", "changed_at"))
    sync = SyncState.objects.filter(account=account).first()
    stale, swept_at = _why_stale(account, sync, now), sync.last_finished_at if sync is not None else None
    found = AccountWork(max(changed.values(), default=seen), rules, stale, left_out)
    rows = {RuleSubject(row.rule_id, row.flow_id or 0): row for row in _may_move(account, rules, counted, stale, now)}
    if not stale:
        known = set(_of_flows(account).values_list("rule_id", "flow_id"))
        found.is_watching = not known.isdisjoint(covered.wanted)
        rows |= _never_evaluated(account, covered.wanted - known, rules, now)
    for place, row in sorted(rows.items()):
        rule, flow = rules[place.rule], row.watched_flow
        if place not in covered.wanted:
            ended = _why_ended(account, rule.row, flow, covered.replaced.get(place), rules)
            if row.is_open or not row.is_resting or row.reason != ended:
                found.resting.append(Case(row, rule, ended=ended))
        elif unread := stale or _why_unread(flow, rule.start(now)):
            if not row.is_resting or row.reason != unread[:300] or row.version == 0:
                found.resting.append(Case(row, rule, stale=unread))
        else:
            found.is_watching = True
            gap = _gap(flow, rule.start(now), now, swept_at)
            if _is_due(row, rule, now, gap, is_changed=place.flow in changed):
                found.due.append(Case(row, rule, gap=gap, known_from=known_from(flow)))
    return found


def newest_count() -> datetime | None:
    """Returns when counts changed last; None where nothing was ever counted."""
    at: datetime | None = CountedFlow.objects.aggregate(at=Max("changed_at"))["at"]
    return at


def accounts_counted_since(seen: datetime | None) -> set[int]:
    """Returns the keys of the accounts of which counts changed after a moment."""
    rows = CountedFlow.objects.all() if seen is None else CountedFlow.objects.filter(changed_at__gt=seen)
    return set(rows.values_list("flow__account", flat=True).distinct())


def _of_flows(account: ZohoAccount) -> QuerySet[AlertState]:
    return AlertState.objects.filter(rule__account=account, flow__isnull=False)


def _may_move(
    account: ZohoAccount, rules: dict[int, ReadRule], counted: QuerySet[CountedFlow], stale: str, now: datetime
) -> Iterable[AlertState]:
    """Reads the states that may be otherwise than they are stored, with their flows; all others stay in the database.

    Those of rules and flows that are over move once, when that is noted; of the others, what rests or may rest, what
    was counted, what is due and what another rule was evaluated for.
    """
    is_over = Q(is_resting=True, is_open=False)
    by_end: dict[str, list[int]] = {}
    for key, rule in rules.items():
        by_end.setdefault(why_over(account, rule.row), []).append(key)
    live = by_end.pop("", [])
    wanted = Q(pk__in=[])
    for reason, keys in by_end.items():
        wanted |= Q(rule__in=keys) & ~(is_over & Q(reason=reason))
    is_gone, is_off = Q(flow__gone_at__isnull=False), Q(flow__gone_at=None, flow__status__in=SWITCHED_OFF)
    of_flows = (is_gone & ~(is_over & Q(reason=FLOW_GONE))) | (is_off & ~(is_over & Q(reason=FLOW_OFF)))
    of_rules = _may_be_replaced(account, [rules[key].row for key in live])
    moving = ~Q(is_resting=True, reason=stale[:300]) | Q(version=0)
    if not stale:
        marks = {rules[key].mark for key in live}
        moving = Q(is_resting=True) | Q(version=0) | Q(again_at__lte=now) | ~Q(rule_mark__in=marks) | _may_lack_runs()
        moving |= Q(flow__in=counted.values("flow_id"))
    wanted |= Q(rule__in=live) & (of_flows | (~is_gone & ~is_off & (of_rules | moving)))
    return _of_flows(account).filter(wanted).select_related("flow__progress").defer("flow__raw")


def _may_be_replaced(account: ZohoAccount, rules: Iterable[AlertRule]) -> Q:
    """Says in SQL for which flows another rule may have been evaluated: those with narrower rules, now or before.

    Of what is found by tags and owners all is read: a flow gains and loses them without any other trace.
    """
    narrower = AlertRule.objects.filter(account=account, flow__isnull=False)
    found = Q(flow__in=narrower.values("flow")) | (Q(rule__flow__isnull=False) & ~Q(rule__flow=F("flow")))
    tags = {rule.tag_id for rule in rules if rule.tag_id is not None}
    owners = {rule.owner_id for rule in rules if rule.owner_id is not None}
    if tags or owners:
        marked = Ownership.objects.filter(Q(owner__in=owners) | Q(tag_uses__tag__in=tags), flow__account=account)
        found |= Q(rule__tag__in=tags) | Q(rule__owner__in=owners) | Q(flow__in=marked.values("flow"))
    return found


def _may_lack_runs() -> Q:
    """Says in SQL of which flows not all runs may be mirrored; also of some of which they are."""
    past = "flow__progress__"
    lacks = (
        Q(**{f"{past}executions_read_at": None})
        | ~Q(**{f"{past}hole_reason": ""})
        | ~Q(**{f"{past}hole_signature": ""})
    )
    for name in ("execution_count", "success_count", "failure_count"):
        lacks |= ~Q(**{f"{past}read_{name}": F(f"flow__{name}")})
    return lacks


def _is_due(row: AlertState, rule: ReadRule, now: datetime, gap: str, *, is_changed: bool) -> bool:
    is_time = row.again_at is not None and row.again_at <= now
    is_doubtful = bool(gap) and row.state in SOUND
    is_other = row.is_resting or row.version == 0 or row.rule_mark != rule.mark
    return is_changed or is_time or is_other or is_doubtful


def _standing_of(row: AlertState, rule: ReadRule) -> AlertStanding:
    """Returns where a condition stands; what it learned or kept under another rule's options is learned anew."""
    is_same = row.rule_mark == rule.mark
    return AlertStanding(
        is_open=row.is_open,
        fired_at=row.fired_at,
        recovered_at=row.recovered_at,
        anchor=row.anchor if is_same else None,
        began_at=row.began_at if row.is_open else None,
        learned=_learned(row.learned) if is_same else None,
    )


def _learned(stored: object) -> Learned | None:
    """Returns what was learned; None, so that it is learned anew, where what is stored cannot be read."""
    until = stored.get("until") if isinstance(stored, dict) else None
    values = stored.get("values") if isinstance(stored, dict) else None
    if not isinstance(until, int | float) or not isinstance(values, list):
        return None
    return Learned(until, values) if all(isinstance(value, int | float) for value in values) else None


def _needs_from(case: Case, now: datetime) -> datetime:
    """Returns from which end on runs are read; a condition that cannot say so is noted: it fails alone."""
    if case.rule.condition is None:
        return now
    try:
        needed = case.rule.condition.needs_from(now, _standing_of(case.row, case.rule))
    except Exception as fault:
        logger.exception("rule %d cannot say which runs of flow %s it needs", case.rule.row.pk, case.row.flow_id)
        case.fault = f"the evaluation failed: {type(fault).__name__}"
        return now
    return needed - (case.rule.reruns or timedelta(0))  # what waited so long counts where it belongs


def _read(row: AlertRule, corrections: str) -> ReadRule:
    condition, fault = None, ""
    try:
        condition = condition_kinds()[row.kind](**row.options)
    except KeyError:
        fault = f"there is no kind of rule “{row.kind}”"
    except (TypeError, ValueError) as error:
        fault = f"the rule's options cannot be: {error}"
    # With its key, so that no other rule's mark is taken for it where marks are compared in the database.
    settings = [row.pk, row.kind, row.options, row.for_minutes, row.keep_firing_minutes]
    settings += [row.waits_for_reruns, row.patience_minutes]
    return ReadRule(
        row=row,
        condition=condition,
        fault=fault,
        # With what is left out of the rates: another correction, and all is looked at anew.
        mark=hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:MARK_KEPT]
        + (corrections or UNCORRECTED)[: MARK - MARK_KEPT],
        patience=AlertPatience(timedelta(minutes=row.for_minutes), timedelta(minutes=row.keep_firing_minutes)),
        reruns=timedelta(minutes=row.patience_minutes) if row.waits_for_reruns else None,
    )


def _covered(account: ZohoAccount, rules: dict[int, ReadRule]) -> Coverage[int]:
    if not account.is_active:
        return Coverage()
    return covered_flows(account.pk, [rule.row for rule in rules.values() if rule.is_on])


def _counted_since(account: ZohoAccount, seen: datetime | None) -> QuerySet[CountedFlow]:
    rows = CountedFlow.objects.filter(flow__account=account)
    return rows if seen is None else rows.filter(changed_at__gt=seen)


def _why_ended(
    account: ZohoAccount, rule: AlertRule, flow: Flow | None, narrower: int | None, rules: dict[int, ReadRule]
) -> str:
    if over := why_over(account, rule):
        return over
    if flow is None or flow.gone_at is not None:
        return FLOW_GONE
    if not flow.is_active:
        return FLOW_OFF
    if narrower is not None:
        return why_replaced(rules[narrower].row, "the flow's")[:300]
    return why_left(rule, "the flow")[:300]


def why_over(account: ZohoAccount, rule: AlertRule) -> str:
    """Says why nothing is evaluated by a rule any more; empty while it is."""
    if rule.deleted_at is not None:
        return "the rule is deleted"
    if not rule.is_active:
        return "the rule is switched off"
    return "" if account.is_active else "the account is not mirrored: a person switched it off"


def _why_unread(flow: Flow, start: datetime) -> str:
    """Says why a window that begins at `start` cannot be evaluated by what is mirrored; empty where it can.

    While a flow's history is read for the first time, newest first, a window is evaluated from the moment on when all
    its runs are in: none of them would say that nothing failed, and its newest alone that all is as it is now.
    A flow that Zoho gives no longer loses its runs to the window's end, one by one, which is no recovery.
    """
    if flow.progress.is_refused:
        return "the flow's executions cannot be read: Zoho does not give them"
    if flow.covers(start) or (flow.execution_count == 0 and not flow.progress.history_order):
        return ""
    if flow.progress.covered_from is None:
        return "the flow's history is still being read"
    return f"the flow's history is still being read, so far back to {flow.progress.covered_from:%Y-%m-%d %H:%M} UTC"


def _gap(flow: Flow, start: datetime, now: datetime, swept_at: datetime | None) -> str:
    """Says why runs may be missing among those since `start`; empty where none are.

    What a hole lacks is older than the hole itself: once that lies before the window it tells nothing of it.
    """
    gap = gap_of(flow, swept_at)
    since = flow.progress.hole_since
    is_past = gap == HOLE and since is not None and since < min(start, now - A_DAY)
    return f"runs may be missing: {why_incomplete(flow, swept_at)}" if gap in (HOLE, MOVED) and not is_past else ""


def known_from(flow: Flow) -> datetime | None:
    """Returns from when on all runs of a flow are mirrored; None for always."""
    return None if flow.progress.executions_read_at is not None else flow.progress.covered_from


def _why_stale(account: ZohoAccount, sync: SyncState | None, now: datetime) -> str:
    streams = {row.stream: row for row in StreamState.objects.filter(account=account)}
    return why_unfit(facts_of(sync, streams, is_mirrored=account.is_active), now)


def _never_evaluated(
    account: ZohoAccount, missing: set[RuleSubject[int]], rules: dict[int, ReadRule], now: datetime
) -> dict[RuleSubject[int], AlertState]:
    """Returns rows, not saved yet, for what was never evaluated.

    A flow whose window is not read yet, or with hours not counted yet, waits for its turn: it would be evaluated by a
    part of its runs.
    """
    if not missing:
        return {}
    begun = Q(progress__executions_read_at__isnull=False) | Q(progress__covered_from__isnull=False)
    some = Flow.objects.filter(begun | Q(execution_count=0), account=account).select_related("progress").defer("raw")
    wanted = {place.flow for place in missing}
    if len(wanted) <= FLOWS_AT_ONCE:
        some = some.filter(pk__in=wanted)
    flows = {flow.pk: flow for flow in some if flow.pk in wanted}
    missing = {place for place in missing if place.flow in flows}
    ready = {place for place in missing if not _why_unread(flows[place.flow], rules[place.rule].start(now))}
    if not ready:
        return {}
    oldest = min(rules[place.rule].reach(now) for place in ready)
    dirty = DirtyHour.objects.filter(flow__in={place.flow for place in ready}, hour__gte=oldest)
    uncounted = set(dirty.values_list("flow_id", flat=True))
    return {
        place: AlertState(
            rule_id=place.rule,
            flow=flows[place.flow],
            state=AlertState.State.NO_DATA,
            reason="not evaluated yet",
            since=now,
            evaluated_at=now,
        )
        for place in ready
        if place.flow not in uncounted
    }
