"""Zoho Flow's management API, as the seed tells it: Zoho publishes none (notes/zoho-api.md, section 0)."""

from __future__ import annotations

from monitor.zoho.flow_connections import FlowConnections
from monitor.zoho.flow_definitions import FlowDefinitions
from monitor.zoho.flow_executions import FlowExecutions
from monitor.zoho.flow_parts import FlowParts
from monitor.zoho.flow_webhooks import FlowWebhooks


class FlowClient(FlowDefinitions, FlowExecutions, FlowConnections, FlowParts, FlowWebhooks):
    """Everything of Flow for one account; its methods are in one file a subject. See `ApiClient`."""
