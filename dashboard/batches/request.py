"""Previews a bulk retry, and takes the wish for it: the runs that were looked at become a batch of each account."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST
from django_q.tasks import async_task

from dashboard import chosen_runs
from dashboard.access import requires
from dashboard.batches.forms import RECENT, BatchForm
from dashboard.chosen_runs import ChoiceRefused, ChosenRuns
from monitor.access import may
from monitor.languages import gettext as _
from monitor.models import Flow, Problem, RetryBatch, ZohoAccount
from monitor.privacy import mask_text
from monitor.queries import batches as queries
from monitor.queries.quota import QuotaLeft, quota_left
from monitor.retry.batches import USUAL_PER_MINUTE, all_confirmed, request_batch
from monitor.retry.preview import Preview, preview
from monitor.retry.requests import RetryRefused
from monitor.retry.steps import pace_within

MOST_SHOWN = 50  # flows, and problems


@dataclass(frozen=True)
class FlowVerdicts:
    """Holds how many of a flow's runs are safe, risky and impossible to retry."""

    flow: Flow
    counts: Counter[str]

    @property
    def total(self) -> int:
        return self.counts.total()


@dataclass(frozen=True)
class ProblemVerdicts:
    """Holds the same of a problem's runs; no `problem` where the runs are in none yet. `title` is masked."""

    problem: Problem | None
    title: str
    counts: Counter[str]

    @property
    def total(self) -> int:
        return self.counts.total()


@dataclass(frozen=True)
class SlowedAccount:
    """Holds an account whose calls of a minute let fewer runs start than were asked for."""

    account: ZohoAccount
    calls: int
    runs: float


@dataclass(frozen=True)
class Cost:
    """Holds what a batch takes: runs that are sent, API calls, and time at least; what is left of the quota.

    And which accounts keep to a slower pace than that of the form.
    """

    items: int
    calls: int
    time: timedelta
    quota: list[QuotaLeft]
    slowed: list[SlowedAccount]


@require_POST
@requires("retry.bulk")
def batch_preview(request: HttpRequest) -> HttpResponse:
    """Shows what a retry of the chosen runs would do; nothing is sent and nothing is written."""
    try:
        chosen = chosen_runs.choose(request.POST, request.user, timezone.now())
    except ChoiceRefused as refusal:
        return _refused(request, str(refusal))
    return _show(request, chosen, again="per_minute" in request.POST)


@require_POST
@requires("retry.bulk")
def batch_confirm(request: HttpRequest) -> HttpResponse:
    """Makes a batch of what was looked at. 400 where the form cannot be used, 409 where it cannot be done."""
    now, person = timezone.now(), request.user
    try:
        chosen = chosen_runs.unseal(request.POST.get("chosen", ""), person)
    except ChoiceRefused as refusal:
        return _refused(request, str(refusal))
    found = preview(chosen.keys, now)
    form = BatchForm(request.POST, risky=_risky(request, found))
    if not form.is_valid():
        return _show(request, chosen, form=form, found=found, status=400)
    accounts = ZohoAccount.objects.in_bulk(chosen.by_account)
    problem = Problem.objects.filter(pk=chosen.problem_id).first() if chosen.problem_id else None
    made: list[RetryBatch] = []
    try:
        with transaction.atomic():
            for account, keys in chosen.by_account.items():
                if account not in accounts:
                    raise RetryRefused(_("An account of these runs is no longer here."), "not_there")
                batch = request_batch(
                    account=accounts[account],
                    executions=keys,
                    user=person,
                    reason=form.cleaned_data["reason"],
                    client_token=f"{chosen.token}-{account}",
                    now=now,
                    accept_risk=form.accepts_risk,
                    per_minute=form.cleaned_data["per_minute"],
                    canary=form.cleaned_data["canary"],
                    source=chosen.source,
                    seen_at=chosen.seen_at,
                    seen=chosen.seen,
                    problem=problem if problem is not None and problem.account_id == account else None,
                )
                made.append(batch)
            async_task("monitor.tasks.send_retries")
    except RetryRefused as refusal:
        return _show(request, chosen, form=form, found=found, refusal=refusal.message, status=409)
    if len(made) > 1:
        messages.success(request, _("%(n)s batches are made, one of each account.") % {"n": len(made)})
        return redirect("batches")
    messages.success(request, _("The batch is made. Its state is shown below as it changes."))
    return redirect("batch", made[0].pk)


def _show(
    request: HttpRequest,
    chosen: ChosenRuns,
    *,
    form: BatchForm | None = None,
    found: Preview | None = None,
    again: bool = False,
    refusal: str = "",
    status: int = 200,
) -> HttpResponse:
    """Shows the preview, and what was wrong with the form; `again`: with another pace, which the form holds."""
    now = timezone.now()
    found = found or preview(chosen.keys, now)
    risky = _risky(request, found)
    if form is None:
        form = BatchForm(request.POST, risky=risky) if again else BatchForm(risky=risky)
        if again and not form.is_valid():
            status = 400 if form.has_error("per_minute") else 200
            form.errors.pop("reason", None)  # it is asked for when the batch is confirmed
    pace = getattr(form, "cleaned_data", {}).get("per_minute") or USUAL_PER_MINUTE
    context = {
        "found": found,
        "form": form,
        "chosen": chosen_runs.seal(chosen, request.user, now, all_confirmed(found)),
        "problem": Problem.objects.filter(pk=chosen.problem_id).first() if chosen.problem_id else None,
        "problems": _problems(found),
        "problem_count": len(found.by_problem),
        "flows": _flows(found),
        "flow_count": len(found.by_flow),
        "accounts": len(chosen.by_account),
        "pace": pace,
        "safe_cost": _cost(found, pace, now, accept_risk=False),
        "all_cost": _cost(found, pace, now, accept_risk=True) if risky else None,
        "can_start": bool(found.safe or risky),
        "reasons": queries.recent_reasons(request.user),
        "reasons_id": RECENT,
        "refusal": refusal,
    }
    return render(request, "batches/preview.html", context, status=status)


def _refused(request: HttpRequest, words: str) -> HttpResponse:
    return render(request, "batches/preview.html", {"refusal": words}, status=400)


def _risky(request: HttpRequest, found: Preview) -> int:
    """Returns how many the person may take though they could run twice."""
    return found.risky if may(request.user, "retry.accept_risk") else 0


def _cost(found: Preview, pace: int, now: datetime, *, accept_risk: bool) -> Cost:
    quota = quota_left(found.calls_by_account(accept_risk=accept_risk), now)
    limits = {one.account.pk: one.per_minute for one in quota}
    return Cost(
        found.items(accept_risk=accept_risk),
        found.calls(accept_risk=accept_risk),
        found.time_needed(pace, limits, accept_risk=accept_risk),
        quota,
        [
            SlowedAccount(one.account, one.per_minute, runs)
            for one in quota
            if one.per_minute and (runs := pace_within(pace, one.per_minute)) < pace
        ],
    )


def _problems(found: Preview) -> list[ProblemVerdicts]:
    most = _most(found.by_problem)
    problems = Problem.objects.in_bulk(most)
    titles = {key: mask_text(problem.title) for key, problem in problems.items()}
    return [ProblemVerdicts(problems.get(key), titles.get(key, ""), found.by_problem[key]) for key in most]


def _most(counts: Mapping[int, Counter[str]]) -> list[int]:
    return sorted(counts, key=lambda key: (-counts[key].total(), key))[:MOST_SHOWN]


def _flows(found: Preview) -> list[FlowVerdicts]:
    most = _most(found.by_flow)
    flows: dict[int, Any] = Flow.objects.defer("raw").in_bulk(most)
    return [FlowVerdicts(flows[key], found.by_flow[key]) for key in most if key in flows]
