"""Asks what is to be changed, and reads what people look for among changes."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from typing import Any

from django import forms

from dashboard.filters import FilterForm, OneOfField, TextField
from dashboard.reasons import ReasonForm
from monitor.edits.check import CONNECTED_DESCRIPTION, CONNECTED_NAME
from monitor.edits.unmask import StillHidden, is_shortened, restored, shown_definition
from monitor.models import Edit, WorkflowRule, ZohoAccount
from monitor.privacy import mask_name
from monitor.queries.edits import EditFilter
from monitor.rule_limits import RULE_DESCRIPTION, RULE_NAME

LONGEST_JSON = 200_000
STEPS = ("preview", "confirm")


class ConfirmForm(ReasonForm):
    """Confirms a change. The token is created when the form is shown: the same form posted twice is one change.

    Args:
        name: of the thing, to be typed where what is done to it is final; "" where nothing has to be typed.
    """

    client_token = forms.UUIDField(widget=forms.HiddenInput)
    judged_on = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
    typed_name = forms.CharField(
        label="Its name, typed", required=False, max_length=500, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )

    field_order = ["typed_name", "reason", "client_token", "judged_on"]

    def __init__(self, *args: Any, name: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["client_token"].initial = uuid.uuid4
        if name:
            self.fields["typed_name"].help_text = f"Type {name} to confirm."
            self.fields["typed_name"].required = True
        else:
            del self.fields["typed_name"]


class WishForm(forms.Form):
    """Asks what is to be; `wish` is what `monitor.edits.drafts` takes."""

    def wish(self) -> dict[str, Any]:
        """Returns what the person wants. Only of a valid form."""
        return {}


def in_lines(text: str) -> str:
    """Returns a text as a form gives it back: browsers write the ends of lines in their own way."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


class DescribeForm(WishForm):
    """Asks for a name and a description; what is hidden in them stays hidden and as it is.

    Args:
        base: the definition as it is.
        longest: characters of name and description.
    """

    name = forms.CharField(label="Name", widget=forms.TextInput(attrs={"autocomplete": "off"}))
    description = forms.CharField(label="Description", required=False, widget=forms.Textarea(attrs={"rows": 4}))

    def __init__(self, *args: Any, base: dict[str, Any], longest: tuple[int, int], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.base = {"name": base.get("name", ""), "description": base.get("description", "")}
        shown = {"name": mask_name(str(self.base["name"]))} | {
            "description": shown_definition({"description": self.base["description"]}).get("description", "")
        }
        self.shown = shown
        for field, most in zip(("name", "description"), longest, strict=True):
            self.fields[field].initial = shown[field]
            self.fields[field].help_text = f"At most {most:,} characters."

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for field in ("name", "description"):
            text = cleaned.get(field)
            if text is None:
                continue
            text = in_lines(text)
            if text == in_lines(str(self.shown[field] or "")):
                text = self.base[field]
            else:
                try:
                    restored(text, "")
                except StillHidden:
                    self.add_error(field, "A part of it is still hidden: write the whole text anew.")
            cleaned[field] = text
        return cleaned

    def wish(self) -> dict[str, Any]:
        return {"name": self.cleaned_data["name"], "description": self.cleaned_data["description"]}


class JsonField(forms.CharField):
    """Takes a JSON object."""

    def __init__(self, **kwargs: Any) -> None:
        attrs = {"rows": 24, "spellcheck": "false", "class": "mono"}
        super().__init__(widget=forms.Textarea(attrs=attrs), max_length=LONGEST_JSON, **kwargs)

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return None
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as wrong:
            where = f" in line {wrong.lineno}" if isinstance(wrong, json.JSONDecodeError) else ""
            raise forms.ValidationError(f"This is no JSON: see{where or ' it'}.", code="json") from None
        if not isinstance(found, dict):
            raise forms.ValidationError("This is no JSON object.", code="json")
        return found

    def validate(self, value: Any) -> None:
        if value is None and self.required:
            raise forms.ValidationError(self.error_messages["required"], code="required")

    def run_validators(self, value: Any) -> None:
        """Leaves the length to the text."""


class DefinitionForm(WishForm):
    """Asks for a rule's whole definition, or for a request's body as in Zoho's documents.

    Args:
        base: the definition as it is; {} for a new rule.
    """

    definition = JsonField(
        label="Definition (JSON)",
        help_text='The whole definition, or a request as in Zoho\'s documents: {"workflow_rules": [{…}]}.',
    )

    def __init__(self, *args: Any, base: dict[str, Any], start: dict[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.base = base
        self.start = start if start is not None else base
        shown = shown_definition(self.start)
        if is_shortened(self.start):
            self.fields["definition"].help_text = "It is too long to be shown whole, and cannot be changed from here."
        self.fields["definition"].initial = json.dumps(shown, indent=2, ensure_ascii=False) if shown else ""

    def clean_definition(self) -> dict[str, Any]:
        sent = self.cleaned_data["definition"]
        rules = sent.get("workflow_rules")
        self.is_request = rules is not None
        if self.is_request:
            if not isinstance(rules, list) or len(rules) != 1 or not isinstance(rules[0], dict):
                raise forms.ValidationError("Zoho takes exactly one rule a request.", code="one_rule")
            sent = rules[0]
        try:
            found: dict[str, Any] = restored(sent, self.start)
        except StillHidden as hidden:
            raise forms.ValidationError(hidden.text, code="hidden") from None
        return found

    def wish(self) -> dict[str, Any]:
        key = "body" if self.is_request else "definition"
        return {key: self.cleaned_data["definition"]}


class NewRuleForm(DefinitionForm):
    """Asks for a new rule, in an account."""

    account = forms.ModelChoiceField(ZohoAccount.objects.none(), label="Account", empty_label=None)

    field_order = ["account", "definition"]

    def __init__(self, *args: Any, start: dict[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, base={}, start=start or {}, **kwargs)
        accounts = ZohoAccount.objects.filter(is_active=True).exclude(crm_url="").order_by("name", "pk")
        self.fields["account"].queryset = accounts  # type: ignore[attr-defined]


class NewConnectedForm(WishForm):
    """Asks for a new connected workflow."""

    account = forms.ModelChoiceField(ZohoAccount.objects.none(), label="Account", empty_label=None)
    name = forms.CharField(label="Name", max_length=500, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    description = forms.CharField(label="Description", required=False, widget=forms.Textarea(attrs={"rows": 3}))
    module = forms.CharField(
        label="Primary module (API name)", max_length=100, help_text="Such as Contacts: one a module."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        accounts = ZohoAccount.objects.filter(is_active=True).exclude(crm_url="").order_by("name", "pk")
        self.fields["account"].queryset = accounts  # type: ignore[attr-defined]


class SampleDataForm(WishForm):
    """Asks for the sample data that the actions of a flow are run with."""

    sample_data = JsonField(
        label="Sample data (JSON)",
        help_text="What the trigger would give. The actions really run with it.",
        initial="{}",
    )

    def wish(self) -> dict[str, Any]:
        return {"sample_data": self.cleaned_data["sample_data"]}


class OrderForm(WishForm):
    """Asks for the places of a module's rules; those without one stay where they are.

    Args:
        rules: of the module.
    """

    def __init__(self, *args: Any, rules: Sequence[WorkflowRule], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for rule in rules:
            self.fields[f"place_{rule.rule_id}"] = forms.IntegerField(
                label=rule.shown_name, required=False, min_value=1, max_value=10_000
            )

    def sequence(self) -> dict[str, int]:
        """Returns the places that were given, by Zoho's id of the rule. Only of a valid form."""
        said = self.cleaned_data
        return {name.removeprefix("place_"): place for name, place in said.items() if place is not None}


class EditSettleForm(ReasonForm):
    """Says what a person saw in Zoho of a change whose outcome stayed unknown."""

    was_done = forms.ChoiceField(
        label="What I saw in Zoho", choices=[("yes", "It was done"), ("no", "It was not done")], widget=forms.Select
    )

    field_order = ["was_done", "reason"]


class EditFilterForm(FilterForm):
    """Reads what the list of changes is narrowed to."""

    text = TextField("Name or id")
    state = OneOfField([("open", "Open"), *Edit.State.choices], "State")
    act = OneOfField([*Edit.Act.choices], "Change")

    field_order = ["text", "state", "act", "account"]

    def wanted(self) -> EditFilter:
        cleaned = self.cleaned_data
        return EditFilter(
            text=cleaned["text"], state=cleaned["state"], act=cleaned["act"], account_id=cleaned["account"]
        )


RULE_LIMITS = (RULE_NAME, RULE_DESCRIPTION)
CONNECTED_LIMITS = (CONNECTED_NAME, CONNECTED_DESCRIPTION)
