"""Reads which two accounts are compared, and what of them is listed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms

from dashboard.filters import FilterForm, IdField, OneOfField, TextField
from monitor.definition_compare import DIFFERS, KINDS, LEFT_ONLY, RIGHT_ONLY, SAME
from monitor.languages import gettext as _
from monitor.languages import gettext_lazy, pgettext_lazy
from monitor.queries.compare import UNREAD, CompareFilter

STATES = (
    (DIFFERS, gettext_lazy("Differs")),
    (LEFT_ONLY, gettext_lazy("Only in the first")),
    (RIGHT_ONLY, gettext_lazy("Only in the second")),
    (UNREAD, gettext_lazy("Not read yet")),
    (SAME, gettext_lazy("The same")),
)


class CompareForm(FilterForm):
    """Reads two accounts and the filters; where the address names none, the first two by name are compared."""

    left = IdField(label=gettext_lazy("First account"))
    right = IdField(label=gettext_lazy("Second account"))
    text = TextField(gettext_lazy("Search"), gettext_lazy("name or id"))
    kind = OneOfField(
        ((kind, gettext_lazy(words)) for kind, words in KINDS.items()),
        pgettext_lazy("a change", "Of"),
        gettext_lazy("Anything"),
    )
    state = OneOfField(STATES, gettext_lazy("State"), gettext_lazy("All but the same"))
    account = None

    field_order = ["left", "right", "text", "kind", "state"]

    def offer_accounts(self, accounts: Iterable[tuple[int, str]]) -> None:
        """Sets the accounts to choose from."""
        offered = sorted(accounts, key=lambda account: (account[1].casefold(), account[0]))
        self.accounts = [key for key, _ in offered]
        sides = dict(zip(("left", "right"), self.sides(), strict=True))
        self.data = self.data.copy()
        for name, chosen in sides.items():
            # What is compared stands in the fields, also where the address does not name it.
            if not self.data.get(name) and chosen is not None:
                self.data[name] = str(chosen)
            self.offer(name, offered)
            self.fields[name].choices = [choice for choice in self.fields[name].choices if choice[0]]
        self._knows_accounts = True

    def sides(self) -> tuple[int | None, int | None]:
        """Returns the keys of both accounts; None where there is no second one."""
        left, right = (self._chosen(name) for name in ("left", "right"))
        left = left or next((key for key in self.accounts if key != right), None)
        return left, right or next((key for key in self.accounts if key != left), None)

    def _chosen(self, name: str) -> int | None:
        text = self.data.get(name, "")
        return int(text) if self.fields[name].valid_value(text) else None

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("left") and cleaned.get("left") == cleaned.get("right"):
            self.add_error("right", forms.ValidationError(_("Choose another account than the first."), code="same"))
        return cleaned

    @property
    def is_narrowed(self) -> bool:
        """Tells whether anything is left out; which accounts are compared is no filter."""
        return any(self.data.get(name) for name in ("text", "kind", "state"))

    def wanted(self) -> CompareFilter:
        cleaned = self.cleaned_data
        return CompareFilter(text=cleaned["text"], kind=cleaned["kind"], state=cleaned["state"])
