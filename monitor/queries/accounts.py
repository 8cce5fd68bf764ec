"""Shows the Zoho accounts: health, budget and completeness of each. No secret leaves this module."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, QuerySet

from monitor.connection import ledger
from monitor.connection.budget import limits_in_force
from monitor.connection.limits import DAY, MINUTE, CallLimits, share
from monitor.languages import gettext as _
from monitor.languages import gettext_noop
from monitor.models import (
    ENDED,
    ApiBudget,
    ApiCall,
    ApiToken,
    AuditEntry,
    Execution,
    Flow,
    Product,
    StageRun,
    SyncState,
    ZohoAccount,
)
from monitor.models.asking import Asking, answered, ask, ask_count, ask_first, in_step
from monitor.queries.freshness import AccountFreshness, Mirror
from monitor.queries.incidents import open_now
from monitor.queries.quarantine import (
    AsideLine,
    ask_aside_lines,
    ask_open_quarantine,
    ask_quarantined_runs,
    ask_unknown_statuses,
)
from monitor.queries.retention import Kept, ask_kept

RUNS_SHOWN = 12


@dataclass(frozen=True)
class BudgetUse:
    """Holds one product's calls of the last 60 s and credits of the last 24 h beside the limits in force.

    `limits.per_day` None: not known; `limits.per_minute` None: there is none. `reserve` of the day's limit is
    left for people. What Zoho's headers said last is None where it said nothing.
    """

    product: str
    label: str
    last_minute: int
    last_day: int
    limits: CallLimits
    reserve: int | None
    remaining_seen: int | None
    reset_at_seen: datetime | None
    blocked_until: datetime | None
    blocked_reason: str

    @property
    def share_used(self) -> float | None:
        """Returns the share of the day's limit that is used, 0 to 1; None where it is not known."""
        return None if not self.limits.per_day else self.last_day / self.limits.per_day


@dataclass(frozen=True)
class TokenHealth:
    """Holds whether we can sign in at Zoho, without a token in it. `state` is ok, expired, none or refused."""

    state: str
    expires_at: datetime | None = None
    refused_code: str = ""
    refused_at: datetime | None = None


@dataclass(frozen=True)
class Completeness:
    """Mirrored rows against Zoho's own counters: counter = baseline + mirrored + pruned, flow by flow.

    `counter`, `baseline` and `missing` are None where a flow has not been read completely yet. `missing` is
    the sum over the flows, so that what is newer than the counters in one does not hide a hole in another.
    """

    label: str
    counter: int | None
    baseline: int | None
    mirrored: int
    pruned: int
    missing: int | None
    newer: int
    quarantined: int = 0


@dataclass(frozen=True)
class Contents:
    """Holds how much of the account is mirrored here."""

    flows: int
    flows_gone: int
    flows_unread: int
    holes: int
    executions: int
    rules: int
    connections: int
    quarantined: int
    aside: list[AsideLine]
    unknown_statuses: dict[str, int]
    all_runs: Completeness
    counts: list[Completeness]

    @property
    def every_count(self) -> list[Completeness]:
        """Returns all runs, and those of them that ended."""
        return [self.all_runs, *self.counts]


@dataclass(frozen=True)
class RunLine:
    """Holds one run of a stage and its summary in words."""

    run: StageRun
    words: list[str]


@dataclass(frozen=True)
class AccountDetail:
    account: ZohoAccount
    freshness: AccountFreshness | None
    sync: SyncState | None
    budgets: list[BudgetUse]
    token: TokenHealth
    contents: Contents
    kept: Kept
    runs: list[RunLine]


def accounts() -> QuerySet[ZohoAccount]:
    """Accounts without their client secrets."""
    return ZohoAccount.objects.defer("client_secret").select_related("organisation").order_by("name")


def connect_notes(account: ZohoAccount) -> list[str]:
    """Returns what proving the credentials found worth telling when the account was last connected."""
    entries = AuditEntry.objects.filter(object_type="account", object_id=str(account.pk))
    proof = entries.filter(action__in=("account.connect", "account.reconnect")).first()
    return list(proof.detail.get("notes", [])) if proof is not None else []


@dataclass(frozen=True)
class AccountLine:
    """Holds one line of the list."""

    account: ZohoAccount
    freshness: AccountFreshness | None
    budgets: list[BudgetUse]
    open_incidents: int


def lines(now: datetime, fresh: Mirror) -> list[AccountLine]:
    """Returns every account with its health, budget and open incidents. Three statements.

    Args:
        now: the present.
        fresh: how old the mirror is, as of now.
    """
    rows = (
        accounts()
        .prefetch_related("budgets")
        .annotate(open_incidents=Count("incidents", filter=Q(incidents__in=open_now())))
    )
    used = answered(in_step(*[ask_budgets(row, now) for row in rows]))
    return [
        AccountLine(row, fresh.of(row.pk), budget, row.open_incidents) for row, budget in zip(rows, used, strict=True)
    ]


def ask_detail(account: ZohoAccount, now: datetime, freshness: AccountFreshness | None) -> Asking[AccountDetail]:
    """Asks for everything about one account's mirror.

    Args:
        account: from `accounts()`.
        now: the present; limits are counted back from it.
        freshness: of the account, as of now.
    """
    sync, used, token, held, place, runs = yield from in_step(
        ask_first(SyncState.objects.filter(account=account)),
        ask_budgets(account, now),
        ask_token_health(account, now),
        ask_contents(account),
        ask_kept(account, now),
        ask(StageRun.objects.filter(account=account)[:RUNS_SHOWN]),
    )
    return AccountDetail(
        account=account,
        freshness=freshness,
        sync=sync,
        budgets=used,
        token=token,
        contents=held,
        kept=place,
        runs=[RunLine(run, summary_words(run.summary)) for run in runs],
    )


# What stages count, and streams with their states: stored in English.
_COUNTED = (
    *(gettext_noop("new"), gettext_noop("changed"), gettext_noop("quarantined"), gettext_noop("flows read")),
    *(gettext_noop("calls"), gettext_noop("transitions"), gettext_noop("ingest"), gettext_noop("alerting")),
    *(gettext_noop("pending"), gettext_noop("incomplete"), gettext_noop("failing"), gettext_noop("not_available")),
    *(gettext_noop("executions"), gettext_noop("flows"), gettext_noop("connections"), gettext_noop("rules")),
    *(gettext_noop("usage"), gettext_noop("definitions"), gettext_noop("connected"), gettext_noop("channels")),
    *(gettext_noop("webhook_failures"), gettext_noop("rule_limits"), gettext_noop("statistics")),
)


def summary_words(summary: Any) -> list[str]:
    """Returns a run's summary as short phrases; what is zero, empty or "ok" is left out. Pure."""
    if not isinstance(summary, dict):
        return []
    words: list[str] = []
    for key, value in summary.items():
        name = _(str(key).replace("_", " "))
        if isinstance(value, dict):
            words += [f"{_(str(inner))}: {_(str(text))}" for inner, text in value.items() if text and text != "ok"]
        elif value:
            words.append(f"{name} {value}")
    return words


def budgets(account: ZohoAccount, now: datetime) -> list[BudgetUse]:
    """Returns the use of each product that the account has an address for, Flow first. Two statements."""
    return answered(ask_budgets(account, now))


def ask_budgets(account: ZohoAccount, now: datetime) -> Asking[list[BudgetUse]]:
    """Asks for what `budgets` returns."""
    has = {Product.FLOW: bool(account.flow_url), Product.CRM: bool(account.crm_url)}
    return (yield from in_step(*[ask_budget_use(account, product, now) for product in Product if has[product]]))


def budget_use(account: ZohoAccount, product: str, now: datetime) -> BudgetUse:
    """Calls made, by the ledger, and what Zoho's headers said of its own count."""
    return answered(ask_budget_use(account, product, now))


def ask_budget_use(account: ZohoAccount, product: str, now: datetime) -> Asking[BudgetUse]:
    """Asks for what `budget_use` returns."""
    found = {row.product: row for row in (yield from ask(account.budgets.all()))}
    seen = found.get(product) or ApiBudget(account=account, product=product)
    rows = ApiCall.objects.filter(account=account, product=product)
    day, minute = yield from in_step(
        ledger.ask_spent(account, seen, now, DAY), ask_count(rows.filter(started_at__gt=now - MINUTE))
    )
    limits = limits_in_force(account, seen)
    blocked = seen.blocked_until if seen.blocked_until and seen.blocked_until > now else None
    return BudgetUse(
        product=product,
        label=str(Product(product).label),
        last_minute=minute,
        last_day=day,
        limits=limits,
        reserve=None if limits.per_day is None else limits.per_day - (share(limits, for_people=False).per_day or 0),
        remaining_seen=seen.remaining_seen,
        reset_at_seen=seen.reset_at_seen,
        blocked_until=blocked,
        blocked_reason=seen.blocked_reason if blocked else "",
    )


def token_health(account: ZohoAccount, now: datetime) -> TokenHealth:
    """Returns the state of the account's tokens; the tokens themselves are not even read."""
    return answered(ask_token_health(account, now))


def ask_token_health(account: ZohoAccount, now: datetime) -> Asking[TokenHealth]:
    """Asks for what `token_health` returns."""
    row = yield from ask_first(ApiToken.objects.filter(account=account).defer("refresh_token", "access_token"))
    if row is None:
        return TokenHealth("none")
    if row.refused_code:
        return TokenHealth("refused", row.expires_at, row.refused_code, row.refused_at)
    if row.expires_at is None or row.expires_at <= now:
        return TokenHealth("expired", row.expires_at)
    return TokenHealth("ok", row.expires_at)


def contents(account: ZohoAccount) -> Contents:
    """Returns what is mirrored, and whether it adds up with Zoho's counters. One statement."""
    return answered(ask_contents(account))


def ask_contents(account: ZohoAccount) -> Asking[Contents]:
    """Asks for what `contents` returns."""
    by_flow = (
        Execution.objects.filter(account=account)
        .values("flow_id")
        .annotate(
            total=Count("pk"),
            success=Count("pk", filter=Q(status="success")),
            failed=Count("pk", filter=Q(status="failed")),
            ended=Count("pk", filter=ENDED),
        )
    )
    flows, counted, aside, quarantined, put_aside, unknown, rules, connections = yield from in_step(
        ask(Flow.objects.filter(account=account).select_related("progress").defer("raw", "description")),
        ask(by_flow),
        ask_quarantined_runs(account),
        ask_open_quarantine(account),
        ask_aside_lines(account),
        ask_unknown_statuses(account),
        ask_count(account.rules.filter(gone_at=None)),
        ask_count(account.connections.filter(gone_at=None)),
    )
    here = [flow for flow in flows if flow.gone_at is None]
    mirrored: dict[int, dict[str, Any]] = {row["flow_id"]: {**row} for row in counted}
    return Contents(
        flows=len(here),
        flows_gone=len(flows) - len(here),
        flows_unread=sum(flow.progress.baseline_total is None for flow in here),
        holes=sum(bool(flow.progress.hole_reason) for flow in here),
        executions=sum(row["total"] for row in mirrored.values()),
        rules=rules,
        connections=connections,
        quarantined=sum(quarantined.values()),
        aside=put_aside,
        unknown_statuses=unknown,
        all_runs=completeness(gettext_noop("All runs"), _counters(here, mirrored, aside, "total")),
        counts=[
            completeness(gettext_noop("Successful runs"), _counters(here, mirrored, aside, "success")),
            completeness(gettext_noop("Failed runs"), _counters(here, mirrored, aside, "failed")),
        ],
    )


Counters = tuple[int | None, int | None, int, int, int]


def _counters(
    flows: list[Flow], mirrored: dict[int, dict[str, Any]], aside: dict[int, list[str]], result: str
) -> list[Counters]:
    """Returns for each flow Zoho's counter, the baseline, pruned rows, mirrored rows, rows in quarantine."""
    return [_counters_of(flow, mirrored.get(flow.pk, {}), aside.get(flow.pk, []), result) for flow in flows]


def _counters_of(flow: Flow, mirrored: dict[str, int], aside: list[str], result: str) -> Counters:
    past, rows = flow.progress, {name: mirrored.get(name, 0) for name in ("total", "success", "failed", "ended")}
    every, success, failed = flow.tally(aside)
    if result == "success":
        return flow.success_count, past.baseline_success, past.pruned_success, rows["success"], success
    if result == "failed":
        return flow.failure_count, past.baseline_failed, past.pruned_failed, rows["failed"], failed
    counted = flow.counted(every=rows["total"], ended=rows["ended"])
    return flow.execution_count, past.baseline_total, past.pruned, counted, every


def completeness(label: str, flows: list[Counters]) -> Completeness:
    """Returns the flows' counters added up. Pure.

    Args:
        label: what is counted.
        flows: counter, baseline, pruned, mirrored and quarantined of each.
    """
    known = [(c, b, pruned + rows + aside) for c, b, pruned, rows, aside in flows if c is not None and b is not None]
    apart = [c - b - here for c, b, here in known]
    is_known = len(known) == len(flows)
    return Completeness(
        label=label,
        counter=sum(c for c, *_ in known) if is_known else None,
        baseline=sum(b for _, b, _ in known) if is_known else None,
        mirrored=sum(rows for *_, rows, _ in flows),
        pruned=sum(pruned for *_, pruned, _, _ in flows),
        missing=sum(max(value, 0) for value in apart) if is_known else None,
        newer=sum(max(-value, 0) for value in apart),
        quarantined=sum(aside for *_, aside in flows),
    )
