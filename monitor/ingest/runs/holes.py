"""Closes a flow's reading against Zoho's counters: what is explained, what is a baseline, what is a hole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from django.db.models import Max

from monitor.faultpoints import faultpoint
from monitor.ingest.base.context import Context
from monitor.ingest.base.quarantine import let_go_unlisted
from monitor.ingest.base.retry_times import hole_recheck
from monitor.ingest.runs import counters
from monitor.ingest.runs.flow_reading import FlowReading
from monitor.ingest.runs.walk_pages import Walked
from monitor.models import Execution, Flow, FlowProgress, Stream

REPEATS = "repeats"
ASIDE = "+"  # in the signature of a hole before the number of runs in quarantine
STATISTICS = "statistics"  # begins the signature of a hole that only the nightly statistics can close
NO_HOLE: dict[str, object] = {
    "hole_reason": "",
    "hole_signature": "",
    "hole_since": None,
    "recheck_at": None,
    "hole_tries": 0,
}
MOST_TRIES = 100
UNDER_WAY = timedelta(hours=1)


def explained(reading: FlowReading) -> bool:
    """Says whether the counters' movement is explained by what is known of now.

    A gap already known (Zoho counts what it does not list) is not chased again by each sweep; only the
    recheck that is due for it reads everything once more.
    """
    apart = _gap(reading)
    return apart is None or apart.accounted or _is_known(reading, _signatures(reading, apart))


def is_readable(reading: FlowReading) -> bool:
    """Says whether nothing in quarantine is to be tried again: by its recheck, and whenever a person waits."""
    is_wanted = reading.context.mode.reads_everything or reading.flow.progress.wanted_at is not None
    return not (reading.chase or is_wanted) or not counters.aside(reading.flow).total


def has_aside(flow: Flow) -> bool:
    """Says whether runs of a flow were in quarantine when it was last read."""
    return ASIDE in flow.progress.hole_signature


def note_all_read(reading: FlowReading) -> None:
    """Notes that everything was read which Zoho lists: what was put aside earlier and is not listed so any more goes.

    Raises:
        LeaseLost: another process has the account now.
    """
    flow, context = reading.flow, reading.context
    with context.writing():
        let_go_unlisted(flow.account, Stream.EXECUTIONS, reading.started, context.clock(), flow)


def close(reading: FlowReading, walked: Walked) -> None:
    """Marks a flow read up to the counters of this sweep's list; what stays open is a hole with a reason."""
    flow = reading.flow
    values: dict[str, object] = {
        "read_execution_count": flow.execution_count,
        "read_success_count": flow.success_count,
        "read_failure_count": flow.failure_count,
        "executions_read_at": reading.started,
        "newest_started": Execution.objects.filter(flow=flow).aggregate(at=Max("started_time"))["at"],
        "backfill_page": 0,
        "tried_counters": "",
    }
    apart, aside = _gap(reading), counters.aside(flow).total
    if walked.repeats:
        values |= _hole(reading, "Zoho repeats the same page of executions: older runs cannot be read", [REPEATS])
    elif (still := _still_open(reading, apart)) is not None:
        values |= _hole(reading, _hole_text(still, aside), [flow.progress.hole_signature])
    elif apart is None or apart.accounted:
        values |= _aside_alone(reading, aside)
        if apart is not None and apart.even and flow.progress.executions_read_at is not None:
            # The baseline of an earlier list holds against this one too.
            values["baseline_firm"] = True
    elif not flow.progress.baseline_firm or (apart.total <= 0 and not walked.written.apart):
        # Every row that Zoho lists has just been read and is mirrored as listed: its counters by status follow
        # another rule, or the baseline was taken while runs came in. Counting again corrects both.
        values |= _aside_alone(reading, aside) | new_baseline(reading)
    else:
        values |= _hole(reading, _hole_text(apart, aside), _signatures(reading, apart))
    faultpoint("checkpoint-before")
    reading.set(values)
    faultpoint("checkpoint-after")


def _aside_alone(reading: FlowReading, aside: int) -> dict[str, object]:
    """Has runs in quarantine looked at again on a schedule, where nothing else is missing."""
    if not aside:
        return _no_hole(reading.flow)
    return _hole(reading, aside_text(aside), [f"{ASIDE}{aside}"])


def aside_text(count: int) -> str:
    """Says in one line for people that runs came in a form that cannot be read."""
    runs = "1 run is" if count == 1 else f"{count} runs are"
    return f"{runs} in quarantine: Zoho lists them in a form that cannot be read"


def _hole_text(apart: counters.Balance, aside: int) -> str:
    return counters.hole_text(apart) + (f"; {aside_text(aside)}" if aside else "")


def _no_hole(flow: Flow) -> dict[str, object]:
    if flow.progress.hole_signature.startswith(STATISTICS):
        return {"recheck_at": None, "hole_tries": 0}
    return NO_HOLE


def new_baseline(reading: FlowReading) -> dict[str, object]:
    """Counts the baseline again, for good only after the counters stood still (`firm_up`)."""
    flow = reading.flow
    base = counters.baseline_of(counters.counters_of(flow), counters.known(flow, listed_at=reading.listed_at))
    if base is None:
        return {}
    return {
        "baseline_total": base.total,
        "baseline_success": base.success,
        "baseline_failed": base.failed,
        "baseline_firm": False,
    }


def settle_still(context: Context, some: Iterable[Flow]) -> None:
    """Makes the baseline of flows exact whose counters stood still since they were read.

    Not while a run is under way: whether Zoho's total counts it already is not documented.

    Args:
        context: of the sweep.
        some: flows as they were just listed.
    """
    still = {flow.pk: flow for flow in some if flow.progress.is_provisional and not flow.has_moved}
    if not still:
        return
    recent = context.clock() - UNDER_WAY
    running = Execution.objects.filter(flow__in=still, recheck_at__isnull=False, started_time__gte=recent)
    for key in still.keys() - set(running.values_list("flow_id", flat=True)):
        firm_up(context, still[key])


def firm_up(context: Context, flow: Flow) -> None:
    """Sets the baseline for good: the counters did not move between two lists, and it was read in between.

    Raises:
        LeaseLost: rows may have come in since that the flow's counters do not count.
    """
    with context.writing():
        base = counters.baseline_of(counters.counters_of(flow), counters.known(flow))
        if base is None:
            return
        values = {
            "baseline_total": base.total,
            "baseline_success": base.success,
            "baseline_failed": base.failed,
            "baseline_firm": True,
        }
        is_new = FlowProgress.objects.filter(flow=flow, baseline_firm=False).update(**values)
    if is_new:
        for name, value in values.items():
            setattr(flow.progress, name, value)


def _gap(reading: FlowReading, listed_at: datetime | None = None) -> counters.Balance | None:
    """Computes how far counters and mirror are apart; None where it cannot be said."""
    flow = reading.flow
    return counters.balance(
        counters.counters_of(flow), counters.stored_baseline(flow), counters.known(flow, listed_at=listed_at)
    )


def _signatures(reading: FlowReading, apart: counters.Balance) -> Iterator[str]:
    """Names a hole: with all rows, and without those that came after the counters were listed."""
    aside = counters.aside(reading.flow).total
    yield _signature(apart, aside)
    without = _gap(reading, reading.listed_at)
    if without is not None:
        yield _signature(without, aside)


def _still_open(reading: FlowReading, apart: counters.Balance | None) -> counters.Balance | None:
    """Finds a known hole that only looks closed, because runs came in after the counters were listed."""
    flow = reading.flow
    if not flow.progress.hole_signature or apart is None or not apart.accounted:
        return None
    without, aside = _gap(reading, reading.listed_at), counters.aside(flow).total
    return without if without is not None and _signature(without, aside) == flow.progress.hole_signature else None


def _is_known(reading: FlowReading, signatures: Iterable[str]) -> bool:
    hole = reading.flow.progress.hole_signature
    return not reading.chase and bool(hole) and hole in signatures


def _hole(reading: FlowReading, reason: str, signatures: Iterable[str]) -> dict[str, object]:
    """Has a hole looked at again on its schedule; movement elsewhere in the flow does not put that off."""
    flow, names = reading.flow, list(signatures)
    if _is_known(reading, names):
        return {}
    return {
        "hole_reason": reason,
        "hole_signature": names[0],
        "hole_since": _since(flow, names[0], reading.started),
        "recheck_at": hole_recheck(flow.progress.hole_tries, reading.started),
        "hole_tries": min(flow.progress.hole_tries + 1, MOST_TRIES),
    }


def _since(flow: Flow, signature: str, now: datetime) -> datetime:
    """Returns when a hole was found first; one that grew or shrank is another one."""
    past = flow.progress
    return past.hole_since if past.hole_since is not None and past.hole_signature == signature else now


def _signature(apart: counters.Balance, aside: int) -> str:
    gap = f"{max(apart.total, 0)}/{max(apart.success, 0)}/{max(apart.failed, 0)}"
    return f"{gap}{ASIDE}{aside}" if aside else gap
