"""Calls for reads of CRM that are sent as a query: COQL and composites.

Source: docs/reference/zoho-crm.md, "Records and queries".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from monitor.zoho import read_answer
from monitor.zoho.crm.base import CrmApi
from monitor.zoho.protocol import build_url
from monitor.zoho.shapes import queries as shapes
from monitor.zoho.shapes.queries import QueryResult, SubAnswer

COMPOSITE_LIMIT = 5


class CrmQueries(CrmApi):
    """Sends queries. Scopes: `ZohoCRM.coql.READ`, `ZohoCRM.composite_requests.CUSTOM`."""

    def coql(self, select_query: str) -> QueryResult:
        """Returns the rows of a query in CRM's SELECT language, at most 2,000; a POST that only reads.

        Args:
            select_query: the query.

        Raises:
            Refused: Zoho declines it (SYNTAX_ERROR, INVALID_QUERY).
        """
        url = build_url(self._origin, *self.base, "coql")
        body = {"select_query": select_query}
        return shapes.query_result(self._exchange("POST", url, read_answer.read_only, body, only_reads=True))

    def composite(self, paths: Iterable[tuple[str, Mapping[str, object]]], *, parallel: bool = True) -> list[SubAnswer]:
        """Makes up to five reads in one call; each has its own answer, whose status is to be looked at.

        Args:
            parallel: whether Zoho may run them at once.
            paths: pairs of an address such as /crm/v8/Leads and its parameters; only GET is ever put in, so that a
                composite cannot write.

        Raises:
            ValueError: what is given is too much, too little or of the wrong form.
            Refused: Zoho declines it.
        """
        requests = [
            {"sub_request_id": str(number), "method": "GET", "uri": uri, "params": dict(params)}
            for number, (uri, params) in enumerate(paths, start=1)
        ]
        if not 1 <= len(requests) <= COMPOSITE_LIMIT:
            raise ValueError(f"between 1 and {COMPOSITE_LIMIT} requests are needed")
        body = {"parallel_execution": parallel, "__composite_requests": requests}
        return shapes.sub_answers(self._ask("POST", "__composite_requests", body=body, only_reads=True))
