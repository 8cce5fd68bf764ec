"""Calls for records of CRM, read only: the product never writes one and asks for no scope that could.

Source: docs/reference/zoho-crm.md, "Records and queries" and "Timeline of a record".
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
    """Reads records. Scope: `ZohoCRM.modules.{module}.READ`."""

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
        """Lists one page of records, empty for a 204.

        Args:
            module: API name.
            sort_by: a field.
            sort_order: asc or desc.
            fields: 1 to 50 API names, which Zoho insists on.
            page: for the first 2,000 records; never together with `page_token`.
            page_token: from the page before, for what follows; it lives 24 h, for the same user.
            per_page: 1 to 200.
            cvid: a view, for 3 credits.

        Raises:
            ValueError: what is given is too much, too little or of the wrong form.
            Refused: Zoho declines it.
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
        """Returns one record.

        Args:
            module: API name.
            record_id: Zoho's id of the record.
            fields: API names, all if left out.

        Raises:
            NotFound: Zoho does not have it.
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
        """Lists one page of the records that match, empty for a 204. Needs `ZohoSearch.securesearch.READ` besides.

        Args:
            module: API name.
            fields: API names, all if left out.
            page: from 1.
            per_page: rows a page.
            criteria: such as (Email:equals:x); exactly one of the four is given.
            email: a whole address.
            phone: a whole number.
            word: a word of the record.

        Raises:
            ValueError: what is given is too much, too little or of the wrong form.
            Refused: Zoho declines it.
        """
        asked = {"criteria": criteria, "email": email, "phone": phone, "word": word}
        if len([value for value in asked.values() if value]) != 1:
            raise ValueError("exactly one of criteria, email, phone and word is needed")
        params = {**asked, "fields": ",".join(fields) or None, "page": page, "per_page": per_page}
        return page_of(self._get(module, "search", params=params), shapes.crm_record, "data")

    def record_timeline(
        self, module: str, record_id: str, *, page_token: str | None = None, source: str | None = None
    ) -> Page[TimelineEntry]:
        """Returns one page of a record's life: which rule, mail or function touched it.

        Args:
            module: API name.
            record_id: Zoho's id of the record.
            page_token: from the page before.
            source: such as workflow.

        Raises:
            NotFound: Zoho does not have it.
            Refused: Zoho declines it.
        """
        wanted = {"field": {"api_name": "source"}, "comparator": "equal", "value": source}
        params = {"page_token": page_token, "filters": json_body(wanted).decode() if source else None}
        payload = self._get(module, record_id, "__timeline", params=params)
        return page_of(payload, shapes.timeline_entry, "__timeline")
