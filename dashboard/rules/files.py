"""Sends the list of workflow rules as a file: all that its filters let through, with the columns that it shows."""

from __future__ import annotations

from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_POST

from dashboard.access import requires
from dashboard.csv_files import export_list
from dashboard.rules.forms import RuleFilterForm
from dashboard.rules.listed import listed
from dashboard.rules.rows import lines
from monitor.models import WorkflowRule
from monitor.queries import rule_list

COLUMNS = (
    *("name", "account", "owner", "tags", "module", "trigger", "actions", "state", "last_run", "done", "failed"),
    *("trend", "trend_says", "failed_by_zohos_report", "counted_over"),
)
CHUNK = 500


@require_POST
@requires("export")
def rules_file(request: HttpRequest) -> HttpResponseBase:
    """Sends the rules that match the filters in the address, in the order of the list; it stands in the trail."""
    form = RuleFilterForm(request.GET)
    if not form.is_valid():
        return HttpResponse("The filters cannot be read.\n", status=400, content_type="text/plain")
    return export_list(request, WorkflowRule, "rules", COLUMNS, _cells(form))


def _cells(form: RuleFilterForm) -> Iterator[list[object]]:
    now, zone = timezone.now(), timezone.get_current_timezone()
    keys = rule_list.in_order(form.wanted(), now)
    for start in range(0, len(keys), CHUNK):
        for line in lines(listed(keys[start : start + CHUNK], now, form.days_counted), now, zone):
            yield [
                *(line.name, line.account, line.owned.owner.username if line.owned.owner else ""),
                *(" ".join(line.owned.tags), line.module, line.trigger, line.actions, line.state_word),
                *(line.ran_at.isoformat() if line.ran_at else "", line.done, line.failed, line.trend),
                *(line.trend_words, line.reported, line.counted_over),
            ]
