"""One execution's page: masked, escaped, and unmasked only for an admin with a reason."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from monitor.models import AuditEntry, Execution, ExecutionEvent, User
from tests import factories
from tests.dashboard.world import make_attempt

HOSTILE = "<script>alert('x')</script>\"'><img src=x onerror=alert(1)>"


@pytest.fixture
def execution(db: None) -> Execution:
    return factories.make_execution(
        status="failed",
        error_message="Contact jo.roe@example.com was refused",
        error_details="zapikey=1001.abcdef&x=1",
        trigger_data={"Email": "jo.roe@example.com", "notes": ["call +49 151 12345678"], "Stage": "New"},
    )


def test_trigger_data_and_error_text_are_masked_for_everybody(execution, signed_in, vera, otto, ada):
    for person in (vera, otto, ada):
        page = signed_in(person).get(execution.get_absolute_url()).content.decode()
        assert "jo.roe" not in page
        assert "12345678" not in page
        assert "1001.abcdef" not in page
        assert "&quot;Stage&quot;: &quot;New&quot;" in page


def test_an_admin_with_a_reason_sees_it_once_and_it_is_audited(execution, signed_in, ada):
    client = signed_in(ada)
    shown = client.post(reverse("execution_unmask", args=[execution.pk]), {"reason": "The customer asks"})
    assert "jo.roe@example.com" in shown.content.decode()
    assert "1001.abcdef" in shown.content.decode()
    assert "jo.roe" not in client.get(execution.get_absolute_url()).content.decode()
    entry = AuditEntry.objects.get(action="unmask")
    assert (entry.actor, entry.object_type, entry.object_id) == (ada, "execution", str(execution.pk))
    assert entry.detail == {"reason": "The customer asks"}
    assert entry.account_id == execution.account_id


def test_without_a_reason_nothing_is_shown_and_nothing_written(execution, signed_in, ada):
    shown = signed_in(ada).post(reverse("execution_unmask", args=[execution.pk]), {"reason": "  "})
    assert shown.status_code == 400
    assert "jo.roe" not in shown.content.decode()
    assert not AuditEntry.objects.exists()


def test_an_operator_is_not_offered_the_unmasked_view_and_cannot_have_it(execution, signed_in, otto):
    client = signed_in(otto)
    assert "Show unmasked" not in client.get(execution.get_absolute_url()).content.decode()
    refused = client.post(reverse("execution_unmask", args=[execution.pk]), {"reason": "Curious"})
    assert refused.status_code == 403
    assert [entry.action for entry in AuditEntry.objects.all()] == ["refused"]


def test_pages_with_personal_data_are_not_cached(execution, signed_in, ada):
    shown = signed_in(ada).post(reverse("execution_unmask", args=[execution.pk]), {"reason": "The customer asks"})
    assert "no-store" in shown["Cache-Control"]


def test_what_zoho_sends_is_text_and_never_markup(signed_in, ada, now):
    flow = factories.make_flow(flow_name=HOSTILE, flow_id=HOSTILE[:60])
    row = factories.make_execution(
        flow,
        "failed",
        execution_id=HOSTILE[:40],
        error_code=HOSTILE,
        error_message=HOSTILE,
        error_details=HOSTILE,
        error_action_id=HOSTILE[:40],
        trigger_data={HOSTILE: [HOSTILE, {"x": HOSTILE}]},
    )
    make_attempt(row, ada, now, reason=HOSTILE, answer=HOSTILE, state="rejected")
    client = signed_in(ada)
    pages = [
        client.get(row.get_absolute_url()),
        client.get(reverse("execution_retry_state", args=[row.pk])),
        client.post(reverse("execution_unmask", args=[row.pk]), {"reason": HOSTILE}),
    ]
    for page in pages:
        assert page.status_code == 200
        assert "<img src=x" not in page.content.decode()
        assert "<script>alert" not in page.content.decode()


def test_an_undocumented_status_is_shown_as_it_came(signed_in, vera, db):
    row = factories.make_execution(status="paused_by_moon")
    assert "paused_by_moon" in signed_in(vera).get(row.get_absolute_url()).content.decode()


def test_a_rerun_shows_its_first_result(signed_in, vera, now):
    row = factories.make_execution(
        status="success", first_status="failed", rerun_count=1, first_failed_at=now - timedelta(hours=2)
    )
    page = signed_in(vera).get(row.get_absolute_url()).content.decode()
    assert "First result" in page
    assert "Failed for the first time" in page
    assert "Ended in a later run" in page


def test_the_page_of_a_retrys_own_run_names_its_cause(signed_in, vera, otto, now):
    first = factories.make_execution(status="failed")
    second = factories.make_execution(first.flow)
    make_attempt(first, otto, now, state="succeeded", new_execution_id=second.execution_id)
    page = signed_in(vera).get(second.get_absolute_url()).content.decode()
    assert f'href="{first.get_absolute_url()}"' in page
    page = signed_in(vera).get(first.get_absolute_url()).content.decode()
    assert f'href="{second.get_absolute_url()}"' in page
    assert "Fixed by a retry" in page


def test_the_page_costs_a_fixed_number_of_statements(
    signed_in, ada, now, django_assert_max_num_queries, execution: Execution, otto: User
):
    for number in range(12):
        make_attempt(
            execution, otto, now - timedelta(minutes=number), state="failed_again", new_execution_id=str(number)
        )
    client = signed_in(ada)
    with django_assert_max_num_queries(16):
        client.get(execution.get_absolute_url())


def test_a_failure_that_zoho_runs_again_says_when(signed_in, vera, at_noon):
    at = factories.NOON - timedelta(minutes=7)
    row = factories.make_execution(
        status="failed", started_time=at, completed_time=at, first_failed_at=at, error_details="HTTP 503 from Books"
    )
    page = signed_in(vera).get(row.get_absolute_url()).content.decode()
    assert "Failed, and Zoho will run it again by itself at" in page
    assert "22 Nov 12:03:00" in page


def test_the_history_tells_of_each_re_run_that_was_seen(execution, signed_in, vera, now):
    ends = [execution.completed_time + timedelta(minutes=minutes) for minutes in (5, 10)]
    for at, status in zip(ends, ("failed", "success"), strict=True):
        ExecutionEvent.objects.create(
            execution=execution, kind="rerun", from_status="failed", to_status=status, completed_time=at, seen_at=now
        )
    Execution.objects.filter(pk=execution.pk).update(status="success", completed_time=ends[1], rerun_count=1)
    page = signed_in(vera).get(execution.get_absolute_url()).content.decode()
    history = page[page.index("history-title") :]
    words = ["Failed for the first time", "Run again, and it failed again", "Run again, and it succeeded"]
    assert sorted(words, key=history.index) == words
    assert "Ended in a later run" not in history


def test_a_run_that_zoho_no_longer_lists_says_so(execution, signed_in, vera, now):
    Execution.objects.filter(pk=execution.pk).update(unlisted_at=now)
    assert "Zoho no longer lists this run" in signed_in(vera).get(execution.get_absolute_url()).content.decode()
