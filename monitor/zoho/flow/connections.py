"""Calls for connections of Flow to apps.

Source: docs/reference/zoho-flow.md, "Connections".
"""

from __future__ import annotations

from collections.abc import Mapping

from monitor.zoho.flow.base import FlowApi
from monitor.zoho.shapes import connections as shapes
from monitor.zoho.shapes.connections import ConnectionPage, ConnectionRow, ConnectionTest
from monitor.zoho.shapes.written import Written, written


class FlowConnections(FlowApi):
    """Lists, shows, tests, creates, changes and deletes connections."""

    def list_connections(self, page: int | None = None, per_page: int | None = None) -> ConnectionPage:
        """Lists the connections.

        Args:
            page: from 1.
            per_page: rows a page. No paging is documented, so both are left out unless given.

        Raises:
            ZohoError: see `ApiClient`.
        """
        return shapes.connection_page(self._get("connections", params={"page": page, "per_page": per_page}))

    def get_connection(self, connection_id: str) -> ConnectionRow:
        """Returns one connection.

        Args:
            connection_id: Zoho's id of the connection.

        Raises:
            NotFound: Zoho does not have it.
        """
        return shapes.connection_detail(self._get("connections", connection_id))

    def test_connection(self, connection_id: str) -> ConnectionTest:
        """Lets Zoho try a connection; a POST that changes nothing. No reply is documented.

        Args:
            connection_id: Zoho's id of the connection.

        Raises:
            NotFound: Zoho does not have it.
            Refused: Zoho declines it.
        """
        return shapes.connection_test(self._ask("POST", "connections", connection_id, "test"))

    def create_connection(
        self, connection_name: str, app: str, config: Mapping[str, object], auth_type: str = "oauth2"
    ) -> Written:
        """Creates a connection.

        Args:
            connection_name: for people.
            app: as in the catalogue.
            auth_type: such as oauth2.
            config: client id, secret, redirect address and scopes.

        Raises:
            Refused: Zoho declines it.
        """
        body = {
            "connection_name": connection_name,
            "app": app,
            "auth_type": auth_type,
            "config": dict(config),
        }
        return written(self._ask("POST", "connections", body=body), "connection_id")

    def update_connection(self, connection_id: str, changes: Mapping[str, object]) -> Written:
        """Changes a connection. The body is not documented.

        Args:
            connection_id: Zoho's id of the connection.
            changes: the fields to set, in Zoho's spelling.

        Raises:
            NotFound: Zoho does not have it.
            Refused: Zoho declines it.
        """
        payload = self._ask("PUT", "connections", connection_id, body=dict(changes))
        return written(payload, "connection_id")

    def delete_connection(self, connection_id: str) -> None:
        """Deletes a connection: flows that use it will fail.

        Args:
            connection_id: Zoho's id of the connection.

        Raises:
            NotFound: Zoho does not have it.
        """
        self._ask("DELETE", "connections", connection_id)
