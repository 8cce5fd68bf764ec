"""Asks for the options of a kind of condition; a kind's `form` has the fields and names its form as `FORM`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms

from monitor.alerting import kinds
from monitor.alerting.kinds.usual import UsualPace

if TYPE_CHECKING:
    from monitor.alerting.kinds.interface import Condition


class OptionsForm(forms.Form):
    """Asks for the options of one kind, in people's units. A field that is an option has the option's name.

    Attributes:
        kind: whose options; the name of its folder.
        title: the kind, in two or three words.
        notices: what it notices, in one sentence.
        fits: when it is the right one, in one sentence.
        order: where it stands among the kinds; the lower the earlier.
        is_of_flows: whether it is about a flow's runs, so that it can be narrowed to a flow and tried on its history.
        scopes: what it can be narrowed to beside the account, by the names of the fields of a rule's form.
        usual: how the flows of the rule run, as far as that is known; the form of a rule says it.
        kept: options that the rule has and the form was not sent; whoever changes a rule sets it.
    """

    kind: ClassVar[str]
    title: ClassVar[str]
    notices: ClassVar[str]
    fits: ClassVar[str]
    order: ClassVar[int] = 100
    is_of_flows: ClassVar[bool] = True
    scopes: ClassVar[tuple[str, ...]] = ("flow", "tag", "owner")
    usual: UsualPace
    kept: Mapping[str, Any] = MappingProxyType({})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, value in usual_options(self.kind).items():
            if name in self.fields and value is not None:
                self.initial.setdefault(name, value)

    def clean(self) -> dict[str, Any]:
        """Refuses what the condition itself refuses, at the field that it names."""
        data = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                self.condition()
            except ValueError as refusal:
                field = str(refusal).split(" ", 1)[0]
                label = self.fields[field].label if field in self.fields else None
                text = str(refusal).replace(field, str(label), 1) if label else str(refusal)
                self.add_error(field if label else None, f"{text}.")
        return data

    def options(self) -> dict[str, Any]:
        """Returns the options that were filled in, by the names of the condition's fields; of a valid form."""
        names = usual_options(self.kind)
        return {name: value for name, value in self.cleaned_data.items() if name in names and value not in (None, "")}

    def condition(self) -> Condition:
        """Returns the condition that the options make, with those that are kept.

        Raises:
            ValueError: they make none.
        """
        return kinds.condition_kinds()[self.kind](**(dict(self.kept) | self.options()))

    def told(self, condition: Condition) -> list[str]:
        """Returns what can be said beforehand of a rule with these options, in sentences."""
        return []


@cache
def usual_options(kind: str) -> Mapping[str, Any]:
    """Returns the options of a kind with their usual values."""
    of = fields(kinds.condition_kinds()[kind])  # type: ignore[arg-type] # each is a dataclass
    return MappingProxyType({one.name: None if one.default is MISSING else one.default for one in of})


@cache
def kind_forms() -> Mapping[str, type[OptionsForm]]:
    """Returns the form of each kind by the kind's name, in the order in which they are offered."""
    found = []
    for name in kinds.condition_kinds():
        module = f"{kinds.__name__}.{name}.form"
        if find_spec(module) is not None:
            found.append(import_module(module).FORM)
    return MappingProxyType({form.kind: form for form in sorted(found, key=lambda form: (form.order, form.title))})
