"""Who confirmed a batch is told how it ended."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings as project

from monitor.models import Delivery, Execution, Occasion, RetryBatch, RetryItem, User, system_user
from monitor.notify.dispatch import dispatch_occasions
from monitor.retry import batches
from monitor.retry.batches import cancel_batch, resume, suspend
from monitor.retry.run_batches import run_batches
from tests import factories
from tests.bystander import own
from tests.retry.floor import Floor, fresh

pytestmark = pytest.mark.django_db
State = RetryBatch.State
GOOD = "border-top: 4px solid #1a6b3c"


def ends() -> list[tuple[str, str]]:
    """To which ends batches came that somebody is told of, and who that is."""
    return list(own(Occasion).order_by("pk").values_list("state", "recipient__username"))


@pytest.fixture
def chief(db: None) -> User:
    return factories.make_user("chief", "admin")


def test_the_report_says_how_many_came_to_which_end_and_why_some_were_skipped(floor: Floor, settings: Any) -> None:
    settings.PUBLIC_URL = "https://monitor.example.com"
    first, *others = floor.fail(4)
    batch = floor.ask([first, *others], reason="told by jane@example.com")
    RetryItem.objects.filter(batch=batch, execution=others[0]).update(
        state="skipped", code="succeeded", note="It has succeeded meanwhile: jane@example.com."
    )
    floor.work(180)
    assert fresh(batch).state == State.FINISHED
    assert ends() == [("finished", "ada")]
    assert dispatch_occasions(floor.clock()) == 1
    mail = own(Delivery).get()
    assert mail.subject == f"[Retries] Batch {batch.pk} is finished: 3 succeeded, 1 skipped"
    assert f"https://monitor.example.com{batch.get_absolute_url()}" in mail.text
    for line in (
        "Runs: 4",
        "Succeeded: 3",
        "Skipped: 1",
        f"Account: {floor.account.name}",
        "  1 x It has succeeded meanwhile: ",
    ):
        assert line in mail.text
    assert "\nA batch of retries of yours is finished.\n" in mail.text
    assert GOOD not in mail.html
    page = f"https://monitor.example.com{batch.get_absolute_url()}"
    assert f"Skipped (1): {page}?state=skipped\n" in mail.text
    assert f'href="{page}?state=skipped"' in mail.html
    assert "?state=failed" not in mail.text
    assert "No more mails about batches of retries: https://monitor.example.com/by-mail/unsubscribe/-/" in mail.text
    assert "jane@example.com" not in mail.text + mail.html + mail.subject


def test_the_report_of_a_batch_that_went_well_is_good_news(floor: Floor) -> None:
    floor.ask(floor.fail(1))
    floor.work(60)
    dispatch_occasions(floor.clock())
    assert GOOD in own(Delivery).get().html


def test_a_batch_that_stops_by_itself_is_told_with_the_reason_and_again_when_it_ends(floor: Floor) -> None:
    batch = floor.ask(floor.fail(3))
    RetryBatch.objects.filter(pk=batch.pk).update(state=State.RUNNING)
    with_reason = {"now": floor.clock(), "actor": None, "state_reason": "Half or more of it did not succeed."}
    assert batches.change(batch, [State.RUNNING], State.STOPPED, **with_reason)
    dispatch_occasions(floor.clock())
    mail = own(Delivery).get()
    assert mail.subject == f"[Retries] Batch {batch.pk} stopped by itself: 3 waiting"
    assert "stopped by itself. Half or more of it did not succeed." in mail.text
    resume(batch, floor.user, floor.clock())
    floor.work(180)
    assert ends() == [("stopped", "ada"), ("finished", "ada")]


def test_whoever_cancels_their_own_batch_is_not_told_and_somebody_elses_is(floor: Floor, chief: User) -> None:
    own_one = floor.ask(floor.fail(1), "one")
    cancel_batch(own_one, floor.user, floor.clock())
    assert ends() == []
    other = floor.ask(floor.fail(1), "two")
    cancel_batch(other, chief, floor.clock())
    assert ends() == [("cancelled", "ada")]
    dispatch_occasions(floor.clock())
    assert "was cancelled by chief." in own(Delivery).get().text


def test_what_only_pauses_is_not_reported(floor: Floor, chief: User) -> None:
    batch = floor.ask(floor.fail(2))
    run_batches(floor.clock())
    suspend(batch, chief, floor.clock())
    resume(batch, chief, floor.clock())
    assert ends() == []


def test_an_end_that_somebody_else_has_brought_about_is_told_once(floor: Floor, chief: User) -> None:
    batch = floor.ask(floor.fail(1))
    stale = fresh(batch)
    cancel_batch(batch, chief, floor.clock())
    assert not batches.change(stale, [State.QUEUED], State.FINISHED, now=floor.clock(), actor=None)
    assert ends() == [("cancelled", "ada")]


def test_the_report_of_a_problems_retries_leads_to_the_problem(floor: Floor, chief: User) -> None:
    (key,) = floor.fail(1)
    problem = factories.make_failure(Execution.objects.get(pk=key)).group.problem
    cancel_batch(floor.ask([key], problem=problem), chief, floor.clock())
    dispatch_occasions(floor.clock())
    mail = own(Delivery).get()
    assert "Problem: It failed" in mail.text
    assert f"The problem: {project.PUBLIC_URL}{problem.get_absolute_url()}" in mail.text


def test_the_command_line_gets_no_report(floor: Floor) -> None:
    floor.ask(floor.fail(1), user=system_user())
    floor.work(60)
    assert ends() == [("finished", "system")]
    assert dispatch_occasions(floor.clock()) == 0
    assert own(Occasion).get().dispatch_state == "silent"


def test_whoever_went_on_with_a_batch_is_told_too_how_it_ended(floor: Floor, chief: User) -> None:
    batch = floor.ask(floor.fail(2))
    stale = fresh(batch)
    suspend(batch, chief, floor.clock())
    resume(batch, chief, floor.clock())
    cancel_batch(stale, chief, floor.clock())
    assert ends() == [("cancelled", "ada")]
    batch = floor.ask(floor.fail(2), "another")
    suspend(batch, chief, floor.clock())
    resume(batch, chief, floor.clock())
    floor.work(120)
    assert ends()[1:] == [("finished", "ada"), ("finished", "chief")]
