"""Which handlers answer under which product."""

from collections.abc import Callable

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
from standin.web.flow_api import FlowApi
from standin.web.flow_edit_api import FlowEditApi
from standin.web.limits import Plan
from standin.web.routing import Router
from standin.web.webhook_api import WebhookApi
from standin.web.wire import Reply, Request
from standin.world import World


def add_flow_routes(world: World, plan: Plan, router: Router) -> None:
    """The routes of Zoho Flow, relative to /api/v1."""
    FlowApi(world).add_routes(router)
    FlowEditApi(world, plan).add_routes(router)
    WebhookApi(world).add_routes(router)


def add_crm_routes(world: World, plan: Plan, router: Router, dispatch: Callable[[Request], Reply]) -> None:
    """The routes of Zoho CRM, relative to /crm; `dispatch` answers the parts of a composite request.

    The order matters where a fixed name and an id are at the same place.
    """
    router.under = "/v8"
    RulesWriteApi(world).add_routes(router)
    RulesApi(world).add_routes(router)
    FailuresApi(world).add_routes(router)
    ActionsApi(world).add_routes(router)
    ConnectedApi(world).add_routes(router)
    OrgApi(world, plan.name).add_routes(router)
    MetadataApi(world).add_routes(router)
    queries = QueryApi(world, dispatch)
    queries.add_routes(router)
    WatchApi(world).add_routes(router)
    RecordsApi(world).add_routes(router)
    router.under = ""
    queries.add_bulk_routes(router, "/bulk/v8/read")
