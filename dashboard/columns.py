"""Lets a viewer choose the columns of a list: the choice stands in its address, and so in a saved view.

The usual columns are no part of an address. Boxes that were ticked come as several values; they become one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import QueryDict

from monitor.languages import gettext as _
from monitor.languages import gettext_lazy

NAME = "columns"  # in an address
FIRST = "first"  # stands for the column that is always shown, so that it alone can be chosen
_BETWEEN = "-"


@dataclass(frozen=True, slots=True)
class Column:
    """Holds a column that can be left out.

    Attributes:
        code: in an address.
        label: its head.
        fields: which fields of the exported file it shows.
        is_usual: whether it stands there unless somebody says otherwise.
    """

    code: str
    label: str
    fields: tuple[str, ...] = ()
    is_usual: bool = True


class ColumnsField(forms.CharField):
    """Takes the codes of the columns that are shown, and gives them in the list's order, `FIRST` before them.

    Args:
        columns: all that can be chosen.
        first: which fields of the exported file the first column shows, which always stands there.
    """

    def __init__(self, columns: Sequence[Column], first: tuple[str, ...] = ()) -> None:
        self.columns, self.first = tuple(columns), first
        super().__init__(required=False, label=gettext_lazy("Columns"), max_length=200, widget=forms.HiddenInput)

    @property
    def usual(self) -> tuple[str, ...]:
        return (FIRST, *(one.code for one in self.columns if one.is_usual))

    def clean(self, value: Any) -> tuple[str, ...]:
        """Reads the columns of an address.

        Raises:
            ValidationError: there is no such column.
        """
        text = super().clean(value)
        if not text:
            return self.usual
        asked = set(text.split(_BETWEEN)) - {FIRST}
        if asked - {one.code for one in self.columns}:
            raise forms.ValidationError(_("There is no such column."), code="column")
        return (FIRST, *(one.code for one in self.columns if one.code in asked))

    def fields_of(self, shown: Iterable[str]) -> list[str]:
        """Returns the fields of the exported file that some columns show, with those of the first."""
        codes = set(shown)
        return [*self.first, *(name for one in self.columns if one.code in codes for name in one.fields)]

    def joined(self, data: QueryDict) -> QueryDict:
        """Returns a query string with the columns as one value, and none where they are the usual ones."""
        values = [value for value in data.getlist(NAME) if value]
        asked = {code for value in values for code in value.split(_BETWEEN)}
        if not values or asked - {one.code for one in self.columns} - {FIRST}:
            return data
        chosen = (FIRST, *(one.code for one in self.columns if one.code in asked))
        text = "" if chosen == self.usual else _BETWEEN.join(chosen)
        if values == [text]:
            return data
        read = data.copy()
        read.pop(NAME)
        if text:
            read[NAME] = text
        return read
