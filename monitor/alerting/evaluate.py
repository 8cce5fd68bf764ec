"""Judges the alert rules of an account and writes what came of it, each edge once."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from monitor.alerting.load import Case, cases
from monitor.alerting.states import Decision, State, decide
from monitor.models import AlertState, Transition, ZohoAccount

logger = logging.getLogger(__name__)

IDS_A_STATEMENT = 5000


def evaluate_account(account: ZohoAccount, now: datetime) -> list[Transition]:
    """Judges each active rule of an account for each of its flows.

    Safe to run twice at once: a state is written by compare-and-set on its version, its transition in the
    same database transaction, so that the slower of two evaluators writes neither.

    Args:
        account: whose rules; read anew for whether it is mirrored.
        now: the time of the judgement.

    Returns:
        The transitions written, in the order of rules and flows.
    """
    account.refresh_from_db(fields=["is_active"])
    edges: list[tuple[Case, Decision]] = []
    changed: list[tuple[Case, Decision]] = []
    unchanged: list[int] = []
    for case in cases(account, now):
        decision = decide(case.standing, case.reading, case.limits, now, stale=case.stale, ended=case.ended)
        if decision.edge is not None:
            edges.append((case, decision))
        elif _differs(case.row, _columns(case, decision)):
            changed.append((case, decision))
        elif not case.ended:
            unchanged.append(case.row.pk)
    written = [found for case, decision in edges if (found := _write_edge(case, decision, now)) is not None]
    _write_changed(changed, unchanged, now)
    for found in written:
        logger.info("alert %d: %s (episode %d)", found.alert_id, found.kind, found.episode)
    return written


def _columns(case: Case, decision: Decision) -> dict[str, Any]:
    """The state's columns after the decision. Without data the numbers of the last judgement stay."""
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


def _write_edge(case: Case, decision: Decision, now: datetime) -> Transition | None:
    """The state and its transition, both or neither."""
    if decision.edge is None:
        return None
    columns = _columns(case, decision)
    if decision.edge == Transition.Kind.FIRING:
        columns |= {"acknowledged_at": None, "acknowledged_by": None, "acknowledge_note": ""}
    transition_row = Transition(
        alert=case.row,
        kind=decision.edge,
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
    with transaction.atomic():
        if not _swap(case, columns, now):
            return None
        try:
            with transaction.atomic():
                transition_row.save(force_insert=True)
        except IntegrityError:
            # The constraint guards what compare-and-set promises: this edge of this episode is told already.
            logger.warning("alert %d: %s of episode %d was there", case.row.pk, decision.edge, decision.episode)
            return None
    return transition_row


def _write_changed(changed: Iterable[tuple[Case, Decision]], unchanged: list[int], now: datetime) -> None:
    # Each statement by itself: two evaluators that hold some rows and want others would wait for each other.
    for case, decision in changed:
        _swap(case, _columns(case, decision), now)
    for start in range(0, len(unchanged), IDS_A_STATEMENT):
        AlertState.objects.filter(pk__in=unchanged[start : start + IDS_A_STATEMENT]).update(evaluated_at=now)
