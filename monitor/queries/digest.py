"""Reads what a digest says: what is worse, new, open, spent, asleep or broken. By rollups and the ledger, no raw runs.

It is the one home of that question. `monitor.notify` puts the facts into words and decides who is told when.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import Q
from django.urls import reverse

from monitor.connection.left import calls_left
from monitor.connection.month import month_use
from monitor.digest_facts import (
    AccountAge,
    AliveFacts,
    DigestAsked,
    DigestFacts,
    NamedPage,
    NewProblem,
    PlanUse,
    RunShare,
    WorseFlow,
    is_worse,
)
from monitor.models import (
    SWITCHED_OFF,
    AlertRule,
    AlertState,
    Connection,
    Failure,
    Flow,
    Product,
    WorkflowRule,
    ZohoAccount,
)
from monitor.periods import DAY, Window, last_days
from monitor.privacy import mask_name
from monitor.queries import counts, health, incidents, links, problems
from monitor.queries.corrections import marks_of
from monitor.queries.counts import Counts
from monitor.queries.freshness import mirror
from monitor.queries.mails import mail_server
from monitor.queries.overview import broken_connections
from monitor.queries.rule_audit import audit_of

WEEK = 7
DORMANT_AFTER = timedelta(days=30)  # as the alert rule for workflow rules has it, unless another time is chosen
WATCHES_NOTHING_FOR = timedelta(days=7)
MOST = 500  # of a list; a mail shows some of them, and says how many more there are
MIRRORED_LATE = DAY / 2  # a problem's first failure may be mirrored so long after it happened
AWAKE = (AlertState.State.OK, AlertState.State.PENDING, AlertState.State.FIRING, AlertState.State.RECOVERING)


def digest_of(asked: DigestAsked) -> DigestFacts:
    """Returns what there is to say of some accounts. Some twenty statements, and six an account, whatever they hold."""
    accounts = ZohoAccount.objects.filter(pk__in=asked.accounts).defer("client_secret").order_by("name", "pk")
    return DigestFacts(
        worse=_worse(asked),
        problems=_new_problems(asked),
        open_by_age=_open_by_age(asked),
        incidents=[
            NamedPage(row.title, row.incident.get_absolute_url(), row.cause, row.incident.opened_at)
            for row in incidents.quiet_incidents(asked.accounts, asked.since)[:MOST]
        ],
        plans=[_plan(account, asked.until) for account in accounts if account.is_active],
        dormant_crm=_dormant_crm(asked),
        rule_findings=_rule_findings(asked),
        dormant_alerts=_dormant_alerts(asked),
        connections=[
            NamedPage(
                mask_name(row.connection_name) or row.connection_id,
                reverse("account", args=[row.account_id]),
                row.status,
                row.status_since,
            )
            for row in broken_connections(MOST, asked.accounts)
            if row.is_broken
        ],
        ages=ages(asked.accounts, asked.until),
    )


def alive(accounts: Collection[int], booted_at: datetime, now: datetime) -> AliveFacts:
    """Returns what the worker says of itself.

    Args:
        accounts: keys of those that the person may see.
        booted_at: when the worker was started.
        now: the present.
    """
    return AliveFacts(
        up_for=now - booted_at,
        troubles=health.readiness(now).problems,
        waiting=mail_server().waiting,
        ages=ages(accounts, now),
    )


def ages(accounts: Collection[int], now: datetime) -> list[AccountAge]:
    """Returns how fresh the data of some accounts are, those in trouble first."""
    found = [
        AccountAge(
            NamedPage(one.name, reverse("account", args=[one.account_id])),
            one.as_of,
            "" if one.is_trustworthy or one.is_paused else one.reason or one.label.lower(),
        )
        for one in mirror(now).accounts
        if one.account_id in accounts
    ]
    return sorted(found, key=lambda one: not one.trouble)


def _worse(asked: DigestAsked) -> list[WorseFlow]:
    window = last_days(asked.until, asked.days)
    earlier = Window(window.start - WEEK * DAY, window.start)
    marks = marks_of(Window(earlier.start, window.end))
    now, before = counts.by_flow(window, marks=marks), counts.by_flow(earlier, marks=marks)
    found = {
        flow: (share, week, of_flow.left_out)
        for flow, of_flow in now.items()
        if is_worse(share := _share(of_flow), week := _share(before.get(flow, Counts())))
    }
    flows = Flow.objects.filter(account__in=asked.accounts, gone_at=None).defer("raw").in_bulk(list(found))
    rows = [
        WorseFlow(NamedPage(flow.shown_name, f"{flow.get_absolute_url()}?days={asked.days}"), *found[key])
        for key, flow in sorted(flows.items())
    ]
    return sorted(rows, key=lambda row: row.before.failed / row.before.finished * row.now.finished - row.now.failed)


def _open_by_age(asked: DigestAsked) -> list[tuple[str, int, str]]:
    found = problems.open_by_age(asked.until, asked.accounts)
    ends = [links.failures(outcome=Failure.Fate.OPEN, failed_from=one.start, failed_before=one.end) for one in found]
    return [(one.words, one.count, page) for one, page in zip(found, ends, strict=True)]


def _share(found: Counts) -> RunShare:
    return RunShare(found.rated_failed, found.rated)


def _new_problems(asked: DigestAsked) -> list[NewProblem]:
    """Returns problems seen first since the digest before, and earlier ones that had not been mirrored by then."""
    since = asked.since if asked.told is None else asked.since - MIRRORED_LATE
    fresh = problems.unresolved().filter(account__in=asked.accounts, first_seen_at__gte=since)
    fresh = fresh.filter(first_seen_at__lt=asked.until).exclude(pk__in=asked.told or ())
    rows = problems.with_counts(list(fresh.order_by("-last_seen_at", "-pk")[:MOST]))
    found = [
        NewProblem(
            row.problem.pk,
            NamedPage(row.title, row.problem.get_absolute_url(), mask_name(row.problem.app), row.problem.first_seen_at),
            row.ledger.failed,
            row.ledger.open,
        )
        for row in rows
    ]
    return sorted(found, key=lambda one: (-one.failed, one.key))


def _plan(account: ZohoAccount, now: datetime) -> PlanUse:
    month, calls = month_use(account, now), calls_left(account, Product.FLOW, now)
    return PlanUse(
        NamedPage(account.name, reverse("account", args=[account.pk])),
        month.used,
        month.limit,
        month.forecast(now),
        calls.used,
        calls.limit,
    )


def _dormant_crm(asked: DigestAsked) -> list[NamedPage]:
    """Returns enabled workflow rules that have neither run nor been changed for a month, the longest first."""
    rows = WorkflowRule.objects.filter(account__in=asked.accounts, active=True, gone_at=None)
    rows = rows.defer("raw", "description")
    asleep = [row for row in rows if row.quiet_since <= asked.until - DORMANT_AFTER]
    asleep.sort(key=lambda row: (row.quiet_since, row.pk))
    return [NamedPage(row.shown_name, row.get_absolute_url(), row.module, row.quiet_since) for row in asleep[:MOST]]


def _rule_findings(asked: DigestAsked) -> list[NamedPage]:
    """Returns what the audit finds beside rules that do not run, which are listed by themselves; once a week."""
    if asked.days != WEEK:
        return []
    rows = audit_of(asked.until, asked.accounts, DORMANT_AFTER.days).standing
    found = [row for row in rows if row.finding.kind not in ("never_fired", "not_fired")]
    return [
        NamedPage(
            ", ".join(one.name for one in row.finding.subjects[:2]),
            reverse("rule_finding", args=[row.finding.account_id, row.finding.key]),
            f"{row.label.lower()}: {row.finding.evidence}",
        )
        for row in found[:MOST]
    ]


def _dormant_alerts(asked: DigestAsked) -> list[NamedPage]:
    """Returns enabled alert rules over flows none of whose flows can be looked at for a week: they would tell nobody.

    Those are rules whose flows are all gone, switched off, without data, or replaced by narrower rules, and those for a
    flow, tag or owner that nothing was ever evaluated for. Rules about something else than flows have nothing to look
    at where all is well: of these it is only told that what they are for is not there.
    """
    rules = AlertRule.objects.filter(account__in=asked.accounts, account__is_active=True, is_active=True)
    rules = rules.filter(created_at__lte=asked.until - WATCHES_NOTHING_FOR).select_related("flow")
    of_flows = AlertState.objects.filter(rule__in=rules, flow__isnull=False)
    watched = of_flows.order_by().values_list("rule", flat=True)
    awake = Q(state__in=[*AWAKE, AlertState.State.LEARNING]) | Q(since__gt=asked.until - WATCHES_NOTHING_FOR)
    is_awake = set(watched.filter(awake).distinct())
    known = set(watched.distinct())
    there = _subjects_there(asked.accounts)
    found = []
    for rule in rules.order_by("name", "pk"):
        if rule.flow is not None and (rule.flow.gone_at is not None or rule.flow.status in SWITCHED_OFF):
            why = "its flow is switched off or gone"
        elif rule.kind in there:
            why = "" if _is_for_any(rule, there[rule.kind]) else "what it is for is not there"
        elif rule.pk in known:
            why = "" if rule.pk in is_awake else "none of its flows can be looked at"
        else:  # one that is new to an account without flows is no trouble
            is_scoped = rule.flow_id is not None or rule.tag_id is not None or rule.owner_id is not None
            why = "no flow was ever looked at for it" if is_scoped else ""
        if why:
            found.append(NamedPage(rule.name, reverse("alert_rules"), why))
    return found[:MOST]


class _SubjectThere(NamedTuple):
    """Holds what is there of a kind's subjects, by what a rule can be for one."""

    key: str
    module: str
    owner: int | None
    tag: int | None


def _subjects_there(accounts: Collection[int]) -> dict[str, list[tuple[int, _SubjectThere]]]:
    """Returns the accounts and marks of workflow rules and connections, one a tag; by the kind of alert rules."""
    workflows = WorkflowRule.objects.filter(account__in=accounts, gone_at=None).order_by("pk")
    marks = workflows.values_list("account", "pk", "module", "ownership__owner", "ownership__tags")
    connections = Connection.objects.filter(account__in=accounts, gone_at=None).values_list("account", "pk")
    return {
        "crm": [(account, _SubjectThere(str(key), module, owner, tag)) for account, key, module, owner, tag in marks],
        "connection": [(account, _SubjectThere(str(key), "", None, None)) for account, key in connections],
    }


def _is_for_any(rule: AlertRule, there: Iterable[tuple[int, _SubjectThere]]) -> bool:
    """Returns whether anything is there that a rule is for; of one for all of an account that does not matter."""
    if not (rule.subject_key or rule.module or rule.owner_id or rule.tag_id):
        return True
    return any(
        account == rule.account_id
        and rule.subject_key in ("", one.key)
        and rule.module in ("", one.module)
        and rule.owner_id in (None, one.owner)
        and rule.tag_id in (None, one.tag)
        for account, one in there
    )
