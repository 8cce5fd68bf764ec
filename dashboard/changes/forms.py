"""Reads the filters of the list of changes, and the place in it."""

from __future__ import annotations

from dashboard.filters import BIGGEST_ID, DayField, FilterForm, OneOfField, PlaceField, TextField
from dashboard.moments import moment_text, read_moment
from monitor.languages import gettext_lazy, pgettext_lazy
from monitor.queries.changes import KINDS, ChangeFilter, ChangePlace


def encode_place(place: ChangePlace) -> str:
    """Writes a place in the list as a part of an address: microseconds since 1970, the sort, the primary key."""
    return f"{moment_text(place.at)}-{place.source}-{place.pk}"


def decode_place(text: str) -> ChangePlace:
    """Reads the place that `encode_place` wrote.

    Raises:
        ValueError: it did not write this.
    """
    at, _, row = text.partition("-")
    source, _, pk = row.partition("-")
    if len(text) > 60 or not all(part.isascii() and part.isdigit() for part in (source, pk)):
        raise ValueError("not a place in the list")
    if int(source) > 99 or int(pk) > BIGGEST_ID:
        raise ValueError("not a place in the list")
    return ChangePlace(read_moment(at), int(source), int(pk))


class ChangeFilterForm(FilterForm):
    """Reads what the list of changes is narrowed to; days are the viewer's."""

    text = TextField(gettext_lazy("Search"), gettext_lazy("name or id"))
    kind = OneOfField(
        ((kind, gettext_lazy(words)) for kind, words in KINDS.items()),
        pgettext_lazy("a change", "Of"),
        gettext_lazy("Anything"),
    )
    first_day = DayField(gettext_lazy("From"))
    last_day = DayField(gettext_lazy("To"))
    after = PlaceField(decode_place)
    before = PlaceField(decode_place)
    page = None

    places = ("after", "before")
    field_order = ["text", "kind", "first_day", "last_day", "account"]

    def wanted(self) -> ChangeFilter:
        cleaned = self.cleaned_data
        return ChangeFilter(
            text=cleaned["text"],
            kind=cleaned["kind"],
            account_id=cleaned["account"],
            start=self.midnight("first_day"),
            end=self.midnight("last_day", days=1),
            after=cleaned["after"],
            before=cleaned["before"],
        )
