"""The live evaluator and the replay of a condition give the same edges of the same history."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerting.kinds import condition_kinds
from monitor.alerting.kinds.interface import EndedRun, RunResult, Runs
from monitor.alerting.replay import replay
from monitor.alerting.runs_of import runs_of
from monitor.alerting.steps import AlertPatience
from monitor.ends import RunEnd, pack_ends
from monitor.models import AlertState, HourBucket
from tests import factories
from tests.alerting.conftest import MINUTE, Watch
from tests.depth import tried

START = factories.NOON
HOUR = timedelta(hours=1)
RULES: list[tuple[str, dict[str, Any]]] = [
    ("success_rate", {"window_hours": 1, "min_runs": 3, "last_good": 4, "threshold": 80.0}),
    ("success_rate", {"window_hours": 2, "min_runs": 1, "last_good": 2, "threshold": 60.0, "recover_at": 90.0}),
    ("in_a_row", {"count": 2}),
]
histories = st.lists(st.tuples(st.integers(1, 90), st.booleans()), min_size=1, max_size=14)


@pytest.mark.django_db
@pytest.mark.property
@tried(6, 150)
@given(
    history=histories,
    rule=st.sampled_from(RULES),
    wait=st.sampled_from([0, 7]),
    keep=st.sampled_from([0, 11]),
)
def test_stepping_live_through_a_history_gives_the_edges_of_its_replay(
    history: list[tuple[int, bool]], rule: tuple[str, dict[str, Any]], wait: int, keep: int
) -> None:
    kind, options = rule
    flow = factories.make_flow(factories.make_account())
    factories.make_alert_rule(
        flow.account, kind=kind, options=options, for_minutes=wait, keep_firing_minutes=keep, waits_for_reruns=False
    )
    ends, at = [], START
    for minutes, has_failed in history:
        at += minutes * MINUTE
        ends.append((at, has_failed))
    offsets = [(int((at - START) / timedelta(milliseconds=1)), has_failed) for at, has_failed in ends]
    factories.make_hour(flow, START, ends=[RunEnd(ms, has_failed, has_failed, 0) for ms, has_failed in offsets])
    until = at + 3 * HOUR

    live = [(edge.at, edge.kind) for edge in stepped(Watch(flow.account, flow), ends[0][0], until)]

    results = (RunResult.SUCCEEDED, RunResult.FAILED)
    runs = Runs(EndedRun(at.timestamp(), results[has_failed], START.timestamp()) for at, has_failed in ends)
    patience = AlertPatience(wait * MINUTE, keep * MINUTE)
    names = {"firing": "firing", "recovered": "resolved", "ended": "closed"}
    edges = replay(condition_kinds()[kind](**options), runs, until=until, patience=patience)
    assert live == [(edge.at, names[edge.edge]) for edge in edges]


@pytest.mark.django_db
@pytest.mark.property
@tried(4, 100)
@given(
    history=st.lists(st.tuples(st.integers(1, 20), st.sampled_from("+-?")), min_size=4, max_size=25),
    rule=st.sampled_from(
        [
            *RULES,
            ("failing_now", {"run_length": 200}),
            ("failures_per_hour", {"most": 2}),
            ("failures_per_hour", {"most": 5}),
            ("success_rate", {"window_hours": 0.5, "min_runs": 3, "last_good": 4, "threshold": 80.0}),
        ]
    ),
    patience=st.sampled_from([5, 35]),
)
def test_what_waits_for_zoho_waits_in_a_replay_as_long_as_it_does_live(
    history: list[tuple[int, str]], rule: tuple[str, dict[str, Any]], patience: int
) -> None:
    kind, options = rule
    flow = factories.make_flow(factories.make_account())
    factories.make_alert_rule(flow.account, kind=kind, options=options, patience_minutes=patience)
    ended, ends = 0, []
    for minutes, result in history:
        ended += minutes * 60_000
        has_failed = result != "+"
        ends.append(RunEnd(ended, has_failed, has_failed, 0, waits_since=ended if result == "?" else None))
    factories.make_hour(flow, START, ends=ends)
    until = START + timedelta(milliseconds=ended) + 3 * HOUR

    live = [
        (edge.at, edge.kind)
        for edge in stepped(Watch(flow.account, flow), START + timedelta(milliseconds=ends[0].ended), until)
    ]

    runs, _ = runs_of({flow.pk: START}, until)[flow.pk].counted(until, patience * MINUTE, None)
    names = {"firing": "firing", "recovered": "resolved", "ended": "closed"}
    edges = replay(condition_kinds()[kind](**options), runs, until=until)
    assert live == [(edge.at, names[edge.edge]) for edge in edges]


@pytest.mark.django_db
@pytest.mark.property
@tried(4, 100)
@given(
    history=st.lists(
        st.tuples(st.sampled_from([0, 3, 11, 40, 41, 55, 90]), st.integers(1, 60)), min_size=1, max_size=5
    ),
    goes_on=st.booleans(),
    rule=st.sampled_from(
        [
            ("stuck_run", {"after_minutes": 12}),
            ("missed_run", {"every": 30, "grace": 10}),
            ("duration", {"above_ms": 1_200_000, "times_usual": 0, "window_hours": 2, "min_runs": 2}),
        ]
    ),
    wait=st.sampled_from([0, 7]),
)
def test_what_goes_on_live_goes_on_in_a_replay(
    history: list[tuple[int, int]], goes_on: bool, rule: tuple[str, dict[str, Any]], wait: int
) -> None:
    """The mirror has a run when it begins, and has it anew when it has ended; the last one may run still."""
    kind, options = rule
    flow = factories.make_flow(factories.make_account())
    factories.make_alert_rule(flow.account, kind=kind, options=options, for_minutes=wait)
    runs, begins = [], 0
    for pause, minutes in history:
        begins += pause
        runs.append((begins, begins + minutes))
    until = START + 7 * HOUR
    if goes_on:
        runs[-1] = (begins, 7 * 60 + 1)

    watch = Watch(flow.account, flow)
    moments = sorted({START + at * MINUTE for run in runs for at in run})
    for now, following in pairwise([*moments, until + MINUTE]):
        minute = (now - START) // MINUTE
        if now > until:
            break
        ended = [
            RunEnd(end * 60_000, *(False, False), begin * 60_000, (end - begin) * 60_000)
            for begin, end in runs
            if end <= minute
        ]
        going = [begin * 60_000 for begin, end in runs if begin <= minute < end]
        packed = pack_ends(ended, max(going, default=None), going)
        factories.make_hour(flow, START, ends=ended, last_end=START + minute * MINUTE)
        HourBucket.objects.filter(flow=flow).update(ends=packed)
        at: datetime | None = now
        while at is not None and at < following and at <= until:
            watch.at(at)
            at = AlertState.objects.get(flow=flow).again_at

    whole = [
        EndedRun(
            (START + end * MINUTE).timestamp(),
            RunResult.SUCCEEDED,
            (START + begin * MINUTE).timestamp(),
            (end - begin) * 60_000,
        )
        for begin, end in runs
    ]
    edges = replay(condition_kinds()[kind](**options), Runs(whole), until=until, patience=AlertPatience(wait * MINUTE))
    names = {"firing": "firing", "recovered": "resolved", "ended": "closed"}
    live = [(edge.at, edge.kind) for edge in watch.edges if edge.kind in names.values()]
    assert live == [(edge.at, names[edge.edge]) for edge in edges]


@pytest.mark.django_db
@pytest.mark.property
@tried(4, 100)
@given(
    history=st.lists(
        st.tuples(st.integers(1, 15), st.sampled_from([None, None, "fails", "waits", 5, 10, 30, 60, 180])),
        min_size=3,
        max_size=20,
    ),
    rule=st.sampled_from(
        [
            *RULES,
            ("failing_now", {"run_length": 200}),
            ("failures_per_hour", {"most": 3}),
            ("success_rate", {"window_hours": 0.5, "min_runs": 3, "last_good": 4, "threshold": 80.0}),
        ]
    ),
    patience=st.sampled_from([None, 12, 35]),
    wait=st.sampled_from([0, 7]),
)
def test_what_zoho_healed_later_had_failed_in_a_replay_until_then_as_it_had_live(
    history: list[tuple[int, str | int | None]],
    rule: tuple[str, dict[str, Any]],
    patience: int | None,
    wait: int,
) -> None:
    """A number is after how many minutes Zoho's re-run makes the failure good; the mirror has each as it is then."""
    kind, options = rule
    flow = factories.make_flow(factories.make_account())
    reruns = {"waits_for_reruns": patience is not None, "patience_minutes": patience or 1}
    factories.make_alert_rule(flow.account, kind=kind, options=options, for_minutes=wait, **reruns)
    runs, at = [], 0
    for minutes, fate in history:
        at += minutes
        runs.append((at, fate))
    until = START + 8 * HOUR

    def mirrored(minute: int) -> list[RunEnd]:
        found = []
        for ended, fate in runs:
            heals = ended + fate if isinstance(fate, int) else None
            since = None if fate in (None, "fails") else ended * 60_000
            is_good = fate is None or (heals is not None and heals <= minute)
            last = heals if is_good and heals is not None else ended
            if ended <= minute:
                found.append(RunEnd(last * 60_000, not is_good, fate is not None, 0, None, since))
        return found

    watch = Watch(flow.account, flow)
    ends = {ended for ended, _ in runs} | {ended + fate for ended, fate in runs if isinstance(fate, int)}
    moments = [START + minute * MINUTE for minute in sorted(ends)]
    for now, following in pairwise([*moments, until + MINUTE]):
        factories.make_hour(flow, START, ends=mirrored((now - START) // MINUTE))
        next_look: datetime | None = now
        while next_look is not None and next_look < following and next_look <= until:
            watch.at(next_look)
            next_look = AlertState.objects.get(flow=flow).again_at

    of_rule = None if patience is None else patience * MINUTE
    whole, _ = runs_of({flow.pk: START}, until)[flow.pk].counted(until, of_rule, None)
    edges = replay(condition_kinds()[kind](**options), whole, until=until, patience=AlertPatience(wait * MINUTE))
    names = {"firing": "firing", "recovered": "resolved", "ended": "closed"}
    live = [(edge.at, edge.kind) for edge in watch.edges if edge.kind in names.values()]
    assert live == [(edge.at, names[edge.edge]) for edge in edges]


def stepped(watch: Watch, first: datetime, until: datetime) -> list[Any]:
    """The edges when it is evaluated whenever it asks to be, and at no other time: runs to come are ahead of it."""
    now: datetime | None = first
    while now is not None and now <= until:
        watch.at(now)
        now = AlertState.objects.get(flow=watch.flow).again_at
    return [edge for edge in watch.edges if edge.kind in ("firing", "resolved", "closed")]
