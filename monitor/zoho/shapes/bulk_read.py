"""Reads jobs of the bulk read.

Source: docs/reference/zoho-crm.md, "Records and queries".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from monitor.zoho import clean
from monitor.zoho.moments import moment
from monitor.zoho.shapes.base import Json, need_id


@dataclass(frozen=True, slots=True)
class BulkReadJob:
    """Holds a bulk read. `state`: added, queued, in progress, completed or failure."""

    id: str
    state: str
    operation: str
    created_time: datetime | None
    download_url: str
    count: int | None
    more_records: bool
    raw: Json = field(repr=False)


def bulk_read_job(record: Mapping[str, object]) -> BulkReadJob:
    """Reads a job as created (`details` inside) or as asked for.

    Raises:
        Unusable: the record has no id.
    """
    details = record.get("details")
    about: Mapping[str, object] = details if isinstance(details, Mapping) and "id" in details else record
    result = about.get("result")
    found: Mapping[str, object] = result if isinstance(result, Mapping) else {}
    return BulkReadJob(
        id=need_id(about, "id"),
        # The unofficial description says "status": "queued" where Zoho says "state".
        state=clean.word(about.get("state") or about.get("status")),
        operation=clean.word(about.get("operation")),
        created_time=moment(about.get("created_time")),
        download_url=clean.opaque(found.get("download_url")),
        count=clean.count(found.get("count")),
        more_records=clean.flag(found.get("more_records")) or False,
        raw=clean.mapping(record),
    )
