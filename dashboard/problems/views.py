"""Shows problems: the list, and the page of one."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from dashboard import lists
from dashboard.access import get_or_404
from dashboard.news import MOST_NEW, News, read_key
from dashboard.problems.forms import MANY, ProblemFilterForm
from dashboard.problems.page import page_context, template_of
from monitor.access import may
from monitor.languages import gettext as _
from monitor.languages import gettext_lazy
from monitor.models import Problem
from monitor.models.asking import Asking, answered, in_step
from monitor.queries import policies
from monitor.queries import problems as queries


@require_safe
def problems(request: HttpRequest) -> HttpResponse:
    """Lists problems, those that somebody has to look at first."""
    return show_list(request)


@require_safe
def problem(request: HttpRequest, pk: int) -> HttpResponse:
    """Shows one problem; the address of one that was merged leads to the one that took it in."""
    row = get_or_404(request.user, all_problems(), pk)
    if row.merged_into_id is not None:
        return redirect("problem", row.merged_into_id)
    return render(request, template_of(row), page_context(request, row))


def all_problems() -> QuerySet[Problem]:
    """Problems with the joins that pages need, those that were merged away, too."""
    rows = Problem.objects.select_related("account", "owner").defer("account__client_secret")
    return rows.annotate(policy_on=policies.on_for("problem"))


def _ledger(request: HttpRequest, wanted: queries.ProblemFilter) -> Asking[dict[str, Any]]:
    """Asks how failed runs ended in all, or those of the flow or account looked at; not for a part of a page."""
    if request.htmx:  # type: ignore[attr-defined]
        return {}
    scope: dict[str, Any] = {"account": wanted.account_id, "flow": wanted.flow_id}
    of_what = _("This flow") if wanted.flow_id else _("This account") if wanted.account_id else _("In all")
    counts = yield from queries.ask_ledger(Q(**{name: key for name, key in scope.items() if key is not None}))
    return {"counts": counts, "of_what": of_what, "account_id": wanted.account_id, "flow_id": wanted.flow_id}


def _newer(wanted: queries.ProblemFilter, mark: str) -> int:
    return queries.matching(wanted).filter(pk__gt=read_key(mark)).order_by()[: MOST_NEW + 1].count()


NEW = News(gettext_lazy("problem"), gettext_lazy("problems"), lambda context: str(context["newest"]), _newer)


def _ask_page(wanted: queries.ProblemFilter, form: ProblemFilterForm) -> Asking[dict[str, Any]]:
    """Asks for the problems of a page, and for how their failures ended."""
    page = yield from lists.ask_numbered(queries.matching(wanted), form)
    return page | {"rows": (yield from queries.ask_with_counts(page["rows"]))}


def show_list(
    request: HttpRequest, *, refusal: str = "", status: int = 200, ticked: Collection[int] = ()
) -> HttpResponse:
    """Shows the list, and what was refused; `ticked`: problems that stay ticked."""
    form = ProblemFilterForm(request.GET)

    def find(wanted: queries.ProblemFilter) -> dict[str, Any]:
        page, ledger, newest = answered(
            in_step(_ask_page(wanted, form), _ledger(request, wanted), queries.ask_newest())
        )
        return page | ledger | {"newest": newest}

    may_act = may(request.user, "triage")
    response = lists.show(
        request,
        "problems/list.html",
        form,
        find,
        nouns=_("problems"),
        news=NEW,
        own_url=reverse("problems"),
        may_act=may_act,
        many=MANY.items(),
        ticked=ticked,
        refusal=refusal,
    )
    if refusal:
        response.status_code = status
    return response
