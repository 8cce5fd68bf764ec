"""Calls for a bulk read of CRM: a job, its state, its file.

Source: docs/reference/zoho-crm.md, "Records and queries".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from monitor.zoho import read_answer
from monitor.zoho.crm.base import CrmApi, first_of
from monitor.zoho.errors import BadAnswer
from monitor.zoho.protocol import Answer, build_url
from monitor.zoho.shapes import bulk_read as shapes
from monitor.zoho.shapes.bulk_read import BulkReadJob
from monitor.zoho.shapes.crm_common import write_result

_BULK = ("crm", "bulk", "v8", "read")


class CrmBulkRead(CrmApi):
    """Starts and reads jobs of the bulk read.

    Scopes: `ZohoCRM.bulk.READ` and `ZohoCRM.modules.{module}.READ`. The write side is left out on purpose.
    """

    def create_bulk_read(
        self,
        module: str,
        fields: Sequence[str] = (),
        *,
        criteria: Mapping[str, object] | None = None,
        page: int = 1,
        callback_url: str | None = None,
    ) -> BulkReadJob:
        """Asks for up to 200,000 records as a file; ask again for the job's state.

        Args:
            module: API name.
            criteria: Zoho's JSON of conditions.
            fields: API names, all if left out.
            page: from 1, 200,000 records each.
            callback_url: where Zoho posts when it is ready.

        Raises:
            Refused: Zoho declines it.
            AnswerLost: the job may exist.
        """
        query: dict[str, object] = {"module": {"api_name": module}, "page": page}
        if fields:
            query["fields"] = list(fields)
        if criteria is not None:
            query["criteria"] = dict(criteria)
        body: dict[str, object] = {"query": query}
        if callback_url:
            body["callback"] = {"url": callback_url, "method": "post"}
        payload = self._exchange("POST", build_url(self._origin, *_BULK), read_answer.read, body)
        if not _is_plain_job(payload):
            write_result(payload, "data")
        return first_of(payload, "data", shapes.bulk_read_job)

    def bulk_read_job(self, job_id: str) -> BulkReadJob:
        """Returns a job as it stands now.

        Args:
            job_id: Zoho's id of the job.

        Raises:
            NotFound: Zoho does not have it.
        """
        payload = self._exchange("GET", build_url(self._origin, *_BULK, job_id), read_answer.read_only)
        return first_of(payload, "data", shapes.bulk_read_job)

    def bulk_read_result(self, job_id: str) -> bytes:
        """Downloads the file of a completed job: a ZIP with one CSV or ICS.

        The transport's cap on bodies holds (`max_body`).

        Args:
            job_id: Zoho's id of the job.

        Raises:
            NotFound: Zoho does not have it.
            BadAnswer: it is no file.
        """
        return self._exchange("GET", build_url(self._origin, *_BULK, job_id, "result"), _read_file)


def _is_plain_job(payload: object) -> bool:
    """Returns whether a creation answered with the bare job, as the unofficial description has it."""
    data = payload.get("data") if isinstance(payload, Mapping) else None
    first = data[0] if isinstance(data, list) and data else None
    return isinstance(first, Mapping) and "code" not in first and "id" in first


def _read_file(answer: Answer) -> bytes:
    """Returns the body of a download; everything else is an error."""
    if answer.status == 200 and answer.body.startswith(b"PK"):
        return answer.body
    read_answer.read(answer)
    raise BadAnswer(f"{answer.where} answered {answer.status} without a file", status=answer.status)
