"""Asks Zoho what became of a retry, with as few calls as the question allows; reads only."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from monitor.models import Execution, RetryAttempt
from monitor.retry.client import FlowCalls
from monitor.retry.lost_answer import NOTHING, Evidence, Finding, Seen, conclude, is_window_over, payload_hash
from monitor.retry.timing import LAG, RUN_WINDOW, SKEW, is_search_due
from monitor.zoho.errors import NotFound
from monitor.zoho.reruns import clock_began, may_run_again
from monitor.zoho.shapes.executions import ExecutionRow

State = RetryAttempt.State
PAGES = 4
PER_PAGE = 50
ALIKE = 500  # mirrored runs of the flow that are searched for the same trigger data


def look(attempt: RetryAttempt, flow: FlowCalls, now: datetime) -> Finding:
    """Returns what Zoho shows of an accepted or unknown attempt.

    Args:
        attempt: with its execution and flow.
        flow: the account's client.
        now: the present by our clock, aware.

    Raises:
        ZohoError: it could not be asked.
    """
    execution = attempt.execution
    if attempt.sent_at is None:
        return NOTHING
    # From here on by Zoho's clock: all that is compared is Zoho's.
    ahead = attempt.zoho_ahead or timedelta(0)
    sent_at, now = attempt.sent_at + ahead, now + ahead
    named = _seen(flow, execution.flow.flow_id, attempt.new_execution_id) if attempt.new_execution_id else None
    original = None
    if named is None:
        original = _seen(flow, execution.flow.flow_id, execution.execution_id)
    evidence = Evidence(
        accepted=attempt.state == State.ACCEPTED,
        sent_at=sent_at,
        completed_before=attempt.original_completed_time,
        in_place=attempt.runs_in_place,
        has_id=bool(attempt.new_execution_id),
        named=_as_seen(named),
        original=_as_seen(original),
        may_rerun=_may_rerun(execution, original, sent_at),
    )
    finding = conclude(evidence, now)
    if not _is_open_question(evidence, finding, now):
        return finding
    if finding == NOTHING and not is_search_due(attempt.checks, sent_at, now):
        return finding
    payload = payload_hash(execution.trigger_data) or payload_hash(original.trigger_data if original else None)
    if not payload or not _tells_runs_apart(execution, payload, sent_at):
        return finding
    candidates = _candidates(attempt, flow, sent_at)
    return conclude(replace(evidence, payload=payload, candidates=candidates), now)


def _is_open_question(evidence: Evidence, finding: Finding, now: datetime) -> bool:
    """Returns whether the run is worth looking for among the flow's new ones."""
    if evidence.named is not None or finding.outcome in ("succeeded", "running"):
        return False
    if evidence.has_id or not evidence.accepted:
        # What Zoho named is no run, or does not show: as good as no name, when all that can come has come.
        return is_window_over(evidence.sent_at, now)
    # The row ran again in place, unless Zoho may have done that by itself.
    return finding.outcome == "nothing" or not evidence.in_place or evidence.may_rerun


def _seen(flow: FlowCalls, flow_id: str, execution_id: str) -> ExecutionRow | None:
    """Returns one run; None where it is not shown (yet, or any more)."""
    try:
        return flow.get_execution(flow_id, execution_id)
    except NotFound:
        return None


def _as_seen(row: ExecutionRow | None) -> Seen | None:
    if row is None:
        return None
    return Seen(row.execution_id, row.status, row.started_time, row.completed_time, payload_hash(row.trigger_data))


def _may_rerun(execution: Execution, original: ExecutionRow | None, sent_at: datetime) -> bool:
    """Returns whether a newer failure of the original may be Zoho's own doing."""
    errors = [(execution.error_code, execution.error_message, execution.error_details)]
    if original is not None:
        errors.append((original.error_code, original.error_message, original.error_details))
    failed_at = clock_began(execution.first_failed_at, execution.completed_time, None)
    return any(may_run_again(error, failed_at, sent_at) for error in errors)


def _tells_runs_apart(execution: Execution, payload: str, sent_at: datetime) -> bool:
    """Returns whether no run from before the POST had the same trigger data: a schedule starts every run alike."""
    others = Execution.objects.filter(flow=execution.flow_id).exclude(pk=execution.pk)
    caused = RetryAttempt.objects.filter(execution=execution).exclude(new_execution_id="")
    others = others.exclude(execution_id__in=caused.values("new_execution_id"))
    before = others.filter(started_time__lt=sent_at - SKEW, trigger_data__isnull=False)
    recent = before.order_by("-started_time").values_list("trigger_data", flat=True)[:ALIKE]
    return all(payload_hash(data) != payload for data in recent)


def _candidates(attempt: RetryAttempt, flow: FlowCalls, sent_at: datetime) -> tuple[Seen, ...] | None:
    """Returns the runs around the POST that nobody claims; None when there are too many to read them all."""
    flow_id = attempt.execution.flow.flow_id
    found: dict[str, ExecutionRow] = {}
    for page in range(1, PAGES + 1):
        answer = flow.list_executions(
            flow_id,
            from_date=sent_at - SKEW,
            to_date=sent_at + RUN_WINDOW + LAG,
            page=page,
            per_page=PER_PAGE,
        )
        if answer.rejected:
            return None
        fresh = [row for row in answer.rows if row.execution_id not in found]
        found |= {row.execution_id: row for row in fresh}
        # Not by the page's length: a server may give fewer than asked for, and one more may be behind it.
        if not fresh:
            break
    else:
        return None
    found.pop(attempt.execution.execution_id, None)
    claimed = RetryAttempt.objects.filter(account=attempt.account_id, new_execution_id__in=list(found))
    taken = set(claimed.values_list("new_execution_id", flat=True))
    return tuple(seen for row in found.values() if row.execution_id not in taken and (seen := _as_seen(row)))
