"""Asks for an alert rule: its subjects, the options of its kind, and who hears of it when."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import cache, cached_property
from typing import Any, NamedTuple

from django import forms
from django.utils import timezone

from dashboard.alerts.scope_forms import SCOPES, ScopedRuleForm
from dashboard.people.forms import time_zones
from monitor.access import who_may
from monitor.alerting.kinds import aspect_of, condition_kinds, words_of
from monitor.alerting.kinds.interface import at_pace, has_budget
from monitor.alerting.kinds.options_form import kind_forms, usual_options
from monitor.alerting.kinds.usual import DAYS_A_MONTH, UsualPace
from monitor.alerting.pace import ask_paces, pace_of
from monitor.models import AlertRule, RuleBudget, User, ZohoAccount
from monitor.models.asking import Asking, answered, ask, in_step
from monitor.periods import day_of

USUAL_KIND = "success_rate"  # of an address that names none
DAYS_OF_THE_WEEK = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MOST_HOLIDAYS = 400
_WHEN = ("for_minutes", "keep_firing_minutes", "waits_for_reruns", "patience_minutes")
_WHO = ("severity", "repeat_hours", "recipients")
_HOURS = ("working_only", "working_days", "working_from", "working_to", "working_zone", "working_holidays")


class FieldGroup(NamedTuple):
    """Holds fields of a form that stand together under a title; folded where nobody need look at them."""

    title: str
    fields: list[forms.BoundField]
    is_folded: bool = False


class HolidaysField(forms.CharField):
    """Takes days without work, such as 2026-12-25, apart by spaces, commas or lines."""

    widget = forms.Textarea(attrs={"rows": 2})

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        """Returns the days in ISO form, each once, in order.

        Raises:
            ValidationError: one of them is no day, or there are too many.
        """
        found = set()
        for word in re.split(r"[\s,;]+", super().to_python(value)):
            if not word:
                continue
            try:
                found.add(date.fromisoformat(word))
            except ValueError:
                raise forms.ValidationError(f"“{word[:20]}” is no day: write it as 2026-12-25.") from None
        if len(found) > MOST_HOLIDAYS:
            raise forms.ValidationError(f"At most {MOST_HOLIDAYS} days.")
        return [day.isoformat() for day in sorted(found)]

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), data)


class AlertRuleForm(ScopedRuleForm):
    """Asks for what every kind of alert rule has.

    It is never shown as it is: `rule_form` puts the `OptionsForm` of a kind before it. A client that knows only the
    fields of old (name, subjects, options, enabled) changes only these.
    """

    waits_for_reruns = forms.TypedChoiceField(
        label="Failures that Zoho runs again by itself",
        choices=[("yes", "Count once the patience is over"), ("no", "Count at once")],
        coerce=lambda value: value == "yes",
        initial="yes",
        help_text="A failure that Zoho's own re-run makes good in time is no failure then.",
    )
    recipients = forms.ModelMultipleChoiceField(
        User.objects.none(),
        label="Mails go to",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None chosen: whom the routes name, or everybody who gets alert mails. "
        "People who are chosen here win over those of routes.",
    )
    working_only = forms.BooleanField(
        label="Mails only in working hours",
        required=False,
        help_text="A mail of severity “Notify” waits for the next working hour; “Page” never waits.",
    )
    working_days = forms.TypedMultipleChoiceField(
        label="Working days",
        coerce=int,
        required=False,
        initial=[0, 1, 2, 3, 4],
        choices=list(enumerate(DAYS_OF_THE_WEEK)),
        widget=forms.CheckboxSelectMultiple,
    )
    working_from = forms.TimeField(
        label="From", required=False, initial="08:00", widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    working_to = forms.TimeField(
        label="To",
        required=False,
        initial="18:00",
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        help_text="The same time or an earlier one is that of the next day.",
    )
    working_zone = forms.ChoiceField(label="Time zone", required=False, choices=time_zones)
    working_holidays = HolidaysField(
        label="Holidays", required=False, help_text="Days without work, such as 2026-12-25, 2027-01-01."
    )

    class Meta:
        model = AlertRule
        fields = [
            *("name", "account", "flow", "tag", "owner", "module", "for_minutes", "keep_firing_minutes"),
            *("waits_for_reruns", "patience_minutes", "severity", "repeat_hours", "recipients", "is_active"),
        ]
        labels = {
            "is_active": "Enabled",
            "for_minutes": "Fires after (minutes)",
            "keep_firing_minutes": "Recovers after (minutes)",
            "repeat_hours": "Repeat the mail after (hours)",
            "patience_minutes": "Patience with Zoho's re-runs (minutes)",
        }
        help_texts = {
            "is_active": "Disabled, it neither fires nor recovers.",
            "for_minutes": "So long it must be found without a break. 0: at once. At most 10,080 (7 days).",
            "keep_firing_minutes": "So long it must be over without a break. 0: at once. At most 10,080.",
            "repeat_hours": "While it fires and nobody has acknowledged it. 0: never. At most 168.",
            "severity": "Page and Notify are mailed at once, Page also out of working hours; Digest waits.",
            "patience_minutes": "After the first failure of a run. 1 to 1,500.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.choose_subjects()
        people = User.objects.filter(who_may("alert_mails"))
        self.fields["recipients"].queryset = people.order_by("username")
        self.initial["working_zone"] = timezone.get_current_timezone_name()
        if self.instance.pk:
            self.initial["waits_for_reruns"] = "yes" if self.instance.waits_for_reruns else "no"
            self.initial |= self.instance.options | _initial_hours(self.instance.working_hours)
        else:
            self.instance.kind = self.kind
            self.initial.setdefault("name", words_of(self.kind).title(condition_kinds()[self.kind]()))
        if self.is_bound and "severity" not in self.data:
            for name in (*_WHEN, *_WHO, *_HOURS):
                del self.fields[name]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("working_only"):
            for name in ("working_days", "working_from", "working_to", "working_zone"):
                if name not in self.errors and data.get(name) in (None, "", []):
                    self.add_error(name, "Working hours need this.")
        self.kept = {name: value for name, value in self.instance.options.items() if name not in self.data}
        return data

    @cached_property
    def usual(self) -> UsualPace:
        """Is the pace of its flows together; of a valid form, or one that is not sent yet.

        Of a saved rule it is the one that its budget of false alerts was counted by today: it is evaluated by that.
        """
        return answered(self.ask_usual())

    def ask_usual(self) -> Asking[UsualPace]:
        """Asks for what `usual` is."""
        if self.account is None:
            return UsualPace()
        now = timezone.now()
        budgets = RuleBudget.objects.filter(rule=self.instance.pk, counted_on=day_of(now))
        flows, known, counted = yield from in_step(
            self.ask_flows_of(self.account),
            ask_paces(self.account.pk, now),
            ask(budgets if self.instance.pk else budgets.none()),
        )
        found = pace_of(flows, known)
        return replace(found, runs_a_day=counted[0].runs_a_month / DAYS_A_MONTH) if counted else found

    @property
    def account(self) -> ZohoAccount | None:
        """Is whose rule it is, as far as that is chosen."""
        if self.instance.pk:
            return self.instance.account
        return self.cleaned_data.get("account") if self.is_bound else self._named_account

    @cached_property
    def _named_account(self) -> ZohoAccount | None:
        return ZohoAccount.objects.defer("client_secret").filter(pk=_key(self.initial.get("account"))).first()

    @property
    def groups(self) -> list[FieldGroup]:
        """Is the fields as they stand on the page."""
        form = kind_forms()[self.kind]
        named = [
            ("What it watches", ("name", "account", *SCOPES)),
            (form.title, tuple(form.base_fields)),
            ("When it fires and recovers", _WHEN),
            ("Who hears of it", _WHO),
            ("Working hours", _HOURS),
            ("State", ("is_active",)),
        ]
        return [
            FieldGroup(title, [self[name] for name in names if name in self.fields], self._is_folded(names))
            for title, names in named
            if any(name in self.fields for name in names)
        ]

    def _is_folded(self, names: Sequence[str]) -> bool:
        if names != _HOURS:
            return False
        return not any(name in self.errors for name in names) and not self["working_only"].value()

    @property
    def aspect(self) -> str:
        """Is what a rule must look for too to stand beside it, as `aspect_of` says it of what is filled in."""
        if self.is_bound and self.is_valid():
            return aspect_of(self.kind, dict(self.kept) | self.options())
        shown = {name: self[name].value() for name in usual_options(self.kind) if name in self.fields}
        return aspect_of(self.kind, self.instance.options | shown)

    def said_beforehand(self) -> list[str]:
        """Returns what can be said of the rule before it is saved, in sentences; nothing while something is wrong."""
        if self.is_bound:
            return self.told(self.condition()) if self.is_valid() else []
        # As it would be saved: the form of a new rule has more filled in than the condition has by itself.
        kind = kind_forms()[self.kind]
        shown = kind({name: self[name].value() for name in kind.base_fields})
        shown.kept = {name: value for name, value in self.instance.options.items() if name not in kind.base_fields}
        return self.told(shown.condition()) if shown.is_valid() else []

    def save(self, commit: bool = True) -> AlertRule:
        self.put_options()
        rule: AlertRule = super().save(commit)
        return rule

    def put_options(self) -> None:
        """Gives the rule what the fields beside the columns say; of a valid form."""
        self.instance.options = self.kept | self.options()
        if "working_only" in self.fields:
            self.instance.working_hours = self._working_hours()

    def _working_hours(self) -> dict[str, Any]:
        data = self.cleaned_data
        if not data["working_only"]:
            return {}
        return {
            "zone": data["working_zone"],
            "days": sorted(data["working_days"]),
            "from": f"{data['working_from']:%H:%M}",
            "to": f"{data['working_to']:%H:%M}",
            "holidays": data["working_holidays"],
        }


@cache
def rule_form(kind: str) -> type[AlertRuleForm]:
    """Returns the form of rules of a kind: what every rule has, and the kind's options.

    Raises:
        KeyError: there is no such kind, or none that people set.
    """
    return type(AlertRuleForm)(f"{kind_forms()[kind].__name__}OfRule", (kind_forms()[kind], AlertRuleForm), {})


def title_of(rule: AlertRule) -> str:
    """Returns what a rule asks for, in a few words; of options that cannot be, that they cannot."""
    try:
        return str(words_of(rule.kind).title(condition_kinds()[rule.kind](**rule.options)))
    except KeyError:
        return f"there is no kind “{rule.kind}”"
    except (TypeError, ValueError) as fault:
        return f"its options cannot be: {fault}"


def budget_of(rule: AlertRule) -> str:
    """Returns what a rule's budget of false alerts comes to, in words; "" where it has none.

    Args:
        rule: with its budget joined in.
    """
    try:
        condition = condition_kinds()[rule.kind](**rule.options)
    except (KeyError, TypeError, ValueError):
        return ""
    if not has_budget(condition):
        return ""
    known: RuleBudget | None = getattr(rule, "budget", None)
    wanted = at_pace(condition, known.runs_a_month if known is not None else 0.0)
    most = condition.false_alerts
    said = f"at most {most:g} false alert{'s' * (most != 1)} a month: {wanted.run_length:,} runs between two"
    return said if known is not None else f"{said}, until the pace of its flows is counted"


def _initial_hours(stored: dict[str, Any]) -> dict[str, Any]:
    if not stored:
        return {}
    return {
        "working_only": True,
        "working_zone": stored.get("zone", "UTC"),
        "working_days": stored.get("days", []),
        "working_from": stored.get("from", ""),
        "working_to": stored.get("to", ""),
        "working_holidays": stored.get("holidays", []),
    }


def _key(value: Any) -> int | None:
    """Reads a primary key of an address; None where it is none."""
    text = str(value or "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
