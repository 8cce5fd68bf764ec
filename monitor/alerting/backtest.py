"""Reads exported runs and replays a condition over each flow's. Pure: a file comes in, edges go out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
from typing import Any

import orjson

from monitor.alerting.kinds.interface import Condition, EndedRun, RunResult, Runs, at_pace, goes_by_silence, moment
from monitor.alerting.kinds.usual import DAYS_A_MONTH
from monitor.alerting.replay import replay
from monitor.alerting.steps import AlertPatience
from monitor.exact_numbers import decoder
from monitor.left_out import NOTHING_MARKED, MarkedTimes
from monitor.zoho.moments import moment as read_moment

LONGEST_LINE = 16 * 1024 * 1024  # bytes
_READER = decoder()
_RESULTS = {"success": RunResult.SUCCEEDED, "failed": RunResult.FAILED}


class UnreadableRunError(ValueError):
    """Says which line holds no run and why, for people."""


@dataclass(slots=True)
class ExportedRuns:
    """Holds the runs of a flow in a file.

    Attributes:
        ended: the finished ones.
        running: since when those run that run still, in seconds since 1970.
    """

    ended: list[EndedRun] = field(default_factory=list)
    running: list[float] = field(default_factory=list)


def read_runs(lines: Iterable[bytes]) -> dict[str, ExportedRuns]:
    """Reads rows of `export executions` by flow. Rows of unknown statuses are left out.

    A run of which there are several rows, as in exports that overlap, counts once, by the one that ended last.

    Raises:
        UnreadableRunError: a line holds no such row.
    """
    found: dict[str, dict[object, EndedRun]] = {}
    running: dict[str, dict[object, float]] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = _row(line)
            flow = _flow(row)
            run, since = _run(row), _running(row)
        except UnreadableRunError as error:
            raise UnreadableRunError(f"line {number}: {error}") from None
        execution = row.get("execution_id") or number
        if since is not None:
            running.setdefault(flow, {})[execution] = since
        if run is not None:
            of_flow = found.setdefault(flow, {})
            known = of_flow.get(execution)
            of_flow[execution] = run if known is None else max(known, run, key=itemgetter(0, 1, 2))
    return {
        flow: ExportedRuns(
            list(found.get(flow, {}).values()),
            [since for key, since in running.get(flow, {}).items() if key not in found.get(flow, {})],
        )
        for flow in {**found, **running}
    }


def edges_of(
    condition: Condition,
    by_flow: Mapping[str, ExportedRuns],
    *,
    until: datetime | None = None,
    patience: AlertPatience | None = None,
    left_out: MarkedTimes = NOTHING_MARKED,
) -> Iterator[dict[str, Any]]:
    """Yields the edges of every flow in the order of time, as they are printed.

    Args:
        condition: what is asked.
        by_flow: the runs of each flow, in any order.
        until: the last moment; None for the end of the newest run of all flows, or the start of one that runs still:
            one flow may be silent while others run.
        patience: how long things must last before they count.
        left_out: times whose runs are in no rate.
    """
    condition = at_pace(condition, _runs_a_month(by_flow))
    histories = {
        flow: Runs(_rated(condition, of.ended, left_out), running=of.running, unfinished=of.running)
        for flow, of in by_flow.items()
    }
    if until is None and by_flow:
        until = moment(max(max([*of.running, *(run.ended for run in of.ended)]) for of in by_flow.values()))
    found = [
        (edge.at, flow, edge)
        for flow, runs in histories.items()
        for edge in replay(condition, runs, until=until, patience=patience)
    ]
    for at, flow, edge in sorted(found, key=lambda one: one[:2]):
        began_at = edge.evaluation.began_at
        yield {
            "flow_id": flow,
            "at": _iso(at),
            "edge": edge.edge.value,
            "runs_since_change": edge.evaluation.runs_since_change,
            "began_at": _iso(began_at) if began_at is not None else None,
            "numbers": {name: round(value, 6) for name, value in edge.evaluation.numbers.items()},
        }


def _runs_a_month(by_flow: Mapping[str, ExportedRuns]) -> float:
    """Returns how many runs a month the file has, by the time from its first run to its last; a day at least."""
    ends = [run.ended for of in by_flow.values() for run in of.ended]
    days = max((max(ends) - min(ends)) / 86_400, 1) if ends else 1
    return len(ends) / days * DAYS_A_MONTH


def _rated(condition: Condition, runs: Sequence[EndedRun], left_out: MarkedTimes) -> Sequence[EndedRun]:
    if not left_out or goes_by_silence(condition):
        return runs
    return [run for run in runs if not left_out.hold(run.started)]


def _iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _row(line: bytes) -> Any:
    if len(line) > LONGEST_LINE:
        raise UnreadableRunError(f"longer than {LONGEST_LINE // 1024 // 1024} MiB")
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return _row_read_slowly(line)


def _row_read_slowly(line: bytes) -> Any:
    """Reads what the fast reader refuses and JSON allows: a byte order mark, numbers of any length."""
    try:
        return _READER.decode(line.decode("utf-8-sig").strip())
    except UnicodeDecodeError:
        raise UnreadableRunError("not UTF-8") from None
    except RecursionError:
        raise UnreadableRunError("nested too deeply") from None
    except ValueError:
        raise UnreadableRunError("not JSON") from None


def _flow(row: Any) -> str:
    if not isinstance(row, dict):
        raise UnreadableRunError("must be an object with flow_id, status, started_time and completed_time")
    flow = row.get("flow_id")
    if isinstance(flow, bool) or not isinstance(flow, str | int) or flow == "":
        raise UnreadableRunError("flow_id is missing" if flow in (None, "") else "flow_id must be text")
    return str(flow)


def _running(row: Mapping[str, Any]) -> float | None:
    """Returns since when a row's run runs still; None where it does not, or does not say since when."""
    status = row.get("status")
    is_running = isinstance(status, str) and status.strip().lower() == "running"
    return _time(row, "started_time") if is_running else None


def _run(row: Mapping[str, Any]) -> EndedRun | None:
    status = row.get("status")
    if not isinstance(status, str):
        raise UnreadableRunError("status is missing" if status is None else "status must be text")
    started, completed = (_time(row, name) for name in ("started_time", "completed_time"))
    result = _RESULTS.get(status.strip().lower())
    if result is None:
        return None
    ended = completed if completed is not None else _ended(row, started)
    known = [at for at in (started, ended) if at is not None]
    if not known:
        raise UnreadableRunError("neither started_time nor completed_time says when it ran")
    return EndedRun(max(known), result, known[0], _duration(row, known[0], completed))


def _time(row: Mapping[str, Any], name: str) -> float | None:
    value = row.get(name)
    if value is None or value == "":
        return None
    found = read_moment(value)
    if found is None:
        raise UnreadableRunError(f"{name} {str(value)[:40]!r} is no time that can be read")
    return found.timestamp()


def _ended(row: Mapping[str, Any], started: float | None) -> float | None:
    duration = row.get("duration_ms")
    if started is None or isinstance(duration, bool) or not isinstance(duration, int | float):
        return None
    return started + duration / 1_000 if 0 <= duration <= 1e12 else None


def _duration(row: Mapping[str, Any], started: float, completed: float | None) -> int | None:
    duration = row.get("duration_ms")
    if isinstance(duration, int | float) and not isinstance(duration, bool) and 0 <= duration <= 1e12:
        return int(duration)
    return round((completed - started) * 1_000) if completed is not None and completed >= started else None
