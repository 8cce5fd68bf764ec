"""Connections of Flow to apps. Source: seed zoho-flow-api.md, section 4."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.zoho.flow.base import FlowApi
from monitor.zoho.shapes import connections as shapes
from monitor.zoho.shapes.connections import ConnectionPage, ConnectionRow, ConnectionTest
from monitor.zoho.shapes.written import Written, written


class FlowConnections(FlowApi):
    """List, look at, test, make, change and delete connections."""

    def list_connections(self, page: int | None = None, per_page: int | None = None) -> ConnectionPage:
        """The connections.

        Parameters: `page` from 1; `per_page` rows a page; the seed has no paging here, so both are left out unless
        given. Errors: those of every call.
        Source: seed, section 4, "List Connections".
        """
        return shapes.connection_page(self._get("connections", params={"page": page, "per_page": per_page}))

    def get_connection(self, connection_id: str) -> ConnectionRow:
        """One connection.

        Parameters: `connection_id` of the connection. Errors: `NotFound`.
        Source: seed, section 4.
        """
        return shapes.connection_detail(self._get("connections", connection_id))

    def test_connection(self, connection_id: str) -> ConnectionTest:
        """Let Zoho try a connection; a POST that changes nothing.

        Parameters: `connection_id` of the connection. Errors: `NotFound`, `Refused`.
        Source: seed, section 4, "Test Connection" (no reply is shown).
        """
        return shapes.connection_test(self._ask("POST", "connections", connection_id, "test"))

    def create_connection(
        self, connection_name: str, app: str, config: Mapping[str, object], auth_type: str = "oauth2"
    ) -> Written:
        """A new connection.

        Parameters: `connection_name` for people; `app` as in the catalogue; `auth_type` such as oauth2; `config` client
        id, secret, redirect address and scopes. Errors: `Refused`.
        Source: seed, section 4, "Create Connection".
        """
        body = {
            "connection_name": connection_name,
            "app": app,
            "auth_type": auth_type,
            "config": dict(config),
        }
        return written(self._ask("POST", "connections", body=body), "connection_id")

    def update_connection(self, connection_id: str, changes: Mapping[str, object]) -> Written:
        """Change a connection.

        Parameters: `connection_id` of the connection; `changes` the fields to set, in Zoho's spelling.
        Errors: `NotFound`, `Refused`. Source: seed, section 4 (the body is not shown).
        """
        payload = self._ask("PUT", "connections", connection_id, body=dict(changes))
        return written(payload, "connection_id")

    def delete_connection(self, connection_id: str) -> None:
        """Delete a connection: flows that use it will fail.

        Parameters: `connection_id` of the connection. Errors: `NotFound`.
        Source: seed, section 4.
        """
        self._ask("DELETE", "connections", connection_id)
