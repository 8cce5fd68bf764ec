"""Takes what people do about one problem. What cannot be done is shown on its page: 409, or 400 for a form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from dashboard.access import get_or_404
from dashboard.problems.forms import AcceptForm, ArchiveForm, AssignForm, NoteForm, ReopenForm, ResolveForm, SplitForm
from dashboard.problems.page import page_context, template_of
from dashboard.problems.views import all_problems
from monitor.languages import gettext as _
from monitor.models import FailureGroup, Problem
from monitor.triage import accept_crm, acts
from monitor.triage.acts import ActRefused


@require_POST
def problem_take(request: HttpRequest, pk: int) -> HttpResponse:
    """Makes the person who asks the owner."""
    row = get_or_404(request.user, all_problems(), pk, action="triage")
    return _do(request, row, lambda now: acts.assign(row, request.user, request.user, now), _("You are on it."))


@require_POST
def problem_assign(request: HttpRequest, pk: int) -> HttpResponse:
    """Gives a problem to a person, or to nobody."""

    def do(row: Problem, form: Form, now: Any) -> None:
        acts.assign(row, form.cleaned_data["owner"], request.user, now)

    return _by_form(request, pk, AssignForm, do, _("The owner is set."))


@require_POST
def problem_note(request: HttpRequest, pk: int) -> HttpResponse:
    """Adds a note to the log."""

    def do(row: Problem, form: Form, now: Any) -> None:
        unknown = acts.add_note(row, form.cleaned_data["text"], request.user, now)
        if unknown:
            messages.warning(request, acts.nobody_is_called(unknown))

    return _by_form(request, pk, NoteForm, do, _("The note is added."))


@require_POST
def problem_resolve(request: HttpRequest, pk: int) -> HttpResponse:
    """Says that a problem is solved, also by a change at a time."""

    def do(row: Problem, form: Form, now: Any) -> None:
        data = form.cleaned_data
        acts.resolve(row, request.user, now, by_change_at=data["changed_at"], text=data["text"])

    return _by_form(request, pk, ResolveForm, do, _("The problem is resolved."))


@require_POST
def problem_archive(request: HttpRequest, pk: int) -> HttpResponse:
    """Puts a problem away until something happens."""

    def do(row: Problem, form: ArchiveForm, now: Any) -> None:
        acts.archive(row, request.user, now, text=form.cleaned_data["text"], **form.limits)

    return _by_form(request, pk, ArchiveForm, do, _("The problem is archived."))


@require_POST
def problem_reopen(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes a problem out of the archive, or says that it is not solved."""

    def do(row: Problem, form: Form, now: Any) -> None:
        acts.reopen(row, request.user, now, text=form.cleaned_data["text"])

    return _by_form(request, pk, ReopenForm, do, _("The problem is open again."))


@require_POST
def problem_accept(request: HttpRequest, pk: int) -> HttpResponse:
    """Accepts all that is open of a problem of CRM, with a reason."""

    def do(row: Problem, form: Form, now: Any) -> None:
        accept_crm.accept(row, request.user, form.cleaned_data["reason"], now)

    return _by_form(request, pk, AcceptForm, do, _("What was open is accepted."))


@require_POST
def problem_accept_take_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Opens again what was accepted within the last ten minutes."""
    row = get_or_404(request.user, all_problems(), pk, action="write_off")
    return _do(request, row, lambda now: accept_crm.take_back(row, request.user, now), _("It is open again."))


@require_POST
def problem_split(request: HttpRequest, pk: int) -> HttpResponse:
    """Gives one group of a merged problem a problem of its own again, and shows that one."""
    row = get_or_404(request.user, all_problems(), pk, action="triage")
    form = SplitForm(request.POST)
    if not form.is_valid():
        return refused(request, row, _("Say which failures get a problem of their own."), status=400)
    group = FailureGroup.objects.filter(pk=form.cleaned_data["group"]).first()
    try:
        if group is None:
            raise ActRefused(_("These failures do not belong to the problem."), "not_its_group")
        own = acts.split(row, group, request.user, timezone.now())
    except ActRefused as refusal:
        return refused(request, row, refusal.message, status=409)
    messages.success(request, _("These failures have a problem of their own now."))
    return redirect(own)


def refused(request: HttpRequest, row: Problem, words: str, *, status: int, form: Form | None = None) -> HttpResponse:
    """Shows the problem's page again, with what was wrong."""
    return render(request, template_of(row), page_context(request, row, form, refusal=words), status=status)


def _by_form(
    request: HttpRequest, pk: int, kind: type[Form], do: Callable[[Problem, Any, Any], None], done: str
) -> HttpResponse:
    row = get_or_404(request.user, all_problems(), pk, action="triage")
    form = kind(request.POST, auto_id=f"{kind.__name__.lower()}_%s")
    if not form.is_valid():
        return refused(request, row, _("Fix what the form says."), status=400, form=form)
    return _do(request, row, lambda now: do(row, form, now), done, form)


def _do(
    request: HttpRequest, row: Problem, act: Callable[[Any], None], done: str, form: Form | None = None
) -> HttpResponse:
    try:
        act(timezone.now())
    except ActRefused as refusal:
        row.refresh_from_db(fields=["state", "owner", "merged_into"])
        return refused(request, row, refusal.message, status=409, form=form)
    messages.success(request, done)
    return redirect(row)
