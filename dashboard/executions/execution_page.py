"""What the templates of an execution's page and of its retry part need."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from dashboard.executions.forms import ReasonForm, RetryForm
from monitor.access import may
from monitor.models import Execution
from monitor.queries import execution as queries
from monitor.queries import freshness
from monitor.queries.standing import standing
from monitor.retry import requests
from monitor.retry.verdict import judge

# Three forms of the page ask for a reason; their fields must not share ids.
UNMASK_IDS = "unmask_%s"
# An open retry mostly ends within a minute; one of unknown outcome may stay open for hours.
SOON = timedelta(minutes=2)
POLL_SOON, POLL_LATER = 2, 20  # seconds


def page_context(request: HttpRequest, row: Execution, form: RetryForm | None = None) -> dict[str, Any]:
    """What the page's template needs.

    Args:
        form: a bound retry form, see `retry_context`.
    """
    detail = queries.detail(row)
    mirror = freshness.mirror(timezone.now())
    context = {
        "mirror": mirror,
        "freshness": mirror.of(row.account_id),
        "execution": row,
        "detail": detail,
        "error": detail.error,
        "trigger_data": detail.trigger_data,
        "trigger_cut": detail.trigger_cut,
        "is_unmasked": False,
        "may_unmask": may(request.user, "unmask", row.account),
        "unmask_form": ReasonForm(auto_id=UNMASK_IDS),
    }
    return context | retry_context(request, row, detail, form)


def retry_context(
    request: HttpRequest, row: Execution, detail: queries.ExecutionDetail, form: RetryForm | None = None
) -> dict[str, Any]:
    """What the retry part's template needs.

    Args:
        form: one that was sent and found wanting; None for a fresh one with a token of its own.
    """
    now = timezone.now()
    facts = requests.facts_for(row, now)
    verdict = judge(facts, now)
    may_accept = may(request.user, "retry.accept_risk", row.account)
    is_risky = verdict.kind == "risky"
    if form is not None and not is_risky:
        form.fields.pop("accept_risk", None)
    may_ask = may(request.user, "retry", row.account) and verdict.kind != "refused" and (may_accept or not is_risky)
    return {
        "later": standing(row, now, was_retried=detail.was_retried, zoho_ahead=facts.zoho_ahead),
        "retry_mark": retry_mark(detail),
        "poll_seconds": _poll_seconds(detail, now),
        "verdict": verdict,
        "may_retry": may(request.user, "retry", row.account),
        "may_override": may(request.user, "retry.override", row.account),
        "needs_admin": is_risky and not may_accept,
        "retry_form": (form or RetryForm(asks_risk=is_risky)) if may_ask else None,
        "not_run_form": ReasonForm(auto_id="not_run_%s"),
    }


def retry_mark(detail: queries.ExecutionDetail) -> str:
    """What the retry part shows of the open retry, in one word: the same mark, the same part."""
    attempt = detail.open_attempt
    if attempt is None:
        return ""
    return f"{attempt.row.pk}-{attempt.row.state}-{attempt.new_run.pk if attempt.new_run else 0}"


def _poll_seconds(detail: queries.ExecutionDetail, now: datetime) -> int:
    attempt = detail.open_attempt
    return POLL_SOON if attempt is None or now - attempt.row.requested_at < SOON else POLL_LATER
