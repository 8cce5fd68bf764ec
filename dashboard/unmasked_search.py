"""Searches what masking hides: for people who may unmask and say why, each search written down before it is made.

A list's ordinary search (`?text=`) finds masked text only, whoever asks. What is looked for here goes by POST, so that
nobody's address stands in a log, a history or a Referer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from dashboard import lists, time_limit
from dashboard.filters import FilterForm
from dashboard.reasons import ReasonForm
from monitor import audit
from monitor.access import may
from monitor.languages import gettext_lazy
from monitor.privacy import mask_text

MOST_SHOWN = 200  # the newest; whoever looks for more says more
IDS = "unmasked_%s"


class SoughtForm(ReasonForm):
    """Asks what to look for in what is hidden, and why."""

    sought = forms.CharField(label=gettext_lazy("Text as Zoho sent it"), max_length=200, strip=False)

    field_order = ["sought", "reason"]


def offer(request: HttpRequest, form: FilterForm) -> dict[str, Any]:
    """Puts together what a list's page needs to offer the search to those who may; nothing for others."""
    if not may(request.user, "unmask"):
        return {}
    return {"sought_form": SoughtForm(auto_id=IDS), "kept_filters": _kept(form)}


def back(request: HttpRequest, name: str, filters: type[FilterForm]) -> HttpResponse:
    """Leads a GET back to the list, with its filters and nothing else: what is looked for stands in no address.

    Args:
        request: a GET.
        name: of the list's address.
        filters: the list's.
    """
    query = filters.own(request.GET).urlencode()
    return redirect(f"{reverse(name)}?{query}" if query else reverse(name))


def filters_of(request: HttpRequest, filters: type[FilterForm]) -> QueryDict:
    """Takes the list's filters out of what was posted, but for the place in the list and its own text."""
    return filters.own(request.POST, *filters.places, "text")


def show(
    request: HttpRequest,
    template: str,
    form: FilterForm,
    model: type[Model],
    find: Callable[[Any, str], Mapping[str, Any]],
    **context: Any,
) -> HttpResponse:
    """Shows what a search of unmasked text finds; the rows stay masked.

    Args:
        request: a POST by a person who may unmask.
        template: of the list.
        form: the list's filters, bound to `filters_of` what was posted.
        model: whose rows are searched.
        find: from what the filters ask for and the text to the context with `rows`.
        context: as for `lists.show`.
    """
    asked = SoughtForm(request.POST, auto_id=IDS)
    is_asked = asked.is_valid() and form.is_valid()
    context |= {"sought_form": asked, "kept_filters": _kept(form), "is_unmasked_search": is_asked}
    if not is_asked:
        response = lists.show(request, template, form, lambda _: {"rows": [], "is_not_searched": True}, **context)
        response.status_code = 400
        return response
    sought, reason = asked.cleaned_data["sought"], asked.cleaned_data["reason"]
    with transaction.atomic():
        detail = {"reason": reason, "text": mask_text(sought), "characters": len(sought)}
        audit.record(request.user, "unmask.search", model, now=timezone.now(), detail=detail)
    # As for any page; what was written down before stays written down.
    with time_limit.limited(time_limit.PAGE_SECONDS):
        return lists.show(request, template, form, lambda wanted: find(wanted, sought), **context)


def _kept(form: FilterForm) -> list[tuple[str, str]]:
    """Lists the filters that are set, to be sent along; the place in the list and its own text are not."""
    names = [name for name in form.fields if name not in (*form.places, "text")]
    return [(name, value) for name in names if (value := form.data.get(name, ""))]
