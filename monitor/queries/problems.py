"""Shows problems: what failed for one cause, where, since when, who is on it, and how its runs ended."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from django.db.models import Case, CharField, Count, Max, Min, Q, QuerySet, Sum, Value, When
from django.db.models.functions import Cast, Concat, TruncDate

from monitor.app_names import plain_app
from monitor.models import (
    Connection,
    CrmFailure,
    Execution,
    Failure,
    FailureGroup,
    Flow,
    Problem,
    ProblemAct,
    ZohoAccount,
)
from monitor.models.asking import Asking, answered, ask, ask_first, in_step, over_all
from monitor.periods import DAY, Window, day_start, day_window, midnight_of, stretch_of
from monitor.privacy import mask_text
from monitor.queries.executions import by_keys

SAMPLES = 5
MOST_FLOWS = 50  # on one page
MOST_CONNECTIONS = 10
MOST_GROUPS = 50  # merged ones, of which a run is read
MOST_ACTS = 200  # the newest
CONNECTIONS, LOG = WHOLE = ("connections", "log")  # what may be asked for as a whole
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
        seen_from: that were seen first then or later.
        app: whose failed action is of this app, in whatever form its name is written.
        rule_id: that this workflow rule has failures of.
    """

    account_id: int | None = None
    state: str = "unresolved"
    owner_id: int | None = None
    flow_id: int | None = None
    seen_from: datetime | None = None
    app: str = ""
    rule_id: int | None = None


@dataclass(frozen=True)
class ProblemRow:
    """Holds one problem of a list. `title` is masked; `oldest_open` is when the oldest failure still open happened."""

    problem: Problem
    title: str
    ledger: Ledger
    flows: int
    oldest_open: datetime | None = None


@dataclass(frozen=True)
class AgeCount:
    """Holds how many failures of an age are open: those from `start` on (None: however old) and before `end`."""

    words: str
    count: int
    start: datetime | None
    end: datetime | None
    tone: str = ""


@dataclass(frozen=True)
class ProblemsInShort:
    """Holds how many problems somebody has to look at, how many of these are new today, and how many nobody owns.

    Attributes:
        today: when it began.
        ages: open failures by age.
    """

    unresolved: int
    new_today: int
    without_owner: int
    today: datetime
    ages: list[AgeCount]


@dataclass(frozen=True)
class FlowShare:
    """Holds the failures of one flow within a problem."""

    flow: Flow
    ledger: Ledger
    last_failed_at: datetime


@dataclass(frozen=True)
class ProblemDetail:
    """Holds what the page of a problem shows. Texts of Zoho's and of apps' are masked.

    Attributes:
        told_by: runs of each group, by its key, that tell what the parameters of its template are.
        connections: those of the account to the apps whose actions failed, the broken ones first. Which of several
            to one app a flow uses Zoho does not say.
        connection_count: how many these are: more than are shown may be.
        has_older_acts: the log has lines beyond those that are shown.
    """

    problem: Problem
    title: str
    ledger: Ledger
    groups: list[FailureGroup]
    templates: list[str]
    flows: list[FlowShare]
    flow_count: int
    connections: list[Connection]
    connection_count: int
    records: int
    trend: list[tuple[Window, int]]
    samples: list[Execution]
    told_by: Mapping[int, list[Execution]]
    acts: list[ProblemAct]
    has_older_acts: bool


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
        rows = rows.filter(pk__in=FailureGroup.objects.filter(failures__flow=wanted.flow_id).values("problem"))
    if wanted.rule_id is not None:
        rows = rows.filter(pk__in=FailureGroup.objects.filter(crm_failures__rule=wanted.rule_id).values("problem"))
    if wanted.seen_from is not None:
        rows = rows.filter(first_seen_at__gte=wanted.seen_from)
    if wanted.app:
        apps = FailureGroup.objects.order_by().values_list("app", flat=True).distinct()
        alike = [app for app in apps if plain_app(app) == plain_app(wanted.app)]
        # What fails in CRM is no action of a flow: no connection of this app has to do with it.
        of_app = FailureGroup.objects.filter(app__in=alike).values("problem")
        rows = rows.filter(pk__in=of_app, source=Problem.Source.RUNS)
    put_away = Case(When(state__in=Problem.UNRESOLVED, then=Value(0)), default=Value(1))
    return rows.order_by(put_away, "-last_seen_at", "-pk")


def newest() -> int:
    """Returns the primary key of the problem that came last; 0 where there is none. One statement."""
    return answered(ask_newest())


def ask_newest() -> Asking[int]:
    """Asks for what `newest` returns."""
    last = yield from ask_first(Problem.objects.order_by("-pk").values_list("pk", flat=True))
    return last or 0


def with_counts(rows: Sequence[Problem]) -> list[ProblemRow]:
    """Adds to problems how their failures ended and over how many flows, or rules, they are spread. One statement."""
    return answered(ask_with_counts(rows))


def ask_with_counts(rows: Sequence[Problem]) -> Asking[list[ProblemRow]]:
    """Asks for what `with_counts` returns."""
    keys = [problem.pk for problem in rows]
    crm = [problem.pk for problem in rows if problem.source == Problem.Source.CRM]
    of_runs = Failure.objects.filter(group__problem__in=keys).order_by()
    of_crm = CrmFailure.objects.filter(group__problem__in=crm).order_by() if crm else CrmFailure.objects.none()
    ended, crm_ended, over_flows, over_rules = yield [
        of_runs.values_list("group__problem", "fate").annotate(total=Count("pk")),
        of_crm.values_list("group__problem", "fate").annotate(total=Sum("count")),
        of_runs.values_list("group__problem").annotate(
            over=Count("flow", distinct=True), oldest=Min("failed_at", filter=Q(fate=Failure.Fate.OPEN))
        ),
        of_crm.values_list("group__problem").annotate(
            over=Count("rule", distinct=True), oldest=Min("failed_at", filter=Q(fate=CrmFailure.Fate.OPEN))
        ),
    ]
    counts: dict[int, Counter[str]] = defaultdict(Counter)
    for key, fate, count in ended + crm_ended:
        counts[key][fate] += count
    spread = {key: (over, oldest) for key, over, oldest in over_flows + over_rules}
    return [
        ProblemRow(one, mask_text(one.title), Ledger(**counts[one.pk]), *spread.get(one.pk, (0, None))) for one in rows
    ]


def unresolved() -> QuerySet[Problem]:
    """Returns the problems that somebody has to look at."""
    return Problem.objects.filter(merged_into=None, state__in=Problem.UNRESOLVED)


def to_count(now: datetime, zone: tzinfo) -> dict[str, QuerySet[Any]]:
    """Returns what is counted for `in_short`, by name.

    Args:
        now: the present.
        zone: by whose clock today began.
    """
    counted: dict[str, QuerySet[Any]] = {
        "problems": unresolved(),
        "new_today": unresolved().filter(first_seen_at__gte=midnight_of(now, zone)),
        "without_owner": unresolved().filter(owner=None),
    }
    return counted | {f"age_{number}": _open_between(*span) for number, span in enumerate(_spans(now))}


def in_short(counts: Mapping[str, int], now: datetime, zone: tzinfo) -> ProblemsInShort:
    """Puts counts of `to_count` together for a page; the other arguments as there. Pure."""
    return ProblemsInShort(
        unresolved=counts["problems"],
        new_today=counts["new_today"],
        without_owner=counts["without_owner"],
        today=midnight_of(now, zone),
        ages=_ages(counts, now),
    )


def ledgers_by(key: str, scope: Q) -> dict[int, Ledger]:
    """Returns the ledger of each flow, problem ... One statement.

    Args:
        key: column of `Failure` that tells them apart.
        scope: condition on `Failure`.
    """
    return answered(ask_ledgers_by(key, scope))


def ask_ledgers_by(key: str, scope: Q) -> Asking[dict[int, Ledger]]:
    """Asks for what `ledgers_by` returns."""
    counts: dict[int, Counter[str]] = defaultdict(Counter)
    rows = Failure.objects.filter(scope).order_by().values_list(key, "fate")
    for place, fate, count in (yield from ask(rows.annotate(count=Count("pk")))):
        counts[place][fate] += count
    return {place: Ledger(**found) for place, found in counts.items()}


def ledger(scope: Q | None = None) -> Ledger:
    """Returns how the failed runs ended in all, or those of a scope. One statement."""
    return answered(ask_ledger(scope))


def ask_ledger(scope: Q | None = None) -> Asking[Ledger]:
    """Asks for what `ledger` returns."""
    rows = Failure.objects.filter(scope or Q()).order_by().values_list("fate")
    return Ledger(**dict((yield from ask(rows.annotate(count=Count("pk"))))))


def open_by_age(now: datetime, accounts: Collection[int] | None = None) -> list[AgeCount]:
    """Counts open failures by how long they have been open, the youngest first.

    Args:
        now: the present; ages are reckoned from the beginning of its minute, so that an address can name them.
        accounts: only of these; None for all.
    """
    counts = {}
    for number, span in enumerate(_spans(now)):
        rows = _open_between(*span)
        counts[f"age_{number}"] = (rows if accounts is None else rows.filter(account__in=accounts)).count()
    return _ages(counts, now)


def _spans(now: datetime) -> list[tuple[datetime | None, datetime | None]]:
    """Returns where each of the ages begins and ends."""
    minute = stretch_of(now, timedelta(minutes=1))
    begins = [minute - age if age is not None else None for _, age in AGES]
    return list(zip(begins, [None, *begins], strict=False))


def _open_between(begin: datetime | None, end: datetime | None) -> QuerySet[Failure]:
    # The index by age begins with the account.
    rows = Failure.objects.filter(fate=Failure.Fate.OPEN, account__in=ZohoAccount.objects.values("pk"))
    rows = rows if begin is None else rows.filter(failed_at__gte=begin)
    return rows if end is None else rows.filter(failed_at__lt=end)


def _ages(counts: Mapping[str, int], now: datetime) -> list[AgeCount]:
    return [
        AgeCount(words, counts[f"age_{number}"], begin, end, tone_of_age(now - end) if end is not None else "")
        for number, ((words, _), (begin, end)) in enumerate(zip(AGES, _spans(now), strict=True))
    ]


def tone_of_age(age: timedelta) -> str:
    """Names the tone of an open failure's age: "" up to a day, "warn" up to a week, then "bad"."""
    if age < DAY:
        return ""
    return "warn" if age < 7 * DAY else "bad"


def oldest_open(account_id: int | None = None) -> datetime | None:
    """Returns when the oldest failure that is still open happened."""
    rows = Failure.objects.filter(fate=Failure.Fate.OPEN)
    if account_id is not None:
        rows = rows.filter(account_id=account_id)
    oldest: datetime | None = rows.aggregate(oldest=Min("failed_at"))["oldest"]
    return oldest


def detail(problem: Problem, now: datetime, zone: tzinfo = UTC, *, whole: str = "") -> ProblemDetail:
    """Returns everything about one problem.

    Three statements, and two more where none of the newest runs is of one of several causes.

    Args:
        problem: from `problems()`.
        now: the present.
        zone: by whose clock the days of the trend begin.
        whole: one of `WHOLE`, of which all is wanted.
    """
    return answered(ask_detail(problem, now, zone, whole=whole))


def ask_detail(problem: Problem, now: datetime, zone: tzinfo = UTC, *, whole: str = "") -> Asking[ProblemDetail]:
    """Asks for what `detail` returns."""
    of_it = Failure.objects.filter(group__problem=problem)
    shown_acts = problem.acts.select_related("actor")[: None if whole == LOG else MOST_ACTS + 1]
    records = of_it.exclude(record="").order_by().values("flow", "record").distinct()
    groups, by_flow, newest, acts, trend, several = yield from in_step(
        ask(problem.groups.order_by("first_seen_at", "pk")),
        ask_ledgers_by("flow", Q(group__problem=problem)),
        ask(of_it.order_by("-failed_at", "-pk").values_list("pk", flat=True)[:SAMPLES]),
        ask(shown_acts),
        _ask_trend(of_it, now, zone),
        ask(over_all(records, records=Count(Concat(Cast("flow", CharField()), Value(" "), "record"), distinct=True))),
    )
    total = sum_of(by_flow.values())
    shares, connections = yield from in_step(
        _ask_flows(of_it, by_flow),
        ask_connections_to(problem.account_id, {group.app for group in groups if group.app}),
    )
    samples = by_keys(newest)
    return ProblemDetail(
        problem=problem,
        title=mask_text(problem.title),
        ledger=total,
        groups=groups,
        templates=[mask_text(group.template) for group in groups],
        flows=shares,
        flow_count=len(by_flow),
        connections=connections if whole == CONNECTIONS else connections[:MOST_CONNECTIONS],
        connection_count=len(connections),
        records=several[0][0] if several else 0,
        trend=trend,
        samples=samples,
        told_by=_by_group(groups, samples),
        acts=acts if whole == LOG else acts[:MOST_ACTS],
        has_older_acts=len(acts) > MOST_ACTS and whole != LOG,
    )


def _by_group(groups: Iterable[FailureGroup], samples: Iterable[Any]) -> dict[int, list[Execution]]:
    """Sorts runs by their groups; of a group that has none among them one run is read."""
    found: dict[int, list[Execution]] = defaultdict(list)
    for run in samples:
        found[run.group].append(run)
    others = [group.pk for group in groups if group.pk not in found][:MOST_GROUPS]
    if others:
        one_of_each = Failure.objects.filter(group__in=others).order_by().values_list("group").annotate(run=Max("pk"))
        places = {run: group for group, run in one_of_each}
        told = Execution.objects.filter(pk__in=list(places)).only("error_message", "error_details", "said_names")
        for run in told:
            found[places[run.pk]].append(run)
    return found


def sum_of(ledgers: Iterable[Ledger]) -> Ledger:
    """Adds ledgers up."""
    total: Counter[str] = Counter()
    for one in ledgers:
        total.update({fate: getattr(one, fate) for fate in Failure.Fate.values})
    return Ledger(**total)


def _ask_flows(of_it: QuerySet[Failure], by_flow: Mapping[int, Ledger]) -> Asking[list[FlowShare]]:
    most = sorted(by_flow, key=lambda key: (-by_flow[key].open, -by_flow[key].failed, key))[:MOST_FLOWS]
    if not most:
        return []
    rows, last = yield [
        Flow.objects.filter(pk__in=most).defer("raw").order_by(),
        of_it.filter(flow__in=most).order_by().values_list("flow").annotate(newest=Max("failed_at")),
    ]
    flows, newest = {flow.pk: flow for flow in rows}, dict(last)
    return [FlowShare(flows[key], by_flow[key], newest[key]) for key in most]


def connections_to(account: int, apps: Collection[str]) -> list[Connection]:
    """Returns an account's connections to some apps, those that do not work first. One statement.

    Args:
        account: its primary key.
        apps: in whatever form their names are written.
    """
    return answered(ask_connections_to(account, apps))


def ask_connections_to(account: int, apps: Collection[str]) -> Asking[list[Connection]]:
    """Asks for what `connections_to` returns."""
    if not apps:
        return []
    plain = {plain_app(app) for app in apps}
    rows = Connection.objects.filter(account=account, gone_at=None).defer("raw").order_by("status_since", "pk")
    found = [row for row in (yield from ask(rows)) if plain_app(row.app) in plain]
    return sorted(found, key=lambda row: not row.is_broken)


def _ask_trend(of_it: QuerySet[Failure], now: datetime, zone: tzinfo) -> Asking[list[tuple[Window, int]]]:
    """Asks for failures counted by the days of a clock, the oldest day first, days without one included."""
    last = now.astimezone(zone).date()
    days = [last - timedelta(days=n) for n in range(TREND_DAYS - 1, -1, -1)]
    rows = of_it.filter(failed_at__gte=day_start(days[0], zone)).order_by()
    by_day = rows.values_list(TruncDate("failed_at", tzinfo=zone)).annotate(count=Count("pk"))
    counts = dict((yield from ask(by_day)))
    return [(day_window(day, day, zone), counts.get(day, 0)) for day in days]
