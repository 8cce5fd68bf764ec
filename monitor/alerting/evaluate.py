"""Judges the alert rules of an account and writes what came of it, each edge once."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from monitor.alerting.load import Case, cases
from monitor.alerting.state_machine import Decision, State, decide
from monitor.models import AlertState, Transition, ZohoAccount

logger = logging.getLogger(__name__)

CHUNK = 100  # edges a transaction
IDS_A_STATEMENT = 5000


def evaluate_account(account: ZohoAccount, now: datetime) -> list[Transition]:
    """Judges each active rule of an account for each of its flows.

    Safe to run twice at once: a state is written by compare-and-set on its version, its transition in the
    same database transaction, so that the slower of two evaluators writes neither.

    Args:
        account: whose rules; read again for whether it is mirrored.
        now: the time of the evaluation.

    Returns:
        The transitions written, in the order of rules and flows.
    """
    account.refresh_from_db(fields=["is_active"])
    evaluated = [(case, _decide(case, now)) for case in cases(account, now)]
    edges = [(case, decision) for case, decision in evaluated if decision.edge is not None]
    quiet = [(case, decision) for case, decision in evaluated if decision.edge is None]
    _begin([case.row for case, _ in edges if case.row.pk is None])
    told = [found for start in range(0, len(edges), CHUNK) for found in _write_edges(edges[start : start + CHUNK], now)]
    _write_quiet(quiet, now)
    for found in told:
        logger.info("alert %d: %s (episode %d)", found.alert_id, found.kind, found.episode)
    return told


def _decide(case: Case, now: datetime) -> Decision:
    return decide(case.standing, case.reading, case.limits, now, stale=case.stale, ended=case.ended)


def _columns(case: Case, decision: Decision) -> dict[str, Any]:
    """Returns the state's columns after the decision. Without data the numbers of the last evaluation stay."""
    columns: dict[str, Any] = {
        "state": decision.state,
        "is_open": decision.is_open,
        "episode": decision.episode,
        "since": decision.since,
        "reason": decision.reason[:300],
    }
    if decision.state != State.NO_DATA:
        reading = case.reading
        columns |= {
            "rate": reading.rate,
            "first_attempt_rate": reading.first_attempt_rate,
            "runs": reading.runs,
        }
    return columns


def _differs(row: AlertState, columns: dict[str, Any]) -> bool:
    return row.version == 0 or any(getattr(row, name) != value for name, value in columns.items())


def _swap(case: Case, columns: dict[str, Any], now: datetime) -> bool:
    """Writes the columns unless another evaluator was faster."""
    same = AlertState.objects.filter(pk=case.row.pk, version=case.row.version)
    return bool(same.update(**columns, evaluated_at=now, version=case.row.version + 1))


def _begin(rows: list[AlertState]) -> None:
    """Saves rows that are to fire at their first evaluation, and gives them their keys.

    A row that another evaluator saved and evaluated meanwhile stays without a key.
    """
    if not rows:
        return
    AlertState.objects.bulk_create(rows, ignore_conflicts=True)
    saved = AlertState.objects.filter(rule__in={row.rule_id for row in rows}, version=0)
    keys = {(rule, flow): key for rule, flow, key in saved.values_list("rule_id", "flow_id", "pk")}
    for row in rows:
        row.pk = keys.get((row.rule_id, row.flow_id))  # type: ignore[arg-type]


@transaction.atomic
def _write_edges(edges: list[tuple[Case, Decision]], now: datetime) -> list[Transition]:
    """States and their transitions, all or none."""
    won = []
    for case, decision in edges:
        columns = _columns(case, decision)
        if decision.edge == Transition.Kind.FIRING:
            columns |= {"acknowledged_at": None, "acknowledged_by": None, "acknowledge_note": ""}
        if case.row.pk is not None and _swap(case, columns, now):
            won.append(_transition(case, decision, now))
    try:
        with transaction.atomic():
            return Transition.objects.bulk_create(won)
    except IntegrityError:
        return [row for row in won if _save_once(row)]


def _transition(case: Case, decision: Decision, now: datetime) -> Transition:
    return Transition(
        alert=case.row,
        kind=decision.edge or "",
        episode=decision.episode,
        from_state=case.row.state,
        to_state=decision.state,
        at=now,
        rate=case.reading.rate,
        first_attempt_rate=case.reading.first_attempt_rate,
        runs=case.reading.runs,
        failed=case.reading.failed,
        reason=decision.reason[:300],
    )


def _save_once(row: Transition) -> bool:
    """Saves a transition unless this edge of this episode was recorded already.

    The constraint guards what compare-and-set promises; the state moves on either way.
    """
    try:
        with transaction.atomic():
            row.pk = None
            row.save(force_insert=True)
    except IntegrityError:
        logger.warning("alert %d: %s of episode %d was recorded already", row.alert_id, row.kind, row.episode)
        return False
    return True


def _write_quiet(quiet: Iterable[tuple[Case, Decision]], now: datetime) -> None:
    """States without an edge: new ones, those whose numbers changed, and the time of the others.

    Each statement by itself: two evaluators that hold some rows and want others would wait for each other.
    """
    new: list[AlertState] = []
    unchanged: list[int] = []
    for case, decision in quiet:
        columns = _columns(case, decision)
        if case.row.pk is None:
            new.append(_filled(case.row, columns))
        elif _differs(case.row, columns):
            _swap(case, columns, now)
        elif not case.ended:
            unchanged.append(case.row.pk)
    AlertState.objects.bulk_create(new, ignore_conflicts=True)
    for start in range(0, len(unchanged), IDS_A_STATEMENT):
        AlertState.objects.filter(pk__in=unchanged[start : start + IDS_A_STATEMENT]).update(evaluated_at=now)


def _filled(row: AlertState, columns: dict[str, Any]) -> AlertState:
    for name, value in columns.items():
        setattr(row, name, value)
    row.version = 1
    return row
