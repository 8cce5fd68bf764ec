"""Loads the connections of an account with the flows that use their apps and what failed there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, Min, Q
from django.db.models.functions import Coalesce

from monitor.alerting.kinds.connection.condition import AppFailures, ConnectionDown, ConnectionMaterial
from monitor.alerting.kinds.interface import moment
from monitor.alerting.kinds.subjects import CONNECTION, AlertSubject, SubjectMaterial
from monitor.alerting.runs_of import FlowRuns, runs_of
from monitor.app_names import plain_app
from monitor.freshness import ReadTimes, is_list_old
from monitor.models import Connection, Failure, Flow, Stream, StreamState, ZohoAccount
from monitor.privacy import mask_name

REFUSED = ("connection", "permission")  # remedies of a failure whose sign-in was refused


@dataclass(frozen=True, slots=True)
class _OfFlow:
    """Holds what of a flow failed at an app: how many runs, of how many the sign-in was refused, from when to when."""

    failed: int
    refused: int
    first: datetime
    newest: datetime


_ByFlow = dict[int, _OfFlow]


def subjects(
    account: ZohoAccount, conditions: Sequence[ConnectionDown], now: datetime, stale: str
) -> list[SubjectMaterial]:
    """Returns the connections of an account. Five statements at most, three while all of them work."""
    rows = list(Connection.objects.filter(account=account, gone_at=None).defer("raw").order_by("pk"))
    if not rows:
        return []
    unread = stale or _why_unread(account, now)
    if unread:
        return [SubjectMaterial(_subject(row), None, unread) for row in rows]
    hours = max(condition.window_hours for condition in conditions)
    start = now - timedelta(hours=hours)
    failed = _failed(account, start, now)
    runs = runs_of(dict.fromkeys(_refused_flows(failed), start), now)
    apps = [plain_app(row.app) for row in rows]
    refused_apps = {app for app, by_flow in failed.items() if any(one.refused for one in by_flow.values())}
    users = _users(account, {app for app, row in zip(apps, rows, strict=True) if row.is_broken or app in refused_apps})
    found = []
    for app, row in zip(apps, rows, strict=True):
        by_flow = failed.get(app, {}) if app else {}
        material = ConnectionMaterial(
            status=mask_name(row.status),
            is_broken=row.is_broken,
            since=row.status_since,
            failures=_added(by_flow, runs),
            flows=_in_order(users.get(app, {}), by_flow),
            beside=apps.count(app) - 1 if app else 0,
        )
        found.append(SubjectMaterial(_subject(row), material))
    return found


def _subject(row: Connection) -> AlertSubject:
    name, app = row.shown_name, mask_name(row.app)
    return AlertSubject(CONNECTION, str(row.pk), f"{name} ({app})" if app and app != name else name)


def _why_unread(account: ZohoAccount, now: datetime) -> str:
    row = StreamState.objects.filter(account=account, stream=Stream.CONNECTIONS).first()
    if row is None or row.last_read_at is None:
        return "the connections have not been read yet"
    if row.state == StreamState.State.NOT_AVAILABLE:
        return f"Zoho does not give the connections any more: {row.reason}"
    if is_list_old(ReadTimes(row.last_read_at, row.next_due_at), now):
        return f"the connections could not be read since {row.last_read_at:%Y-%m-%d %H:%M} UTC"
    return ""


def _failed(account: ZohoAccount, start: datetime, now: datetime) -> dict[str, _ByFlow]:
    """Returns what failed within a time, by folded app and flow; an app is spelled in several ways."""
    refused = Q(group__remedy__in=REFUSED)
    # Each fate is named because the index begins with it.
    rows = Failure.objects.filter(
        account=account, fate__in=Failure.Fate.values, failed_at__gt=start, failed_at__lte=now
    ).values_list("group__app", "flow")
    at = Coalesce(Min("failed_at", filter=refused), Min("failed_at")), Coalesce(Max("failed_at", filter=refused), start)
    counted = rows.annotate(every=Count("pk"), refused=Count("pk", filter=refused), first=at[0], newest=at[1])
    found: defaultdict[str, _ByFlow] = defaultdict(dict)
    for app, flow, every, bad, first, newest in counted.order_by():
        by_flow, one = found[plain_app(app)], _OfFlow(every, bad, first, newest)
        known = by_flow.get(flow)
        by_flow[flow] = one if known is None else _joined(known, one)
    return dict(found)


def _joined(one: _OfFlow, other: _OfFlow) -> _OfFlow:
    first, newest = min(one.first, other.first), max(one.newest, other.newest)
    return _OfFlow(one.failed + other.failed, one.refused + other.refused, first, newest)


def _refused_flows(failed: dict[str, _ByFlow]) -> list[int]:
    return sorted({flow for by_flow in failed.values() for flow, one in by_flow.items() if one.refused})


def _added(by_flow: _ByFlow, runs: Mapping[int, FlowRuns]) -> AppFailures:
    """Adds up an app's failures. Of a flow that was refused only what failed since a run of it succeeded counts."""
    failed = refused = 0
    first: list[datetime] = []
    newest: list[datetime] = []
    succeeded: list[datetime] = []
    for flow, one in by_flow.items():
        if not one.refused:
            failed += one.failed
            continue
        newest.append(one.newest)
        good, row = _row_of(runs.get(flow, FlowRuns()))
        if good is not None:
            succeeded.append(good)
        if good is None or good < one.newest:
            count = min(len(row), one.failed) if row else one.failed
            failed += count
            refused += min(count, one.refused)
            first.append(one.first if good is None or one.first > good or not row else row[0])
    return AppFailures(
        failed, refused, min(first, default=None), max(newest, default=None), max(succeeded, default=None)
    )


def _row_of(runs: FlowRuns) -> tuple[datetime | None, list[datetime]]:
    """Returns when a flow's last good run ended, and when those ended that failed after it."""
    ends = [(hour + run.ended / 1000, run.has_failed) for hour, run in runs.rows]
    good = max((at for at, has_failed in ends if not has_failed), default=None)
    failed = [moment(at) for at, has_failed in ends if has_failed and (good is None or at > good)]
    return None if good is None else moment(good), failed


def _users(account: ZohoAccount, apps: set[str]) -> dict[str, dict[int, str]]:
    """Returns the shown names of the flows that use some apps, by app: in their trigger or in one of their actions."""
    apps = apps - {""}
    if not apps:
        return {}
    found: dict[str, dict[int, str]] = {app: {} for app in apps}
    for flow in Flow.objects.filter(account=account, gone_at=None).only("flow_name", "apps"):
        for app in apps.intersection(flow.apps.split("\n")):
            found[app][flow.pk] = flow.shown_name
    return found


def _in_order(users: dict[int, str], by_flow: _ByFlow) -> list[str]:
    """Returns names, those with the most failures first."""
    failed = {flow: one.failed for flow, one in by_flow.items()}
    return [name for _, name in sorted(users.items(), key=lambda row: (-failed.get(row[0], 0), row[1]))]
