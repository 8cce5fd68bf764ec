"""Zoho Flow's management API, as the seed tells it: Zoho publishes none (notes/zoho-api.md, section 0)."""

from __future__ import annotations

from monitor.zoho.flow.actions import FlowActions
from monitor.zoho.flow.connections import FlowConnections
from monitor.zoho.flow.executions import FlowExecutions
from monitor.zoho.flow.flows import FlowFlows
from monitor.zoho.flow.triggers import FlowTriggers
from monitor.zoho.flow.webhooks import FlowWebhooks


class FlowClient(FlowFlows, FlowExecutions, FlowConnections, FlowTriggers, FlowActions, FlowWebhooks):
    """Everything of Flow for one account; its methods are in one file a subject. See `ApiClient`."""
