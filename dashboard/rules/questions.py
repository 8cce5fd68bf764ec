"""Asks Zoho about the records of a rule: how many its criteria match, why one does not. Nothing is changed there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from dashboard.access import get_or_404
from dashboard.context import age_of
from monitor.access import may
from monitor.languages import gettext as _
from monitor.languages import gettext_lazy
from monitor.models import Stream, WorkflowRule
from monitor.privacy import mask
from monitor.queries import rules as queries
from monitor.queries import scopes
from monitor.queries.rule_sentences import in_words_of_criteria
from monitor.rule_criteria.evaluate import CriteriaAnswer
from monitor.rule_criteria.of_rule import comparisons_of, with_comparison
from monitor.rule_criteria.tests_of_fields import COMPARATORS as KNOWN
from monitor.rule_questions.ask import definition_of
from monitor.rule_questions.refusals import NotAnsweredError
from monitor.rule_questions.what_if import what_if
from monitor.rule_questions.why_not import WhyNotAnswer, why_not
from monitor.rule_words.vocabulary import COMPARATORS
from monitor.zoho.scopes import NEEDED
from monitor.zoho.shapes.rule_definition import RuleDefinition

RIGHT = "read"
CHOICE = "questions"  # what to tick where an account is connected
LONGEST_SHOWN = 200
BIGGEST_PLACE = 1_000


class WhatIfForm(forms.Form):
    """Asks which comparison is to be another one, if any."""

    place = forms.TypedChoiceField(label=gettext_lazy("Change"), required=False, coerce=int, empty_value=None)
    comparator = forms.ChoiceField(
        label=gettext_lazy("to"),
        required=False,
        choices=[(name, gettext_lazy(words)) for name, words in COMPARATORS.items() if name in KNOWN],
    )
    value = forms.CharField(
        label=gettext_lazy("Value"),
        required=False,
        max_length=200,
        help_text=gettext_lazy("Several with commas. ${EMPTY} stands for nothing. Not kept."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, data: Any, definition: RuleDefinition) -> None:
        super().__init__(data)
        choices = [(str(place), in_words_of_criteria(one)) for place, one in enumerate(comparisons_of(definition))]
        self.fields["place"].choices = [("", _("Nothing: count as it is")), *choices]  # type: ignore[attr-defined]
        self._definition = definition

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("place") is not None and not cleaned.get("value"):
            self.add_error("value", _("Give a value to compare with."))
        return cleaned

    def edited(self) -> RuleDefinition | None:
        """Returns the rule as it would be; None where nothing is to be another. Of a valid form."""
        said = self.cleaned_data
        if said["place"] is None:
            return None
        return with_comparison(self._definition, said["place"], said["comparator"], said["value"])


class WhyNotForm(forms.Form):
    """Asks of which record the criteria are to be looked at."""

    record = forms.RegexField(
        r"\A\d{1,20}\Z",
        label=gettext_lazy("Zoho's id of the record"),
        error_messages={"invalid": gettext_lazy("Give the id of a record: its address in Zoho CRM ends with it.")},
        help_text=gettext_lazy("Not kept. Its address in Zoho CRM ends with it."),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )


@dataclass(frozen=True, slots=True)
class AnswerLine:
    """Shows one part of criteria: in words, with what the record holds, masked, and whether it passes."""

    words: str
    held: str
    passes: bool | None
    why: str
    depth: int


@require_http_methods(["GET", "HEAD", "POST"])
def rule_what_if(request: HttpRequest, pk: int) -> HttpResponse:
    """Counts the records that match, by a person's POST: the rule as it is, and with one comparison changed."""
    rule, definition = _asked(request, pk)
    context: dict[str, Any] = {"rule": rule, "definition": definition}
    if definition is not None:
        form = WhatIfForm(request.POST if request.method == "POST" else None, definition)
        context["form"] = form
        if _is_granted("coql", rule, context) and form.is_bound and form.is_valid():
            edited = form.edited()
            context["edited"] = edited and in_words_of_criteria(comparisons_of(edited)[form.cleaned_data["place"]])
            try:
                context["answer"] = what_if(rule, definition, edited, timezone.now(), form.cleaned_data["place"])
            except NotAnsweredError as reason:
                context |= _refusal(rule, reason)
    return _show(request, "rules/what_if.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def rule_why_not(request: HttpRequest, pk: int) -> HttpResponse:
    """Says which parts of the criteria a record passes as it is now, by a person's POST."""
    rule, definition = _asked(request, pk)
    context: dict[str, Any] = {"rule": rule, "definition": definition}
    if definition is not None:
        form = WhyNotForm(request.POST if request.method == "POST" else None)
        context["form"] = form
        if _is_granted("get_record", rule, context) and form.is_bound and form.is_valid():
            try:
                answer = why_not(rule, definition, form.cleaned_data["record"], timezone.now())
            except NotAnsweredError as reason:
                context |= _refusal(rule, reason)
            else:
                context |= {"answer": answer, "parts": list(_parts(answer))}
    return _show(request, "rules/why_not.html", context)


def _asked(request: HttpRequest, pk: int) -> tuple[WorkflowRule, RuleDefinition | None]:
    rule = get_or_404(request.user, queries.all_rules(), pk, action=RIGHT if request.method == "POST" else "view")
    return rule, definition_of(rule)


def _is_granted(call: str, rule: WorkflowRule, context: dict[str, Any]) -> bool:
    """Looks whether the scopes of a call were granted; notes it for the page where not."""
    granted = scopes.granted_to(rule.account)
    context["scopes_unknown"] = "" if granted else _(" and ").join(NEEDED[call])
    context["lacks"] = scopes.lacking_of(rule.account, CHOICE, NEEDED[call], granted)
    return context["lacks"] is None


def _refusal(rule: WorkflowRule, reason: NotAnsweredError) -> dict[str, Any]:
    lacks = scopes.refused(rule.account, CHOICE) if reason.lacks_scope else None
    return {"lacks": lacks} if lacks else {"refusal": _(str(reason))}


def _show(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    rule, form = context["rule"], context.get("form")
    status = 400 if form is not None and form.is_bound and form.errors else 200
    if request.method == "POST" and (form is None or context.get("lacks")):
        status = 409  # nothing can be asked before the definition is read, or without the scopes
    context |= {"may_ask": may(request.user, RIGHT), "may_connect": may(request.user, "accounts", rule.account)}
    context |= age_of(rule.account_id, Stream.RULES)
    return render(request, template, context, status=status)


def _parts(answer: WhyNotAnswer) -> Iterator[tuple[str, bool | None, list[AnswerLine]]]:
    """Puts the answers of the trigger and of each condition in lines: a title, whether it passes, and its parts."""
    if answer.trigger is not None:
        yield _("The trigger's criteria"), answer.trigger.passes, list(_lines(answer.trigger))
    for condition in answer.conditions:
        yield _("Condition %(n)s") % {"n": condition.number}, condition.passes, list(_lines(condition.answer))


def _lines(answer: CriteriaAnswer, depth: int = 0) -> Iterator[AnswerLine]:
    if answer.criterion is not None:
        words = in_words_of_criteria(answer.criterion)
        yield AnswerLine(words, _held(answer), answer.passes, answer.why, depth)
    elif answer.parts:
        words = {"AND": _("All of these"), "OR": _("Any of these")}.get(answer.operator, _("These"))
        yield AnswerLine(words, "", answer.passes, answer.why if answer.passes is None else "", depth)
        for part in answer.parts:
            yield from _lines(part, depth + 1)
    else:
        yield AnswerLine(
            _("Every record passes") if answer.passes else _("Not known"), "", answer.passes, answer.why, depth
        )


def _held(answer: CriteriaAnswer) -> str:
    """Shows what the record holds, masked as a record is."""
    if answer.criterion is None or answer.value in (None, "", [], {}):
        return _("nothing")
    (shown,) = mask({answer.criterion.field: answer.value}).values()
    text = shown if isinstance(shown, str) else json.dumps(shown, ensure_ascii=False)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
