"""Reads the filters of a list from its address: each view of a list is an address that can be passed on.

What cannot be read is an error beside its field (and a 400), never a 500 and never silently another list. Each
area's `forms.py` has the filters of its own lists.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django import forms
from django.core.validators import ProhibitNullCharactersValidator
from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.functional import lazy

from dashboard.columns import NAME as COLUMNS
from dashboard.columns import Column, ColumnsField
from monitor.languages import gettext as _
from monitor.languages import gettext_lazy
from monitor.models import ZohoAccount
from monitor.periods import day_start, moment_of

BIGGEST_ID = 2**63 - 1
NOBODY = "nobody"
FIRST_YEAR, LAST_YEAR = 2000, 2100
_PLUS_LOST = re.compile(r"^(.*\d:\d\d) (\d\d:?\d\d)$")
ANY = gettext_lazy("Any")
_no_such = lazy(lambda label: _("There is no such %(what)s.") % {"what": str(label or _("value")).lower()}, str)
OUT_OF_RANGE = f"Give a year between {FIRST_YEAR} and {LAST_YEAR}."


class TextField(forms.CharField):
    """Takes a text to search for."""

    is_wide = True

    def __init__(self, label: str, placeholder: str = "", *, longest: int = 200, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.TextInput(attrs={"placeholder": placeholder} if placeholder else {}))
        super().__init__(required=False, max_length=longest, label=label, **kwargs)


class TimeField(forms.DateTimeField):
    """Takes a time on the viewer's wall clock, between 2000 and 2100."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    default_error_messages = {
        "invalid": gettext_lazy("Give a time such as 2026-11-22T14:05 or a day such as 2026-11-22.")
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)

    def to_python(self, value: Any) -> datetime | None:
        """Reads a time; one without an offset is of the viewer's clock, also where that skips it or shows it twice."""
        if value in self.empty_values:
            return None
        try:
            # An offset's plus sign becomes a space in an address that nobody encoded.
            found = parse_datetime(_PLUS_LOST.sub(r"\1+\2", str(value).strip()))
            if found is None:
                raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
            result = (
                moment_of(found, timezone.get_current_timezone()) if found.tzinfo is None else found.astimezone(UTC)
            )
        except (ValueError, OverflowError):  # no such day; the year 1 in a zone east of Greenwich
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from None
        if not FIRST_YEAR <= result.year <= LAST_YEAR:
            raise forms.ValidationError(OUT_OF_RANGE, code="range")
        return result

    def prepare_value(self, value: Any) -> Any:
        """Shows a time by the viewer's clock, whatever offset the address gave it: a browser's field takes no other."""
        if not isinstance(value, str):
            return super().prepare_value(value)
        try:
            at = self.to_python(value)
        except forms.ValidationError:
            return value  # as typed, with the error beside it
        return at and at.astimezone(timezone.get_current_timezone()).replace(tzinfo=None)


class DayField(forms.DateField):
    """Takes one of the viewer's days, between 2000 and 2100."""

    widget = forms.DateInput(attrs={"type": "date"})
    default_error_messages = {"invalid": gettext_lazy("Give a day such as 2026-11-22.")}

    def __init__(self, label: str) -> None:
        super().__init__(input_formats=["%Y-%m-%d"], required=False, label=label)

    def to_python(self, value: Any) -> date | None:
        result: date | None = super().to_python(value)
        if result is not None and not FIRST_YEAR <= result.year <= LAST_YEAR:
            raise forms.ValidationError(OUT_OF_RANGE, code="range")
        return result


class OneOfField(forms.ChoiceField):
    """Takes one of a fixed set of words, such as a state."""

    def __init__(self, choices: Iterable[tuple[str, str]], label: str = "", empty: str = ANY, **kwargs: Any) -> None:
        messages = {"invalid_choice": _no_such(label)}
        kwargs.setdefault("error_messages", messages)
        super().__init__(choices=[("", empty), *choices], label=label or None, required=False, **kwargs)


class IdField(forms.TypedChoiceField):
    """Takes one of some rows by its primary key.

    An id that is not offered is still let through: it may name a row that the choices leave out, and at worst the
    list is empty, as for any address that has grown old.
    """

    default_error_messages = {"invalid_choice": gettext_lazy("This is not an id.")}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(coerce=int, empty_value=None, required=False, **kwargs)

    def valid_value(self, value: Any) -> bool:
        return is_key(str(value))


class PlaceField(forms.CharField):
    """Takes a place in a list that is read in pages, as the list writes it into addresses."""

    def __init__(self, decode: Callable[[str], object]) -> None:
        """Takes what reads a place.

        Args:
            decode: raises ValueError for what is none.
        """
        super().__init__(required=False, widget=forms.HiddenInput)
        self.decode = decode

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return None
        try:
            return self.decode(text)
        except ValueError:
            raise forms.ValidationError(_("The page's place in the address is damaged."), code="place") from None


def is_key(text: str) -> bool:
    """Says whether a text of an address can be a primary key."""
    return text.isascii() and text.isdigit() and len(text) < 20 and 0 < int(text) <= BIGGEST_ID


class OwnerField(IdField):
    """Takes a person's primary key, or "nobody", which becomes 0."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.coerce = lambda value: 0 if value == NOBODY else int(value)

    def valid_value(self, value: Any) -> bool:
        return value == NOBODY or super().valid_value(value)


class NameField(forms.ChoiceField):
    """Takes one of the names that stored rows bear, such as a module.

    Like an id, a name that no row bears any more is let through.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)
        self.validators.append(ProhibitNullCharactersValidator())

    def valid_value(self, value: Any) -> bool:
        return len(str(value)) <= 100


class FilterForm(forms.Form):
    """Reads a list's filters, its order and its place from a query string.

    A list's own form adds its fields and says in `wanted` what they mean; a list without accounts or without numbered
    pages sets `account` or `page` to None.

    Args:
        data: the address's query string.

    Attributes:
        sorts: the orders that a column's head offers, the usual one first.
        sort_name: the name of the order in the address.
    """

    account = IdField(label=gettext_lazy("Account"))
    page = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=100_000,
        widget=forms.HiddenInput,
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), gettext_lazy("There is no such page.")),
    )

    sorts: tuple[str, ...] = ()
    sort_name = "sort"
    places: tuple[str, ...] = ("page",)
    folded: tuple[str, ...] = ()  # filters that are set seldom: they stand behind a line that unfolds them

    def __init__(self, data: QueryDict) -> None:
        chooser = self.base_fields.get(COLUMNS)
        read = chooser.joined(data) if isinstance(chooser, ColumnsField) else data
        super().__init__(read)
        self._is_rewritten = read is not data
        self._knows_accounts = "account" not in self.fields
        if "flow" in self.fields:
            self.fields["flow"].data = self.own(read, *self.places)
        if self.sorts:
            choices = [(name, name) for name in self.sorts]
            self.fields[self.sort_name] = forms.ChoiceField(
                required=False,
                choices=choices,
                widget=forms.HiddenInput,
                error_messages={"invalid_choice": _("The list cannot be sorted by this.")},
            )

    @classmethod
    def own(cls, data: QueryDict, *left: str) -> QueryDict:
        """Keeps of what was sent what these filters are set to; nothing else gets into an address that is made of it.

        Args:
            data: a query string or a posted form.
            left: names of filters that are left out, too.
        """
        known = {*cls.base_fields, *([cls.sort_name] if cls.sorts else [])}.difference(left)
        kept = QueryDict(mutable=True)
        for name, values in data.lists():
            if name in known and any(values):
                kept.setlist(name, [value for value in values if value])
        return kept

    def __getitem__(self, name: str) -> forms.BoundField:
        """Returns a field as it is shown; the accounts are read where nobody has offered them."""
        if not self._knows_accounts:
            self.offer_accounts(ZohoAccount.objects.order_by("name").values_list("pk", "name"))
        return super().__getitem__(name)

    def offer_accounts(self, accounts: Iterable[tuple[int, str]]) -> None:
        """Sets the accounts that are offered, by name: a page has mostly read them already."""
        if "account" in self.fields:
            offered = list(accounts)
            self.offer("account", offered)
            if len(offered) < 2 and not self.data.get("account"):
                self.fields["account"].widget = forms.HiddenInput()
        self._knows_accounts = True

    def offer(self, name: str, rows: Iterable[tuple[Any, str]], empty: str = gettext_lazy("All")) -> None:
        """Sets a field's choices; what the address names beside them is offered, too, so that the page shows it."""
        choices = [("", empty), *rows]
        chosen = self.data.get(name, "")
        if chosen and chosen not in {str(value) for value, _ in choices} and self.fields[name].valid_value(chosen):
            choices.append((chosen, f"{chosen} (not here)"))
        self.fields[name].choices = choices

    def wanted(self) -> Any:
        """Returns what a valid form asks for, as the list's query takes it."""
        raise NotImplementedError

    @property
    def sorted_by(self) -> str:
        """Returns the order in force."""
        return self.cleaned_data.get(self.sort_name) or self.sorts[0]

    @property
    def is_narrowed(self) -> bool:
        """Tells whether any filter is set; the order, the place in the list and its columns are none."""
        none = (*self.places, self.sort_name, COLUMNS)
        return any(self.data.get(name) for name in self.fields if name not in none)

    @property
    def address(self) -> str:
        """Returns the query string that says the same in short: a flow that was typed becomes its key; else empty."""
        flow = self.cleaned_data.get("flow")
        if flow is None or self.data["flow"].strip() == str(flow):
            return self.own(self.data).urlencode() if self._is_rewritten else ""
        query = self.data.copy()
        query["flow"] = str(flow)
        return query.urlencode()

    @property
    def column_choices(self) -> list[tuple[Column, bool]]:
        """Returns the columns that can be chosen, each with whether it is shown; none of a list without a choice."""
        field = self.fields.get(COLUMNS)
        if not isinstance(field, ColumnsField) or not self.is_valid():
            return []
        return [(one, one.code in self.cleaned_data[COLUMNS]) for one in field.columns]

    @property
    def beside_columns(self) -> list[tuple[str, str]]:
        """Returns what a choice of columns leaves as it is: the filters and the order."""
        kept = self.own(self.data, COLUMNS, *self.places)
        return [(name, value) for name, values in kept.lists() for value in values]

    @property
    def open_fields(self) -> list[forms.BoundField]:
        """Returns the fields that always stand there."""
        return [field for field in self.visible_fields() if field.name not in self.folded]

    @property
    def folded_fields(self) -> list[forms.BoundField]:
        """Returns the fields behind a line that unfolds them."""
        return [field for field in self.visible_fields() if field.name in self.folded]

    @property
    def is_unfolded(self) -> bool:
        """Tells whether one of these cannot be read: then its error is to be seen."""
        return any(name in self.errors for name in self.folded)

    @property
    def kept(self) -> list[forms.BoundField]:
        """Returns the hidden fields that a new choice of filters leaves as they are. It begins at the first page."""
        hidden = (field for field in self.hidden_fields() if field.name not in self.places)
        return [field for field in hidden if field.value() and not field.errors]

    @property
    def hidden_errors(self) -> list[str]:
        """Returns the errors of fields that no person sees, as sentences for the top of the page."""
        return [str(error) for field in self.hidden_fields() for error in field.errors]

    def midnight(self, name: str, *, days: int = 0) -> datetime | None:
        """Finds the beginning of the day in the field `name`, or of one some days later, by the viewer's clock."""
        day = self.cleaned_data[name]
        return day and day_start(day + timedelta(days=days), timezone.get_current_timezone())
