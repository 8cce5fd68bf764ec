"""Retrying from the page: asked for once, refused clearly, shown until its end."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from django_q.models import OrmQ

from monitor.models import Execution, RetryAttempt, ZohoAccount
from monitor.queries.execution import STATE_WORDS
from tests import factories
from tests.bystander import own
from tests.dashboard.world import make_attempt

State = RetryAttempt.State


@pytest.fixture
def safe(db: None) -> Execution:
    """Failed for good, long ago: Zoho does not run it again by itself."""
    return factories.make_execution(status="failed", started_time=timezone.now() - timedelta(days=3))


@pytest.fixture
def risky(db: None) -> Execution:
    """Failed just now by what looks temporary: Zoho may still run it again by itself."""
    started = timezone.now() - timedelta(minutes=5)
    return factories.make_execution(
        status="failed", started_time=started, error_message="HTTP 503 from the app", error_details="", error_code="X"
    )


def wish(**fields: Any) -> dict[str, Any]:
    return {"reason": "Corrected in the shop", "client_token": str(uuid.uuid4())} | fields


def ask(client: Any, execution: Execution, **fields: Any) -> Any:
    return client.post(reverse("execution_retry", args=[execution.pk]), wish(**fields))


def test_an_operator_asks_and_the_worker_gets_a_hint(safe, signed_in, otto):
    response = ask(signed_in(otto), safe)
    assert (response.status_code, response["Location"]) == (302, safe.get_absolute_url())
    attempt = own(RetryAttempt).get()
    assert (attempt.execution, attempt.requested_by, attempt.state) == (safe, otto, State.REQUESTED)
    assert attempt.reason == "Corrected in the shop"
    assert [task.func() for task in OrmQ.objects.all()] == ["monitor.tasks.send_retries"]


def test_each_shown_form_has_a_token_of_its_own(safe, signed_in, otto):
    client = signed_in(otto)
    tokens = {str(client.get(safe.get_absolute_url()).context["retry_form"]["client_token"].value()) for _ in range(3)}
    assert len(tokens) == 3


def test_the_same_form_posted_twice_is_one_retry(safe, signed_in, otto):
    client, token = signed_in(otto), str(uuid.uuid4())
    assert [ask(client, safe, client_token=token).status_code for _ in range(2)] == [302, 302]
    assert own(RetryAttempt).count() == 1


def test_another_form_for_an_open_retry_is_refused_with_the_reason(safe, signed_in, otto, ada):
    ask(signed_in(otto), safe)
    refused = ask(signed_in(ada), safe)
    assert refused.status_code == 409
    assert "still open" in refused.content.decode()
    assert own(RetryAttempt).count() == 1
    assert OrmQ.objects.count() == 1


@pytest.mark.parametrize(
    "fields", [{"reason": " "}, {"reason": "x"}, {"client_token": "no-uuid"}, {"client_token": ""}]
)
def test_a_form_without_reason_or_token_makes_nothing(safe, signed_in, otto, fields):
    assert ask(signed_in(otto), safe, **fields).status_code == 400
    assert not own(RetryAttempt).exists()
    assert not OrmQ.objects.exists()


def test_a_viewer_cannot_retry_and_is_offered_no_form(safe, signed_in, vera):
    client = signed_in(vera)
    assert 'name="reason"' not in client.get(safe.get_absolute_url()).content.decode()
    assert ask(client, safe).status_code == 403
    assert not own(RetryAttempt).exists()


def test_an_operator_cannot_accept_a_risk(risky, signed_in, otto):
    client = signed_in(otto)
    assert "Only an admin may accept this risk" in client.get(risky.get_absolute_url()).content.decode()
    assert ask(client, risky, accept_risk="on").status_code == 409
    assert not own(RetryAttempt).exists()


def test_an_admin_must_confirm_a_risk(risky, signed_in, ada):
    client = signed_in(ada)
    assert 'name="accept_risk"' in client.get(risky.get_absolute_url()).content.decode()
    refused = ask(client, risky)
    assert refused.status_code == 409
    assert "Confirm the risk" in refused.content.decode()
    assert ask(client, risky, accept_risk="on").status_code == 302
    assert own(RetryAttempt).get().accept_risk is True


@pytest.mark.parametrize(("which", "is_asked"), [("safe", False), ("risky", True)])
def test_a_form_that_is_refused_asks_for_the_risk_only_where_there_is_one(request, signed_in, ada, which, is_asked):
    refused = ask(signed_in(ada), request.getfixturevalue(which), reason="", accept_risk="on")
    assert refused.status_code == 400
    page = refused.content.decode()
    assert 'name="reason"' in page
    assert ('name="accept_risk"' in page) is is_asked
    assert not own(RetryAttempt).exists()


def test_a_safe_retry_asks_for_no_confirmation(safe, signed_in, ada):
    assert 'name="accept_risk"' not in signed_in(ada).get(safe.get_absolute_url()).content.decode()


def test_what_succeeded_is_not_retried(signed_in, ada, db):
    done = factories.make_execution(status="success")
    assert 'id="retry"' not in signed_in(ada).get(done.get_absolute_url()).content.decode()
    refused = ask(signed_in(ada), done)
    assert refused.status_code == 409
    assert "Only a failed execution" in refused.content.decode()


def test_a_paused_account_refuses(safe, signed_in, ada):
    own(ZohoAccount).update(is_active=False)
    refused = ask(signed_in(ada), safe)
    assert refused.status_code == 409
    assert "paused" in refused.content.decode()


def test_the_part_refreshes_itself_while_a_retry_is_open(safe, signed_in, otto, vera):
    attempt = make_attempt(safe, otto, timezone.now())
    client = signed_in(vera)
    url = reverse("execution_retry_state", args=[safe.pk])
    part = client.get(url)
    assert f'hx-get="{url}?seen={attempt.pk}-requested-0"' in part.content.decode()
    assert "HX-Refresh" not in part
    assert part.content.decode().strip() in client.get(safe.get_absolute_url()).content.decode()
    RetryAttempt.objects.filter(pk=attempt.pk).update(state=State.SUCCEEDED)
    ended = client.get(url)
    assert ended["HX-Refresh"] == "true"
    assert "hx-get" not in ended.content.decode()


def test_what_has_not_changed_is_not_sent_again(safe, signed_in, otto, vera):
    attempt = make_attempt(safe, otto, timezone.now())
    client, url = signed_in(vera), reverse("execution_retry_state", args=[safe.pk])
    seen = {"seen": f"{attempt.pk}-requested-0"}
    assert client.get(url, seen).status_code == 204
    own(RetryAttempt).update(state=State.SENDING)
    changed = client.get(url, seen)
    assert changed.status_code == 200
    assert "on its way" in changed.content.decode()


@pytest.mark.parametrize(("minutes", "pace"), [(1, "every 2s"), (3, "every 20s")])
def test_an_old_open_retry_is_asked_for_less_often(minutes, pace, safe, signed_in, otto):
    make_attempt(safe, otto, timezone.now() - timedelta(minutes=minutes), state=State.UNKNOWN)
    assert f'hx-trigger="{pace}"' in signed_in(otto).get(safe.get_absolute_url()).content.decode()


@pytest.mark.parametrize("state", State.values)
def test_each_state_is_told_in_plain_words(state, safe, signed_in, otto):
    make_attempt(safe, otto, timezone.now(), state=state)
    assert STATE_WORDS[state] in signed_in(otto).get(safe.get_absolute_url()).content.decode()


def test_a_retry_that_was_not_sent_can_be_cancelled(safe, signed_in, otto):
    attempt = make_attempt(safe, otto, timezone.now())
    assert signed_in(otto).post(reverse("retry_cancel", args=[attempt.pk])).status_code == 302
    attempt.refresh_from_db()
    assert attempt.state == State.CANCELLED


def test_what_the_page_showed_is_what_is_accepted(risky, signed_in, ada):
    client = signed_in(ada)
    page = client.get(risky.get_absolute_url())
    shown = page.context["retry_form"]["shown"].value()
    assert shown == "auto_rerun"
    assert f'name="shown" value="{shown}"' in page.content.decode()
    factories.make_failure(risky, fate="superseded")
    refused = ask(client, risky, accept_risk="on", shown=shown)
    assert refused.status_code == 409
    assert "not among what was accepted" in refused.content.decode()
    again = refused.context["retry_form"]["shown"].value()
    assert again == "auto_rerun superseded"
    assert ask(client, risky, accept_risk="on", shown=again).status_code == 302


def test_an_item_of_a_batch_is_taken_out_by_admins_alone_and_only_they_are_offered_it(safe, signed_in, otto, ada):
    attempt = make_attempt(safe, ada, timezone.now(), client_token="batch-1-item-1-0")
    url = reverse("retry_cancel", args=[attempt.pk])
    assert url not in signed_in(otto).get(safe.get_absolute_url()).content.decode()
    refused = signed_in(otto).post(url)
    assert refused.status_code == 409
    assert "only an admin may take it out" in refused.content.decode()
    assert url in signed_in(ada).get(safe.get_absolute_url()).content.decode()
    assert signed_in(ada).post(url).status_code == 302


@pytest.mark.parametrize("state", [State.SENDING, State.UNKNOWN, State.SUCCEEDED])
def test_a_retry_that_was_sent_cannot_be_cancelled(state, safe, signed_in, otto):
    attempt = make_attempt(safe, otto, timezone.now(), state=state)
    refused = signed_in(otto).post(reverse("retry_cancel", args=[attempt.pk]))
    assert refused.status_code == 409
    assert "too late" in refused.content.decode()
    attempt.refresh_from_db()
    assert attempt.state == state


def test_an_admin_closes_an_unknown_outcome_with_a_reason_after_a_while(safe, signed_in, otto, ada):
    sent = timezone.now() - timedelta(minutes=20)
    attempt = make_attempt(safe, otto, sent, state=State.UNKNOWN, sent_at=sent)
    url = reverse("retry_not_run", args=[attempt.pk])
    assert signed_in(otto).post(url, {"reason": "Looked in Zoho"}).status_code == 403
    assert signed_in(ada).post(url, {"reason": ""}).status_code == 400
    assert signed_in(ada).post(url, {"reason": "Looked in Zoho"}).status_code == 302
    attempt.refresh_from_db()
    assert attempt.state == State.NOT_RUN


def test_an_unknown_outcome_is_not_closed_while_the_run_may_still_show(safe, signed_in, otto, ada):
    now = timezone.now()
    attempt = make_attempt(safe, otto, now, state=State.UNKNOWN, sent_at=now)
    refused = signed_in(ada).post(reverse("retry_not_run", args=[attempt.pk]), {"reason": "Looked in Zoho"})
    assert refused.status_code == 409
    attempt.refresh_from_db()
    assert attempt.state == State.UNKNOWN


MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
BOUNDARIES = [
    (timedelta(0), False),
    (24 * HOUR + 6 * MINUTE - timedelta(seconds=1), False),
    (24 * HOUR + 6 * MINUTE, False),
    (24 * HOUR + 30 * MINUTE, False),
    (25 * HOUR - timedelta(seconds=1), False),
    (25 * HOUR, True),
    (40 * HOUR, True),
]
MAY_RUN_AGAIN = "Zoho may run it again by itself"


@pytest.mark.parametrize("details", ["", "HTTP 503 from the app"])
@pytest.mark.parametrize(("age", "is_final"), BOUNDARIES)
def test_the_page_and_its_retry_box_agree_whether_zoho_may_run_it_again(
    age: timedelta, is_final: bool, details: str, at_noon: datetime, account: ZohoAccount, signed_in, ada
) -> None:
    ended = at_noon - age
    run = factories.make_execution(
        factories.make_flow(account),
        "failed",
        started_time=ended - MINUTE,
        completed_time=ended,
        first_failed_at=ended,
        error_message="It went wrong",
        error_details=details,
    )

    response = signed_in(ada).get(run.get_absolute_url())

    page = response.content.decode()
    assert ("Failed, final" in page) is is_final
    assert (MAY_RUN_AGAIN in page) is not is_final
    assert (response.context["verdict"].kind == "safe") is is_final


@pytest.mark.parametrize("ahead", [timedelta(hours=-3), timedelta(hours=3)])
def test_page_and_retry_box_agree_where_zohos_clock_differs_and_after_a_retry(
    ahead: timedelta, at_noon: datetime, account: ZohoAccount, signed_in, ada
) -> None:
    flow = factories.make_flow(account)
    bystander = factories.make_execution(flow, "failed", error_message="It went wrong", error_details="")
    make_attempt(bystander, ada, now=at_noon, state=State.REJECTED, zoho_ahead=ahead)
    for age in (24 * HOUR, 26 * HOUR, 30 * HOUR):
        run = factories.make_execution(
            flow, "failed", started_time=at_noon - age, error_message="It went wrong", error_details=""
        )
        page = signed_in(ada).get(run.get_absolute_url()).content.decode()
        assert ("Failed, final" in page) is not (MAY_RUN_AGAIN in page), age

    first, again = at_noon - 60 * HOUR, at_noon - 20 * HOUR
    retried = factories.make_execution(
        flow, "failed", first_failed_at=first, completed_time=again, error_message="It went wrong", error_details=""
    )
    make_attempt(retried, ada, now=at_noon - 21 * HOUR, state=State.FAILED_AGAIN, sent_at=at_noon - 21 * HOUR)
    page = signed_in(ada).get(retried.get_absolute_url()).content.decode()
    assert MAY_RUN_AGAIN in page
    assert "Failed, final" not in page


def test_a_form_refused_for_its_reason_asks_for_the_risk_only_where_there_is_one(safe, risky, signed_in, ada):
    client = signed_in(ada)
    refused = ask(client, safe, reason="x")
    assert refused.status_code == 400
    assert 'name="reason"' in refused.content.decode()
    assert 'name="accept_risk"' not in refused.content.decode()
    refused = ask(client, risky, reason="x", accept_risk="on")
    assert refused.status_code == 400
    assert 'name="accept_risk"' in refused.content.decode()


def test_another_persons_retry_of_another_run_is_no_part_of_this_page(safe, risky, signed_in, otto, ada):
    make_attempt(risky, ada, timezone.now())
    page = signed_in(otto).get(safe.get_absolute_url())
    assert page.context["retry_form"] is not None
    assert page.context["detail"].open_mark == ""
