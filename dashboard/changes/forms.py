"""Reads the filters of the list of changes, and the place in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms

from dashboard.filters import BIGGEST_ID, DayField, FilterForm, OneOfField, TextField
from monitor.queries.changes import KINDS, ChangeFilter, ChangePlace

_BEGIN = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def encode_place(place: ChangePlace) -> str:
    """Writes a place in the list as a part of an address: microseconds since 1970, the sort, the primary key."""
    return f"{(place.at - _BEGIN) // _MICROSECOND}-{place.source}-{place.pk}"


class PlaceField(forms.CharField):
    """Takes a place in the list of changes, as `encode_place` writes it."""

    def __init__(self) -> None:
        super().__init__(required=False, widget=forms.HiddenInput)

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return None
        parts = text.split("-")
        try:
            if len(text) > 60 or len(parts) != 3 or not all(part.isascii() and part.isdigit() for part in parts):
                raise ValueError
            at, source, pk = (int(part) for part in parts)
            if source > 99 or pk > BIGGEST_ID:
                raise ValueError
            return ChangePlace(_BEGIN + at * _MICROSECOND, source, pk)
        except (ValueError, OverflowError):
            raise forms.ValidationError("The page's place in the address is damaged.", code="place") from None


class ChangeFilterForm(FilterForm):
    """Reads what the list of changes is narrowed to; days are the viewer's."""

    text = TextField("Search", "name or id")
    kind = OneOfField(KINDS.items(), "Of", "Anything")
    first_day = DayField("From")
    last_day = DayField("To")
    after = PlaceField()
    before = PlaceField()
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
