"""Reads the list of flows: narrowed, sorted, with the figures of its columns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from monitor.models import SWITCHED_OFF, Connection, Execution, Failure, Flow, HourBucket
from monitor.models.asking import Asking, Statement, answered, ask
from monitor.models.definitions import uses_app
from monitor.models.prepared import Prepared
from monitor.models.spans import epoch, select_within
from monitor.periods import DAY, last_days
from monitor.privacy import mask_name
from monitor.queries import counts
from monitor.queries.corrections import ask_marks_of
from monitor.queries.counts import Counts
from monitor.queries.shown_names import shows
from monitor.standing.facts import (
    WEEK_DAYS,
    Presents,
    moments_of,
    silent_among,
    standing_in_sql,
    standing_of,
    with_facts,
    with_signs,
)
from monitor.standing.judge import SILENT, WORDS, AccountPresent, FlowStanding

LIST_DAYS = WEEK_DAYS
AT_ONCE = 50  # flows that are read by one statement: a page of them
SORTS = ("failures", "name", "rate", "runs", "last_run")
_NAMED = ("failures", "name", "runs")  # sorts in which names decide


@dataclass(frozen=True)
class FlowFilter:
    """Says what the list is narrowed to.

    `status` is Zoho's: active, inactive (any of its words for it) or gone; empty means all but gone, those of words
    that are not known included. `standing` is one of
    `monitor.standing.judge.WORDS`; it needs to be told how far the accounts' presents are known. `problem_id` asks for
    those whose runs failed with a problem, all but deleted ones only where a status or a standing is wanted. `owner_id`
    is 0 for those that nobody looks after. `connection_id` asks for those that use the app of a
    connection, in its account.
    """

    text: str = ""
    status: str = ""
    standing: str = ""
    account_id: int | None = None
    problem_id: int | None = None
    owner_id: int | None = None
    tag: str = ""
    connection_id: int | None = None
    sort: str = "failures"


def week_sums(now: datetime) -> dict[int, Counts]:
    """Counts the runs of the last 7 days of each flow that has any: what the list shows, judges and is sorted by.

    Two statements.
    """
    return answered(ask_week_sums(now))


def ask_week_sums(now: datetime) -> Asking[dict[int, Counts]]:
    """Asks for what `week_sums` returns."""
    window = last_days(now, LIST_DAYS)
    marks = yield from ask_marks_of(window)
    return (yield from counts.ask_by_flow(window, marks))


def in_order(wanted: FlowFilter, sums: Mapping[int, Counts], presents: Presents, now: datetime) -> list[int]:
    """Finds all flows that a list is narrowed to, in its order, by their primary keys. One statement.

    What a page shows of them is read by `rows`: a thousand flows are sorted by figures that are read already, and
    fifty are shown.

    Args:
        wanted: what the list is narrowed to.
        sums: of `week_sums`.
        presents: how far the present of each account is known, and the silent flows, where a standing is wanted.
        now: the present.
    """
    flows = _narrowed(wanted)
    if wanted.standing:
        facts = with_facts(flows, now).alias(standing_code=standing_in_sql(presents))
        flows = facts.filter(standing_code=wanted.standing)
    if wanted.sort == "last_run":
        return list(
            _with_last_run(flows).order_by(F("last_run").desc(nulls_last=True), "pk").values_list("pk", flat=True)
        )
    keys = _by_shown_name(flows) if wanted.sort in _NAMED else list(flows.order_by("pk").values_list("pk", flat=True))
    if wanted.sort == "name":
        return keys
    nothing = Counts()

    def place(key: int) -> tuple[float, ...]:
        of_it = sums.get(key, nothing)
        rate = 101.0 if of_it.rate is None else of_it.rate
        by = {"failures": (-of_it.failed, rate), "runs": (-of_it.finished,), "rate": (rate, -of_it.failed)}
        return by[wanted.sort]

    return sorted(keys, key=place)


def _by_shown_name(flows: QuerySet[Flow]) -> list[int]:
    """Sorts flows by their names as they are shown: those in whose name something is hidden come first, unsorted."""
    named = [
        (key, mask_name(name) == name) for key, name in flows.order_by("flow_name", "pk").values_list("pk", "flow_name")
    ]
    return [*sorted(key for key, is_shown in named if not is_shown), *(key for key, is_shown in named if is_shown)]


def _with_last_run(flows: QuerySet[Flow]) -> QuerySet[Flow]:
    newest = Execution.objects.filter(flow=OuterRef("pk"), started_time__isnull=False).order_by("-started_time")
    last_hour = HourBucket.objects.filter(flow=OuterRef("pk")).order_by("-hour")
    # Where its rows are pruned the flow still ran: an hour's start is the nearest that is known.
    return flows.annotate(
        last_run=Coalesce(Subquery(newest.values("started_time")[:1]), Subquery(last_hour.values("hour")[:1])),
    )


def rows(keys: Sequence[int], sums: Mapping[int, Counts], now: datetime) -> list[Any]:
    """Reads what a page of the list shows of its flows, in their order: one statement, one more for tags.

    Each has its account, progress and ownership, `last_run` (a time), `counts` of the last 7 days, and what
    `monitor.standing.facts.standing_of` decides by.

    Args:
        keys: of the flows, of `in_order`; one that is there no longer is left out.
        sums: of `week_sums`.
        now: the present.
    """
    return answered(ask_rows(keys, sums, now))


def ask_rows(keys: Sequence[int], sums: Mapping[int, Counts], now: datetime) -> Asking[list[Any]]:
    """Asks for what `rows` returns."""
    stuck_before = moments_of(now)[-1]
    filled = [[*some, *([some[-1]] * (AT_ONCE - len(some)))] for some in batched(keys, AT_ONCE)]
    read = yield [_ROWS.question(*some, stuck_before) for some in filled]
    found: dict[int, Any] = {flow.pk: flow for flows in read for flow in flows}
    for key, flow in found.items():
        flow.counts = sums.get(key, Counts())
        flow.runs, flow.failures, flow.others = flow.counts.finished, flow.counts.failed, flow.counts.other
    return [found[key] for key in keys if key in found]


def batched(keys: Sequence[int], size: int) -> list[Sequence[int]]:
    """Cuts keys into stretches of some size; the last one may be shorter."""
    return [keys[start : start + size] for start in range(0, len(keys), size)]


def _of_page(*values: Any) -> QuerySet[Flow]:
    *keys, stuck_before = values
    joined = Flow.objects.filter(pk__in=keys).order_by().select_related("account", "progress", "ownership__owner")
    joined = joined.prefetch_related("ownership__tags").defer("raw", "description", "account__client_secret")
    return with_signs(_with_last_run(joined), stuck_before)


_ROWS = Prepared(_of_page, *[int] * AT_ONCE, datetime)


def _narrowed(wanted: FlowFilter) -> QuerySet[Flow]:
    flows = Flow.objects.all()
    if wanted.account_id is not None:
        flows = flows.filter(account_id=wanted.account_id)
    if wanted.text:
        named = shows(Flow.objects.all(), wanted.text, "flow_name", "trigger_app")
        flows = flows.filter(named | Q(flow_id=wanted.text))
    if wanted.owner_id is not None:
        flows = flows.filter(ownership__owner=wanted.owner_id or None)
    if wanted.tag:
        flows = flows.filter(ownership__tags__name=wanted.tag)
    if wanted.problem_id is not None:
        flows = flows.filter(pk__in=Failure.objects.filter(group__problem=wanted.problem_id).values("flow"))
        if not (wanted.status or wanted.standing):
            return flows
    if wanted.connection_id is not None:
        app = Connection.objects.filter(pk=wanted.connection_id).values_list("app", "account").first()
        flows = flows.filter(uses_app(app[0]), account=app[1]) if app is not None else flows.none()
    if "gone" in (wanted.status, wanted.standing):
        return flows.filter(gone_at__isnull=False)
    flows = flows.filter(gone_at=None)
    if wanted.status == "active":
        return flows.filter(status="active")
    if wanted.status == "inactive":
        return flows.filter(status__in=SWITCHED_OFF)
    return flows


def standings(flows: list[Flow], accounts: Mapping[int, AccountPresent], now: datetime) -> dict[int, FlowStanding]:
    """Says how some flows stand, by primary key. At most two statements.

    Args:
        flows: from `with_facts`.
        accounts: how far the present of each is known.
        now: the present.
    """
    presents = Presents(accounts, silent_among(now, [flow.pk for flow in flows]))
    return {flow.pk: standing_of(flow, presents) for flow in flows}


def by_standing(accounts: Mapping[int, AccountPresent], silent: frozenset[int], now: datetime) -> QuerySet[Flow, Any]:
    """Counts the flows of each standing: its code, and how many. Deleted ones are left out.

    Args:
        accounts: how far the present of each is known.
        silent: primary keys of silent flows.
        now: the present.
    """
    flows = with_facts(Flow.objects.filter(gone_at=None).order_by(), now)
    coded = flows.annotate(standing_code=standing_in_sql(Presents(accounts, silent)))
    return coded.values("standing_code").annotate(n=Count("pk")).values_list("standing_code", "n")


def standing_silent(
    accounts: Mapping[int, AccountPresent], silent: frozenset[int], now: datetime
) -> QuerySet[Flow, Any]:
    """Finds those of the silent flows that stand so: of which nothing worse is said. Their primary keys."""
    flows = with_facts(Flow.objects.filter(gone_at=None, pk__in=silent).order_by(), now)
    coded = flows.alias(standing_code=standing_in_sql(Presents(accounts, silent)))
    return coded.filter(standing_code=SILENT).values_list("pk")


def in_order_of_standing(rows: Iterable[tuple[Any, ...]]) -> dict[str, int]:
    """Sorts the rows of `by_standing`, what is bad first. Pure."""
    counted = dict(rows)
    return {code: counted[code] for code in WORDS if counted.get(code)}


def daily_results(flow_ids: Sequence[int], now: datetime, days: int = 14) -> dict[int, list[tuple[int, int]]]:
    """Counts (succeeded, failed) per flow and 24 hours, oldest first, for sparklines. One statement."""
    return answered(ask_daily_results(flow_ids, now, days))


def ask_daily_results(
    flow_ids: Sequence[int], now: datetime, days: int = 14
) -> Asking[dict[int, list[tuple[int, int]]]]:
    """Asks for what `daily_results` returns."""
    window = last_days(now, days)
    table: dict[int, list[tuple[int, int]]] = defaultdict(lambda: [(0, 0)] * days)
    begins = [(flow, window.start) for flow in flow_ids]
    place = f"({epoch('e.hour')} - {int(window.start.timestamp())}) / {int(DAY.total_seconds())}"
    columns = f"e.flow_id, {place} AS day, SUM(succeeded), SUM(failed)"
    summed = select_within(HourBucket, "hour", begins, window.length, columns, "GROUP BY 1, 2")
    for flow_id, day, *results in (yield from ask(Statement(*summed, 4))):
        succeeded, failed = map(int, results)
        table[flow_id][day] = (succeeded, failed)
    return table
