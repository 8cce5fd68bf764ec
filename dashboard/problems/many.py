"""Does one thing with several problems that were ticked in the list: all of it, or nothing."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import partial

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from dashboard.access import requires
from dashboard.problems.forms import ManyForm
from dashboard.problems.views import show_list
from monitor.languages import gettext as _
from monitor.languages import gettext_noop
from monitor.models import Problem, User
from monitor.queries import problems as queries
from monitor.triage import acts
from monitor.triage.acts import ActRefused
from monitor.triage.many import with_each

MOST = 200
DONE = {
    "take": gettext_noop("You are on them."),
    "resolve": gettext_noop("They are resolved."),
    "archive": gettext_noop("They are archived."),
    "reopen": gettext_noop("They are open again."),
    "merge": gettext_noop("They are one problem now."),
}


@require_POST
@requires("triage")
def problems_act(request: HttpRequest) -> HttpResponse:
    """Takes, resolves, archives, reopens or merges the ticked problems. Nothing ticked is nothing.

    The address holds the filters and the page of the list, which is shown again so.
    """
    form = ManyForm(request.POST)
    if not form.is_valid():
        return show_list(request, refusal=_("The form cannot be read; choose again."), status=400)
    keys = list(dict.fromkeys(form.cleaned_data["problem"]))
    if not keys:
        return show_list(request, refusal=_("Nothing is ticked."), status=400)
    if len(keys) > MOST:
        return show_list(request, refusal=_("At most %(n)s problems at once.") % {"n": MOST}, status=400, ticked=keys)
    act, text, now = form.cleaned_data["act"], form.cleaned_data["text"], timezone.now()
    try:
        if act == "merge":
            return _merge(request, keys, now)
        with_each(keys, partial(_act_on, act, person=request.user, text=text, now=now))
    except ActRefused as refusal:
        return show_list(request, refusal=refusal.message, status=409, ticked=keys)
    messages.success(request, _(DONE[act]))
    return redirect(f"{reverse('problems')}?{request.GET.urlencode()}")


def _merge(request: HttpRequest, keys: Collection[int], now: datetime) -> HttpResponse:
    """Merges the ticked problems into the one that was seen first, and shows that."""
    rows = list(queries.problems().filter(pk__in=keys).order_by("first_seen_at", "pk"))
    if len(rows) != len(keys):
        raise ActRefused(_("One of them was merged meanwhile; load the page again."), "changed_meanwhile")
    first, *others = rows
    if not others:
        raise ActRefused(_("Tick two problems at least."), "itself")
    acts.merge(others, first, request.user, now)
    messages.success(request, _(DONE["merge"]))
    return redirect(first)


def _act_on(act: str, row: Problem, *, person: User, text: str, now: datetime) -> None:
    if act == "take":
        acts.assign(row, person, person, now)
    elif act == "resolve":
        acts.resolve(row, person, now, text=text)
    elif act == "archive":
        acts.archive(row, person, now, text=text)
    else:
        acts.reopen(row, person, now, text=text)
