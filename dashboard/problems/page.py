"""Puts together what the template of a problem's page needs."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest
from django.utils import timezone

from dashboard import charts
from dashboard.context import age_of
from dashboard.problems.crm_page import crm_context
from dashboard.problems.forms import ArchiveForm, AssignForm, NoteForm, ReopenForm, ResolveForm
from dashboard.problems.log import lines_of
from dashboard.slots import Slot
from dashboard.widgets import offer_rows
from monitor.access import may
from monitor.languages import gettext as _
from monitor.models import Failure, FailureGroup, Problem
from monitor.models.asking import answered, ask, in_step
from monitor.queries import links
from monitor.queries import problems as queries
from monitor.queries.counts import Counts
from monitor.triage.named_places import SampleOfWords, with_kinds
from monitor.triage.remedy import REMEDIES
from monitor.triage.what_differs import ask_what_differs
from monitor.triage.write_off import UNDO_FOR

_FORM_NAMES: dict[type[Form], str] = {
    AssignForm: "assign_form",
    NoteForm: "note_form",
    ResolveForm: "resolve_form",
    ArchiveForm: "archive_form",
    ReopenForm: "reopen_form",
}


def page_context(
    request: HttpRequest, problem: Problem, form: Form | None = None, *, refusal: str = ""
) -> dict[str, Any]:
    """Puts together what the page's template needs.

    Args:
        request: of the person who looks.
        problem: which.
        form: one that was sent and found wanting; it takes the place of the fresh one of its kind.
        refusal: why what was asked was not done.
    """
    shared = {
        "problem": problem,
        "may_act": may(request.user, "triage", problem.account) and problem.merged_into_id is None,
        "refusal": refusal,
        "state_words": _(problem.get_state_display()),
    }
    kinds = (AssignForm, NoteForm, ResolveForm, ArchiveForm, ReopenForm)
    shared |= {_FORM_NAMES[kind]: _form(kind, problem, form) for kind in kinds}
    if _is_of_crm(problem):
        return crm_context(request, problem, form) | shared
    return _runs_context(request, problem, shared["assign_form"].fields["owner"]) | shared


def template_of(problem: Problem) -> str:
    """Names the template of a problem's page."""
    return "problems/crm.html" if _is_of_crm(problem) else "problems/problem.html"


def _is_of_crm(problem: Problem) -> bool:
    return bool(problem.source == Problem.Source.CRM)


def _runs_context(request: HttpRequest, problem: Problem, owner: Any) -> dict[str, Any]:
    now, zone = timezone.now(), timezone.get_current_timezone()
    asking = queries.ask_detail(problem, now, zone, whole=request.GET.get("all", "")), ask_what_differs(problem)
    detail, differences, people = answered(in_step(*asking, ask(owner.queryset)))
    offer_rows(owner, people)
    causes = zip(detail.groups, detail.templates, strict=True)
    return age_of(problem.account_id) | {
        "detail": detail,
        "what_to_do": _(REMEDIES[problem.remedy]) if problem.remedy in REMEDIES else "",
        "differences": differences,
        "causes": [(group, _told(detail, group, text)) for group, text in causes],
        "chart": _trend(problem, detail, zone),
        "log": lines_of(detail.acts, problem.account),
        "rows": detail.samples,
        "may_retry": may(request.user, "retry.bulk", problem.account),
        "may_write_off": may(request.user, "write_off", problem.account),
        "undone_until": just_written_off(problem, now).count() if detail.ledger.written_off else 0,
    }


def _told(detail: queries.ProblemDetail, group: FailureGroup, template: str) -> str:
    """Names in a template what its parameters are, as far as some of its runs tell."""
    runs = detail.told_by.get(group.pk, [])
    return with_kinds(template, [SampleOfWords((run.error_message, run.error_details), run.people) for run in runs])


def just_written_off(problem: Problem, now: Any) -> QuerySet[Failure]:
    """Finds the failures of a problem whose writing off can still be taken back."""
    return Failure.objects.filter(
        group__problem=problem, fate=Failure.Fate.WRITTEN_OFF, write_off__at__gt=now - UNDO_FOR
    )


def _form(kind: type[Form], problem: Problem, sent: Form | None) -> Form:
    if isinstance(sent, kind):
        return sent
    initial = {"owner": problem.owner_id} if kind is AssignForm else {}
    return kind(initial=initial, auto_id=f"{kind.__name__.lower()}_%s")


def _trend(problem: Problem, detail: queries.ProblemDetail, zone: Any) -> charts.Chart:
    slots = [Slot(day.start, day.end, Counts(failed=count)) for day, count in detail.trend]

    def link(slot: Slot, _status: str) -> str:
        return links.failures(problem_id=problem.pk, failed_from=slot.start, failed_before=slot.end)

    return charts.failed_by_day(slots, zone, link)
