"""Passes an attempt's change on to others: hours to recount, rows to read again."""

from __future__ import annotations

from monitor.models import DirtyHour, Execution, RetryAttempt

# (primary key of a flow, Zoho's ids of executions of it that should be read again)
Ref = tuple[int, tuple[str, ...]]


def mark_hours(attempt: RetryAttempt) -> None:
    """Has the hours of the original and of the run it caused counted again; call it in the same transaction."""
    execution = attempt.execution
    times = [execution.started_time]
    if attempt.new_execution_id:
        caused = Execution.objects.filter(
            account=attempt.account_id, flow=execution.flow_id, execution_id=attempt.new_execution_id
        )
        times += caused.values_list("started_time", flat=True)
    DirtyHour.objects.mark((execution.flow_id, at) for at in times if at is not None)


def ref_of(attempt: RetryAttempt) -> Ref:
    """Returns the rows at Zoho that an attempt concerns."""
    execution = attempt.execution
    ids = [execution.execution_id, attempt.new_execution_id]
    return execution.flow_id, tuple(one for one in ids if one)


def merged(refs: list[Ref]) -> list[Ref]:
    """Returns one entry a flow, each id once, in the order they came."""
    found: dict[int, dict[str, None]] = {}
    for flow, ids in refs:
        found.setdefault(flow, {}).update(dict.fromkeys(ids))
    return [(flow, tuple(ids)) for flow, ids in found.items()]
