"""Reads the filters of the list of problems; asks for what people do about them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.validators import ProhibitNullCharactersValidator
from django.http import QueryDict

from dashboard.filters import NOBODY, FilterForm, IdField, OneOfField, OwnerField, TextField, TimeField
from dashboard.flow_field import FlowField
from monitor.access import who_may
from monitor.languages import gettext as _
from monitor.languages import gettext_lazy, gettext_noop
from monitor.models import Problem, User
from monitor.queries.problems import ProblemFilter
from monitor.triage.acts import MOST_MORE, TEXT_LIMIT
from monitor.triage.write_off import REASON_LIMIT

ALL = "all"
ESCALATES, TIME, COUNT = "escalates", "time", "count"
# What may be done with several problems at once.
MANY = {
    "take": gettext_noop("Take them"),
    "resolve": gettext_noop("Resolve"),
    "archive": gettext_noop("Archive"),
    "reopen": gettext_noop("Reopen"),
    "merge": gettext_noop("Merge into one"),
}


class ProblemFilterForm(FilterForm):
    """Reads what the list of problems is narrowed to: those that somebody has to look at, unless it says otherwise."""

    state = OneOfField(
        [(ALL, gettext_lazy("All")), *((code, gettext_lazy(words)) for code, words in Problem.State.choices)],
        gettext_lazy("State"),
        gettext_lazy("Unresolved"),
    )
    owner = OwnerField(label=gettext_lazy("Owner"))
    flow = FlowField()
    seen_from = TimeField(label=gettext_lazy("First seen from"))

    app = TextField(gettext_lazy("App of the action"))

    rule = IdField(label=gettext_lazy("Workflow rule"))

    # Links set these: they are shown where they are set.
    set_by_links = ("seen_from", "app", "rule")
    field_order = ["state", "owner", "flow", "account", *set_by_links]

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data)
        people = User.objects.filter(who_may("triage")).order_by("username").values_list("pk", "username")
        self.offer("owner", [(NOBODY, _("Nobody")), *people], _("Anybody"))
        for name in self.set_by_links:
            if name == "rule":
                self.offer("rule", [], _("Any"))
            if not data.get(name):
                self.fields[name].widget = forms.HiddenInput()

    def wanted(self) -> ProblemFilter:
        cleaned = self.cleaned_data
        state = cleaned["state"] or "unresolved"
        return ProblemFilter(
            account_id=cleaned["account"],
            state="" if state == ALL else state,
            owner_id=cleaned["owner"],
            flow_id=cleaned["flow"],
            seen_from=cleaned["seen_from"],
            app=cleaned["app"],
            rule_id=cleaned["rule"],
        )


class WordsField(forms.CharField):
    """Takes a person's own words, for the activity log."""

    def __init__(self, label: str, *, required: bool = False, rows: int = 2, help_text: str = "") -> None:
        widget = forms.Textarea(attrs={"rows": rows})
        super().__init__(label=label, required=required, max_length=TEXT_LIMIT, widget=widget, help_text=help_text)
        self.validators.append(ProhibitNullCharactersValidator())


class AcceptForm(forms.Form):
    """Asks why what failed in CRM is accepted."""

    reason = forms.CharField(
        label=gettext_lazy("Why"), max_length=REASON_LIMIT, validators=[ProhibitNullCharactersValidator()]
    )


class AssignForm(forms.Form):
    """Asks who is on it."""

    owner = forms.ModelChoiceField(
        User.objects.none(), required=False, label=gettext_lazy("Owner"), empty_label=gettext_lazy("Nobody")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].queryset = User.objects.filter(who_may("triage")).order_by("username")


class NoteForm(forms.Form):
    """Asks for a note."""

    text = WordsField(
        gettext_lazy("Note"),
        required=True,
        help_text=gettext_lazy("@name tells a person of it by mail; the owner is told anyway."),
    )


class ResolveForm(forms.Form):
    """Asks how a problem was solved, and when what solved it was changed."""

    changed_at = TimeField(
        label=gettext_lazy("Solved by a change at"),
        help_text=gettext_lazy("Failures of runs that began before do not bring it back. Empty: now."),
    )
    text = WordsField(gettext_lazy("How (optional)"))


class ArchiveForm(forms.Form):
    """Asks until when a problem is put away."""

    until = forms.ChoiceField(
        label=gettext_lazy("Until"),
        choices=[
            (ESCALATES, gettext_lazy("it escalates")),
            (TIME, gettext_lazy("a time")),
            (COUNT, gettext_lazy("so many more failures")),
        ],
        initial=ESCALATES,
    )
    time = TimeField(label=gettext_lazy("The time"))
    count = forms.IntegerField(label=gettext_lazy("How many more"), required=False, min_value=1, max_value=MOST_MORE)
    text = WordsField(gettext_lazy("Why (optional)"))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        for name in (TIME, COUNT):
            if data.get("until") == name and not data.get(name) and name not in self.errors:
                self.add_error(name, _("Say when.") if name == TIME else _("Say how many."))
        return data

    @property
    def limits(self) -> dict[str, Any]:
        """Returns what ends the archive, as `acts.archive` takes it; what was not chosen is left aside."""
        chosen = self.cleaned_data["until"]
        return {
            "until": self.cleaned_data["time"] if chosen == TIME else None,
            "after_more": self.cleaned_data["count"] if chosen == COUNT else None,
        }


class ReopenForm(forms.Form):
    """Asks why a problem is looked at again."""

    text = WordsField(gettext_lazy("Why (optional)"))


class SplitForm(forms.Form):
    """Asks which group gets a problem of its own."""

    group = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=2**63 - 1)


class ManyForm(forms.Form):
    """Asks what is to be done with the ticked problems."""

    act = forms.ChoiceField(
        label=gettext_lazy("With the ticked"), choices=[(act, gettext_lazy(words)) for act, words in MANY.items()]
    )
    text = WordsField(gettext_lazy("Why (optional)"))
    problem = forms.TypedMultipleChoiceField(coerce=int, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["problem"].valid_value = IdField().valid_value
