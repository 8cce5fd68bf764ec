"""Bulk retries on their pages: what is chosen is frozen, looked at, confirmed once, and watched to its end."""

from __future__ import annotations

import csv
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django_q.models import OrmQ

from monitor.models import (
    ApiCall,
    AuditEntry,
    Execution,
    Failure,
    Flow,
    Problem,
    RetryAttempt,
    RetryBatch,
    RetryItem,
    User,
    WriteOff,
    ZohoAccount,
)
from monitor.retry.run_batches import run_batches
from tests import factories
from tests.bystander import own
from tests.dashboard.world import make_attempt, make_batch
from tests.triage.conftest import fail, flow, operator, problem, triage

__all__ = ["fail", "flow", "operator", "triage"]
pytestmark = pytest.mark.usefixtures("at_noon")


@pytest.fixture
def runs(fail: Any, triage: Any) -> list[Execution]:
    """Six runs that failed days ago for one cause, oldest last: safe to retry."""
    made = [fail(minutes_ago=(n + 3) * 1440) for n in range(6)]
    triage(*made)
    return made


@pytest.fixture
def client(signed_in: Any, ada: User) -> Client:
    return signed_in(ada)


def look(client: Client, **chosen: Any) -> Any:
    return client.post(reverse("batch_preview"), chosen)


def confirm(client: Client, shown: Any, **fields: Any) -> Any:
    form = {"chosen": shown.context["chosen"], "reason": "The tax is there again", "per_minute": 30, "canary": 1}
    return client.post(reverse("batch_confirm"), form | fields)


def made() -> RetryBatch:
    return own(RetryBatch).get()


def executions_of(batch: RetryBatch) -> list[int]:
    return list(batch.items.order_by("position").values_list("execution", flat=True))


def test_from_the_problem_to_the_batch_it_takes_two_clicks(runs, client) -> None:
    page = client.get(problem().get_absolute_url()).content.decode()
    assert f'action="{reverse("batch_preview")}"' in page
    shown = look(client, problem=problem().pk)
    text = shown.content.decode()
    assert "Retry 6 failed runs?" in text
    assert "6 runs: about 24 API calls, at least 12 s at 30 a minute" in " ".join(text.split())
    response = confirm(client, shown)
    batch = made()
    assert response["Location"] == reverse("batch", args=[batch.pk])
    assert executions_of(batch) == [run.pk for run in reversed(runs)]  # the oldest first
    assert (batch.problem, batch.reason, batch.per_minute, batch.accept_risk) == (
        problem(), "The tax is there again", 30, False,
    )  # fmt: skip
    assert [task.func() for task in OrmQ.objects.all()] == ["monitor.tasks.send_retries"]


def test_the_preview_says_what_is_left_of_the_quota(runs, client, now) -> None:
    account = runs[0].account
    ZohoAccount.objects.filter(pk=account.pk).update(plan="free")
    ApiCall.objects.bulk_create(
        ApiCall(account=account, product="flow", method="GET", path="/", started_at=now - timedelta(hours=1))
        for _ in range(100)
    )
    page = " ".join(look(client, problem=problem().pk).content.decode().split())
    assert "leaves about 876 of the 1,000 calls of any 24 hours (900 are left now)" in page
    ZohoAccount.objects.filter(pk=account.pk).update(calls_per_day=110)
    page = " ".join(look(client, problem=problem().pk).content.decode().split())
    assert "more than is left now: 10 of the 110 calls of any 24 hours." in page


def test_the_preview_and_the_time_left_keep_to_the_calls_of_a_minute(runs, client) -> None:
    ZohoAccount.objects.filter(pk=runs[0].account_id).update(calls_per_minute=10, calls_per_day=1000)
    shown = look(client, problem=problem().pk)
    page = " ".join(shown.content.decode().split())
    assert "at least 2 min 24 s at 30 a minute" in page
    assert "its limit of 10 calls a minute lets about 2.5 runs start a minute" in page
    confirm(client, shown)
    assert client.get(reverse("batch", args=[made().pk])).context["left"] == timedelta(minutes=2, seconds=24)


def test_the_list_is_frozen_when_it_is_looked_at(runs, fail, triage, client) -> None:
    shown = look(client, problem=problem().pk)
    triage(fail(minutes_ago=2 * 1440))
    confirm(client, shown)
    assert set(executions_of(made())) == {run.pk for run in runs}


def test_a_batch_is_judged_by_what_has_changed_since_the_preview_and_not_since_it_was_confirmed(
    runs, client, now
) -> None:
    shown = look(client, problem=problem().pk)
    with time_machine.travel(now + timedelta(minutes=20), tick=False):
        again = look(client, chosen=shown.context["chosen"], per_minute=20, canary=1)
    with time_machine.travel(now + timedelta(minutes=30), tick=False):
        confirm(client, again)
    assert made().seen_at == now + timedelta(minutes=20)
    assert made().requested_at == now + timedelta(minutes=30)


def test_a_form_that_is_confirmed_twice_makes_one_batch(runs, client) -> None:
    shown = look(client, problem=problem().pk)
    first, second = confirm(client, shown), confirm(client, shown)
    assert first["Location"] == second["Location"]
    assert own(RetryBatch).count() == 1


@pytest.mark.parametrize(
    "chosen", [{}, {"which": "ticked"}, {"run": []}, {"which": "ticked", "query": "status=failed"}]
)
def test_nothing_ticked_is_nothing_and_never_all(runs, client, chosen) -> None:
    response = look(client, **chosen)
    assert response.status_code == 400
    assert "Nothing is chosen" in response.content.decode()


@pytest.mark.parametrize(
    "chosen",
    [{"run": "x"}, {"run": "-1"}, {"run": "9" * 30}, {"run": "²"}, {"problem": "0"}, {"problem": "77777"},
     {"chosen": "forged"}, {"which": "matching", "query": "status=nonsense"}],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_in_one_line(runs, client, chosen) -> None:
    response = look(client, **chosen)
    assert response.status_code == 400
    assert "Not done." in response.content.decode()
    assert not own(RetryBatch).exists()


def test_ticked_rows_of_the_list_are_what_is_retried(runs, client) -> None:
    page = client.get(reverse("executions"), {"status": "failed"}).content.decode()
    assert f'name="run" value="{runs[0].pk}" form="choose"' in page
    confirm(client, look(client, which="ticked", run=[runs[0].pk, runs[4].pk, runs[0].pk]))
    assert executions_of(made()) == [runs[4].pk, runs[0].pk]


def test_all_that_match_are_the_failed_runs_of_the_filter_and_its_times_are_kept_absolute(
    runs, flow: Flow, client
) -> None:
    factories.make_execution(flow, "success", started_time=runs[1].started_time)
    start = f"{runs[3].started_time:%Y-%m-%dT%H:%M}"
    query = f"flow={flow.pk}&start={start}&text=tax"
    confirm(client, look(client, which="matching", query=query))
    batch = made()
    assert executions_of(batch) == [run.pk for run in reversed(runs[:4])]
    assert batch.source["kind"] == "filter"
    assert batch.source["start"] == f"{start}:00+00:00"
    assert batch.source["searched"] is True
    assert "all failed runs that matched a filter" in client.get(reverse("batch", args=[batch.pk])).content.decode()
    assert "tax" not in str(batch.source)  # what was searched for may be personal


def test_a_filter_that_hangs_on_the_present_is_frozen_as_of_the_preview(fail, client, now) -> None:
    run = fail("HTTP 503 from the app", minutes_ago=5, error_code="X", rerun_due_at=now + timedelta(minutes=10))
    shown = look(client, which="matching", query="status=waiting")
    with time_machine.travel(now + timedelta(minutes=50), tick=False):
        confirm(client, shown)
    assert executions_of(made()) == [run.pk]
    assert made().source["as_of"] == now.isoformat()


def test_risky_ones_are_taken_only_by_typing_their_number(runs, fail, client) -> None:
    risky = fail("HTTP 503 from the app", minutes_ago=5, error_code="X")
    chosen = {"run": [runs[0].pk, risky.pk], "which": "ticked"}
    shown = look(client, **chosen)
    assert "Type 1 to take the run that could run twice, too" in shown.content.decode()
    wrong = confirm(client, shown, risky=2)
    assert wrong.status_code == 400
    assert "Type 1, or nothing." in wrong.content.decode()
    assert not own(RetryBatch).exists()
    confirm(client, shown, risky=1)
    assert made().accept_risk is True
    made().delete()
    confirm(client, look(client, **chosen))
    assert made().accept_risk is False


@pytest.mark.parametrize("also", ["shown", "not shown"])
def test_a_risk_that_came_up_between_preview_and_confirmation_is_accepted_by_nobody(
    runs, fail, triage, client, also
) -> None:
    risky = fail("HTTP 503 from the app", minutes_ago=5, error_code="X")
    triage(risky)
    shown = look(client, run=[runs[0].pk, risky.pk], which="ticked")
    which = {"shown": risky, "not shown": runs[0]}[also]
    # As many as before could run twice, but of the one that is typed for, another thing was seen.
    Execution.objects.filter(pk=risky.pk).update(error_message="Invalid email", error_details="", error_code="X")
    Failure.objects.filter(pk=which.pk).update(fate="superseded")
    confirm(client, shown, risky=1, canary=2, per_minute=600)
    batch = made()
    assert batch.accept_risk is True
    kept = {risky.pk: "auto_rerun", runs[0].pk: "safe"}
    assert dict(batch.items.values_list("execution", "verdict")) == kept
    for seconds in range(3):
        run_batches(batch.requested_at + timedelta(seconds=seconds))
    codes = dict(batch.items.exclude(code="").values_list("execution", "code"))
    assert codes[which.pk] == "new_risk"
    assert not own(RetryAttempt).filter(execution=which).exists()


@pytest.mark.parametrize(
    "fields", [{"reason": ""}, {"per_minute": 0}, {"per_minute": 601}, {"canary": 0}, {"canary": "x"}]
)
def test_a_form_that_cannot_be_used_shows_the_preview_again(runs, client, fields) -> None:
    response = confirm(client, look(client, problem=problem().pk), **fields)
    assert response.status_code == 400
    assert response.context["found"].total == 6
    assert not own(RetryBatch).exists()


def test_the_time_is_worked_out_again_for_another_pace(runs, client) -> None:
    shown = look(client, problem=problem().pk)
    again = look(client, chosen=shown.context["chosen"], per_minute=2, canary=1, reason="")
    assert again.status_code == 200
    assert "at least 3 min at 2 a minute" in " ".join(again.content.decode().split())
    assert look(client, chosen=shown.context["chosen"], per_minute=0, canary=1).status_code == 400


def test_a_choice_is_of_use_to_who_made_it_and_for_an_hour(runs, client, signed_in, now) -> None:
    shown = look(client, problem=problem().pk)
    other = signed_in(factories.make_user("eve", "admin"))
    assert confirm(other, shown).status_code == 400
    with time_machine.travel(now + timedelta(minutes=61), tick=False):
        late = confirm(client, shown)
    assert late.status_code == 400
    assert "more than an hour ago" in late.content.decode()
    assert not own(RetryBatch).exists()


def test_ten_thousand_runs_fit_into_the_form_and_one_more_is_refused(flow: Flow, client, now) -> None:
    Execution.objects.bulk_create(
        Execution(
            account=flow.account, flow=flow, status="failed", execution_id=str(10**17 + n), first_seen_at=now,
            changed_at=now, started_time=now - timedelta(days=3, seconds=n % 977), error_message="The tax is gone",
        )
        for n in range(10_000)
    )  # fmt: skip
    query = f"flow={flow.pk}"
    shown = look(client, which="matching", query=query)
    assert shown.context["found"].total == 10_000
    assert len(shown.context["chosen"]) < 200_000
    response = confirm(client, shown)
    assert response.status_code == 302
    in_order = Execution.objects.filter(flow=flow).order_by("started_time", "pk").values_list("pk", flat=True)
    assert executions_of(made()) == list(in_order)
    factories.make_execution(flow, "failed", started_time=now - timedelta(days=4))
    more = look(client, which="matching", query=query)
    assert more.status_code == 400
    assert "more than 10,000 runs" in more.content.decode()


def test_runs_of_two_accounts_become_two_batches_or_none(runs, client) -> None:
    elsewhere = factories.make_execution(status="failed", started_time=runs[0].started_time)
    response = confirm(client, look(client, which="ticked", run=[runs[0].pk, elsewhere.pk]))
    assert response["Location"] == reverse("batches")
    batches = list(own(RetryBatch).order_by("account"))
    assert [executions_of(one) for one in batches] == [[runs[0].pk], [elsewhere.pk]]


def test_reasons_given_lately_are_offered_each_once(runs, client, ada, otto, now) -> None:
    make_batch(runs[:1], ada, now - timedelta(days=1), reason="Quota is back")
    make_attempt(runs[1], ada, now, reason="Token is renewed", state="succeeded")
    make_attempt(runs[2], otto, now, reason="Somebody else's", state="succeeded")
    shown = look(client, problem=problem().pk)
    assert shown.context["reasons"] == ["Token is renewed", "Quota is back"]
    assert '<option value="Token is renewed">' in shown.content.decode()


@pytest.fixture
def batch(runs: list[Execution], ada: User, now: datetime) -> RetryBatch:
    """A running batch: two succeeded, one failed, one skipped, one on its way, one waiting."""
    batch = make_batch(runs, ada, now - timedelta(minutes=4), state="running", started_at=now - timedelta(minutes=2))
    ends = ("succeeded", "succeeded", "failed", "skipped", "started", "waiting")
    for item, state in zip(batch.items.order_by("position"), ends, strict=True):
        note = "=1+1 The flow was changed after the preview." if state == "skipped" else ""
        ended = None if state in ("started", "waiting") else now
        RetryItem.objects.filter(pk=item.pk).update(state=state, note=note, ended_at=ended)
    return batch


def test_everybody_sees_how_far_a_batch_is_and_only_who_may_changes_it(batch, signed_in, vera, client) -> None:
    for person, sees in ((signed_in(vera), False), (client, True)):
        page = person.get(reverse("batch", args=[batch.pk])).content.decode()
        text = " ".join(page.split())
        assert "4 of 6 ended" in text
        assert "30 started a minute at most; 1.5 a minute ended so far" in text
        assert "at least 2 s" in text
        assert "</a> × =1+1 The flow was changed after the preview." in text
        assert ("Suspend" in page, "Items as CSV" in page) == (sees, sees)
    failed = batch.items.get(state="failed")
    Execution.objects.filter(pk=failed.execution_id).update(trigger_data={"name": "Quilla Zorn"})
    RetryItem.objects.filter(pk=failed.pk).update(note="No such contact: Quilla Zorn")
    page = client.get(reverse("batch", args=[batch.pk])).content.decode()
    assert "No such contact" in page
    assert "Quilla" not in page
    rows = client.get(reverse("batch", args=[batch.pk]), {"state": "failed"}).context["rows"]
    assert [row.item.state for row in rows] == ["failed"]


def test_the_part_that_changes_is_asked_for_by_itself_until_nothing_moves(batch, client) -> None:
    page = client.get(reverse("batch", args=[batch.pk])).content.decode()
    address = page.partition('hx-get="/batches/')[2].partition('"')[0]
    assert client.get(f"/batches/{address}").status_code == 204
    batch.items.filter(state="started").update(state="succeeded")
    part = client.get(f"/batches/{address}")
    assert part.status_code == 200
    assert "<html" not in part.content.decode()
    batch.items.filter(state="waiting").update(state="succeeded")
    RetryBatch.objects.filter(pk=batch.pk).update(state="finished")
    assert client.get(f"/batches/{address}")["HX-Refresh"] == "true"
    assert 'hx-trigger="every' not in client.get(reverse("batch", args=[batch.pk])).content.decode()


def test_it_is_suspended_resumed_and_cancelled_and_a_cancelled_one_stays_so(batch, client) -> None:
    def do(act: str) -> tuple[int, str]:
        status = client.post(reverse(f"batch_{act}", args=[batch.pk])).status_code
        return status, RetryBatch.objects.get(pk=batch.pk).state

    assert do("suspend") == (302, "suspended")
    assert do("suspend") == (409, "suspended")
    assert do("resume") == (302, "queued")
    assert do("cancel") == (302, "cancelled")
    assert do("resume") == (409, "cancelled")
    assert batch.items.filter(state="waiting").count() == 0


def test_the_items_leave_as_csv_that_no_spreadsheet_runs_and_it_stands_in_the_trail(batch, signed_in, otto) -> None:
    response = signed_in(otto).post(reverse("batch_items", args=[batch.pk]))
    rows = list(csv.DictReader(b"".join(response.streaming_content).decode().splitlines()))
    assert [row["state"] for row in rows] == ["succeeded", "succeeded", "failed", "skipped", "started", "waiting"]
    assert rows[3]["note"].startswith("'=1+1")
    assert AuditEntry.objects.get(action="export", object_id=str(batch.pk)).detail["what"] == "retry_items"


@pytest.fixture
def lost(runs, otto, now) -> RetryAttempt:
    """A retry whose answer was lost an hour ago, and a run of the flow that it may have caused."""
    data = {"name": "Quilla Zorn", "Deal": 7}
    Execution.objects.filter(pk=runs[0].pk).update(trigger_data=data)
    sent = now - timedelta(hours=1)
    factories.make_execution(
        runs[0].flow, "success", started_time=sent + timedelta(seconds=4), trigger_data=data, execution_id="4711"
    )
    return make_attempt(
        runs[0], otto, now, state="unknown", sent_at=sent, checks=3, sends=1,
        answer="The connection to jo@example.com broke for Quilla Zorn", next_check_at=now + timedelta(minutes=5),
    )  # fmt: skip


def test_retries_of_unknown_outcome_show_to_everybody_what_was_sent_and_read_and_what_it_may_be(
    runs, lost, signed_in, vera, otto, ada
) -> None:
    for person in (vera, otto, ada):
        page = " ".join(signed_in(person).get(reverse("retries_unknown")).content.decode().split())
        assert runs[0].execution_id in page
        assert "3, next" in page
        assert "broke" in page
        assert "jo@example.com" not in page
        assert "Quilla" not in page
        run = Execution.objects.get(execution_id="4711")
        assert f'execution <a class="mono" href="{run.get_absolute_url()}">4711</a>' in page
        assert "with the same trigger data" in page
        assert "as it was when the retry was sent" in page
        assert ("settle it" in page) is (person == ada)


def test_a_run_that_zoho_named_and_does_not_show_is_told(lost, client) -> None:
    assert "Zoho named" not in client.get(reverse("retries_unknown")).content.decode()
    RetryAttempt.objects.filter(pk=lost.pk).update(new_execution_id="815")
    page = " ".join(client.get(reverse("retries_unknown")).content.decode().split())
    assert 'execution <span class="mono">815</span> as the run that it caused' in page


def settle(client: Client, attempt: RetryAttempt, outcome: str, **fields: str) -> Any:
    form = {"outcome": outcome, "reason": "I looked into Zoho"} | fields
    return client.post(reverse("retry_settle", args=[attempt.pk]), form)


@pytest.mark.parametrize(
    ("outcome", "other", "state", "caused"),
    [("4711", "", "succeeded", "4711"), ("other", "4711", "succeeded", "4711"), ("not_run", "", "not_run", "")],
)
def test_an_admin_settles_one_by_the_run_that_it_caused_or_as_not_run(
    runs, lost, client, ada, outcome: str, other: str, state: str, caused: str
) -> None:
    response = settle(client, lost, outcome, other=other)
    assert response["Location"] == reverse("retries_unknown")
    lost.refresh_from_db()
    assert (lost.state, lost.new_execution_id) == (state, caused)
    entry = AuditEntry.objects.get(action=f"retry.{state}")
    assert entry.actor == ada
    assert "I looked into Zoho" in entry.detail["note"]
    page = client.get(reverse("retries_unknown")).content.decode()
    assert f'aria-labelledby="unknown-{lost.pk}"' not in page
    assert "is settled" in page


def test_what_cannot_be_settled_so_is_refused_with_a_reason_and_nothing_changes(
    runs, lost, client, signed_in, vera, otto, now
) -> None:
    for person in (vera, otto):
        assert settle(signed_in(person), lost, "not_run").status_code == 403
    for status, words, fields in (
        (400, "Say how you know", {"outcome": "4711", "reason": ""}),
        (400, "Say what became of it", {"outcome": ""}),
        (400, "Say which run it was", {"outcome": "other"}),
        (409, "No run of its flow", {"outcome": "404"}),
        (409, "has not ended anew", {"outcome": runs[0].execution_id}),
        (409, "began before", {"outcome": runs[1].execution_id}),
    ):
        response = settle(client, lost, **fields)
        assert (response.status_code, words in response.content.decode()) == (status, True), words
    RetryAttempt.objects.filter(pk=lost.pk).update(sent_at=now - timedelta(minutes=14))
    assert settle(client, lost, "not_run").status_code == 409
    assert "15 minutes after it was sent" in client.get(reverse("retries_unknown")).content.decode()
    lost.refresh_from_db()
    assert lost.state == "unknown"


def test_the_page_of_unknown_outcomes_asks_no_more_for_more_of_them(runs, lost, client, otto, now) -> None:
    with CaptureQueriesContext(connection) as few:
        client.get(reverse("retries_unknown"))
    for run in runs[1:]:
        make_attempt(run, otto, now, state="unknown", sent_at=now - timedelta(minutes=50))
    with CaptureQueriesContext(connection) as many:
        client.get(reverse("retries_unknown"))
    assert len(many) <= len(few)


def test_the_pages_cost_a_fixed_number_of_statements(batch, client, django_assert_max_num_queries) -> None:
    with django_assert_max_num_queries(14):
        client.get(reverse("batches"))
    with django_assert_max_num_queries(14):
        client.get(reverse("batch", args=[batch.pk]))
    with django_assert_max_num_queries(14):
        client.get(reverse("retries_unknown"))


def test_an_operator_is_offered_to_write_off_and_not_to_retry_many(runs, signed_in, otto, vera) -> None:
    for person, words in ((otto, ["Write off…"]), (vera, [])):
        page = signed_in(person).get(reverse("executions")).content.decode()
        assert [one for one in ("Retry…", "Write off…") if one in page] == words
    assert not WriteOff.objects.filter(failure__in=own(Failure).values("pk")).exists()
    assert Problem.objects.filter(pk=problem().pk).exists()


def test_the_records_of_a_batch_are_those_of_its_runs(fail, triage, signed_in, vera, otto, now) -> None:
    made = [fail(minutes_ago=n, trigger_data={"id": f"33612{n}"}) for n in range(1, 5)]
    triage(*made)
    batch = make_batch(made[:2], otto, now)
    page = signed_in(vera).get(reverse("batch_records", args=[batch.pk])).content.decode()
    assert [name for name in ("336121", "336122", "336123") if f">{name}<" in page] == ["336121", "336122"]
    assert "Records as CSV" not in page
    response = signed_in(otto).post(reverse("batch_records_csv", args=[batch.pk]))
    rows = list(csv.DictReader(b"".join(response.streaming_content).decode().splitlines()))
    assert [row["record_id"] for row in rows] == ["336121", "336122"]


def test_runs_of_a_batch_that_are_in_no_ledger_yet_are_counted_beside_its_records(
    fail, triage, signed_in, vera, otto, now
) -> None:
    made = [fail(minutes_ago=n, trigger_data={"id": f"33612{n}"}) for n in range(1, 4)]
    triage(*made)
    made += [fail(minutes_ago=n, trigger_data={"id": f"33612{n}"}) for n in (4, 5)]
    page = signed_in(vera).get(reverse("batch_records", args=[make_batch(made, otto, now).pk]))
    text = " ".join(re.sub("<[^>]+>", "", page.content.decode()).split())
    assert "of 2 failed runs no record is known" in text
