"""Puts together what the templates of an execution's page and of its retry part need."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from dashboard import remembered
from dashboard.context import age_of
from dashboard.executions.forms import RetryForm
from dashboard.executions.next_words import coming
from dashboard.reasons import ReasonForm
from monitor.access import may
from monitor.models import Execution, Failure
from monitor.queries import execution as queries
from monitor.queries import policies
from monitor.queries.failures_beside import failures_beside
from monitor.queries.run_status import standing
from monitor.retry.facts import facts_shown
from monitor.retry.pins import actions_of
from monitor.retry.prospects import prospect_of
from monitor.retry.safety import judge


@dataclass(frozen=True, slots=True)
class FailedStep:
    """Holds the action that failed: what people call it, and which of how many it is."""

    name: str
    place: int
    of: int


# Three forms of the page ask for a reason; their fields must not share ids.
UNMASK_IDS = "unmask_%s"


def page_context(
    request: HttpRequest, row: Execution, form: RetryForm | None = None, *, masked: bool = True
) -> dict[str, Any]:
    """Puts together what the page's template needs.

    Args:
        request: of the person who looks.
        row: the execution.
        form: a bound retry form, see `retry_context`.
        masked: False only for a person who may unmask and gave a reason.
    """
    detail = queries.detail(row, masked=masked)
    context = {
        "execution": row,
        "detail": detail,
        "beside": failures_beside(row),
        "failed_step": _failed_step(row),
        "may_unmask": may(request.user, "unmask", row.account),
        "unmask_form": ReasonForm(auto_id=UNMASK_IDS),
    }
    context |= retry_context(request, row, detail, form)
    failure = getattr(row, "failure", None)  # no row is an AttributeError, too
    context["coming"] = coming(
        context["later"],
        # A failure of a moment ago has no entry in the ledger yet.
        is_open_failure=row.is_failed and (failure is None or failure.fate == Failure.Fate.OPEN),
        is_being_retried=detail.open_attempt is not None,
        policy=_policy_for(row, failure),
        may_be_retried=context["verdict"].kind != "refused",
    )
    return age_of(row.account_id) | context


def retry_context(
    request: HttpRequest, row: Any, detail: queries.ExecutionDetail, form: RetryForm | None = None
) -> dict[str, Any]:
    """Puts together what the retry part's template needs.

    Args:
        request: of the person who looks.
        row: the execution, from `monitor.queries.execution.executions`.
        detail: what is known of it.
        form: one that was sent and found wanting; None for a fresh one with a token of its own.
    """
    now = timezone.now()
    parent = detail.cause.execution_id if detail.cause is not None else ""
    ahead = row.zoho_ahead or timedelta(0)
    facts = facts_shown(row, now, [attempt.row for attempt in detail.attempts], parent, ahead)
    verdict = judge(facts, now)
    may_accept = may(request.user, "retry.accept_risk", row.account)
    is_risky = verdict.kind == "risky"
    if form is not None and not is_risky:
        form.fields.pop("accept_risk", None)
    if form is not None:
        form.show_anew(verdict.shown)
    may_ask = may(request.user, "retry", row.account) and verdict.kind != "refused" and (may_accept or not is_risky)
    return {
        "later": standing(row, now, was_retried=detail.was_retried, zoho_ahead=facts.zoho_ahead),
        "poll_seconds": detail.poll_seconds(now),
        "verdict": verdict,
        "worth": prospect_of(row, remembered.of) if verdict.kind != "refused" else None,
        "may_retry": may(request.user, "retry", row.account),
        "may_retry_many": may(request.user, "retry.bulk", row.account),
        "may_override": may(request.user, "retry.override", row.account),
        "needs_admin": is_risky and not may_accept,
        "retry_form": (form or RetryForm(asks_risk=is_risky, initial={"shown": verdict.shown})) if may_ask else None,
        "not_run_form": ReasonForm(auto_id="not_run_%s"),
    }


def _policy_for(row: Execution, failure: Failure | None) -> int | None:
    """Returns the retry policy that is on for a failure's flow or problem, and was when it failed."""
    if failure is None:
        return None
    ours = ("flow", row.flow_id), ("problem", failure.group.problem_id)
    on = remembered.of(("retry policies that are on",), policies.all_on)
    found = (on[one] for one in ours if one in on)
    return next((one.pk for one in found if one.on_since and one.on_since <= failure.failed_at), None)


def _failed_step(row: Execution) -> FailedStep | None:
    """Finds which of the flow's actions failed, by the definition as it is now; None where that is not known."""
    if not row.error_action_id:
        return None
    actions = remembered.of(("actions of a flow", row.flow_id), lambda: actions_of(row.flow))
    place = next((place for place, (key, _) in enumerate(actions, 1) if key == row.error_action_id), None)
    return FailedStep(actions[place - 1][1], place, len(actions)) if place is not None else None
