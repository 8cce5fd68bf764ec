"""Evaluates the alert rules of an account and writes what came of it, each edge once."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from monitor.alerting.kinds import words_of
from monitor.alerting.kinds.interface import Condition, ConditionState, Evaluation, goes_by_silence
from monitor.alerting.load import Case, work_of
from monitor.alerting.state_machine import Decision, decide, doubt, fail, rest
from monitor.alerting.subject_work import has_moved, subject_work
from monitor.alerting.write import begin, write
from monitor.models import AlertCursor, Transition, ZohoAccount
from monitor.periods import DAY

logger = logging.getLogger(__name__)
SAID_LEFT_OUT_FOR = DAY  # by a kind without a window


def evaluate_account(account: ZohoAccount, now: datetime) -> list[Transition]:
    """Evaluates each enabled rule of an account for each of its flows, as far as the answer may have changed.

    Safe to run twice at once: a state is written by compare-and-set on its version, its transition in the
    same database transaction, so that the slower of two evaluators writes neither.

    Args:
        account: whose rules; read again for whether it is mirrored.
        now: the time of the evaluation.

    Returns:
        The transitions written, in the order of rules and flows.
    """
    account.refresh_from_db(fields=["is_active"])
    work = work_of(account, now)
    decided = [(case, rest(case.standing, _why(case), now, is_over=bool(case.ended))) for case in work.resting]
    for cases in work.with_runs(now):
        decided += [(case, _evaluate(case, now)) for case in cases]
    subjects = subject_work(account, work.rules, now, work.stale)
    decided += [(case, rest(case.standing, _why(case), now, is_over=bool(case.ended))) for case in subjects.resting]
    decided += [(case, fail(case.standing, "its subjects could not be read", now)) for case in subjects.failed]
    decided += [pair for case in subjects.due if has_moved(*(pair := (case, _evaluate(case, now))))]
    begin([case.row for case, _ in decided if case.row.pk is None])
    written = write(sorted(decided, key=lambda pair: pair[0].row.pk or 0), now)
    if work.is_watching or subjects.due:
        # What another evaluator was faster with it may have known less of: then all of it is looked at once more.
        seen = {"counted_at": work.counted_at} if work.is_watching and written.lost == 0 else {}
        values = {"evaluated_at": now} | seen
        if not AlertCursor.objects.filter(account=account).update(**values):
            AlertCursor.objects.update_or_create(account=account, defaults=values)
    _log(written.transitions)
    return written.transitions


def _why(case: Case) -> str:
    return case.ended or case.stale


def _evaluate(case: Case, now: datetime) -> Decision:
    """Asks a condition. One that raises is an error of its own rule and flow: the others go on."""
    standing, rule = case.standing, case.rule
    if rule.condition is None or case.fault:
        return fail(standing, case.fault or rule.fault, now)
    try:
        material, again_at, notes = _material(case, now)
        evaluation = rule.condition.evaluate(material, now, standing.place.standing)
        reason = words_of(rule.row.kind).describe(rule.condition, evaluation, UTC)
    except Exception as fault:
        subject = case.row.flow_id or f"{case.row.subject_kind} {case.row.subject_key}"
        logger.exception("rule %d could not be evaluated for %s", rule.row.pk, subject)
        return fail(standing, f"the evaluation failed: {type(fault).__name__}", now)
    if case.gap and not _is_certain(rule.condition, evaluation):
        return doubt(standing, case.gap, now)
    decision = decide(standing, evaluation, "; ".join(filter(None, (reason, *notes))), now, rule.patience)
    return decision if again_at is None else decision.sooner(again_at)


def _is_certain(condition: Condition, evaluation: Evaluation) -> bool:
    """Returns whether an answer holds also where runs may be missing: failures that were found are there anyway."""
    if evaluation.found is ConditionState.BREACHED:
        return not goes_by_silence(condition)
    return evaluation.found not in (ConditionState.CLEAR, ConditionState.EMPTY)


def _material(case: Case, now: datetime) -> tuple[Any, datetime | None, tuple[str, ...]]:
    """Returns what a case is evaluated by, when that may be otherwise though nothing comes, and what is to be noted."""
    if case.subject is not None:
        return case.subject.material, None, ()
    by_silence = goes_by_silence(case.rule.condition)
    runs, again_at = case.runs.counted(now, case.rule.reruns, case.known_from, with_left_out=by_silence)
    waiting = runs.counts(0, len(runs.rows))[2]
    noted = f"{waiting} failed, and Zoho runs them again by itself" if waiting else ""
    runs = runs.watched(case.rule.row.created_at, may_wait=case.row.watched_flow.may_wait)
    start = case.rule.start(now)
    left_out = "" if by_silence else case.runs.said_left_out(start if start < now else now - SAID_LEFT_OUT_FOR)
    return runs, again_at, (noted, case.runs.said_ahead(now), left_out)


def _log(transitions: Sequence[Transition]) -> None:
    for found in transitions:
        logger.info("alert %d: %s (episode %d)", found.alert_id, found.kind, found.episode)
