"""Builds a stand-in: the organisation, its interfaces, the script of faults and the server, handed to each other.

In a test, in process::

    clock = SettableClock(datetime(2025, 6, 2, 9, tzinfo=UTC))
    world = make_world(seed=7, clock=clock, flows=5, rules=3, executions=400)
    app = make_app(world, plan="standard")          # credentials: Credentials() unless given
    http = httpx.Client(transport=httpx.WSGITransport(app), base_url="http://127.0.0.1")

or over a real socket::

    with serving(app) as base_url:                  # accounts, Flow and CRM share this origin
        ...
"""

from pathlib import Path

from standin.accounts.oauth_api import Credentials, OAuthApi
from standin.clock import Clock, OffsetClock, SettableClock, system_clock
from standin.crm.actions_api import ActionsApi
from standin.crm.connected_api import ConnectedApi
from standin.crm.failures_api import FailuresApi
from standin.crm.metadata_api import MetadataApi
from standin.crm.org_api import OrgApi
from standin.crm.query_api import QueryApi
from standin.crm.records_api import RecordsApi
from standin.crm.rules_api import RulesApi
from standin.crm.rules_write_api import RulesWriteApi
from standin.crm.watch_api import WatchApi
from standin.faults.script import FaultScript
from standin.faults.traps import black_hole, closed_port
from standin.flow.edit_api import FlowEditApi
from standin.flow.flow_api import FlowApi
from standin.flow.webhook_api import WebhookApi
from standin.habits import Habits, habits_for
from standin.journal import Journal, JournalError
from standin.journaled import WorldSettings
from standin.web.app import App
from standin.web.callbacks import Callbacks
from standin.web.control import ControlApi
from standin.web.ledger import Ledger
from standin.web.limits import PLANS, CrmCredits, FlowLimit, Plan
from standin.web.product import CrmProduct, FlowProduct
from standin.web.routing import Router
from standin.web.server import StandinServer, serving
from standin.world import World

__all__ = [
    "PLANS",
    "App",
    "Credentials",
    "Habits",
    "JournalError",
    "OffsetClock",
    "SettableClock",
    "StandinServer",
    "World",
    "black_hole",
    "closed_port",
    "habits_for",
    "make_app",
    "make_world",
    "serving",
    "system_clock",
]


def make_world(
    *,
    seed: int = 1,
    clock: Clock = system_clock,
    flows: int = 24,
    rules: int = 12,
    executions: int = 6000,
    history_days: int = 30,
    habits: Habits | None = None,
    state: Path | None = None,
    goes_bad_after: float | None = None,
    goes_bad_with: str = "sickness",
) -> World:
    """Makes an organisation that begins now, or goes on from the journal in `state`.

    Args:
        seed: equal seeds give equal organisations.
        clock: moves it.
        flows: how many flows there are.
        rules: how many workflow rules there are.
        executions: about how many runs the history holds.
        history_days: how far the history goes back.
        habits: Zoho's oddities, the defaults unless given.
        state: the journal's file; without one nothing is kept.
        goes_bad_after: in so many seconds the flow with the role "sick" goes bad; None: never.
        goes_bad_with: how it fails then, a name of `standin.flow.failures.BY_NAME`.

    Raises:
        JournalError: `state` cannot be used, or belongs to an organisation with other settings.
    """
    settings = WorldSettings(seed, flows, rules, executions, history_days)
    journal = Journal(state)
    try:
        world = World(settings, clock=clock, habits=habits or Habits(), journal=journal)
    except BaseException:
        journal.close()
        raise
    sick = world.role("sick")
    if goes_bad_after is not None and sick is not None and not sick.bad.is_planned(world.now()):
        world.go_bad(goes_bad_with, fixed_by_retry=True, after=goes_bad_after)
    return world


def make_app(world: World, *, credentials: Credentials | None = None, plan: str = "unlimited") -> App:
    """Puts the interfaces around `world`.

    Args:
        world: what `make_world` gave; its dialect decides which addresses exist.
        credentials: what a client must know.
        plan: one of PLANS, which sets the limits of both products.

    Raises:
        ValueError: there is no such plan.
    """
    if plan not in PLANS:
        raise ValueError(f"no such plan: {plan}; one of {', '.join(PLANS)}")
    known = credentials or Credentials()
    world.tokens.accept(known.refresh_token)
    ledger, faults, callbacks = Ledger(), FaultScript(world), Callbacks(world)
    accounts, control = Router(), Router()
    OAuthApi(world, known, ledger).add_routes(accounts)
    WebhookApi(world).add_public_routes(accounts)
    ControlApi(world, ledger, faults, callbacks).add_routes(control)
    return App(
        world,
        credentials=known,
        ledger=ledger,
        faults=faults,
        callbacks=callbacks,
        products=[_flow(world, PLANS[plan]), _crm(world, PLANS[plan])],
        accounts=accounts,
        control=control,
    )


def _flow(world: World, plan: Plan) -> FlowProduct:
    router = Router()
    FlowApi(world).add_routes(router)
    FlowEditApi(world, plan).add_routes(router)
    WebhookApi(world).add_routes(router)
    return FlowProduct(world, "/api/v1", router, FlowLimit(plan))


def _crm(world: World, plan: Plan) -> CrmProduct:
    """Zoho CRM; the order of its routes matters where a fixed name and an id are at the same place."""
    router = Router()
    credits_ = CrmCredits(plan, seed_dialect=world.habits.dialect == "seed")
    product = CrmProduct(world, "/crm", router, credits_, plan.at_once)
    router.under = "/v8"
    RulesWriteApi(world).add_routes(router)
    RulesApi(world).add_routes(router)
    FailuresApi(world).add_routes(router)
    ActionsApi(world).add_routes(router)
    ConnectedApi(world).add_routes(router)
    OrgApi(world, plan.name).add_routes(router)
    MetadataApi(world).add_routes(router)
    queries = QueryApi(world, product.route)
    queries.add_routes(router)
    WatchApi(world).add_routes(router)
    RecordsApi(world).add_routes(router)
    router.under = ""
    queries.add_bulk_routes(router, "/bulk/v8/read")
    return product
