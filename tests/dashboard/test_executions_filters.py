"""The filters of the list of executions: a typed search, chips, stretches of time by one click, the list as a file."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from dashboard.executions.forms import ExecutionFilterForm
from monitor.models import AuditEntry, Execution, Flow, User, ZohoAccount
from monitor.queries import executions
from monitor.queries.executions import ExecutionFilter
from monitor.queries.export import exports
from tests import factories
from tests.bystander import own

LIST = "/executions/"


def led_to(client: Client, typed: str, kept: str = "") -> dict[str, str]:
    """The filters of the address that a typed search leads to."""
    response = client.get(f"{LIST}?{kept}", {"q": typed} | {k: v[0] for k, v in parse_qs(kept).items()})
    assert response.status_code == 302, response.status_code
    return {name: values[0] for name, values in parse_qs(urlsplit(response["Location"]).query).items()}


def test_a_typed_search_becomes_the_filters_of_a_clean_address(
    vera: User, signed_in: Any, account: ZohoAccount, at_noon: datetime
) -> None:
    client = signed_in(vera)
    lead = factories.make_flow(account, flow_name="Lead sync")
    typed = 'status:failed flow:"lead SYNC" error:timeout since:7d'
    assert led_to(client, typed) == {"status": "failed", "flow": str(lead.pk), "text": "timeout", "period": "7d"}
    assert led_to(client, f'account:"{account.name.upper()}"') == {"account": str(account.pk)}
    assert led_to(client, "no campaign") == {"text": "no campaign"}


def test_a_typed_search_replaces_what_it_says_anew_and_leaves_the_rest(
    vera: User, signed_in: Any, account: ZohoAccount, at_noon: datetime
) -> None:
    client, kept = signed_in(vera), "status=failed&start=2026-11-01&text=old&outcome=open&after=5-7"
    assert led_to(client, "new", kept) == {"status": "failed", "start": "2026-11-01", "text": "new", "outcome": "open"}
    assert led_to(client, "since:today", kept) == {
        "status": "failed", "period": "today", "text": "old", "outcome": "open"
    }  # fmt: skip
    until = led_to(client, "until:2026-11-02", "period=7d&status=failed")
    assert until == {"status": "failed", "end": "2026-11-02"}


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("sttus:failed", "There is no field “sttus”."),
        ("account:Nobody", "There is no account “Nobody”."),
        ('flow:"Nothing like it"', "No flow has this name or id."),
        ("x" * 501, "Ensure this value has at most 500 characters"),
    ],
)
def test_a_search_that_cannot_be_read_lists_nothing_and_says_why(
    vera: User, signed_in: Any, busy_flow: Any, at_noon: datetime, typed: str, said: str
) -> None:
    busy_flow()
    response = signed_in(vera).get(LIST, {"q": typed})
    page = response.content.decode()
    assert response.status_code == 400
    assert said in page
    assert page.count('class="error"') == 1
    assert "<tbody>" not in page


def test_each_filter_is_a_chip_that_takes_it_out(db: None, at_noon: datetime) -> None:
    flow = factories.make_flow(factories.make_account("Zylker"), flow_name="Lead <sync>")
    form = ExecutionFilterForm(QueryDict(f"status=waiting&flow={flow.pk}&period=12h&text=mail&after=5-7"))
    assert form.is_valid(), form.errors
    assert [(chip.label, chip.words, chip.query) for chip in form.chips] == [
        ("Status", "Failed, Zoho may retry", f"flow={flow.pk}&period=12h&text=mail"),
        ("Flow", "Lead <sync>", "status=waiting&period=12h&text=mail"),
        ("Error", "mail", f"status=waiting&flow={flow.pk}&period=12h"),
        ("Started", "Last 12 hours", f"status=waiting&flow={flow.pk}&text=mail"),
    ]
    assert form.as_search == 'status:waiting flow:"Lead <sync>" since:12h error:mail'
    again = ExecutionFilterForm(QueryDict(urlencode({"q": form.as_search})))
    assert again.is_valid()
    assert QueryDict(again.address) == QueryDict(f"status=waiting&flow={flow.pk}&period=12h&text=mail")


def test_chips_and_presets_stand_on_the_page(vera: User, signed_in: Any, busy_flow: Any, at_noon: datetime) -> None:
    busy_flow()
    page = signed_in(vera).get(f"{LIST}?status=failed&period=today").content.decode()
    assert f'href="{LIST}?period=today"' in page
    assert f'href="{LIST}?status=failed"' in page
    assert f'href="{LIST}?status=failed&amp;period=last-month"' in page
    assert page.count('aria-current="true"') == 1


@pytest.mark.parametrize(
    ("span", "zone", "start", "end"),
    [
        ("today", "Asia/Kolkata", "2026-11-21T18:30", ""),
        ("yesterday", "Asia/Kolkata", "2026-11-20T18:30", "2026-11-21T18:30"),
        ("this-week", "UTC", "2026-11-16T00:00", ""),
        ("7d", "Asia/Kolkata", "2026-11-15T12:00", ""),
        ("last-month", "Europe/Berlin", "2026-09-30T22:00", "2026-10-31T23:00"),
        ("last-week", "UTC", "2026-11-09T00:00", "2026-11-16T00:00"),
        ("this-month", "UTC", "2026-11-01T00:00", ""),
        ("2w", "UTC", "2026-11-08T12:00", ""),
    ],
)
def test_a_stretch_of_time_is_of_the_viewers_clock(
    db: None, at_noon: datetime, span: str, zone: str, start: str, end: str
) -> None:
    with timezone.override(zone):
        form = ExecutionFilterForm(QueryDict(f"period={span}"))
        assert form.is_valid(), form.errors
        wanted = form.wanted()
    assert wanted.start == datetime.fromisoformat(start).replace(tzinfo=UTC)
    assert wanted.end == (datetime.fromisoformat(end).replace(tzinfo=UTC) if end else None)


@pytest.mark.parametrize("span", ["0d", "d", "99999d", "7y", "soon", "7d; DROP", "٣d", "last_month"])
def test_another_stretch_of_time_is_refused(db: None, span: str) -> None:
    form = ExecutionFilterForm(QueryDict(f"period={span}"))
    assert not form.is_valid()
    assert form.hidden_errors == ["There is no such period."]


def test_typed_times_replace_a_stretch_of_time(db: None, at_noon: datetime) -> None:
    form = ExecutionFilterForm(QueryDict("period=7d&start=2026-11-01&status=failed"))
    assert form.is_valid()
    assert form.address == "start=2026-11-01&status=failed"
    assert form.wanted().start == datetime(2026, 11, 1, tzinfo=UTC)


def test_an_error_leads_to_its_problem(vera: User, signed_in: Any, busy_flow: Any, at_noon: datetime) -> None:
    run = busy_flow().executions.filter(status="failed").first()
    failure = factories.make_failure(run)
    page = signed_in(vera).get(f"{LIST}?status=failed").content.decode()
    assert f'<a href="/problems/{failure.group.problem_id}/">Invalid email format</a>' in page


@pytest.fixture
def shown(account: ZohoAccount, at_noon: datetime) -> list[str]:
    """The ids of some runs as a list shows them, failed, with somebody's address in their errors."""
    flow = factories.make_flow(account)
    others = factories.make_flow(account)
    ids = []
    for number in range(5):
        started = at_noon - timedelta(minutes=number)
        run = factories.make_execution(flow, "failed", started_time=started, error_message="ann@example.com refused")
        factories.make_execution(others, "failed", started_time=started)
        if number > 2:
            flow.executions.filter(pk=run.pk).update(started_time=None)
        ids.append((number <= 2, started if number <= 2 else at_noon, run.pk, run.execution_id))
    return [one[-1] for one in sorted(ids, reverse=True)]


def test_all_that_a_list_shows_is_sent_as_a_file_in_its_order_and_masked(
    otto: User, signed_in: Any, shown: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.queries.export.CHUNK", 2)
    flow, client = Flow.objects.get(executions__execution_id=shown[0]), signed_in(otto)
    sent = {"query": f"status=failed&flow={flow.pk}"}
    file = client.post(reverse("executions_file"), sent | {"format": "csv"})
    rows = list(csv.DictReader(io.StringIO(file.getvalue().decode())))
    assert [row["execution_id"] for row in rows] == shown
    assert all("ann@example.com" not in row["error_message"] and "refused" in row["error_message"] for row in rows)
    assert 'filename="executions.csv"' in file["Content-Disposition"]
    lines = client.post(reverse("executions_file"), sent | {"format": "ndjson"}).getvalue().decode().splitlines()
    assert [json.loads(line)["execution_id"] for line in lines] == shown
    assert list(json.loads(lines[0])) == list(rows[0])
    entries = own(AuditEntry).filter(action="export").order_by("pk")
    assert [entry.detail for entry in entries] == [
        {"what": "executions", "format": kind, "filters": "flow, status"} for kind in ("csv", "ndjson")
    ]


@pytest.mark.parametrize("size", [1, 2, 3, 100])
@pytest.mark.parametrize("text", ["", "refused", "nothing says this"])
def test_pieces_of_any_size_make_up_the_list(shown: list[str], size: int, text: str) -> None:
    flow = Flow.objects.get(executions__execution_id=shown[0])
    wanted = ExecutionFilter(flow_id=flow.pk, text=text)
    found = [run.execution_id for run in executions.in_pieces(wanted, exports()["executions"].rows, size)]
    assert found == ([] if text.startswith("nothing") else shown)


@pytest.mark.parametrize("text", ["", "refused"])
def test_pieces_that_are_pruned_while_they_are_read_do_not_end_the_list(
    shown: list[str], text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = Flow.objects.get(executions__execution_id=shown[0])
    find, pruned = executions._keys_after, list(Execution.objects.filter(execution_id__in=shown[:2]))
    assert len(shown) > 3

    def find_and_prune(*asked: Any) -> list[int]:
        keys = find(*asked)
        Execution.objects.filter(pk__in=[run.pk for run in pruned]).delete()
        return keys

    monkeypatch.setattr(executions, "_keys_after", find_and_prune)
    wanted = ExecutionFilter(flow_id=flow.pk, text=text)
    found = [run.execution_id for run in executions.in_pieces(wanted, exports()["executions"].rows, 2)]
    assert found == shown[2:]


@pytest.mark.parametrize("sent", [{"format": "csv", "query": "status=x"}, {"format": "xls"}, {}])
def test_a_file_of_what_cannot_be_read_is_refused(
    otto: User, signed_in: Any, shown: list[str], sent: dict[str, str]
) -> None:
    assert signed_in(otto).post(reverse("executions_file"), sent).status_code == 400
    assert not own(AuditEntry).filter(action="export").exists()


def test_filters_that_are_seldom_set_unfold_where_one_cannot_be_read(
    vera: User, signed_in: Any, busy_flow: Any, at_noon: datetime
) -> None:
    busy_flow()
    client = signed_in(vera)
    assert '<details class="filters__more" >' in client.get(f"{LIST}?start=2026-11-01").content.decode()
    assert '<details class="filters__more" open>' in client.get(f"{LIST}?start=never").content.decode()


def test_of_records_that_of_the_chosen_run_alone_is_offered(account: ZohoAccount) -> None:
    chosen, _ = [factories.make_execution(factories.make_flow(account)) for _ in range(2)]
    form = ExecutionFilterForm(QueryDict(f"record={chosen.pk}"))
    offered = [value for value, _ in form.fields["record"].choices if value]
    assert offered == ["none", str(chosen.pk)]
