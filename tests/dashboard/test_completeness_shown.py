"""What keeps an account from being complete is told alike wherever it is shown."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.urls import reverse

from monitor.models import AlertState, ZohoAccount
from monitor.notify.facts import facts_of
from monitor.queries.status import status
from monitor.standing.completeness import gap_of, why_incomplete
from tests.factories import make_alert_rule
from tests.notify.conftest import make_transition
from tests.standing.test_completeness import GAPS, SWEPT, of_gap

MARKS = {"": "Complete", "hole": "Hole", "unread": "Not read yet", "uncounted": "No counters", "moved": "Newer runs"}


@pytest.mark.parametrize("gap", GAPS)
def test_each_gap_is_told_alike_by_account_stream_flow_list_page_and_mail(
    account: ZohoAccount, now: datetime, signed_in: Any, vera: Any, at_noon: None, gap: str
) -> None:
    flow = of_gap(account, gap)
    (told,) = status(now, account.name)["accounts"]
    (one,) = told["completeness"]["flows"]
    assert gap_of(flow, SWEPT) == gap
    is_whole = gap == ""
    assert (told["complete"], told["streams"]["executions"]["complete"], one["complete"]) == (is_whole,) * 3
    assert one["reason"] == why_incomplete(flow, SWEPT)
    client = signed_in(vera)
    listed = client.get(reverse("flows")).content.decode()
    page = client.get(flow.get_absolute_url()).content.decode()
    banner = client.get(reverse("alerts")).content.decode()
    row = listed[listed.index(f'href="{flow.get_absolute_url()}"') :].split("</tr>")[0]
    assert MARKS[gap] in row.split('data-label="Mirror"')[1]
    assert ("Runs of this flow may be missing" in page) == (gap in ("uncounted", "moved"))
    assert ('id="freshness-banner"' in banner) == (not is_whole)
    alert = AlertState.objects.create(
        rule=make_alert_rule(account), flow=flow, state="firing", is_open=True, episode=1, since=now, evaluated_at=now
    )
    mailed = facts_of(make_transition(alert), now).gap
    assert mailed == ("the flow's history is not read to its end yet" if gap == "unread" else one["reason"])
