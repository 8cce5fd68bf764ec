"""The accounts: health for everybody, acting for admins, no secret for anybody."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from monitor.models import (
    ApiBudget,
    ApiCall,
    ApiToken,
    AuditEntry,
    Execution,
    Product,
    Quarantine,
    StageRun,
    ZohoAccount,
)
from monitor.queries import accounts as queries
from monitor.queries import flow as flow_queries
from tests import factories
from tests.bystander import own


def page_of(client: Any, account: ZohoAccount) -> str:
    return client.get(account.get_absolute_url()).content.decode()


def test_no_page_holds_a_secret(account, signed_in, ada):
    ApiToken.objects.filter(account=account).update(access_token="access-token", refused_code="invalid_code")
    client = signed_in(ada)
    for url in (reverse("accounts"), account.get_absolute_url(), f"{reverse('connect')}?account={account.pk}"):
        page = client.get(url).content.decode()
        for secret in ("client-secret", "refresh-token", "access-token"):
            assert secret not in page


def test_a_refused_sign_in_is_said_plainly(account, signed_in, vera):
    ApiToken.objects.filter(account=account).update(refused_code="invalid_code", refused_at=timezone.now())
    assert "Zoho refuses our sign-in" in page_of(signed_in(vera), account)


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"refused_code": "invalid_code"}, "refused"),
        ({"expires_at": timedelta(hours=1)}, "ok"),
        ({"expires_at": timedelta(0)}, "expired"),
        ({}, "expired"),
    ],
)
def test_the_state_of_the_token(fields, state, account, now):
    if "expires_at" in fields:
        fields = fields | {"expires_at": now + fields["expires_at"]}
    ApiToken.objects.filter(account=account).update(**fields)
    assert queries.token_health(account, now).state == state


def test_the_budget_counts_the_last_minute_and_day_beside_the_limits(account, now):
    for product, agos in (("flow", (5, 59, 61, 3600, 86_399, 86_401)), ("crm", (7,))):
        for ago in agos:
            at = now - timedelta(seconds=ago)
            ApiCall.objects.create(account=account, product=product, method="GET", path="/x", started_at=at)
    flow, crm = queries.budgets(account, now)
    assert (flow.last_minute, flow.last_day, flow.reserve) == (2, 5, 20_000)
    assert (flow.limits.per_minute, flow.limits.per_day, flow.limits.source) == (120, 200_000, "plan Enterprise")
    assert (crm.last_day, crm.limits.per_day, crm.limits.at_once) == (1, 5_000, 5)


def test_mirrored_rows_are_held_against_zohos_counters(account):
    counters = {"success_count": 10, "failure_count": 4, "baseline_total": 5, "baseline_success": 6}
    flow = factories.make_flow(account, **counters, baseline_failed=1, pruned_failed=1)
    for status in ("success", "success", "success", "failed", "failed"):
        factories.make_execution(flow, status)
    success, failed = queries.contents(account).counts
    assert (success.mirrored, success.missing) == (3, 1)
    assert (failed.mirrored, failed.missing) == (2, 0)


def test_what_is_newer_in_one_flow_does_not_hide_a_hole_in_another():
    found = queries.completeness("runs", [(10, 0, 0, 12, 0), (10, 4, 1, 3, 0)])
    assert (found.counter, found.baseline, found.pruned, found.mirrored) == (20, 4, 1, 15)
    assert (found.missing, found.newer) == (2, 2)


def test_one_flow_without_counters_leaves_all_unknown_but_what_is_mirrored():
    found = queries.completeness("runs", [(10, 0, 0, 10, 0), (None, None, 0, 3, 0)])
    assert (found.counter, found.missing, found.mirrored) == (None, None, 13)


def test_a_flow_that_was_not_read_completely_leaves_the_sum_unknown_and_not_zero(account):
    factories.make_flow(account, success_count=10, failure_count=4)
    contents = queries.contents(account)
    assert contents.flows_unread == 1
    assert [count.missing for count in contents.counts] == [None, None]


def test_quarantine_and_runs_are_shown(account, signed_in, vera, now):
    Quarantine.objects.create(
        account=account,
        stream="flows",
        fingerprint="f",
        reason="no id",
        raw_text="secret",
        first_seen_at=now,
        seen_at=now,
    )
    StageRun.objects.create(stage="ingest", account=account, started_at=now, outcome="failed", error="It broke here")
    page = page_of(signed_in(vera), account)
    assert "It broke here" in page
    assert "secret" not in page
    assert signed_in(vera).get(account.get_absolute_url()).context["detail"].contents.quarantined == 1


def test_what_cannot_be_read_is_named_by_list_and_reason_and_an_unknown_status_in_zohos_words(
    account, signed_in, vera, now
):
    counters = {"execution_count": 5, "success_count": 5, "failure_count": 0}
    zeros = {"baseline_total": 0, "baseline_success": 0, "baseline_failed": 0}
    flow = factories.make_flow(account, **counters, **zeros)
    factories.make_execution(flow, "paused by policy", completed_time=now)
    for number, left_at in enumerate((None, None, now)):
        Quarantine.objects.create(
            account=account,
            stream="executions",
            flow=flow,
            status="success",
            fingerprint=str(number),
            reason="its start cannot be read (started_time)",
            raw_text="secret",
            first_seen_at=now,
            seen_at=now,
            left_at=left_at,
        )

    page = page_of(signed_in(vera), account)
    contents = queries.contents(account)

    assert "Executions: 2" in page
    assert "its start cannot be read (started_time)" in page
    assert "paused by policy" in page
    assert "secret" not in page
    assert (contents.quarantined, contents.all_runs.quarantined, contents.all_runs.missing) == (2, 2, 2)
    mirrored = flow_queries.completeness(flow)
    assert [row.quarantined for row in mirrored] == [2, 2, 0]
    assert mirrored[0].missing == 2


def test_an_admin_pauses_and_resumes_and_each_is_audited_once(account, signed_in, ada, bystander):
    client, url = signed_in(ada), reverse("account_mirroring", args=[account.pk])
    for wanted in ("no", "no", "yes"):
        client.post(url, {"is_active": wanted})
        account.refresh_from_db()
        assert account.is_active == (wanted == "yes")
        assert bystander.differences() == []  # at each step: to be resumed would undo what a pause too many did
    actions = own(AuditEntry).order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["account.pause", "account.resume"]


def test_pausing_writes_no_other_column(account, signed_in, ada):
    secret = ZohoAccount.objects.get(pk=account.pk).client_secret
    signed_in(ada).post(reverse("account_mirroring", args=[account.pk]), {"is_active": "no"})
    assert ZohoAccount.objects.get(pk=account.pk).client_secret == secret


def test_limits_are_saved_and_nonsense_is_not(account, signed_in, ada):
    client, url = signed_in(ada), reverse("account_limits", args=[account.pk])
    saved = client.post(url, {"plan": "free", "calls_per_minute": "7", "calls_per_day": ""}, follow=True)
    assert saved.redirect_chain[0][1] == 302
    assert "The limits are saved." in saved.content.decode()
    account.refresh_from_db()
    assert (account.plan, account.calls_per_minute, account.calls_per_day) == ("free", 7, None)
    assert client.post(url, {"plan": "free", "calls_per_minute": "0"}).status_code == 400
    account.refresh_from_db()
    assert account.calls_per_minute == 7
    assert own(AuditEntry).get(action="account.limits").detail["plan"] == {"from": "enterprise", "to": "free"}


def test_an_edition_that_is_not_known_is_named_until_own_numbers_are_set(account, signed_in, ada):
    budget = {"edition": "galactic", "users": 4}
    ApiBudget.objects.update_or_create(account=account, product=Product.CRM, defaults=budget)
    client, page = signed_in(ada), reverse("account", args=[account.pk])
    assert "edition “galactic” is not known here" in client.get(page).content.decode()
    own_numbers = {"plan": "", "crm_credits_per_day": "80000", "crm_calls_at_once": "12"}
    assert client.post(reverse("account_limits", args=[account.pk]), own_numbers).status_code == 302
    account.refresh_from_db()
    assert (account.crm_credits_per_day, account.crm_calls_at_once) == (80_000, 12)
    assert "galactic" not in client.get(page).content.decode()


@pytest.mark.parametrize("typed", ["", "acme", "Acme Ltd "])
def test_disconnecting_wants_the_very_name(typed, signed_in, ada):
    account = factories.make_account("Acme")
    response = signed_in(ada).post(reverse("account_disconnect", args=[account.pk]), {"name": typed})
    assert response.status_code == 400
    assert ZohoAccount.objects.filter(pk=account.pk).exists()


def test_disconnecting_deletes_the_mirror_and_keeps_the_trace(signed_in, ada):
    execution = factories.make_execution(factories.make_flow(factories.make_account("Acme")))
    url = reverse("account_disconnect", args=[execution.account_id])
    assert signed_in(ada).post(url, {"name": "Acme"}).status_code == 302
    assert not own(ZohoAccount).exists()
    assert not own(Execution).exists()
    assert own(AuditEntry).get(action="account.disconnect").detail == {"name": "Acme"}


@pytest.mark.parametrize("key", ["0", "abc", "9" * 40, "-1", "²"])
def test_renewing_an_account_that_is_not_there_is_a_404(key, signed_in, ada):
    assert signed_in(ada).get(reverse("connect"), {"account": key}).status_code == 404


@pytest.mark.parametrize(
    ("summary", "words"),
    [
        ({"new": 3, "calls": 0, "streams": {"flows": "ok", "rules": "failing"}}, ["new 3", "rules: failing"]),
        ({}, []),
        ([], []),
        (None, []),
    ],
)
def test_a_runs_summary_in_words(summary, words):
    assert queries.summary_words(summary) == words
