"""Records of CRM, read only: the product never writes one and asks for no scope that could.

Source: seed zoho-crm-api.md, sections 1, 4 and 5, corrected by notes/zoho-api.md, sections 1, 6 and 9.
"""

from __future__ import annotations

from collections.abc import Sequence

from monitor.zoho.crm.base import CrmApi, first_of
from monitor.zoho.protocol import json_body
from monitor.zoho.shapes import records as shapes
from monitor.zoho.shapes.crm_common import Page, page_of
from monitor.zoho.shapes.records import CrmRecord, TimelineEntry

FIELDS_LIMIT = 50


class CrmRecords(CrmApi):
    """Scope: `ZohoCRM.modules.{module}.READ`."""

    def list_records(
        self,
        module: str,
        fields: Sequence[str],
        *,
        page: int | None = None,
        page_token: str | None = None,
        per_page: int = 200,
        sort_by: str | None = None,
        sort_order: str | None = None,
        cvid: str | None = None,
    ) -> Page[CrmRecord]:
        """One page of records, empty for a 204.

        Parameters: `module` its API name; `sort_by` a field; `sort_order` asc or desc; `fields` 1 to 50 API names,
        which Zoho insists on; `page` for the first 2,000 records, after that `page_token` from the page before (it
        lives 24 h, for the same user), never both; `per_page` 1 to 200; `cvid` a view, for 3 credits.
        Errors: `ValueError`, `Refused`. Source: notes, sections 6 and 9.
        """
        if page is not None and page_token is not None:
            raise ValueError("page and page_token cannot be used together")
        if not 1 <= len(fields) <= FIELDS_LIMIT:
            raise ValueError(f"between 1 and {FIELDS_LIMIT} fields are needed")
        params = {
            "fields": ",".join(fields),
            "page": page,
            "page_token": page_token,
            "per_page": per_page,
            "sort_by": sort_by,
            "sort_order": sort_order,
            "cvid": cvid,
        }
        return page_of(self._get(module, params=params), shapes.crm_record, "data")

    def get_record(self, module: str, record_id: str, fields: Sequence[str] = ()) -> CrmRecord:
        """One record.

        Parameters: `module` its API name; `record_id` of the record; `fields` API names, all if left out.
        Errors: `NotFound`. Source: seed, section 1.
        """
        params = {"fields": ",".join(fields) or None}
        return first_of(self._get(module, record_id, params=params), "data", shapes.crm_record)

    def search_records(
        self,
        module: str,
        *,
        criteria: str | None = None,
        email: str | None = None,
        phone: str | None = None,
        word: str | None = None,
        fields: Sequence[str] = (),
        page: int = 1,
        per_page: int = 200,
    ) -> Page[CrmRecord]:
        """One page of the records that match, empty for a 204.

        Parameters: `module` its API name; `fields` API names, all if left out; `page` from 1; `per_page` rows a page;
        exactly one of `criteria` such as (Email:equals:x), `email`, `phone` and `word`.
        Errors: `ValueError`, `Refused`. Source: seed, "Search Records".
        """
        asked = {"criteria": criteria, "email": email, "phone": phone, "word": word}
        if len([value for value in asked.values() if value]) != 1:
            raise ValueError("exactly one of criteria, email, phone and word is needed")
        params = {**asked, "fields": ",".join(fields) or None, "page": page, "per_page": per_page}
        return page_of(self._get(module, "search", params=params), shapes.crm_record, "data")

    def record_timeline(
        self, module: str, record_id: str, *, page_token: str | None = None, source: str | None = None
    ) -> Page[TimelineEntry]:
        """One page of a record's life: which rule, mail or function touched it.

        Parameters: `module` its API name; `record_id` of the record; `page_token` from the page before; `source` such
        as workflow. Errors: `NotFound`, `Refused`.
        Source: notes, section 2.4 (timelines.json).
        """
        wanted = {"field": {"api_name": "source"}, "comparator": "equal", "value": source}
        params = {"page_token": page_token, "filters": json_body(wanted).decode() if source else None}
        payload = self._get(module, record_id, "__timeline", params=params)
        return page_of(payload, shapes.timeline_entry, "__timeline")
