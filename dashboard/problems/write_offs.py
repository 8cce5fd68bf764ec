"""Writes chosen failures off, with a reason, and takes that back within ten minutes."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from dashboard import chosen_runs, formats
from dashboard.access import get_or_404, requires
from dashboard.chosen_runs import ChoiceRefused, ChosenRuns
from dashboard.problems.page import just_written_off
from dashboard.problems.views import all_problems
from dashboard.reasons import ReasonForm
from monitor.languages import gettext as _
from monitor.languages import ngettext, ngettext_noop
from monitor.models import Failure, Problem
from monitor.triage import write_off as acts
from monitor.triage.acts import ActRefused

PAGE = "problems/write_off.html"
WRITTEN_OFF = ngettext_noop(
    "%(n)s failed run is written off. It can be taken back for ten minutes.",
    "%(n)s failed runs are written off. It can be taken back for ten minutes.",
)
OPEN_AGAIN = ngettext_noop("%(n)s failed run is open again.", "%(n)s failed runs are open again.")


@require_POST
@requires("write_off")
def write_off(request: HttpRequest) -> HttpResponse:
    """Shows how many of the chosen failures are open, and asks why they are given up."""
    try:
        chosen = chosen_runs.choose(request.POST, request.user, timezone.now())
    except ChoiceRefused as refusal:
        return render(request, PAGE, {"refusal": str(refusal)}, status=400)
    return _show(request, chosen, ReasonForm())


@require_POST
@requires("write_off")
def write_off_confirm(request: HttpRequest) -> HttpResponse:
    """Writes off what was looked at, as far as it is still open."""
    try:
        chosen = chosen_runs.unseal(request.POST.get("chosen", ""), request.user)
    except ChoiceRefused as refusal:
        return render(request, PAGE, {"refusal": str(refusal)}, status=400)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return _show(request, chosen, form, status=400)
    try:
        done = acts.write_off(chosen.keys, request.user, form.cleaned_data["reason"], timezone.now())
    except ActRefused as refusal:
        return _show(request, chosen, form, refusal=refusal.message, status=409)
    _tell(request, len(done), WRITTEN_OFF, _("Nothing was open any more."))
    if chosen.problem_id is not None:
        return redirect("problem", chosen.problem_id)
    return redirect(f"{reverse('executions')}?outcome={Failure.Fate.WRITTEN_OFF}")


@require_POST
@requires("write_off")
def write_off_take_back(request: HttpRequest) -> HttpResponse:
    """Opens the chosen failures again that were written off within the last ten minutes."""
    try:
        chosen = chosen_runs.choose(request.POST, request.user, timezone.now())
    except ChoiceRefused as refusal:
        return render(request, PAGE, {"refusal": str(refusal)}, status=400)
    done = acts.take_back(chosen.keys, request.user, timezone.now())
    _tell(request, len(done), OPEN_AGAIN, _("None of them was written off within the last ten minutes."))
    return redirect(f"{reverse('executions')}?outcome={Failure.Fate.OPEN}")


@require_POST
def problem_take_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Opens the failures of a problem again that were written off within the last ten minutes."""
    row = get_or_404(request.user, all_problems(), pk, action="write_off")
    now = timezone.now()
    keys = list(just_written_off(row, now).values_list("pk", flat=True))
    done = acts.take_back(keys, request.user, now)
    _tell(request, len(done), OPEN_AGAIN, _("The ten minutes are over."))
    return redirect(row)


def _show(
    request: HttpRequest, chosen: ChosenRuns, form: ReasonForm, *, refusal: str = "", status: int = 200
) -> HttpResponse:
    still_open = Failure.objects.filter(pk__in=chosen.keys, fate=Failure.Fate.OPEN).count()
    context = {
        "total": len(chosen.keys),
        "still_open": still_open,
        "form": form,
        "chosen": chosen_runs.seal(chosen, request.user, timezone.now()),
        "problem": Problem.objects.filter(pk=chosen.problem_id).first() if chosen.problem_id else None,
        "refusal": refusal,
    }
    return render(request, PAGE, context, status=status)


def _tell(request: HttpRequest, count: int, done: tuple[str, str], nothing: str) -> None:
    if count:
        messages.success(request, ngettext(*done, count) % {"n": formats.number(count)})
    else:
        messages.warning(request, nothing)
