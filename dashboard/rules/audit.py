"""Shows what the audit of workflow rules finds, as a list and as a file, and lets people accept it with a reason."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard import lists, remembered
from dashboard.access import get_or_404, requires
from dashboard.context import age_of
from dashboard.csv_files import export_list
from dashboard.reasons import ReasonForm
from dashboard.rules.forms import FindingFilterForm
from monitor import accepted_findings, languages
from monitor.access import may
from monitor.languages import gettext as _
from monitor.models import AcceptedFinding, Stream, WorkflowRule, ZohoAccount
from monitor.queries import rule_audit as queries
from monitor.queries.rule_audit import AuditedFinding, AuditOfRules
from monitor.rule_audit.audit import KINDS, QUIET_DAYS

COLUMNS = ("account", "kind", "module", "about", "ids", "evidence", "step", "page", "accepted_because", "accepted_at")
RIGHT = "findings"


@require_safe
def rule_audit(request: HttpRequest) -> HttpResponse:
    """Lists what the audit finds, by the filters in the address."""
    return _list(request, FindingFilterForm(request.GET))


@require_POST
@requires("export")
def rule_audit_csv(request: HttpRequest) -> HttpResponseBase:
    """Sends what the list would show, on all of its pages, as CSV. 400 for filters that are none."""
    form = FindingFilterForm(request.GET)
    if not form.is_valid():
        return _list(request, form)
    with languages.speaking(languages.SOURCE):
        found = queries.narrowed(_audit(timezone.now(), form.quiet_days).rows, form.wanted())
    return export_list(request, WorkflowRule, "rule-audit", COLUMNS, map(_cells, found))


@require_http_methods(["GET", "HEAD", "POST"])
def rule_finding(request: HttpRequest, account: int, key: str) -> HttpResponse:
    """Shows one finding as it stands; a POST accepts it, for a reason. 404 once it is found no more."""
    owner = get_or_404(request.user, ZohoAccount, account, action=RIGHT if request.method == "POST" else "view")
    now = timezone.now()
    row = queries.find(now, owner.pk, key)
    if row is None:
        raise Http404
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["reason"]
        accepted_findings.accept(row.finding, reason, by=request.user, now=now)  # type: ignore[arg-type]
        messages.success(request, _("Accepted. It comes back by itself if what was seen changes."))
        return redirect("rule_audit")
    context = {"row": row, "form": form, "may_accept": may(request.user, RIGHT)} | age_of(owner.pk, Stream.RULES)
    return render(request, "rules/finding.html", context, status=400 if form.is_bound else 200)


@require_POST
def rule_finding_take_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Has a finding that was accepted stand again."""
    row = get_or_404(request.user, AcceptedFinding, pk, action=RIGHT)
    if accepted_findings.take_back(row, by=request.user, now=timezone.now()):  # type: ignore[arg-type]
        messages.success(request, _("“%(about)s” is a finding again.") % {"about": row.about})
    return redirect("rule_audit")


def _audit(now: datetime, quiet_days: int) -> AuditOfRules:
    """Audits the rules of all accounts; for some seconds everybody is given the same."""
    return remembered.of(("rule audit", quiet_days), lambda: queries.audit_of(now, quiet_days=quiet_days))


def _list(request: HttpRequest, form: FindingFilterForm) -> HttpResponse:
    found = _audit(timezone.now(), form.quiet_days if form.is_valid() else QUIET_DAYS)
    form.offer_modules(sorted({row.finding.module for row in found.rows} - {""}))

    def find(wanted: queries.FindingFilter) -> dict[str, Any]:
        rows = queries.narrowed(found.rows, wanted)
        counted = queries.narrowed(found.rows, wanted, of_any_kind=True)
        gaps = [gap for gap in found.not_checked if wanted.account_id in (None, gap.account_id)]
        more = {"counts": _counts(request.GET, counted), "not_checked": gaps, "rules": found.rules}
        return lists.numbered(rows, form) | more

    more = {"may_export": may(request.user, "export"), "may_accept": may(request.user, RIGHT)}
    return lists.show(request, "rules/audit.html", form, find, stream=Stream.RULES, nouns=_("findings"), **more)


def _counts(query: QueryDict, rows: list[AuditedFinding]) -> list[tuple[str, int, str]]:
    """Counts findings by kind: its name, how many, and the address that lists the very ones."""
    found = []
    for name, kind in KINDS.items():
        count = sum(row.finding.kind == name for row in rows)
        if count:
            kept = FindingFilterForm.own(query, "page", "kind")
            kept["kind"] = name
            found.append((_(kind.label), count, f"?{kept.urlencode()}"))
    return found


def _cells(row: AuditedFinding) -> Iterator[object]:
    finding, accepted = row.finding, row.accepted
    yield from (finding.account, row.label, finding.module)
    yield "; ".join(one.name for one in finding.subjects)
    yield "; ".join(one.id for one in finding.subjects)
    yield from (finding.evidence, finding.step, finding.act[1])
    yield from (queries.in_words(accepted.reason), accepted.at) if accepted is not None else ("", None)
