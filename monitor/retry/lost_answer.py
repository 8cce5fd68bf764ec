"""Decides from what Zoho shows what became of a retry. Pure.

Evidence, strongest first: the run whose id Zoho gave; the original, changed since the POST; exactly one new
run of the flow with the same trigger data in the right span. What is ambiguous decides nothing: a wrong
"failed again" invites a person to run the work a second time.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from monitor.retry.timing import LAG, RUN_WINDOW, SKEW

Outcome = Literal["succeeded", "failed_again", "running", "nothing"]


@dataclass(frozen=True, slots=True)
class Seen:
    """Holds a run as Zoho shows it now; `payload` is `payload_hash` of its trigger data."""

    execution_id: str
    status: str
    started_time: datetime | None = None
    completed_time: datetime | None = None
    payload: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Holds what was found out about an attempt. All times are by Zoho's clock.

    Attributes:
        accepted: Zoho said that it took the retry; otherwise its answer was lost.
        sent_at: when the POST left, aware.
        completed_before: the original's completed_time just before the POST.
        in_place: Zoho named the old row: that one runs again, or the answer merely repeats what was asked.
        has_id: Zoho gave the run an id of its own, or it was recognised before.
        named: that run; None where there is no id, or Zoho does not show it (yet).
        original: the execution that was retried.
        may_rerun: Zoho may be re-running the original by itself, so a newer failure need not be ours.
        payload: of the original; "" where it has no trigger data that could tell runs apart.
        candidates: all runs of the flow around the POST that no other attempt claims; None if not (wholly) read.
    """

    accepted: bool
    sent_at: datetime
    completed_before: datetime | None = None
    in_place: bool = False
    has_id: bool = False
    named: Seen | None = None
    original: Seen | None = None
    may_rerun: bool = False
    payload: str = ""
    candidates: tuple[Seen, ...] | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """`new_execution_id` is the run that was recognised, "" for none or the original itself."""

    outcome: Outcome
    new_execution_id: str = ""
    why: str = ""


NOTHING = Finding("nothing")


def conclude(evidence: Evidence, now: datetime) -> Finding:
    """Returns what the evidence shows.

    Args:
        evidence: see `Evidence`.
        now: the present by Zoho's clock, aware.
    """
    if evidence.named is not None:
        return _judged(evidence.named, evidence.named.execution_id, "the run it caused")
    original = evidence.original
    if original is not None and original.status == "success":
        # Ours or Zoho's own re-run: the work is done, which is what a retry is for.
        return Finding("succeeded", "", "the original has become a success")
    fitting = _fitting(evidence, now)
    if fitting and evidence.in_place and original is not None and _failed_since(evidence, original):
        # Either the row ran again in place, or it is Zoho's own re-run and the new row is ours.
        return NOTHING
    if len(fitting) == 1:
        if fitting[0].status != "success" and not is_window_over(evidence.sent_at, now):
            # A run of the flow's own with the same data, while ours does not show yet, would be taken for ours: its
            # failure would invite a second retry of work that is being done.
            return NOTHING
        return _judged(fitting[0], fitting[0].execution_id, "the only new run with the same trigger data")
    if original is None or evidence.has_id:
        # The run has a row of its own: a newer failure of the original is Zoho's own doing.
        return NOTHING
    if original.status != "failed":
        return Finding("running", "", "the original is running again") if original.status else NOTHING
    if _failed_since(evidence, original) and (evidence.in_place or not evidence.may_rerun):
        return Finding("failed_again", "", "the original has failed again")
    return NOTHING


def is_window_over(sent_at: datetime, now: datetime) -> bool:
    """Returns whether a run that the POST caused would show by now."""
    return now >= sent_at + RUN_WINDOW + LAG


def payload_hash(trigger_data: object) -> str:
    """Returns a name for trigger data, the same however its keys are ordered; "" for none, {} and the like."""
    if not trigger_data or isinstance(trigger_data, bool):
        return ""
    try:
        text = json.dumps(trigger_data, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):
        return ""
    return hashlib.sha256(text.encode()).hexdigest()


def _judged(run: Seen, new_id: str, why: str) -> Finding:
    outcomes: dict[str, Outcome] = {"success": "succeeded", "failed": "failed_again"}
    return Finding(outcomes.get(run.status, "running"), new_id, why)


def _fitting(evidence: Evidence, now: datetime) -> list[Seen]:
    """Of a lost answer nothing fits until no other can come any more; of an accepted one a success may, at once."""
    if not evidence.payload or evidence.candidates is None:
        return []
    if not evidence.accepted and not is_window_over(evidence.sent_at, now):
        return []
    first, last = evidence.sent_at - SKEW, evidence.sent_at + RUN_WINDOW + LAG
    return [
        run
        for run in evidence.candidates
        if run.payload == evidence.payload and run.started_time is not None and first <= run.started_time <= last
    ]


def _failed_since(evidence: Evidence, original: Seen) -> bool:
    completed = original.completed_time
    if original.status != "failed" or completed is None or completed == evidence.completed_before:
        return False
    if evidence.completed_before is None:
        return completed > evidence.sent_at
    if evidence.in_place:
        # Two times of one row need no clock but Zoho's own.
        return completed > evidence.completed_before
    # Zoho's times are whole seconds of a clock of its own.
    return completed > max(evidence.completed_before, evidence.sent_at - SKEW)
