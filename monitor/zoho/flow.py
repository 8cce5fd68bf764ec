"""Zoho Flow's management API, as the seed tells it: Zoho publishes none (notes/zoho-api.md, section 0)."""

from __future__ import annotations

from monitor.zoho.flow_connections import FlowConnections
from monitor.zoho.flow_definitions import FlowDefinitions
from monitor.zoho.flow_executions import FlowExecutions


class FlowClient(FlowDefinitions, FlowExecutions, FlowConnections):
    """Everything of Flow for one account; its methods are in one file a subject. See `ApiClient`."""
