"""Reads the filters of the list of connections."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import QueryDict

from dashboard.filters import FilterForm, NameField, OneOfField, TextField
from monitor.languages import gettext as _
from monitor.languages import gettext_lazy
from monitor.models import Connection
from monitor.queries import connections
from monitor.queries.connections import BROKEN, GONE, OTHER, SORTS, WORKS, ConnectionFilter

STATES = [
    (BROKEN, gettext_lazy("Broken")),
    (WORKS, gettext_lazy("Active")),
    (OTHER, gettext_lazy("Any other word of Zoho's")),
    (GONE, gettext_lazy("Deleted in Zoho")),
]


class ConnectionFilterForm(FilterForm):
    """Reads what the list of connections is narrowed to and sorted by.

    Args:
        data: the address's query string.
        rows: all connections: the apps to choose from are theirs.
    """

    text = TextField(gettext_lazy("Search"), gettext_lazy("name, app or id"))
    state = OneOfField(STATES, gettext_lazy("State"), gettext_lazy("All but deleted"))
    app = NameField(label=gettext_lazy("App"))

    sorts = SORTS
    field_order = ["text", "state", "app", "account"]

    def __init__(self, data: QueryDict, rows: Sequence[Connection]) -> None:
        super().__init__(data)
        self.offer("app", connections.apps_among(rows), _("Any"))

    def wanted(self) -> ConnectionFilter:
        cleaned = self.cleaned_data
        return ConnectionFilter(
            text=cleaned["text"],
            app=cleaned["app"],
            state=cleaned["state"],
            account_id=cleaned["account"],
            sort=self.sorted_by,
        )
