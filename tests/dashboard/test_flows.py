"""The list of flows and the page of one."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest

from dashboard import remembered
from dashboard.flows.tabs import TABS
from monitor.models import AuditEntry, Flow, SyncState, User, ZohoAccount
from tests import factories
from tests.dashboard.test_overview import text_of


def test_the_list_shows_figures_and_completeness(vera: User, signed_in: Any, busy_flow: Any, at_noon: datetime) -> None:
    busy_flow(flow_name="Lead to campaign", trigger_app="Zoho Forms")
    words = text_of(signed_in(vera).get("/flows/"))
    assert "Lead to campaign Zoho Forms" in words
    assert "90.0 % 9 succeeded, 1 failed in 14 days" in words
    assert "just now Complete" in words


def test_a_flow_with_a_hole_is_marked_in_the_list(
    vera: User, signed_in: Any, busy_flow: Any, at_noon: datetime
) -> None:
    busy_flow(hole_reason="31 rows are missing")
    page = signed_in(vera).get("/flows/")
    assert "Hole" in text_of(page)
    assert b"31 rows are missing" in page.content


def test_no_flow_of_an_account_that_is_behind_is_called_complete(
    vera: User, signed_in: Any, busy_flow: Any, at_noon: datetime
) -> None:
    busy_flow()
    SyncState.objects.update(state="unreachable")
    words = text_of(signed_in(vera).get("/flows/"))
    assert "just now Cannot be reached" in words
    assert "just now Complete" not in words


def test_search_that_finds_nothing_offers_a_way_back(vera: User, signed_in: Any, busy_flow: Any) -> None:
    busy_flow()
    words = text_of(signed_in(vera).get("/flows/?text=zzz"))
    assert "No flows match these filters. Clear the filters" in words


def test_what_is_remembered_of_the_list_is_of_its_filter_and_order_and_is_no_flow_of_a_page(
    vera: User, signed_in: Any, busy_flow: Any, settings: Any
) -> None:
    flow = busy_flow(flow_name="Alpha")
    other = factories.make_flow(flow.account, flow_name="Beta", status="inactive")
    settings.REMEMBER_SECONDS = 60
    remembered.forget()
    client = signed_in(vera)

    def named(query: str) -> list[str]:
        found = re.findall(r"/flows/(\d+)/\"", client.get(f"/flows/?{query}").content.decode())
        names = {str(flow.pk): "Alpha", str(other.pk): "Beta"}
        return [names[key] for key in dict.fromkeys(found) if key in names]

    try:
        assert named("sort=name") == named("sort=failures") == ["Alpha", "Beta"]
        assert named("status=inactive") == named("standing=paused") == ["Beta"]
        assert named("status=active") == ["Alpha"]
        flow.delete()
        assert named("sort=name") == ["Beta"]
    finally:
        remembered.forget()


@pytest.mark.parametrize("query", ["sort=sideways", "status=odd", "account=x", "page=0", "page=x", "text=%00"])
def test_a_filter_that_cannot_be_read_is_a_400_that_says_so(
    vera: User, signed_in: Any, busy_flow: Any, query: str
) -> None:
    busy_flow(flow_name="Lead to campaign")
    page = signed_in(vera).get(f"/flows/?{query}")
    assert page.status_code == 400
    assert "a filter cannot be read" in text_of(page)
    assert "Lead to campaign" not in text_of(page)


def test_the_sorted_column_says_so_to_everybody(vera: User, signed_in: Any, busy_flow: Any) -> None:
    busy_flow()
    assert b'aria-sort="ascending"' in signed_in(vera).get("/flows/?sort=name").content


def test_many_flows_are_paged_and_cost_no_more_statements(
    vera: User, signed_in: Any, healthy: ZohoAccount, django_assert_max_num_queries: Any
) -> None:
    for n in range(60):
        factories.make_flow(healthy, flow_name=f"Flow {n:02}")
    client = signed_in(vera)
    with django_assert_max_num_queries(14):  # two of them: the owners and tags that the filters offer, and corrections
        page = client.get("/flows/?sort=name")
    assert "1–50 of 60 flows" in text_of(page)
    assert b"sort=name&amp;page=2" in page.content
    assert "Flow 59" in text_of(client.get("/flows/?sort=name&page=2"))


def test_a_flow_shows_charts_runs_alerts_and_counters(
    vera: User, signed_in: Any, busy_flow: Any, at_noon: datetime
) -> None:
    flow: Flow = busy_flow(flow_name="Lead to campaign", execution_count=10, baseline_total=0)
    rule = factories.make_alert_rule(flow.account)
    flow.alert_states.create(rule=rule, state="firing", is_open=True, since=at_noon, evaluated_at=at_noon, rate=88.0)
    client = signed_in(vera)
    words = {tab: text_of(client.get(f"{flow.get_absolute_url()}?tab={tab}")) for tab in TABS}
    assert client.get(f"{flow.get_absolute_url()}?tab=charts").content.count(b'class="chart__svg"') == 3
    assert "All runs 10 10 0 0" in words["counters"]
    assert "ACTION_FAILED" in words["runs"]
    assert "Firing" in words[""]
    assert "Firing" in words["alerts"]
    assert all("missing from the mirror" not in told for told in words.values())


def test_a_hole_is_shown_as_a_hole(vera: User, signed_in: Any, busy_flow: Any, at_noon: datetime) -> None:
    flow = busy_flow(hole_reason="31 rows are missing", first_seen_at=at_noon - timedelta(days=2))
    page = signed_in(vera).get(flow.get_absolute_url())
    assert (
        "Between 20 Nov 12:00:00 and 22 Nov 12:00:00 runs are missing from the mirror. 31 rows are missing"
        in text_of(page)
    )
    assert b"chart__hole" in page.content


def test_a_history_that_was_never_read_is_unknown_as_a_whole(
    vera: User, signed_in: Any, healthy: ZohoAccount, at_noon: datetime
) -> None:
    flow = factories.make_flow(healthy)
    words = text_of(signed_in(vera).get(flow.get_absolute_url()))
    assert "The history was not read to its end yet." in words
    assert "Not read completely yet" in words


def test_a_flow_of_an_unreachable_account_is_shaded_since(
    vera: User, signed_in: Any, busy_flow: Any, at_noon: datetime
) -> None:
    flow = busy_flow()
    SyncState.objects.update(state="unreachable", last_complete_at=at_noon - timedelta(hours=30))
    assert b"chart__hole" in signed_in(vera).get(flow.get_absolute_url()).content


def test_a_deleted_flow_keeps_its_page(vera: User, signed_in: Any, busy_flow: Any, at_noon: datetime) -> None:
    flow = busy_flow(gone_at=at_noon - timedelta(days=1))
    assert "Deleted in Zoho" in text_of(signed_in(vera).get(flow.get_absolute_url()))


@pytest.mark.parametrize("tab", TABS)
def test_each_part_of_a_flow_costs_at_most_fifteen_statements_the_bounds_of_its_time_included(
    vera: User, signed_in: Any, busy_flow: Any, at_noon: datetime, django_assert_max_num_queries: Any, tab: str
) -> None:
    flow = busy_flow()
    client = signed_in(vera)
    with django_assert_max_num_queries(15):
        client.get(f"{flow.get_absolute_url()}?tab={tab}")


def test_a_tab_that_there_is_not_is_the_first_and_an_old_address_finds_its_part(
    ada: User, signed_in: Any, busy_flow: Any, at_noon: datetime
) -> None:
    url, client = busy_flow().get_absolute_url(), signed_in(ada)
    first = client.get(url).content.decode()
    opened = re.compile(r'<a href="([^"]*)" aria-current="page">\s*([A-Z]\w+)')
    assert (url, "Overview") in opened.findall(first)
    assert (url, "Overview") in opened.findall(client.get(f"{url}?tab=nowhere").content.decode())
    for anchor in ("record-title", "pin-title", "versions-title", "counters-title", "ownership-title", "recent-title"):
        assert first.count(f'id="{anchor}"') == 1
    of_fields = client.get(f"{url}?fields=1").content.decode()
    assert (f"{url}?tab=definition", "Definition") in opened.findall(of_fields)
    assert of_fields.count('id="record-title"') == 1
    assert f'href="{url}?tab=charts&amp;days=7"' in client.get(f"{url}?days=7").content.decode()


def test_an_operator_has_a_flow_read_next_and_the_audit_names_them(
    otto: User, signed_in: Any, busy_flow: Any, at_noon: datetime
) -> None:
    flow = busy_flow()
    client = signed_in(otto)
    assert "Sync now" in text_of(client.get(flow.get_absolute_url()))

    page = client.post(f"/flows/{flow.pk}/read/", follow=True)

    assert "Zoho is asked next" in text_of(page)
    flow.refresh_from_db()
    assert (flow.progress.wanted_at, flow.progress.hinted_at) == (at_noon, None)
    entry = AuditEntry.objects.get(action="flow.read")
    assert (entry.actor_name, entry.object_id, entry.at) == ("otto", str(flow.pk), at_noon)


@pytest.mark.parametrize("is_answered", [False, True])
@pytest.mark.parametrize(("seconds", "entries"), [(29, 0), (31, 1)])
def test_who_asks_again_within_thirty_seconds_changes_nothing(
    otto: User, signed_in: Any, busy_flow: Any, at_noon: datetime, *, seconds: int, entries: int, is_answered: bool
) -> None:
    before = at_noon - timedelta(seconds=seconds)
    flow = busy_flow(asked_at=before, wanted_at=None if is_answered else before)
    page = signed_in(otto).post(f"/flows/{flow.pk}/read/", follow=True)
    assert ("less than 30 seconds ago" in text_of(page)) is not bool(entries)
    assert AuditEntry.objects.filter(action="flow.read").count() == entries
    flow.refresh_from_db()
    assert (flow.progress.wanted_at == at_noon) is bool(entries)


def test_a_viewer_is_not_offered_to_have_a_flow_read(vera: User, signed_in: Any, busy_flow: Any) -> None:
    assert "Sync now" not in text_of(signed_in(vera).get(busy_flow().get_absolute_url()))


def test_a_flow_that_is_gone_is_not_asked_for(otto: User, signed_in: Any, busy_flow: Any, at_noon: datetime) -> None:
    flow = busy_flow(gone_at=at_noon)
    page = signed_in(otto).post(f"/flows/{flow.pk}/read/", follow=True)
    assert "Zoho is not asked" in text_of(page)
    flow.refresh_from_db()
    assert flow.progress.wanted_at is None
