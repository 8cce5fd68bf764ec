"""Asks for criteria and actions of a workflow rule in fields, and makes its definition of them.

What fields cannot say (groups within groups, related records, actions that are made within the rule) is left to JSON.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django import forms

from dashboard.edits.forms import WishForm, in_lines
from monitor.edits.body import ASSOCIATIVE
from monitor.edits.check import DELAYS
from monitor.edits.unmask import StillHidden, restored, shown_definition
from monitor.models import ZohoAccount
from monitor.rule_words.vocabulary import ACTIONS, COMPARATORS, PERIODS, TRIGGERS

CRITERIA, NEW_ACTIONS, LATER_ACTIONS = 5, 4, 2
JOINS = [("AND", "all of them"), ("OR", "one of them")]
Json = dict[str, Any]

# What fields can make: shared actions by their id, tags by their names.
_OFFERED = (*ASSOCIATIVE, "add_tags", "remove_tags")
ACTION_CHOICES = [("", "none"), *((kind, ACTIONS[kind].name) for kind in _OFFERED)]
COMPARATOR_CHOICES = [("", "–"), *COMPARATORS.items()]
DELAY_CHOICES = [
    (name, PERIODS[name][1] if isinstance(PERIODS.get(name), tuple) else name.replace("_", " ")) for name in DELAYS
]


def _text(label: str, **kwargs: Any) -> forms.CharField:
    widget = forms.TextInput(attrs={"autocomplete": "off"})
    return forms.CharField(label=label, required=False, max_length=1000, widget=widget, **kwargs)


class CriteriaForm(WishForm):
    """Adds the rows of criteria and of new actions to a form."""

    operator = forms.ChoiceField(label="The record must fulfil", choices=JOINS, required=False)

    def groups(self) -> list[list[forms.BoundField]]:
        """Returns the visible fields as they stand in rows: those of one criterion or action beside each other."""
        found: list[list[forms.BoundField]] = []
        last = ""
        for field in self.visible_fields():
            parts = field.name.split("_")
            number = next((part for part in parts if part.isdigit()), "")
            row = (
                f"{'criterion' if parts[0] in ('field', 'comparator', 'value') else parts[0]} {number}"
                if number
                else ""
            )
            if row and row == last:
                found[-1].append(field)
            else:
                found.append([field])
            last = row
        return found

    def add_rows(self) -> None:
        """Adds the fields, numbered from 1."""
        for number in range(1, CRITERIA + 1):
            self.fields[f"field_{number}"] = _text(f"Criterion {number}: field (API name)")
            self.fields[f"comparator_{number}"] = forms.ChoiceField(
                label=f"Criterion {number}: comparison", choices=COMPARATOR_CHOICES, required=False
            )
            self.fields[f"value_{number}"] = _text(f"Criterion {number}: value")
        for number in range(1, NEW_ACTIONS + 1):
            self._add_action("action", number, f"Action {number}")

    def _add_action(self, prefix: str, number: int, label: str) -> None:
        self.fields[f"{prefix}_{number}"] = forms.ChoiceField(label=label, choices=ACTION_CHOICES, required=False)
        self.fields[f"{prefix}_{number}_what"] = _text(f"{label}: id in its list, or tags with commas between")

    def _criteria(self) -> Json | None:
        found = []
        for number in range(1, CRITERIA + 1):
            field, comparator, value = (
                self.cleaned_data.get(f"{name}_{number}") for name in ("field", "comparator", "value")
            )
            if field or value or comparator:
                found.append({"comparator": comparator, "field": {"api_name": field}, "type": "value", "value": value})
        if not found:
            return None
        return (
            found[0] if len(found) == 1 else {"group_operator": self.cleaned_data["operator"] or "AND", "group": found}
        )

    def _actions(self, prefix: str, most: int, module: str) -> list[Json]:
        return list(self._each_action(prefix, most, module))

    def _each_action(self, prefix: str, most: int, module: str) -> Iterator[Json]:
        for number in range(1, most + 1):
            kind, what = (
                self.cleaned_data.get(f"{prefix}_{number}"),
                self.cleaned_data.get(f"{prefix}_{number}_what", ""),
            )
            if not kind:
                continue
            if kind in ASSOCIATIVE:
                yield {"type": kind, "id": what.strip()}
            else:
                tags = [{"name": name.strip()} for name in what.split(",") if name.strip()]
                details: Json = {"module": {"api_name": module}, "tags": tags}
                yield {"type": kind, "details": details | ({"over_write": False} if kind == "add_tags" else {})}

    def clean(self) -> Json:
        cleaned = super().clean() or {}
        for number in range(1, CRITERIA + 1):
            names = [f"{name}_{number}" for name in ("field", "comparator")]
            told = [bool(cleaned.get(name)) for name in names]
            if any(told) and not all(told):
                self.add_error(names[told.index(False)], "A criterion needs a field and a comparison.")
        for name in [name for name in self.fields if name.endswith("_what")]:
            if cleaned.get(name.removesuffix("_what")) and not cleaned.get(name):
                self.add_error(name, "Say which: an id of its list, or tags.")
        return cleaned


class RuleForm(CriteriaForm):
    """Asks for a new rule with one condition."""

    account = forms.ModelChoiceField(ZohoAccount.objects.none(), label="Account", empty_label=None)
    name = forms.CharField(label="Name", max_length=100, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    description = forms.CharField(label="Description", required=False, widget=forms.Textarea(attrs={"rows": 3}))
    module = forms.CharField(label="Module (API name)", max_length=100, help_text="Such as Deals or Leads.")
    trigger = forms.ChoiceField(
        label="Runs when a record is", choices=[(name, words.name) for name, words in TRIGGERS.items()]
    )
    trigger_field = _text("Of a field's update: field (API name)")
    trigger_comparator = forms.ChoiceField(
        label="Of a field's update: comparison", choices=COMPARATOR_CHOICES, required=False
    )
    trigger_value = _text("Of a field's update: value")
    later_unit = forms.IntegerField(label="Later actions after", min_value=0, max_value=1000, required=False)
    later_period = forms.ChoiceField(label="Later actions: unit", choices=DELAY_CHOICES, required=False, initial="days")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.add_rows()
        for number in range(1, LATER_ACTIONS + 1):
            self._add_action("later", number, f"Later action {number}")
        first = [
            "account",
            "name",
            "description",
            "module",
            "trigger",
            "trigger_field",
            "trigger_comparator",
            "trigger_value",
        ]
        last = [name for name in self.fields if name.startswith("later_")]
        last.sort(key=lambda name: name not in ("later_unit", "later_period"))
        self.order_fields([*first, *(name for name in self.fields if name not in (*first, *last)), *last])
        accounts = ZohoAccount.objects.filter(is_active=True).exclude(crm_url="").order_by("name", "pk")
        self.fields["account"].queryset = accounts  # type: ignore[attr-defined]

    def clean(self) -> Json:
        cleaned = super().clean()
        if self._actions_of(cleaned, "later", LATER_ACTIONS) and cleaned.get("later_unit") is None:
            self.add_error("later_unit", "Say after how long.")
        return cleaned

    @staticmethod
    def _actions_of(cleaned: Mapping[str, Any], prefix: str, most: int) -> list[str]:
        return [kind for number in range(1, most + 1) if (kind := cleaned.get(f"{prefix}_{number}"))]

    def definition(self) -> Json:
        """Returns the definition of the rule. Only of a valid form."""
        said = self.cleaned_data
        module = said["module"].strip()
        details: Json = {"trigger_module": {"api_name": module}}
        if said["trigger_field"] and said["trigger_comparator"]:
            details["criteria"] = {
                "comparator": said["trigger_comparator"],
                "field": {"api_name": said["trigger_field"]},
                "type": "value",
                "value": said["trigger_value"],
            }
            details |= {"repeat": False, "match_all": False}
        condition: Json = {"sequence_number": 1}
        if (criteria := self._criteria()) is not None:
            condition["criteria_details"] = {"criteria": criteria}
        if actions := self._actions("action", NEW_ACTIONS, module):
            condition["instant_actions"] = {"actions": actions}
        if later := self._actions("later", LATER_ACTIONS, module):
            after = {"period": said["later_period"], "unit": said["later_unit"]}
            condition["scheduled_actions"] = [{"execute_after": after, "actions": later}]
        found = {"name": said["name"], "module": {"api_name": module}, "conditions": [condition]}
        if said["description"]:
            found["description"] = said["description"]
        return found | {"execute_when": {"type": said["trigger"], "details": details}}


class RuleChangeForm(CriteriaForm):
    """Asks for another name, other criteria and further actions of a rule with one condition, or of its first.

    Args:
        base: the definition as it is.
    """

    name = forms.CharField(label="Name", max_length=500, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    description = forms.CharField(label="Description", required=False, widget=forms.Textarea(attrs={"rows": 3}))
    taken_out = forms.MultipleChoiceField(
        label="Take out these actions", required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, base: Json, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.add_rows()
        self.base, self.shown = base, shown_definition(base)
        self.fields["name"].initial = self.shown.get("name", "")
        self.fields["description"].initial = self.shown.get("description", "")
        self.fields["taken_out"].choices = list(_actions_there(self.shown))  # type: ignore[attr-defined]
        criteria = _flat(_first(self.shown))
        self.can_say_criteria = criteria is not None
        if criteria is None:
            for name in [
                name for name in self.fields if name.split("_")[0] in ("field", "comparator", "value", "operator")
            ]:
                del self.fields[name]
        else:
            self._show(*criteria)
        first = ["name", "description", "operator"]
        rest = [name for name in self.fields if name not in (*first, "taken_out")]
        self.order_fields([*first, *rest, "taken_out"])

    def _show(self, operator: str, parts: list[Json]) -> None:
        self.fields["operator"].initial = operator
        for number, part in enumerate(parts, start=1):
            self.fields[f"field_{number}"].initial = part["field"].get("api_name", "")
            self.fields[f"comparator_{number}"].initial = part.get("comparator", "")
            self.fields[f"value_{number}"].initial = part.get("value", "")

    def clean(self) -> Json:
        cleaned = super().clean()
        if not self.errors:
            try:
                self.wanted = restored(self._as_shown(cleaned), self.base)
            except StillHidden as hidden:
                raise forms.ValidationError(hidden.text) from None
        return cleaned

    def wish(self) -> Json:
        return {"definition": self.wanted}

    def _as_shown(self, said: Json) -> Json:
        """Returns the definition with what was said, hidden parts as they were shown."""
        module = self.shown.get("module")
        module_name = str((module.get("api_name") if isinstance(module, dict) else module) or "")
        found = {**self.shown}
        for name in ("name", "description"):
            if (text := in_lines(said[name])) != in_lines(str(self.shown.get(name) or "")):
                found[name] = text or None
        conditions = [dict(one) for one in self.shown.get("conditions") or []]
        if not conditions:
            conditions = [{"sequence_number": 1}]
        first = conditions[0]
        if self.can_say_criteria:
            criteria = self._criteria()
            was = (first.get("criteria_details") or {}).get("criteria")
            if not _says_the_same(was, criteria):
                first["criteria_details"] = {"criteria": criteria} if criteria else None
        out = set(said["taken_out"])
        kept = [one for one in _list_of(first) if f"instant:{one.get('id')}" not in out]
        first["instant_actions"] = {"actions": [*kept, *self._actions("action", NEW_ACTIONS, module_name)]}
        found["conditions"] = conditions
        return found


def _first(definition: Json) -> Json:
    conditions = definition.get("conditions")
    return conditions[0] if isinstance(conditions, list) and conditions else {}


def _list_of(condition: Json) -> list[Json]:
    group = condition.get("instant_actions")
    actions = group.get("actions") if isinstance(group, dict) else None
    return list(actions) if isinstance(actions, list) else []


def _actions_there(shown: Json) -> Iterator[tuple[str, str]]:
    for action in _list_of(_first(shown)):
        words = ACTIONS.get(str(action.get("type")))
        kind = words.name if words is not None else str(action.get("type"))
        yield f"instant:{action.get('id')}", f"{kind}: {action.get('name') or action.get('id')}"


def _flat(condition: Json) -> tuple[str, list[Json]] | None:
    """Returns the criteria that rows of fields can say; None where they cannot."""
    details = condition.get("criteria_details") or {}
    if details.get("relational_criteria"):
        return None
    criteria = details.get("criteria")
    if not criteria:
        return "AND", []
    parts = criteria.get("group") if "group" in criteria else [criteria]
    operator = str(criteria.get("group_operator") or "AND").upper()
    is_plain = isinstance(parts, list) and len(parts) <= CRITERIA and all(
        isinstance(one, dict) and isinstance(one.get("field"), dict) and one.get("comparator") in COMPARATORS
        and isinstance(one.get("value", ""), str) and one.get("type", "value") == "value"
        for one in parts
    )  # fmt: skip
    return (operator, parts) if is_plain else None


def _says_the_same(was: Json | None, said: Json | None) -> bool:
    """Returns whether rows of fields still say what they were filled with; ids and types of fields are in none."""
    one, other = (_flat({"criteria_details": {"criteria": each}}) for each in (was, said))
    if one is None or other is None:
        return False
    return (one[0] if len(one[1]) > 1 else "", _bare(one[1])) == (
        other[0] if len(other[1]) > 1 else "",
        _bare(other[1]),
    )


def _bare(parts: list[Json]) -> list[tuple[str, str, str]]:
    return [(one["field"].get("api_name", ""), one.get("comparator", ""), one.get("value", "")) for one in parts]
