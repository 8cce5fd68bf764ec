"""Shows what the failed runs of a problem have in common that good runs of the same flows and time do not."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet, TextField
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast, Length

from monitor.languages import gettext as _
from monitor.languages import gettext_noop
from monitor.models import Execution, Failure, FlowVersion, Problem
from monitor.models.asking import Asking, answered, ask
from monitor.periods import DAY
from monitor.privacy import HIDDEN
from monitor.triage.differences import ABSENT, TRIGGER, Difference, Fields, differences, fields_of, plain_text
from monitor.triage.keyed import keyed
from monitor.triage.shown_values import nested, shown_at

MOST_FAILED, MOST_GOOD = 300, 600  # runs that are compared, the newest
MOST_FLOWS = 20  # those with the most failures
LOOKED_AT = 5_000  # runs of a flow, the newest of the time, among which good ones are looked for
LONGEST_DATA = 20_000  # characters of trigger data; a run with more is left out, or a page would read megabytes
FEWEST_GOOD = 0.1  # good runs for each failed one of a flow
LONGEST_SHOWN = 100  # characters of a value
_SLOW = (
    (gettext_noop("under 1 s"), 1_000),
    (gettext_noop("1 to 10 s"), 10_000),
    (gettext_noop("10 to 60 s"), 60_000),
)
_SLOWEST = gettext_noop("over a minute")
_COLUMNS = ("flow_id", "started_time", "duration_ms", "trigger_data")


@dataclass(frozen=True)
class ShownDifference:
    """Holds a difference as anybody may see it: hidden is what would be hidden where the run is shown.

    Attributes:
        found: with the field and the value as Zoho sent them: for no page; its counts have names of their own here.
        field: its name.
        value: cut to a line.
    """

    found: Difference
    field: str
    value: str

    @property
    def failed(self) -> int:
        return self.found.failed

    @property
    def of_failed(self) -> int:
        return self.found.of_failed

    @property
    def good(self) -> int:
        return self.found.good

    @property
    def of_good(self) -> int:
        return self.found.of_good

    @property
    def lift(self) -> float:
        return self.found.lift

    @property
    def key(self) -> str:
        """Returns what names it in an address, and tells nobody the value."""
        return keyed("difference", "\0".join((*self.found.path, self.found.value)))[:16]


@dataclass(frozen=True)
class ComparedRuns:
    """Holds which runs were compared, by their primary keys, the newest first."""

    failed: list[int]
    good: list[int]


@dataclass(frozen=True)
class _Compared:
    """Holds the runs that were compared, the fields of each, and what differs."""

    failed: list[Execution]
    good: list[Execution]
    failed_fields: list[Fields]
    good_fields: list[Fields]

    @property
    def told(self) -> list[Difference]:
        return differences(self.failed_fields, self.good_fields)


def what_differs(problem: Problem) -> list[ShownDifference]:
    """Compares the newest failed runs of a problem with good ones of the same flows, from a day before to a day after.

    Each flow has its share of the good runs as it has of the failed ones: else what tells two flows apart would be
    taken for what tells failures apart. A flow that hardly has good runs is left out: there is nothing to compare with.
    Three statements, however many flows and runs there are.
    """
    return answered(ask_what_differs(problem))


def ask_what_differs(problem: Problem) -> Asking[list[ShownDifference]]:
    """Asks for what `what_differs` returns."""
    compared = yield from _ask_compared(problem)
    return [_shown(one, compared.failed, compared.failed_fields) for one in compared.told]


def compared_runs(problem: Problem, key: str = "") -> ComparedRuns:
    """Returns the runs that `what_differs` compares.

    Args:
        problem: whose.
        key: of a difference: only the runs that have its value; none where it is not told any more. Empty for all.
    """
    compared = answered(_ask_compared(problem))
    if not key:
        return ComparedRuns([run.pk for run in compared.failed], [run.pk for run in compared.good])
    shown = (_shown(one, compared.failed, compared.failed_fields) for one in compared.told)
    one = next((one.found for one in shown if one.key == key), None)
    if one is None:
        return ComparedRuns([], [])
    failed = zip(compared.failed, compared.failed_fields, strict=True)
    good = zip(compared.good, compared.good_fields, strict=True)
    has_it = [[run.pk for run, its in runs if its.get(one.path, ABSENT) == one.value] for runs in (failed, good)]
    return ComparedRuns(*has_it)


def _ask_compared(problem: Problem) -> Asking[_Compared]:
    keys = Failure.objects.filter(group__problem=problem).order_by("-failed_at", "-pk").values_list("pk", flat=True)
    failed: list[Execution] = yield from ask(_runs(keys[:MOST_FAILED]))
    most = dict(Counter(run.flow_id for run in failed).most_common(MOST_FLOWS))
    times = [run.started_time for run in failed if run.started_time is not None]
    if not times:
        return _Compared([], [], [], [])
    shares = {flow: max(1, MOST_GOOD * count // len(failed)) for flow, count in most.items()}
    found: dict[int, list[Execution]] = {flow: [] for flow in most}
    for run in (yield from ask(_runs(_good(shares, min(times) - DAY, max(times) + DAY)))):
        found[run.flow_id].append(run)
    ratios = {flow: len(found[flow]) / count for flow, count in most.items() if len(found[flow]) >= FEWEST_GOOD * count}
    failed = [run for run in failed if run.flow_id in ratios]
    fine = [run for flow in ratios for run in found[flow][: math.ceil(min(ratios.values()) * most[flow])]]
    versions = _versions(ratios)
    failed_fields, good_fields = ([_fields(run, versions) for run in runs] for runs in (failed, fine))
    return _Compared(failed, fine, failed_fields, good_fields)


def _runs(keys: Any) -> QuerySet[Execution]:
    """Makes the question for the runs that a question for keys finds, with what triggered them, the newest first."""
    size = Length(Cast("trigger_data", TextField()))
    rows = Execution.objects.filter(pk__in=keys).annotate(size=size)
    rows = rows.filter(Q(trigger_data__isnull=True) | Q(size__lte=LONGEST_DATA))
    return rows.order_by("-started_time", "-pk").only(*_COLUMNS)


def _good(shares: Mapping[int, int], begin: datetime, end: datetime) -> RawSQL:
    """Asks for the newest good runs of each flow within a time, as many as its share."""
    pieces: list[str] = []
    parameters: list[Any] = []
    for flow, share in shares.items():
        of_time = Execution.objects.filter(flow=flow, started_time__gte=begin, started_time__lt=end)
        newest = of_time.order_by("-started_time", "-pk").values("id", "started_time", "status")[:LOOKED_AT]
        sql, given = newest.query.sql_with_params()
        number = len(pieces)
        pieces.append(
            f"SELECT id FROM (SELECT id FROM ({sql}) AS newest_{number} WHERE status = %s"  # noqa: S608 - the ORM's
            f" ORDER BY started_time DESC, id DESC LIMIT %s) AS good_{number}"
        )
        parameters += [*given, Execution.Status.SUCCESS.value, share]
    return RawSQL(" UNION ALL ".join(pieces), parameters)  # noqa: S611


def _fields(run: Execution, versions: Mapping[int, list[tuple[datetime, int]]]) -> Fields:
    began, took = run.started_time, run.duration_ms
    known = versions.get(run.flow_id, [])
    place = bisect_right(known, began, key=lambda one: one[0]) if began is not None else 0
    return fields_of(
        run.trigger_data,
        hour=f"{began:%H}:00 UTC" if began is not None else "",
        version=str(known[place - 1][1]) if place else "",
        duration="" if took is None else next((words for words, most in _SLOW if took < most), _SLOWEST),
    )


def _versions(flows: Iterable[int]) -> dict[int, list[tuple[datetime, int]]]:
    """Returns since when each version of some flows stands, the oldest first."""
    found: dict[int, list[tuple[datetime, int]]] = {}
    rows = FlowVersion.objects.filter(flow__in=flows).order_by("number")
    for flow, since, number in rows.values_list("flow_id", "first_seen_at", "number"):
        found.setdefault(flow, []).append((since, number))
    return found


def _shown(one: Difference, failed: Sequence[Execution], fields: Sequence[Fields]) -> ShownDifference:
    """Looks a value up in the data of a run that has it, masked as a whole, as the run's page shows it."""
    if one.path[0] != TRIGGER:
        return ShownDifference(one, one.field, _(one.value) if one.path[0] == "duration" else one.value)
    path = one.path[1:]
    # What is absent stands in no failed run's data: of its name alone is told what may be.
    data = nested(path) if one.value == ABSENT else None
    if data is None:
        data = next(run for run, its in zip(failed, fields, strict=True) if its.get(one.path) == one.value).trigger_data
    keys, value = shown_at(data, path)
    text = _(ABSENT) if one.value == ABSENT else plain_text(value)
    return ShownDifference(one, ".".join((TRIGGER, *keys)), HIDDEN if text is None else text[:LONGEST_SHOWN])
