"""Reads the filters of the list of flows."""

from __future__ import annotations

from dashboard.filters import FilterForm, OneOfField, TextField
from monitor.queries.flows import SORTS, FlowFilter


class FlowFilterForm(FilterForm):
    """Reads what the list of flows is narrowed to and sorted by."""

    text = TextField("Search", "name, app or id")
    status = OneOfField(
        [("active", "Active"), ("inactive", "Inactive"), ("gone", "Deleted in Zoho")], "Status", "All but deleted"
    )

    sorts = SORTS
    field_order = ["text", "status", "account"]

    def wanted(self) -> FlowFilter:
        cleaned = self.cleaned_data
        return FlowFilter(
            text=cleaned["text"], status=cleaned["status"], account_id=cleaned["account"], sort=self.sorted_by
        )
