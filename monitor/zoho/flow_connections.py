"""Connections of Flow to apps. Source: seed zoho-flow-api.md, section 4."""

from __future__ import annotations

from monitor.zoho.flow_base import FlowApi
from monitor.zoho.shapes import connections as shapes
from monitor.zoho.shapes.connections import ConnectionPage, ConnectionRow, ConnectionTest


class FlowConnections(FlowApi):
    """List, look at and test connections."""

    def list_connections(self, page: int | None = None, per_page: int | None = None) -> ConnectionPage:
        """The connections. The seed has no paging here: both parameters are left out unless given."""
        return shapes.connection_page(self._get("connections", params={"page": page, "per_page": per_page}))

    def get_connection(self, connection_id: str) -> ConnectionRow:
        """One connection. Errors: `NotFound`."""
        return shapes.connection_detail(self._get("connections", connection_id))

    def test_connection(self, connection_id: str) -> ConnectionTest:
        """Let Zoho try a connection; a POST that changes nothing. Errors: `NotFound`, `Refused`."""
        return shapes.connection_test(self._ask("POST", "connections", connection_id, "test"))
