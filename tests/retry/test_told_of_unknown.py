"""Who asked for a retry is asked to look where nothing shows what became of it."""

from __future__ import annotations

from typing import Any

import pytest

from monitor.models import Delivery, Execution, Occasion, RetryAttempt
from monitor.notify.dispatch import dispatch_occasions
from monitor.retry.policies import add_policy, switch_on
from monitor.retry.requests import request_retry
from monitor.retry.run_policies import run_policies
from monitor.retry.settle import sweep
from tests import factories
from tests.bystander import own
from tests.fake_zoho.retrying import FAULTS
from tests.retry.floor import Floor

pytestmark = pytest.mark.django_db


def lose_answers(floor: Floor, count: int) -> None:
    floor.zoho.post_faults.extend([FAULTS["lost_503"]] * count)


def watch(floor: Floor, minutes: int) -> None:
    for _ in range(minutes):
        sweep(floor.clock, open_account=floor.zoho.open_account)
        floor.clock.forward(minutes=1)


def click(floor: Floor, key: int) -> None:
    request_retry(
        execution=Execution.objects.get(pk=key), user=floor.user, reason="told by jane@example.com",
        client_token=f"form-{key}", accept_risk=False, now=floor.clock(),
    )  # fmt: skip


def asked() -> list[tuple[str, str]]:
    return list(own(Occasion).order_by("pk").values_list("kind", "recipient__username"))


def test_a_mail_asks_to_look_in_zoho_and_leads_to_the_run_and_to_all_unknown_outcomes(
    floor: Floor, settings: Any
) -> None:
    settings.PUBLIC_URL = "https://monitor.example.com"
    lose_answers(floor, 1)
    [key] = floor.fail(1)
    click(floor, key)
    watch(floor, 15)
    assert asked() == []
    watch(floor, 60)
    assert asked() == [("outcome_unknown", floor.user.username)]
    assert dispatch_occasions(floor.clock()) == 1
    mail, attempt = own(Delivery).get(), own(RetryAttempt).get()
    assert mail.subject == f"[Retries] Look in Zoho: what became of retry {attempt.pk} is not known"
    assert f"https://monitor.example.com/executions/{key}/" in mail.text
    assert "All unknown outcomes (of yours: 1): https://monitor.example.com/retries/unknown/" in mail.text
    assert f"Run: {attempt.execution.execution_id}\n" in mail.text
    assert "By now" not in mail.text
    assert "jane@example.com" not in mail.text + mail.html


def test_what_has_become_known_before_the_mail_is_written_stands_in_it(floor: Floor) -> None:
    lose_answers(floor, 1)
    click(floor, floor.fail(1)[0])
    watch(floor, 20)
    own(RetryAttempt).update(state="succeeded")
    dispatch_occasions(floor.clock())
    assert "By now: Succeeded\n" in own(Delivery).get().text


def test_each_click_is_told_of_but_many_of_a_batch_or_a_policy_once(floor: Floor) -> None:
    first, second, *others = floor.fail(6)
    lose_answers(floor, 6)
    click(floor, first)
    click(floor, second)
    watch(floor, 17)
    assert len(asked()) == 2
    floor.ask(others[:2], canary=2)
    for key in others[2:]:
        factories.make_failure(Execution.objects.get(pk=key))
    floor.work(60)
    watch(floor, 20)
    assert own(RetryAttempt).filter(state="unknown", item__isnull=False).count() == 2
    assert [kind for kind, _ in asked()].count("outcome_unknown") == 3
    before = floor.clock().replace(hour=0)
    policy = add_policy(floor.flow, floor.user, before, name="Tax", tries=1, wait_minutes=1, per_day=9)
    switch_on(policy, floor.user, before)
    run_policies(floor.clock())
    watch(floor, 20)
    assert own(RetryAttempt).filter(state="unknown", policy=policy).count() == 2
    assert [kind for kind, _ in asked()].count("outcome_unknown") == 4
