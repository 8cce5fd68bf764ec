"""Puts the client of Zoho Flow's management API together, which Zoho does not publish.

Source: docs/reference/zoho-flow.md, "How sure this is".
"""

from __future__ import annotations

from monitor.zoho.flow.actions import FlowActions
from monitor.zoho.flow.connections import FlowConnections
from monitor.zoho.flow.executions import FlowExecutions
from monitor.zoho.flow.flows import FlowFlows
from monitor.zoho.flow.triggers import FlowTriggers
from monitor.zoho.flow.webhooks import FlowWebhooks


class FlowClient(FlowFlows, FlowExecutions, FlowConnections, FlowTriggers, FlowActions, FlowWebhooks):
    """Calls everything of Flow for one account; its methods are in one file an area. See `ApiClient`."""
