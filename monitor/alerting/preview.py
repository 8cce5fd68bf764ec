"""Tries a rule on the mirrored history before it is saved: when it would have fired, and what it would have missed.

It asks the very condition, by the steps of the live evaluator (`replay`), of the counted runs. A failure that Zoho's
re-run healed had failed until then, and one that waited for it waits, as live; one that a retry made good is none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

from django.db.models import Count, Max, Min, Q, Sum

from monitor.alerting.kinds import words_of
from monitor.alerting.kinds.interface import AlertStanding, Condition, Runs, goes_by_silence
from monitor.alerting.load import known_from
from monitor.alerting.replay import replay
from monitor.alerting.runs_of import FlowRuns, runs_of
from monitor.alerting.scope import RuleScope
from monitor.alerting.steps import AlertPatience, EdgeKind
from monitor.alerting.watched import flows_of_rule
from monitor.models import DayBucket, Failure, Flow, Problem, ZohoAccount, left_out_of
from monitor.periods import DAY, Window, day_start, days_until

USUAL_DAYS, LONGEST_DAYS = 30, 90
# What is held in memory and gone through while a person waits.
MOST_RUNS, MOST_RUNS_OF_FLOW, MOST_FLOWS = 40_000, 20_000, 200
MOST_PROBLEMS = 1_000  # pairs of problem and flow, those with the most failures


@dataclass(frozen=True, slots=True)
class TriedRule:
    """Holds what is to be tried.

    Attributes:
        account: whose flows.
        condition: what is asked of each.
        flow_id: the only flow; None for each of the account but those that have a narrower rule of this kind.
        tag_id: only flows that have this tag.
        owner_id: only flows that this person looks after.
        rule_id: the rule, where it is saved already.
        patience: how long it must last to fire and to recover.
        reruns: how long failures that Zoho runs again by itself are pending; None for not at all.
    """

    account: ZohoAccount
    condition: Condition
    flow_id: int | None = None
    tag_id: int | None = None
    owner_id: int | None = None
    rule_id: int | None = None
    patience: AlertPatience = field(default_factory=AlertPatience)
    reruns: timedelta | None = None


@dataclass(frozen=True, slots=True)
class TriedFiring:
    """Holds one alert that there would have been.

    Attributes:
        fired_at: when it would have fired.
        began_at: when what is found began, by Zoho's clock.
        over_at: when it would have recovered; None: it would still fire.
        reason: what was found, in words.
    """

    flow: Flow
    fired_at: datetime
    began_at: datetime
    over_at: datetime | None
    reason: str

    def covers(self, first: datetime, last: datetime) -> bool:
        """Returns whether it stands for failures from a first to a last one."""
        return self.began_at <= last and (self.over_at is None or self.over_at >= first)


@dataclass(frozen=True, slots=True)
class FlowFirings:
    """Holds how often it would have fired for one flow."""

    flow: Flow
    firings: int
    still_fires: bool


@dataclass(frozen=True, slots=True)
class MissedProblem:
    """Holds a known problem whose failures no alert would have reported."""

    problem: Problem
    failures: int


@dataclass(frozen=True)
class RulePreview:
    """Holds what a rule would have done.

    Attributes:
        window: the time that it was tried on.
        firings: the newest first.
        mails: of firing and of recovery.
        tried: how many flows it was tried on.
        left_out: how many it was not, those with the fewest failures.
        shortened: of how many of them only the newest runs were gone through.
        unread: of how many of them the history of that time is not mirrored completely.
        problems: how many known problems had failures of these flows in that time.
        missed: those of which no alert would have told, those with the most failures first.
        flows: all that the rule is for, also those that it was not tried on.
    """

    window: Window
    firings: list[TriedFiring] = field(default_factory=list)
    mails: int = 0
    tried: int = 0
    left_out: int = 0
    shortened: int = 0
    unread: int = 0
    problems: int = 0
    missed: list[MissedProblem] = field(default_factory=list)
    flows: frozenset[int] = frozenset()

    @property
    def mails_a_week(self) -> float:
        return self.mails / (self.window.length / (7 * DAY))

    @property
    def by_flow(self) -> list[FlowFirings]:
        """Is how often it would have fired for each flow, those with the most first; flows without any are left out."""
        found = _by_flow(self.firings).values()
        rows = [FlowFirings(of[0].flow, len(of), any(one.over_at is None for one in of)) for of in found]
        return sorted(rows, key=lambda row: (-row.firings, row.flow.pk))


def preview(rule: TriedRule, days: int, now: datetime, zone: tzinfo) -> RulePreview:
    """Tries a rule on the last so many days, without what people left out. Ten statements, however many flows.

    Args:
        rule: what is to be tried.
        days: 1 to 90.
        now: the present.
        zone: by whose clock times are said.
    """
    window = days_until(now, min(max(days, 1), LONGEST_DAYS))
    since = rule.condition.needs_from(window.start, AlertStanding()) - (rule.reruns or timedelta(0))
    flows = _watched(rule)
    chosen = _chosen(flows, since, window)
    late = _shortened(chosen, since)
    runs = runs_of({pk: max(late.get(pk, since), since) for pk in chosen}, now, left_out_of(rule.account.pk))
    firings: list[TriedFiring] = []
    mails = 0
    for pk in chosen:
        known = max(filter(None, (known_from(flows[pk]), late.get(pk))), default=None)
        of_all = goes_by_silence(rule.condition)
        counted, _ = runs.get(pk, FlowRuns()).counted(window.end, rule.reruns, known, with_left_out=of_all)
        of_flow, sent = _of_flow(rule, flows[pk], counted, window, zone)
        firings += of_flow
        mails += sent
    firings.sort(key=lambda firing: (firing.fired_at, firing.flow.pk), reverse=True)
    unread = sum(not flows[pk].covers(window.start) for pk in chosen)
    problems, missed = _problems(chosen, firings, window)
    return RulePreview(
        window,
        firings,
        mails,
        tried=len(chosen),
        left_out=len(flows) - len(chosen),
        shortened=len(late),
        unread=unread,
        problems=problems,
        missed=missed,
        flows=frozenset(flows),
    )


def _watched(rule: TriedRule) -> dict[int, Flow]:
    """Returns the flows that the rule is for, as if it were saved and enabled."""
    scope = RuleScope(rule.rule_id or 0, rule.condition.kind, rule.flow_id, rule.tag_id, rule.owner_id)
    rows = Flow.objects.filter(account=rule.account).select_related("progress").defer("raw")
    if rule.flow_id is not None:
        rows = rows.filter(pk=rule.flow_id)
    flows = {flow.pk: flow for flow in rows if flow.is_active}
    wanted = flows_of_rule(rule.account.pk, scope, flows)
    return {pk: flow for pk, flow in flows.items() if pk in wanted}


def _chosen(flows: Collection[int], since: datetime, window: Window) -> dict[int, int]:
    """Chooses the flows that it is tried on, those with the most failures first, as far as there is time.

    Returns:
        How many runs each of them has since then.
    """
    days = DayBucket.objects.filter(flow__in=flows, day__gte=(since - DAY).date()).values("flow")
    within = Q(day__gte=window.start.date())
    rows = days.annotate(runs=Sum("succeeded") + Sum("failed"), bad=Sum("failed", filter=within)).order_by()
    counts = {int(row["flow"]): (row["bad"] or 0, row["runs"]) for row in rows}
    bad, every = ({pk: counts.get(pk, (0, 0))[place] for pk in flows} for place in (0, 1))
    ranked = sorted(flows, key=lambda pk: (-bad[pk], every[pk], pk))
    chosen: dict[int, int] = {}
    room = MOST_RUNS
    for pk in ranked[:MOST_FLOWS]:
        room -= min(every[pk], MOST_RUNS_OF_FLOW)
        if room < 0 and chosen:
            break
        chosen[pk] = every[pk]
    return chosen


def _shortened(chosen: Mapping[int, int], since: datetime) -> dict[int, datetime]:
    """Returns from when on runs are gone through, of the flows that have too many of them; a day at the least."""
    long = [pk for pk, count in chosen.items() if count > MOST_RUNS_OF_FLOW]
    if not long:
        return {}
    days = DayBucket.objects.filter(flow__in=long, day__gte=since.date()).order_by("flow", "-day")
    found: dict[int, datetime] = {}
    room = dict.fromkeys(long, MOST_RUNS_OF_FLOW)
    for flow, day, good, bad in days.values_list("flow_id", "day", "succeeded", "failed"):
        room[flow] -= good + bad
        if room[flow] >= 0 or flow not in found:
            found[flow] = day_start(day, UTC)
    return found


def _of_flow(rule: TriedRule, flow: Flow, runs: Runs, window: Window, zone: tzinfo) -> tuple[list[TriedFiring], int]:
    """Returns the alerts of a flow that fired, or were still open, in the window, and the mails of that time."""
    firings: list[TriedFiring] = []
    mails = 0
    fired: tuple[datetime, datetime, str] | None = None
    begins = None
    if not runs.rows:  # one that never ran is missed from then on when there is something to miss
        begins = window.start if flow.created_time is None else max(window.start, flow.created_time)
    runs = runs.watched(begins, may_wait=flow.may_wait)
    for edge in replay(rule.condition, runs, until=window.end, patience=rule.patience):
        mails += edge.at >= window.start
        if edge.edge is EdgeKind.FIRING:
            reason = words_of(rule.condition.kind).describe(rule.condition, edge.evaluation, zone)
            fired = edge.at, edge.evaluation.began_at or edge.at, reason
        elif fired is not None:
            if edge.at >= window.start:
                firings.append(TriedFiring(flow, fired[0], fired[1], edge.at, fired[2]))
            fired = None
    if fired is not None:
        firings.append(TriedFiring(flow, fired[0], fired[1], None, fired[2]))
    return firings, mails


def _problems(
    flows: Collection[int], firings: Collection[TriedFiring], window: Window
) -> tuple[int, list[MissedProblem]]:
    """Returns how many known problems had failures of these flows in the window, and those that would be missed."""
    rows = Failure.objects.filter(flow__in=flows, failed_at__gte=window.start, failed_at__lt=window.end)
    of_pairs = rows.values("group__problem", "flow").annotate(
        first=Min("failed_at"), last=Max("failed_at"), count=Count("pk")
    )
    heard: dict[int, bool] = {}
    failures: dict[int, int] = {}
    by_flow = _by_flow(firings)
    for row in of_pairs.order_by("-count", "group__problem", "flow")[:MOST_PROBLEMS]:
        key, of_flow = int(row["group__problem"]), by_flow.get(int(row["flow"]), [])
        is_heard = any(firing.covers(row["first"], row["last"]) for firing in of_flow)
        heard[key] = heard.get(key, False) or is_heard
        failures[key] = failures.get(key, 0) + row["count"]
    missed = sorted((key for key, is_heard in heard.items() if not is_heard), key=lambda key: (-failures[key], key))
    problems = Problem.objects.in_bulk(missed)
    return len(heard), [MissedProblem(problems[key], failures[key]) for key in missed if key in problems]


def _by_flow(firings: Collection[TriedFiring]) -> dict[int, list[TriedFiring]]:
    found: dict[int, list[TriedFiring]] = {}
    for firing in firings:
        found.setdefault(firing.flow.pk, []).append(firing)
    return found
