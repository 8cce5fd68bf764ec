"""Asks for a workflow rule in fields: its trigger, and up to ten conditions with criteria, actions, scheduled actions.

Parts are added and taken out by buttons that show the form anew with what was typed, so that it works without scripts.
What fields cannot show is said to be so, stays as it is, and is left to JSON.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, Self

from django import forms

from dashboard.edits.forms import JsonField, WishForm, in_lines
from dashboard.edits.part_views import PartView, condition_views, trigger_view
from dashboard.edits.typed_parts import (
    ACTION,
    COMPARISON,
    CONDITION,
    TRIGGER,
    NoSuchPart,
    TypedPart,
    change_parts,
    may_add,
    new_condition,
    new_part,
    read_typed,
    walk,
    written,
)
from dashboard.edits.typed_rules import TypedRule
from dashboard.edits.typed_texts import (
    REPLACE_TAGS,
    TAGS,
    UnreadableText,
    read_what,
    trigger_details,
    typed_rule,
)
from monitor.edits.body import ASSOCIATIVE
from monitor.edits.check import CATEGORIES, DELAYS, category_of, module_of, trigger_of
from monitor.edits.unmask import StillHidden, is_shortened, shown_definition
from monitor.models import ZohoAccount
from monitor.queries.rule_suggestions import RuleSuggestions, rule_suggestions
from monitor.rule_words.vocabulary import ACTIONS, COMPARATORS, PERIODS, TRIGGERS, ZOHOS_WORD

JOINS = [("AND", "all of these"), ("OR", "one of these")]
Json = dict[str, Any]
Choices = list[tuple[str, Any]]

_TAG_WORDS = {kind: ACTIONS[kind].name for kind in ("add_tags", "remove_tags")}
_TAG_WORDS[REPLACE_TAGS] = "Replace all tags"
ACTION_CHOICES: Choices = [
    ("", "none"),
    ("By its id in Zoho's list", [(kind, ACTIONS[kind].name) for kind in ASSOCIATIVE]),
    ("By their names", [(kind, _TAG_WORDS[kind]) for kind in TAGS]),
    (
        "By its details, as JSON",
        [(kind, words.name) for kind, words in ACTIONS.items() if kind not in (*ASSOCIATIVE, *TAGS)],
    ),
]
COMPARATOR_CHOICES: Choices = [("", "–"), *COMPARATORS.items()]
DELAY_CHOICES: Choices = [(name, PERIODS[name][1]) for name in DELAYS]
TRIGGER_CHOICES: Choices = [(name, words.name) for name, words in TRIGGERS.items()]
_OF_TRIGGER = ("repeat", "match_all")
NOT_IN_FIELDS = "Its conditions have a form that fields cannot show: they stay as they are, and can be changed as JSON."
TOO_LONG = "Its definition is too long to be shown whole here: change it in Zoho."


def _text(label: str, **attrs: Any) -> forms.CharField:
    widget = forms.TextInput(attrs={"autocomplete": "off", **attrs})
    return forms.CharField(label=label, required=False, max_length=20_000, strip=False, widget=widget)


class PartsForm(WishForm):
    """Adds the fields of a rule's parts to a form.

    Args:
        data: what was sent; None for a form that is not filled in yet.
        parts: what the form begins with where nothing was sent.
        focus: the place of the part that the cursor goes to.
    """

    has_parts = True

    def __init__(
        self, data: Mapping[str, Any] | None = None, *args: Any, parts: TypedPart, focus: str = "", **kwargs: Any
    ) -> None:
        super().__init__(data, *args, **kwargs)
        self.parts = parts if data is None else read_typed(data)
        self.refusal = ""
        for path, part in walk(self.parts):
            for name, text in part.texts.items():
                self.fields[f"{path}_{name}"] = self._field(name, text, part)
        seen = [name for name in self.fields if not name.endswith(("_at", "_op"))]
        if focus and (starts := [name for name in seen if name.startswith(focus)]):
            self.fields[starts[0]].widget.attrs["autofocus"] = True

    def with_parts(self, wish: str) -> Self:
        """Returns the form with one part added or taken out, and with what was typed; errors are not looked for.

        Args:
            wish: see `typed_parts.change_parts`.
        """
        refusal, focus, parts = "", "", copy.deepcopy(self.parts)
        try:
            focus = change_parts(parts, wish)
        except NoSuchPart as wrong:
            refusal = str(wrong)
        typed = {name: self[name].value() for name in self.base_fields if name in self.fields}
        form = self._anew(parts=parts, focus=focus, initial=typed | written(parts))
        form.refusal = refusal
        return form

    def _anew(self, **kwargs: Any) -> Self:
        return type(self)(**kwargs)

    @property
    def shown(self) -> Json:
        """Returns the definition that the form was filled from, as people may see it."""
        return {}

    def _field(self, name: str, text: str, part: TypedPart) -> forms.Field:
        if name == "at":
            return forms.CharField(required=False, max_length=3, widget=forms.HiddenInput, initial=text)
        if name == "op":
            return forms.ChoiceField(label="The record must fulfil", choices=JOINS, initial=text)
        chosen = {"comparator": ("Comparison", COMPARATOR_CHOICES), "kind": ("Action", ACTION_CHOICES)}
        chosen["period"] = ("Unit", DELAY_CHOICES)
        if name in chosen:
            label, choices = chosen[name]
            return forms.ChoiceField(label=label, choices=_with(choices, text), required=False, initial=text)
        if name == "what" and text.startswith("{"):
            widget = forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "class": "mono"})
            return forms.CharField(label="Its details (JSON)", required=False, widget=widget, initial=text, strip=False)
        labels = {"field": "Field (API name)", "value": "Value", "what": "Id, tags or details", "unit": "After"}
        attrs = {"unit": {"inputmode": "numeric"}, "field": {"list": "used-fields"}, "what": {"list": "used-actions"}}
        found = _text(labels[name], **attrs.get(name, {}))
        found.initial = text
        return found

    @cached_property
    def suggestions(self) -> RuleSuggestions:
        """Returns what is suggested for fields and actions, of the account and module that the rule is of."""
        account, module = self.subject
        return rule_suggestions(account, module) if account is not None else RuleSuggestions()

    @property
    def subject(self) -> tuple[int | None, str]:
        """Returns the rule's account, None where none is chosen, and the API name of its module."""
        return None, ""

    @cached_property
    def conditions(self) -> list[PartView]:
        """Returns the conditions as the page shows them."""
        return condition_views(self.parts, self.shown, self.__getitem__)

    @cached_property
    def trigger_part(self) -> PartView | None:
        """Returns what a field's update is compared with, as the page shows it."""
        return trigger_view(next(iter(self.parts.of(TRIGGER)), None), self.__getitem__)

    @property
    def may_add_condition(self) -> bool:
        """Returns whether there is room for another condition."""
        return may_add(self.parts, CONDITION)

    def first_fields(self) -> list[forms.BoundField]:
        """Returns the fields of the whole rule."""
        return [self[name] for name in self.base_fields if name in self.fields and name not in _OF_TRIGGER]

    def trigger_fields(self) -> list[forms.BoundField]:
        """Returns the fields that say more of the trigger."""
        return [self[name] for name in _OF_TRIGGER if name in self.fields]

    def clean(self) -> Json:
        cleaned = super().clean() or {}
        for path, part in walk(self.parts):
            if not part.is_empty:
                self._judge(path, part)
        return cleaned

    def _judge(self, path: str, part: TypedPart) -> None:
        if "comparator" in part.texts:
            missing = next((name for name in ("field", "comparator") if not part.text(name).strip()), "")
            if missing:
                self.add_error(f"{path}_{missing}", "A criterion needs a field and a comparison.")
        elif "kind" in part.texts:
            self._judge_action(path, part)
        elif "unit" in part.texts:
            unit = part.text("unit").strip()
            if not unit:
                self.add_error(f"{path}_unit", "Say after how long.")
            elif not (unit.isascii() and unit.isdigit() and len(unit) <= 6):
                self.add_error(f"{path}_unit", "Give a whole number.")
            if all(one.is_empty for one in part.of(ACTION)):
                self.add_error(f"{path}_unit", "Say what is done then: it has no action.")

    def _judge_action(self, path: str, part: TypedPart) -> None:
        kind, what = part.text("kind"), part.text("what").strip()
        if not kind:
            self.add_error(f"{path}_kind", "Say what is done, or take it out.")
        elif not what and part.at is None:
            words = "an id of its list" if kind in ASSOCIATIVE else "tags" if kind in TAGS else "details"
            self.add_error(f"{path}_what", f"Say which: {words}.")
        elif what and part.at is None:
            try:
                read_what(kind, what, None, "")
            except UnreadableText as wrong:
                self.add_error(f"{path}_what", f"{wrong} Actions of this kind are told so.")


class RuleForm(PartsForm):
    """Asks for a new rule."""

    account = forms.ModelChoiceField(ZohoAccount.objects.none(), label="Account", empty_label=None)
    name = forms.CharField(label="Name", max_length=500, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    description = forms.CharField(label="Description", required=False, widget=forms.Textarea(attrs={"rows": 3}))
    module = forms.CharField(label="Module (API name)", max_length=100, help_text="Such as Deals or Leads.")
    trigger = forms.ChoiceField(label="Runs when a record is", choices=TRIGGER_CHOICES)
    repeat = forms.BooleanField(label="Each time it is updated so, not only the first", required=False)
    match_all = forms.BooleanField(label="Only where all of these fields are updated at once", required=False)
    more = JsonField(
        label="Further details of the trigger (JSON)",
        required=False,
        help_text="Of triggers about dates, scores and mails, as Zoho's documents name them.",
    )

    def __init__(self, data: Any = None, *args: Any, parts: TypedPart | None = None, **kwargs: Any) -> None:
        trigger = TypedPart({"op": "AND"}, {COMPARISON: [new_part("comparison")[1]]})
        begins = parts or TypedPart(parts={TRIGGER: [trigger], CONDITION: [new_condition()]})
        super().__init__(data, *args, parts=begins, **kwargs)
        self.fields["more"].widget.attrs["rows"] = 3
        accounts = ZohoAccount.objects.filter(is_active=True).exclude(crm_url="").order_by("name", "pk")
        self.fields["account"].queryset = accounts  # type: ignore[attr-defined]

    def clean(self) -> Json:
        cleaned = super().clean()
        if not self.errors:
            try:
                self.made = self._made(cleaned)
            except StillHidden as hidden:
                raise forms.ValidationError(hidden.text) from None
            except UnreadableText as wrong:
                raise forms.ValidationError(f"Details of an action: {wrong}") from None
        return cleaned

    @property
    def subject(self) -> tuple[int | None, str]:
        chosen, module = str(self["account"].value() or ""), str(self["module"].value() or "").strip()
        known = {str(account.pk): account.pk for account in self.fields["account"].queryset}  # type: ignore[attr-defined]
        return known.get(chosen), module

    def definition(self) -> Json:
        """Returns the definition of the rule. Only of a valid form."""
        return self.made

    def _made(self, said: Json) -> Json:
        module = said["module"].strip()
        rule = TypedRule({}, module)
        ticks: dict[str, bool] = {"repeat": said["repeat"], "match_all": said["match_all"]}
        found: Json = {"name": said["name"], "module": {"api_name": module}, "conditions": rule.conditions(self.parts)}
        if said["description"]:
            found["description"] = said["description"]
        return found | {"execute_when": rule.trigger(self.parts, said["trigger"], ticks, said["more"] or {})}


class RuleChangeForm(PartsForm):
    """Asks for another name, trigger, criteria and actions of a rule, filled from it as it is.

    Args:
        base: the definition as it is.
        account: the primary key of the rule's account, for suggestions; None for none.
    """

    name = forms.CharField(label="Name", max_length=500, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    description = forms.CharField(label="Description", required=False, widget=forms.Textarea(attrs={"rows": 3}))
    trigger = forms.ChoiceField(label="Runs when a record is", choices=[])
    repeat = forms.BooleanField(label="Each time it is updated so, not only the first", required=False)
    match_all = forms.BooleanField(label="Only where all of these fields are updated at once", required=False)

    def __init__(
        self,
        data: Any = None,
        *args: Any,
        base: Json,
        account: int | None = None,
        parts: TypedPart | None = None,
        **kwargs: Any,
    ) -> None:
        self.base, self.account, self._shown = base, account, shown_definition(base)
        whole = typed_rule(self._shown) if not is_shortened(base) else None
        self.can_say_conditions = whole is not None
        whole = whole or TypedPart()
        if parts is None and TRIGGER in whole.parts and not _asks_fields(self._shown):
            del whole.parts[TRIGGER]
        super().__init__(data, *args, parts=parts if parts is not None else whole, **kwargs)
        details = trigger_details(self._shown)
        filled: Json = {name: str(self._shown.get(name) or "") for name in ("name", "description")}
        filled |= {"trigger": trigger_of(self._shown)} | {
            name: bool(details.get(name)) for name in ("repeat", "match_all")
        }
        for name, value in filled.items():
            self.fields[name].initial = value
        self.fields["trigger"].choices = list(_triggers_of(trigger_of(base)))  # type: ignore[attr-defined]
        if not _asks_fields(self._shown):
            for name in ("repeat", "match_all"):
                del self.fields[name]
        if not self._has_trigger:
            del self.fields["trigger"]

    @property
    def _has_trigger(self) -> bool:
        return isinstance(self.base.get("execute_when"), dict) and bool(trigger_of(self.base))

    def _anew(self, **kwargs: Any) -> Self:
        return type(self)(base=self.base, account=self.account, **kwargs)

    @property
    def subject(self) -> tuple[int | None, str]:
        return self.account, module_of(self.base)

    @property
    def shown(self) -> Json:
        return self._shown

    @property
    def note(self) -> str:
        """Returns what fields cannot show of the rule, "" where they show all."""
        if is_shortened(self.base):
            return TOO_LONG
        if not self.can_say_conditions:
            return NOT_IN_FIELDS
        has_trigger = TRIGGER in (typed_rule(self._shown) or TypedPart()).parts
        is_said = (has_trigger and self.trigger_part is not None) or not trigger_details(self._shown).get("criteria")
        return "" if is_said else "What its trigger looks at stays as it is, and can be changed as JSON."

    def clean(self) -> Json:
        cleaned = super().clean()
        if not self.errors:
            try:
                self.wanted = self._made(cleaned)
            except StillHidden as hidden:
                raise forms.ValidationError(hidden.text) from None
            except UnreadableText as wrong:
                raise forms.ValidationError(f"Details of an action: {wrong}") from None
        return cleaned

    def wish(self) -> Json:
        return {"definition": self.wanted}

    def _made(self, said: Json) -> Json:
        rule = TypedRule(self.base, module_of(self._shown))
        found = {**self.base}
        for name in ("name", "description"):
            if (text := in_lines(said[name])) != in_lines(str(self._shown.get(name) or "")):
                found[name] = rule.text(name, text) if text else None
        ticks: dict[str, bool] = {name: said[name] for name in ("repeat", "match_all") if name in said}
        if self._has_trigger:
            found["execute_when"] = rule.trigger(self.parts, said["trigger"], ticks, {})
        if self.can_say_conditions:
            found["conditions"] = rule.conditions(self.parts)
        return found


def _asks_fields(shown: Json) -> bool:
    """Returns whether the trigger looks at fields, or can be made to by choosing another one of its category."""
    trigger = trigger_of(shown)
    return "field_update" in CATEGORIES.get(category_of(trigger), (trigger,)) or trigger.endswith("field_update")


def _triggers_of(trigger: str) -> Iterator[tuple[str, str]]:
    """Yields the triggers that one may become: those of its category."""
    known = {name: words.name for name, words in TRIGGERS.items() if category_of(name) == category_of(trigger)}
    yield from ({trigger: f"{ZOHOS_WORD}: “{trigger}”"} | known if trigger not in known else known).items()


def _with(choices: Choices, chosen: str) -> Choices:
    """Returns choices with the one that stands in a definition, where it is no known one."""
    known = {name for name, label in choices if isinstance(label, str)}
    known |= {name for _, label in choices if not isinstance(label, str) for name, _ in label}
    return choices if chosen in known else [*choices, (chosen, f"{ZOHOS_WORD}: “{chosen}”"[:80])]
