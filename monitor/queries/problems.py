"""Shows problems: what failed for one cause, where, since when, who is on it, and how its runs ended."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, Max, Min, Q, QuerySet
from django.db.models.functions import TruncDate

from monitor.models import Execution, Failure, FailureGroup, Flow, Problem, ProblemAct
from monitor.periods import DAY
from monitor.privacy import mask_text

SAMPLES = 5
MOST_FLOWS = 50  # on one page
TREND_DAYS = 30
# Open failures by age: up to a day, a week, a month, and older.
AGES: tuple[tuple[str, timedelta | None], ...] = (
    ("up to a day", DAY),
    ("up to a week", 7 * DAY),
    ("up to a month", 30 * DAY),
    ("older", None),
)


@dataclass(frozen=True)
class Ledger:
    """Holds how many failed runs ended in which way: `failed` is the sum of the others."""

    open: int = 0
    recovered: int = 0
    retried: int = 0
    superseded: int = 0
    written_off: int = 0

    @property
    def failed(self) -> int:
        return self.open + self.recovered + self.retried + self.superseded + self.written_off

    @property
    def ended(self) -> int:
        return self.failed - self.open


@dataclass(frozen=True)
class ProblemFilter:
    """Holds what the list is narrowed to.

    Attributes:
        state: one of `Problem.State`, "unresolved" for those that somebody has to look at, empty for all.
        owner_id: primary key of the owner; 0 for those without one.
        flow_id: that this flow has failures of.
    """

    account_id: int | None = None
    state: str = "unresolved"
    owner_id: int | None = None
    flow_id: int | None = None


@dataclass(frozen=True)
class ProblemRow:
    """Holds one problem of a list. `title` is masked."""

    problem: Problem
    title: str
    ledger: Ledger
    flows: int


@dataclass(frozen=True)
class FlowShare:
    """Holds the failures of one flow within a problem."""

    flow: Flow
    ledger: Ledger
    last_failed_at: datetime


@dataclass(frozen=True)
class ProblemDetail:
    """Holds what the page of a problem shows. Texts of Zoho's and of apps' are masked."""

    problem: Problem
    title: str
    ledger: Ledger
    groups: list[FailureGroup]
    templates: list[str]
    flows: list[FlowShare]
    flow_count: int
    records: int
    trend: list[tuple[date, int]]
    samples: list[Execution]
    acts: list[ProblemAct]


def problems() -> QuerySet[Problem]:
    """Problems with the joins that pages need; those that were merged away are left out."""
    return Problem.objects.filter(merged_into=None).select_related("account", "owner").defer("account__client_secret")


def matching(wanted: ProblemFilter) -> QuerySet[Problem]:
    """Returns all problems that the filter lets through, those that need somebody most first."""
    rows = problems()
    if wanted.account_id is not None:
        rows = rows.filter(account_id=wanted.account_id)
    if wanted.state == "unresolved":
        rows = rows.filter(state__in=Problem.UNRESOLVED)
    elif wanted.state:
        rows = rows.filter(state=wanted.state)
    if wanted.owner_id is not None:
        rows = rows.filter(owner_id=wanted.owner_id or None)
    if wanted.flow_id is not None:
        rows = rows.filter(groups__in=FailureGroup.objects.filter(failures__flow=wanted.flow_id))
    return rows.distinct().order_by("-last_seen_at", "-pk")


def with_counts(rows: Sequence[Problem]) -> list[ProblemRow]:
    """Adds to problems how their failures ended and over how many flows they are spread. Two statements."""
    keys = [problem.pk for problem in rows]
    ledgers = ledgers_by("group__problem", Q(group__problem__in=keys))
    spread = Failure.objects.filter(group__problem__in=keys).order_by().values_list("group__problem")
    flows = dict(spread.annotate(flows=Count("flow", distinct=True)))
    return [ProblemRow(one, mask_text(one.title), ledgers.get(one.pk, Ledger()), flows.get(one.pk, 0)) for one in rows]


def ledgers_by(key: str, scope: Q) -> dict[int, Ledger]:
    """Returns the ledger of each flow, problem ... One statement.

    Args:
        key: column of `Failure` that tells them apart.
        scope: condition on `Failure`.
    """
    counts: dict[int, Counter[str]] = defaultdict(Counter)
    rows = Failure.objects.filter(scope).order_by().values_list(key, "fate")
    for place, fate, count in rows.annotate(count=Count("pk")):
        counts[place][fate] += count
    return {place: Ledger(**found) for place, found in counts.items()}


def ledger(scope: Q | None = None) -> Ledger:
    """Returns how the failed runs ended in all, or those of a scope. One statement."""
    rows = Failure.objects.filter(scope or Q()).order_by().values_list("fate")
    return Ledger(**dict(rows.annotate(count=Count("pk"))))


def open_by_age(now: datetime, account_id: int | None = None) -> list[tuple[str, int]]:
    """Counts open failures by how long they have been open, the youngest first. One statement.

    Args:
        now: the present.
        account_id: only of this account; None for all.
    """
    rows = Failure.objects.filter(fate=Failure.Fate.OPEN)
    if account_id is not None:
        rows = rows.filter(account_id=account_id)
    conditions: dict[str, Count] = {}
    youngest: datetime | None = None
    for number, (_, age) in enumerate(AGES):
        within = Q(failed_at__gt=now - age) if age is not None else Q()
        older = Q(failed_at__lte=youngest) if youngest is not None else Q()
        conditions[f"age_{number}"] = Count("pk", filter=within & older)
        youngest = now - age if age is not None else youngest
    found = rows.aggregate(**conditions)
    return [(words, found[f"age_{number}"]) for number, (words, _) in enumerate(AGES)]


def oldest_open(account_id: int | None = None) -> datetime | None:
    """Returns when the oldest failure that is still open happened."""
    rows = Failure.objects.filter(fate=Failure.Fate.OPEN)
    if account_id is not None:
        rows = rows.filter(account_id=account_id)
    oldest: datetime | None = rows.aggregate(oldest=Min("failed_at"))["oldest"]
    return oldest


def detail(problem: Problem, now: datetime) -> ProblemDetail:
    """Returns everything about one problem. Eight statements."""
    of_it = Failure.objects.filter(group__problem=problem)
    groups = list(problem.groups.order_by("first_seen_at", "pk"))
    by_flow = ledgers_by("flow", Q(group__problem=problem))
    total = sum_of(by_flow.values())
    shares = _flows(of_it, by_flow)
    newest = of_it.order_by("-failed_at", "-pk").values_list("pk", flat=True)[:SAMPLES]
    samples = Execution.objects.filter(pk__in=list(newest)).select_related("flow", "account", "failure")
    return ProblemDetail(
        problem=problem,
        title=mask_text(problem.title),
        ledger=total,
        groups=groups,
        templates=[mask_text(group.template) for group in groups],
        flows=shares,
        flow_count=len(by_flow),
        records=of_it.exclude(record="").aggregate(records=Count("record", distinct=True))["records"],
        trend=_trend(of_it, now),
        samples=list(samples.defer("account__client_secret", "flow__raw").order_by("-started_time", "-pk")),
        acts=list(problem.acts.select_related("actor")),
    )


def sum_of(ledgers: Iterable[Ledger]) -> Ledger:
    """Adds ledgers up."""
    total: Counter[str] = Counter()
    for one in ledgers:
        total.update({fate: getattr(one, fate) for fate in Failure.Fate.values})
    return Ledger(**total)


def _flows(of_it: QuerySet[Failure], by_flow: Mapping[int, Ledger]) -> list[FlowShare]:
    most = sorted(by_flow, key=lambda key: (-by_flow[key].open, -by_flow[key].failed, key))[:MOST_FLOWS]
    flows = Flow.objects.defer("raw").in_bulk(most)
    newest = dict(of_it.filter(flow__in=most).order_by().values_list("flow").annotate(newest=Max("failed_at")))
    return [FlowShare(flows[key], by_flow[key], newest[key]) for key in most]


def _trend(of_it: QuerySet[Failure], now: datetime) -> list[tuple[date, int]]:
    """Counts failures by day (UTC), the oldest day first, days without one included."""
    first = (now - (TREND_DAYS - 1) * DAY).date()
    rows = of_it.filter(failed_at__date__gte=first).order_by().values_list(TruncDate("failed_at"))
    counts = dict(rows.annotate(count=Count("pk")))
    days = [first + timedelta(days=n) for n in range(TREND_DAYS)]
    return [(day, counts.get(day, 0)) for day in days]
