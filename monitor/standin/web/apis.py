"""Which handlers answer under which product."""

from monitor.standin.crm.org_api import OrgApi
from monitor.standin.crm.rules_api import RulesApi
from monitor.standin.web.flow_api import FlowApi
from monitor.standin.web.flow_edit_api import FlowEditApi
from monitor.standin.web.limits import Plan
from monitor.standin.web.routing import Router
from monitor.standin.web.webhook_api import WebhookApi
from monitor.standin.world import World


def build_routers(world: World, plan: Plan) -> tuple[Router, Router]:
    """The routes of Zoho Flow and of Zoho CRM."""
    flow, crm = Router(), Router()
    FlowApi(world).add_routes(flow)
    FlowEditApi(world, plan).add_routes(flow)
    WebhookApi(world).add_routes(flow)
    RulesApi(world).add_routes(crm)
    OrgApi(world, plan.name).add_routes(crm)
    return flow, crm
