"""Writes states and their transitions: each by compare-and-set, both in one transaction."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from monitor.alerting.load import Case
from monitor.alerting.state_machine import Decision
from monitor.models import AlertState, Transition
from monitor.models.bulk import insert_new, update

logger = logging.getLogger(__name__)

CHUNK = 200  # states a transaction
NAME = 200  # characters of a subject's name that are kept
REASON = 300  # characters of a reason that are kept
Decided = tuple[Case, Decision]


@dataclass(slots=True)
class StatesWritten:
    """Holds what was written, and how many states another evaluator was faster with."""

    transitions: list[Transition] = field(default_factory=list)
    lost: int = 0


def begin(rows: list[AlertState]) -> None:
    """Saves rows that were never evaluated, and gives them their keys.

    A row that another evaluator saved and evaluated meanwhile stays without a key.
    """
    if not rows:
        return
    named = ("rule_id", "flow_id", "subject_kind", "subject_key")
    columns = (*named, "subject_name", "state", "reason", "since", "evaluated_at")
    values: list[tuple[Any, ...]] = [tuple(getattr(row, name) for name in columns) for row in rows]
    insert_new(AlertState, columns, sorted(values, key=lambda row: (row[0], row[1] or 0, *row[2:4])))
    saved = AlertState.objects.filter(rule__in={row.rule_id for row in rows}, version=0)
    keys = {tuple(place): key for *place, key in saved.values_list(*named, "pk")}
    for row in rows:
        row.pk = keys.get(tuple(getattr(row, name) for name in named))


def write(decided: Sequence[Decided], now: datetime) -> StatesWritten:
    """Writes decisions, some at a time.

    Args:
        decided: in the order of their keys: two evaluators lock in the same order and never wait for each other.
        now: the time of the evaluation.
    """
    found = StatesWritten()
    for start in range(0, len(decided), CHUNK):
        _write_some(decided[start : start + CHUNK], now, found)
    return found


@transaction.atomic
def _write_some(decided: Sequence[Decided], now: datetime, found: StatesWritten) -> None:
    """Writes states and their transitions, all or none."""
    held = AlertState.objects.filter(pk__in=[case.row.pk for case, _ in decided if case.row.pk is not None])
    versions = dict(held.select_for_update().order_by("pk").values_list("pk", "version"))
    won = [pair for pair in decided if pair[0].row.pk and versions.get(pair[0].row.pk) == pair[0].row.version]
    found.lost += len(decided) - len(won)
    _update(won, now)
    found.transitions += _save([_transition(case, decision, now) for case, decision in won if decision.edge])


def _update(pairs: Sequence[Decided], now: datetime) -> None:
    rows = [_columns(case, decision, now) for case, decision in pairs]
    if rows:
        names = list(rows[0])
        update(AlertState, names, [(*row.values(), case.row.pk) for row, (case, _) in zip(rows, pairs, strict=True)])


def _columns(case: Case, decision: Decision, now: datetime) -> dict[str, Any]:
    """Returns the state's columns after a decision. Where nothing was evaluated the last numbers stay."""
    after, evaluation, row = decision.after, decision.evaluation, case.row
    standing = after.place.standing
    began_at = standing.began_at if after.is_open else (evaluation.began_at if evaluation else None)
    columns: dict[str, Any] = {
        "state": str(after.stage),
        "is_open": after.is_open,
        "is_resting": after.is_resting,
        "episode": after.episode,
        "since": after.since,
        "began_at": began_at,
        "fired_at": standing.fired_at,
        "recovered_at": standing.recovered_at,
        "leaving_since": after.place.leaving_since,
        "again_at": decision.again_at,
        "anchor": standing.anchor,
        "learned": asdict(standing.learned) if standing.learned else None,
        "rule_mark": case.rule.mark,
        "reason": decision.reason[:REASON],
        "evaluated_at": now,
        "version": row.version + 1,
    }
    if case.subject is not None:
        columns["subject_name"] = case.subject.subject.name[:NAME]
    else:
        columns["subject_name"] = row.subject_name
    return columns | _numbers(case, decision, now)


def _numbers(case: Case, decision: Decision, now: datetime) -> dict[str, Any]:
    if decision.evaluation is None:
        row = case.row
        names = ("numbers", "rate", "first_attempt_rate", "runs")
        return {name: getattr(row, name) for name in names}
    numbers = dict(decision.evaluation.numbers)
    return {
        "numbers": numbers,
        "rate": numbers.get("rate"),
        "first_attempt_rate": _first_attempt_rate(case, now),
        "runs": int(numbers.get("runs", 0)),
    }


def _first_attempt_rate(case: Case, now: datetime) -> float | None:
    hours = getattr(case.rule.condition, "window_hours", None)
    if hours is None:
        return None
    count, succeeded = case.runs.first_attempts(now - timedelta(hours=hours))
    return 100 * succeeded / count if count else None


def _transition(case: Case, decision: Decision, now: datetime) -> Transition:
    numbers = _numbers(case, decision, now)
    is_told = _is_for_an_incident(case, decision)
    evaluation, standing = decision.evaluation, decision.after.place.standing
    is_first = case.row.version == 0 or case.row.is_resting or not case.rule.is_same(case.row.rule_mark)
    is_first = is_first and not case.is_news
    return Transition(
        alert=case.row,
        kind=str(decision.edge),
        episode=decision.after.episode,
        from_state=case.row.state,
        to_state=str(decision.after.stage),
        at=now,
        began_at=standing.began_at or (evaluation.began_at if evaluation else None) or case.row.began_at,
        is_first=is_first,
        numbers=numbers["numbers"],
        rate=numbers["rate"],
        first_attempt_rate=numbers["first_attempt_rate"],
        runs=numbers["runs"],
        failed=int(numbers["numbers"].get("failed", 0)),
        reason=decision.reason[:REASON],
        dispatch_state=Transition.Dispatch.NEW if is_told else Transition.Dispatch.SILENT,
        dispatched_at=None if is_told else now,
    )


def _is_for_an_incident(case: Case, decision: Decision) -> bool:
    """Returns whether an edge begins or ends an incident or happens in one.

    What no incident is open for is history and no more: thousands of flows that lose their data at once must not stand
    before the one that fires.
    """
    return case.row.is_open or decision.after.is_open


def _save(rows: list[Transition]) -> list[Transition]:
    try:
        with transaction.atomic():
            return Transition.objects.bulk_create(rows)
    except IntegrityError:
        return list(_save_each(rows))


def _save_each(rows: Iterable[Transition]) -> Iterable[Transition]:
    """Saves transitions unless their edge of their episode was recorded already.

    The constraint guards what compare-and-set promises; the state moves on either way.
    """
    for row in rows:
        try:
            with transaction.atomic():
                row.pk = None
                row.save(force_insert=True)
        except IntegrityError:
            logger.warning("alert %d: %s of episode %d was recorded already", row.alert_id, row.kind, row.episode)
        else:
            yield row
