"""Puts together what the page of a problem of CRM needs beside what every problem's page shows."""

from __future__ import annotations

from typing import Any

from django.forms import Form
from django.http import HttpRequest
from django.utils import timezone

from dashboard.context import age_of
from dashboard.problems.forms import AcceptForm
from dashboard.problems.log import lines_of
from monitor.access import may
from monitor.languages import gettext as _
from monitor.models import CrmFailure, Problem, Stream
from monitor.privacy import mask_name, mask_text
from monitor.queries import crm_problems
from monitor.rule_words.failure_reasons import is_zohos_word, reason_words
from monitor.triage.take_crm import WEBHOOK
from monitor.triage.write_off import UNDO_FOR


def crm_context(request: HttpRequest, problem: Problem, form: Form | None) -> dict[str, Any]:
    """Puts together what only this page shows; who is on it is as on every problem's page.

    Args:
        request: of the person who looks.
        problem: one of CRM.
        form: one that was sent and found wanting.
    """
    now = timezone.now()
    detail = crm_problems.detail(problem, whole=request.GET.get("all", ""))
    is_of_webhooks = any(cause.action == WEBHOOK for cause in detail.causes)
    stream = Stream.WEBHOOK_FAILURES if is_of_webhooks else Stream.USAGE
    may_accept = may(request.user, "write_off", problem.account) and problem.merged_into_id is None
    return age_of(problem.account_id, stream) | {
        "detail": detail,
        "is_of_webhooks": is_of_webhooks,
        "rows": [(entry, _said(entry)) for entry in detail.newest],
        "log": lines_of(detail.acts, problem.account),
        "may_accept": may_accept,
        "may_take_back": may_accept and detail.accepted_at is not None and now < detail.accepted_at + UNDO_FOR,
        "accept_form": form if isinstance(form, AcceptForm) else AcceptForm(auto_id="acceptform_%s"),
    }


def _said(entry: CrmFailure) -> str:
    """Says what failed: why a call did, or which action."""
    call = entry.webhook_failure
    if call is None:
        return mask_name(entry.action_name) or entry.action_id or _("Which action Zoho does not say")
    known = reason_words(call.reason)
    if known is not None:
        return _(known)
    return call.reason.replace("_", " ") if is_zohos_word(call.reason) else mask_text(call.reason, people=call.people)
