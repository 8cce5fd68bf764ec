"""Shows alerts: what is open, what happened lately, and who got mail about it."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, F, Q, QuerySet

from monitor.models import SWITCHED_OFF, AlertRule, AlertState, Transition
from monitor.models.asking import Asking, answered, ask, over_all
from monitor.queries.incidents import open_now, with_acknowledgement

EDGES_SHOWN = 200  # on one alert's page


def states() -> QuerySet[AlertState]:
    """Alert states with the joins that the pages need."""
    return AlertState.objects.select_related("rule__account__alert_cursor", "flow").defer(
        "rule__account__client_secret", "flow__raw"
    )


def open_states(account_id: int | None = None) -> list[AlertState]:
    """Open incidents: unacknowledged ones first, then by age, the newest first.

    Args:
        account_id: only of this account; None for all.
    """
    return answered(ask_open_states(account_id))


def ask_open_states(account_id: int | None = None) -> Asking[list[AlertState]]:
    """Asks for what `open_states` returns."""
    rows = states().filter(is_open=True)
    if account_id is not None:
        rows = rows.filter(rule__account_id=account_id)
    first = with_acknowledgement(rows).order_by(F("acknowledged_at").asc(nulls_first=True), "-since")
    return (yield from ask(first))


@dataclass(frozen=True)
class Checks:
    """Says how many flows rules have checked: `good` with enough runs and at or above, `open` not, `rest` unknown."""

    good: int
    open: int
    rest: int


def checks(account_id: int | None = None) -> Checks:
    """Counts what enabled rules checked. One statement.

    Args:
        account_id: only of this account; None for all.
    """
    return answered(ask_checks(account_id))


def ask_checks(account_id: int | None = None) -> Asking[Checks]:
    """Asks for what `checks` returns."""
    rows = AlertState.objects.filter(
        rule__is_active=True, rule__deleted_at=None, flow__isnull=False, flow__gone_at=None
    ).exclude(flow__status__in=SWITCHED_OFF)
    if account_id is not None:
        rows = rows.filter(rule__account_id=account_id)
    good = Q(state=AlertState.State.OK, is_open=False)
    figures = {"good": Count("pk", filter=good), "open": Count("pk", filter=Q(is_open=True)), "every": Count("pk")}
    ((fine, opened, every),) = (yield from ask(over_all(rows, **figures))) or [(0, 0, 0)]
    return Checks(fine, opened, every - fine - opened)


def recent_transitions(account_id: int | None = None) -> QuerySet[Transition]:
    """Returns every edge of every alert, the newest first."""
    rows = Transition.objects.select_related("alert__rule__account", "alert__flow").defer(
        "alert__rule__account__client_secret", "alert__flow__raw"
    )
    return rows if account_id is None else rows.filter(alert__rule__account_id=account_id)


@dataclass(frozen=True)
class AlertDetail:
    """Holds one alert and what happened to it, the newest first."""

    state: AlertState
    transitions: list[Transition]


def detail(state: AlertState) -> AlertDetail:
    """Returns one alert with its history. One statement.

    Args:
        state: from `states()`.
    """
    return answered(ask_detail(state))


def ask_detail(state: AlertState) -> Asking[AlertDetail]:
    """Asks for what `detail` returns."""
    rows = state.transitions.all()
    return AlertDetail(state=state, transitions=(yield from ask(rows[:EDGES_SHOWN])))


def rules() -> QuerySet[AlertRule]:
    """Alert rules, each with `open_count`, the incidents that are open by it."""
    fires = Q(states__incident_links__left_at=None, states__incident_links__incident__in=open_now())
    opened = Count("states__incident_links__incident", filter=fires, distinct=True)
    rows = AlertRule.objects.select_related("account", "flow", "tag", "owner", "budget")
    rows = rows.defer("account__client_secret", "flow__raw")
    return rows.annotate(open_count=opened).order_by("account__name", "name", "pk")
