"""Reads the connections of all accounts: the list, and what the page of one shows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import CharField, Count, Exists, OuterRef, QuerySet, Subquery
from django.db.models.functions import Cast, Coalesce

from monitor.app_names import plain_app
from monitor.models import AlertState, Connection, ConnectionChange, Flow, IncidentAlert
from monitor.models.asking import read_at_once
from monitor.models.definitions import uses_app
from monitor.privacy import mask_name
from monitor.queries.connection_runs import RunsAround, runs_around
from monitor.queries.flows import standings
from monitor.standing.facts import with_facts
from monitor.standing.judge import AccountPresent, FlowStanding

BROKEN, WORKS, OTHER, GONE = "broken", "active", "other", "gone"
SORTS = ("state", "name", "since")
FLOWS_SHOWN, CHANGES_SHOWN = 20, 50
_RANK = {BROKEN: 0, OTHER: 1, WORKS: 2, GONE: 3}


@dataclass(frozen=True)
class ConnectionFilter:
    """Says what a person looks for; empty values do not narrow, but that deleted ones are left out.

    Attributes:
        text: a part of the name or the app as they are shown, or the whole of Zoho's id.
        app: as names of apps are compared.
        state: broken, active, other (neither of the two, by Zoho's word) or gone.
        sort: one of `SORTS`.
    """

    text: str = ""
    app: str = ""
    state: str = ""
    account_id: int | None = None
    sort: str = SORTS[0]


@dataclass(frozen=True)
class ConnectionLine:
    """Holds what the list says of a connection.

    Attributes:
        flows: how many flows use its app.
        runs: of these, around the time from which it does not work; None where Zoho calls it active.
        incident: key of the open incident that is about it.
    """

    connection: Connection
    flows: int
    runs: RunsAround | None
    incident: int | None


@dataclass(frozen=True)
class ConnectionDetail:
    """Holds what the page of one connection shows.

    Attributes:
        row: as the list has it.
        flows: the first of those that use its app, those with an open alert first, and how each stands.
        changes: the newest of its status, the newest first.
        others: how many connections of the account are to the same app: which of them a flow uses Zoho does not say.
    """

    row: ConnectionLine
    flows: list[tuple[Flow, FlowStanding]]
    changes: list[ConnectionChange]
    others: int


def state_of(connection: Connection) -> str:
    """Returns as which a connection is listed: broken, active, other or gone."""
    if connection.gone_at is not None:
        return GONE
    if connection.is_broken:
        return BROKEN
    return WORKS if connection.status == "active" else OTHER


def everything() -> list[Connection]:
    """Returns all connections: of even a large organisation there are hundreds. One statement."""
    rows = Connection.objects.select_related("account").order_by("pk")
    return list(rows.defer("raw", "account__client_secret"))


def apps_among(connections: Sequence[Connection]) -> list[tuple[str, str]]:
    """Returns the apps of some connections: each as it is compared, and as it is shown. Pure."""
    found = {_app_of(one): mask_name(one.app) for one in reversed(connections)}
    return sorted(((key, shown) for key, shown in found.items() if key), key=lambda app: app[1].casefold())


def _app_of(one: Connection) -> str:
    """Returns its app as filters compare it: as it is shown, for a filter stands in addresses."""
    return plain_app(mask_name(one.app))


def narrowed(connections: Sequence[Connection], wanted: ConnectionFilter) -> list[Connection]:
    """Returns those that fit, in the wanted order. Pure."""
    return sorted((one for one in connections if _fits(one, wanted)), key=_ORDERS[wanted.sort])


def _fits(one: Connection, wanted: ConnectionFilter) -> bool:
    text, state = wanted.text.casefold(), state_of(one)
    shown = (one.shown_name.casefold(), mask_name(one.app).casefold())
    return (
        (wanted.account_id is None or one.account_id == wanted.account_id)
        and (not wanted.app or _app_of(one) == wanted.app)
        and (state == wanted.state if wanted.state else state != GONE)
        and (not text or any(text in name for name in shown) or one.connection_id == wanted.text)
    )


_ORDERS: Mapping[str, Any] = {
    # What does not work first, of each the newest.
    "state": lambda one: (_RANK[state_of(one)], -one.status_since.timestamp(), one.pk),
    "name": lambda one: (one.shown_name.casefold(), one.pk),
    "since": lambda one: (-one.status_since.timestamp(), one.pk),
}


def rows(connections: Sequence[Connection]) -> list[ConnectionLine]:
    """Returns what the list says of some connections, in their order. Three statements at most.

    Args:
        connections: with their accounts.
    """
    if not connections:
        return []
    return _as_rows(connections, _open_incidents([one.pk for one in connections]))


def _as_rows(connections: Sequence[Connection], incidents: Mapping[int, int | None]) -> list[ConnectionLine]:
    using = flows_using(connections)
    unsure = [one for one in connections if one.gone_at is None and one.status != "active"]
    runs = runs_around([(one.pk, using[one.pk], one.failures_from) for one in unsure])
    return [ConnectionLine(one, len(using[one.pk]), runs.get(one.pk), incidents.get(one.pk)) for one in connections]


def flows_using(connections: Collection[Connection]) -> dict[int, list[int]]:
    """Returns the keys of the flows that use the app of each of some connections. One statement."""
    accounts = {one.account_id for one in connections}
    users: dict[tuple[int, str], list[int]] = {}
    flows = Flow.objects.filter(account__in=accounts, gone_at=None).exclude(apps="").order_by("pk")
    for key, account, apps in flows.values_list("pk", "account_id", "apps"):
        for app in apps.split():
            users.setdefault((account, app), []).append(key)
    return {one.pk: users.get((one.account_id, plain_app(one.app)), []) for one in connections}


def _open_incidents(keys: Collection[int]) -> dict[int, int]:
    """Returns the open incidents that are about some connections, by the connection's key; the newest of each."""
    links = IncidentAlert.objects.filter(
        alert__subject_kind="connection",
        alert__subject_key__in=[str(key) for key in keys],
        left_at=None,
        incident__closed_at=None,
    )
    found = links.order_by("incident").values_list("alert__subject_key", "incident")
    return {int(key): incident for key, incident in found}


def connections() -> QuerySet[Connection]:
    """Joins to connections what the page of one needs.

    That is `incident`, the key of the newest open one about it, and `beside`, how many connections of the account are
    to the same app.
    """
    links = IncidentAlert.objects.filter(
        alert__subject_kind="connection",
        alert__subject_key=Cast(OuterRef("pk"), CharField()),
        left_at=None,
        incident__closed_at=None,
    )
    same = Connection.objects.filter(account=OuterRef("account"), app=OuterRef("app"), gone_at=None)
    count = same.exclude(pk=OuterRef("pk")).order_by().values("app").annotate(count=Count("pk")).values("count")
    rows = Connection.objects.select_related("account").defer("raw", "account__client_secret")
    return rows.annotate(
        incident=Subquery(links.order_by("-incident").values("incident")[:1]), beside=Coalesce(Subquery(count), 0)
    )


def detail(one: Any, accounts: Mapping[int, AccountPresent], now: datetime) -> ConnectionDetail:
    """Reads what the page of a connection shows. Five statements at most.

    Args:
        one: from `connections()`.
        accounts: how far the present of each is known.
        now: the present.
    """
    (row,) = _as_rows([one], {one.pk: one.incident})
    used = _flows(one, now)[:FLOWS_SHOWN] if row.flows else Flow.objects.none()
    flows, changes = read_at_once([used, one.changes.all()[:CHANGES_SHOWN]])
    known = standings(flows, accounts, now) if flows else {}
    return ConnectionDetail(
        row=row,
        flows=[(flow, known[flow.pk]) for flow in flows],
        changes=changes,
        others=one.beside if one.app else 0,
    )


def _flows(one: Connection, now: datetime) -> QuerySet[Flow]:
    flows = Flow.objects.filter(uses_app(one.app), account=one.account_id, gone_at=None).select_related("progress")
    alerts = AlertState.objects.filter(flow=OuterRef("pk"), is_open=True)
    return with_facts(flows.defer("raw", "description"), now).order_by(Exists(alerts).desc(), "flow_name", "pk")
