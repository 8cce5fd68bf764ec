"""Makes the flows and connections that the organisation has on its first day."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from standin.chance import org_prefix, rng
from standin.clock import DAY, HOUR
from standin.flow.catalogue import APP_NAMES, DAILY, HOURLY, FlowTemplate, template
from standin.flow.flows import Counters, Flow
from standin.timeline import Timeline

SILENT_FOR = timedelta(days=5)
BROKEN_FOR = timedelta(days=2, hours=3)
STAFF = ("marta.ops@example.com", "deniz.sales@example.com", "kit.finance@example.com")


@dataclass(slots=True)
class Connection:
    """Holds a connection to an app; whether it works is a timeline."""

    connection_id: str
    name: str
    app: str
    auth_type: str
    created: datetime
    works: Timeline
    email: str = ""
    scopes: list[str] = field(default_factory=list)
    deleted: bool = False


def make_connections(seed: int, flows: int, anchor: datetime) -> dict[str, Connection]:
    """Returns one connection an app that the flows use, keyed by app; the one of the "broken" flow is broken."""
    prefix = org_prefix(seed)
    apps: list[str] = []
    broken = set()
    for index in range(flows):
        chosen, _ = template(index)
        for app in (chosen.trigger[1], *(app for app, _ in chosen.actions)):
            if app not in apps and app != "custom":
                apps.append(app)
        if chosen.role == "broken":
            broken.add(chosen.actions[0][0])
    made = {}
    for number, app in enumerate(apps):
        works = Timeline(initial=True)
        if app in broken:
            works.turn_off(anchor - BROKEN_FOR)
        own = app.startswith("zoho")
        made[app] = Connection(
            connection_id=f"{prefix}00{5_000_000_000 + number * 7919:010d}",
            name=f"{APP_NAMES.get(app, app)} Production" if own else f"{APP_NAMES.get(app, app)} account",
            app=app,
            auth_type="oauth2" if own or rng("auth", seed, app).random() < 0.7 else "api_key",
            created=anchor - 300 * DAY + number * HOUR,
            works=works,
            email="" if own else "automation@example.com",
            scopes=[f"{APP_NAMES.get(app, app).replace(' ', '')}.modules.ALL"] if own else [],
        )
    return made


def make_flow(
    *,
    seed: int,
    index: int,
    anchor: datetime,
    history_from: datetime,
    per_hour: float,
    connections: dict[str, Connection],
) -> Flow:
    """Returns the flow at `index` of the catalogue."""
    chosen, name = template(index)
    prefix, dice = org_prefix(seed), rng("flow", seed, index)
    kind, app, module, event = chosen.trigger
    trigger: dict[str, Any] = {"type": kind, "app": app, "event": event}
    if module:
        trigger["module"] = module
    actions: list[dict[str, Any]] = [
        {
            "action_id": f"{prefix}00{2_000_000_000 + index * 100 + step:010d}",
            "app": app,
            "action": action,
            "config": _config(app),
        }
        for step, (app, action) in enumerate(chosen.actions)
    ]
    on = Timeline(initial=True)
    if chosen.role == "inactive":
        on.turn_off(anchor - 12 * DAY)
    a_day = 1.0 if chosen.shape == DAILY else per_hour * 24
    before = max(60, round(a_day * dice.randint(60, 240)))
    lost = max(1, round(before * (chosen.permanent_share + 0.002)))
    created = anchor.replace(microsecond=0) - timedelta(days=dice.randint(120, 700), seconds=dice.randint(0, 86_000))
    return Flow(
        index=index,
        flow_id=f"{prefix}00{1_000_000_000 + index * 37:010d}",
        prefix=prefix,
        seed=seed,
        template=chosen,
        name=name,
        description=chosen.description,
        trigger=trigger,
        actions=actions,
        created=created,
        modified=created + timedelta(days=dice.randint(1, 80)),
        created_by=dice.choice(STAFF),
        per_hour=per_hour,
        history_from=history_from,
        base=Counters(before, before - lost, lost),
        on=on,
        connections={app: connection.works for app, connection in connections.items()},
        silent_from=anchor - SILENT_FOR if chosen.role == "silent" else None,
    )


def _config(app: str) -> dict[str, Any]:
    if app in {"mailchimp", "zohocampaigns"}:
        return {"list_key": "newsletter", "contact_email": "${trigger.Email}"}
    if app == "slack":
        return {"channel": "#automation", "text": "${trigger.Company}"}
    if app == "gmail":
        return {"to": "${trigger.Email}", "subject": "Thank you", "body": "We are on it."}
    if app == "custom":
        return {"method": "POST", "url": "https://erp.example.com/hook", "timeout": 30_000}
    return {"record_id": "${trigger.id}"}


def rates(count: int, executions: int, history_days: int) -> list[float]:
    """Says how many runs an hour each flow has, so that all together make about `executions` in the history."""
    chosen = [template(index)[0] for index in range(count)]
    by_clock = sum(_by_clock_a_day(one, history_days) for one in chosen)
    shared = max(0.0, executions / history_days - by_clock)
    weights = [0.0 if one.shape in {HOURLY, DAILY} else one.weight for one in chosen]
    total = sum(weights) or 1.0
    return [
        1.0 if one.shape in {HOURLY, DAILY} else shared / 24 * weight / total
        for one, weight in zip(chosen, weights, strict=True)
    ]


def _by_clock_a_day(one: FlowTemplate, history_days: int) -> float:
    if one.shape == DAILY:
        return 1.0
    if one.shape != HOURLY:
        return 0.0
    return 24.0 * (max(0.0, 1 - SILENT_FOR / (history_days * DAY)) if one.role == "silent" else 1.0)
