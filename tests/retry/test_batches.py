"""Many retries with one wish: frozen, paced, stopped, gone on with, each item with its end."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from monitor.models import (
    AuditEntry,
    Execution,
    RetryAttempt,
    RetryBatch,
    RetryItem,
    Role,
    User,
    ZohoAccount,
)
from monitor.retry import run_batches as runner
from monitor.retry.batches import cancel_batch, resume, suspend
from monitor.retry.preview import preview
from monitor.retry.requests import request_retry, resolve_not_run
from monitor.retry.run_batches import run_batches
from tests import factories
from tests.bystander import own
from tests.fake_zoho.retrying import FAULTS, TRANSIENT, Crash
from tests.retry.floor import Floor, assert_refused, fresh, states

pytestmark = pytest.mark.django_db
State, Item = RetryBatch.State, RetryItem.State


class TestAsking:
    def test_the_list_is_frozen_and_each_run_stands_in_it_once(self, floor: Floor) -> None:
        keys = floor.fail(3)
        batch = floor.ask([*keys, keys[0]], source={"kind": "rows"})
        floor.fail(2)
        assert list(batch.items.values_list("execution", flat=True)) == keys
        entry = AuditEntry.objects.get(object_type="batch", object_id=str(batch.pk))
        assert (entry.action, entry.actor, entry.detail["items"]) == ("batch.requested", floor.user, 3)

    def test_the_same_form_posted_twice_is_one_batch(self, floor: Floor) -> None:
        keys = floor.fail(2)
        assert floor.ask(keys).pk == floor.ask(keys).pk
        other = factories.make_user("eve", Role.ADMIN)
        assert_refused("token_used", floor.ask, keys, user=other)

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"executions": []}, "nothing_chosen"),
            ({"reason": " "}, "reason_missing"),
            ({"reason": "x" * 501}, "reason_long"),
            ({"client_token": ""}, "bad_token"),
            ({"client_token": "x" * 65}, "bad_token"),
            ({"per_minute": 0}, "bad_pace"),
            ({"per_minute": 601}, "bad_pace"),
            ({"canary": 0}, "bad_canary"),
            ({"canary": 101}, "bad_canary"),
            ({"executions": list(range(1, 10_002))}, "too_many"),
            ({"executions": [10**12]}, "not_there"),
        ],
    )
    def test_what_makes_no_batch(self, floor: Floor, changes: dict[str, Any], code: str) -> None:
        assert_refused(code, floor.ask, floor.fail(1), **changes)
        assert not own(RetryBatch).exists()

    def test_runs_of_another_account_and_people_without_the_right_are_refused(self, floor: Floor) -> None:
        elsewhere = factories.make_execution(factories.make_flow(), "failed")
        assert_refused("not_there", floor.ask, [*floor.fail(1), elsewhere.pk])
        assert_refused("not_permitted", floor.ask, floor.fail(1), user=factories.make_user("olga", Role.OPERATOR))


class TestRunning:
    def test_one_then_five_then_the_rest_and_each_runs_once(self, floor: Floor) -> None:
        batch = floor.ask(floor.fail(15))
        seen: list[int] = []
        floor.work(180, before_each=lambda: seen.append(own(RetryAttempt).count()))
        assert states(batch) == {"succeeded": 15}
        assert fresh(batch).state == State.FINISHED
        steps = Counter(RetryItem.objects.filter(batch=batch).values_list("step", flat=True))
        assert steps == {0: 1, 1: 5, 2: 9}
        assert {1, 6} <= set(seen)
        assert set(floor.zoho.caused.values()) == {1}
        assert len(floor.zoho.posts) == 15

    def test_a_canary_that_fails_again_stops_it_before_the_others(self, floor: Floor) -> None:
        floor.zoho.luck = False
        batch = floor.ask(floor.fail(15))
        floor.work(120)
        assert (fresh(batch).state, len(floor.zoho.posts)) == (State.STOPPED, 1)
        assert fresh(batch).state_reason == (
            "Half or more of the first step did not succeed: 1 of 1 failed or stayed unknown."
        )
        assert states(batch) == {"failed": 1, "waiting": 14}

    def test_an_outcome_that_stays_unknown_counts_as_failed_and_may_become_known(self, floor: Floor) -> None:
        floor.zoho.post_faults.append(FAULTS["lost_unread"])
        batch = floor.ask(floor.fail(3))
        floor.work(55)
        assert states(batch) == {"started": 1, "waiting": 2}
        floor.work(60)
        assert states(batch) == {"unknown": 1, "waiting": 2}
        assert fresh(batch).state == State.STOPPED
        row = own(RetryAttempt).get()
        resolve_not_run(row, floor.user, "no trace at Zoho", floor.clock() + timedelta(minutes=15))
        floor.work(5)
        assert states(batch) == {"failed": 1, "waiting": 2}

    def test_what_may_run_twice_is_skipped_unless_the_risk_was_accepted(self, floor: Floor) -> None:
        keys = floor.fail(1, error=TRANSIENT) + floor.fail(1)
        batch = floor.ask(keys)
        floor.work(60)
        assert states(batch) == {"skipped": 1, "succeeded": 1}
        assert RetryItem.objects.get(batch=batch, state="skipped").code == "risk_not_accepted"
        brave = floor.ask(keys[:1], "other form", accept_risk=True)
        floor.work(60)
        assert states(brave) == {"succeeded": 1}

    def test_one_batch_of_an_account_runs_and_the_next_one_waits(self, floor: Floor) -> None:
        first, second = floor.ask(floor.fail(2)), floor.ask(floor.fail(2), "second")
        elsewhere = factories.make_account()
        theirs = floor.ask(
            floor.fail(1, flow=factories.make_flow(elsewhere)), "third", account=elsewhere, user=floor.user
        )
        run_batches(floor.clock())
        assert [fresh(one).state for one in (first, second, theirs)] == [State.RUNNING, State.QUEUED, State.RUNNING]
        floor.work(120)
        assert [fresh(one).state for one in (first, second)] == [State.FINISHED, State.FINISHED]

    def test_no_more_than_ten_of_a_flow_are_on_the_way(self, floor: Floor) -> None:
        floor.zoho.takes = timedelta(minutes=3)
        floor.ask(floor.fail(40), canary=30)
        most: list[int] = []
        opened = ("requested", "sending", "accepted")
        floor.work(100, before_each=lambda: most.append(own(RetryAttempt).filter(state__in=opened).count()))
        assert max(most) == 10

    def test_it_keeps_to_its_pace(self, floor: Floor) -> None:
        floor.ask(floor.fail(40), per_minute=6, canary=40)
        floor.work(120)
        assert 10 <= len(floor.zoho.posts) <= 14

    def test_while_the_account_is_paused_nothing_is_started_and_nothing_skipped(self, floor: Floor) -> None:
        batch = floor.ask(floor.fail(2))
        ZohoAccount.objects.filter(pk=floor.account.pk).update(is_active=False)
        floor.work(30)
        assert states(batch) == {"waiting": 2}
        ZohoAccount.objects.filter(pk=floor.account.pk).update(is_active=True)
        floor.work(60)
        assert states(batch) == {"succeeded": 2}

    def test_who_loses_the_right_starts_nothing_more(self, floor: Floor) -> None:
        batch = floor.ask(floor.fail(3))
        User.objects.filter(pk=floor.user.pk).update(role=Role.OPERATOR)
        floor.work(30)
        assert (fresh(batch).state, states(batch)) == (State.STOPPED, Counter(waiting=3))

    def test_a_process_that_dies_between_the_retry_and_its_item_asks_for_no_second_one(
        self, floor: Floor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        batch = floor.ask(floor.fail(1))
        made = runner.request_retry

        def and_die(**wanted: Any) -> RetryAttempt:
            made(**wanted)
            raise Crash("killed")

        with monkeypatch.context() as patch:
            patch.setattr(runner, "request_retry", and_die)
            with pytest.raises(Crash):
                run_batches(floor.clock())
        floor.work(60)
        assert states(batch) == {"succeeded": 1}
        assert len(floor.zoho.posts) == 1


class TestPeople:
    def test_suspend_and_resume(self, floor: Floor) -> None:
        batch = floor.ask(floor.fail(8))
        floor.work(5)
        suspend(batch, floor.user, floor.clock())
        floor.work(60)
        assert states(batch)["waiting"] == 7
        resume(fresh(batch), floor.user, floor.clock())
        floor.work(120)
        assert states(batch) == {"succeeded": 8}

    @pytest.mark.parametrize("act", [suspend, cancel_batch])
    def test_what_zoho_refuses_for_its_token_does_not_go_again_once_it_is_stopped(self, floor: Floor, act: Any) -> None:
        batch = floor.ask(floor.fail(1))
        floor.zoho.post_faults.append(FAULTS["token"])
        floor.zoho.during_post = lambda: act(fresh(batch), floor.user, floor.clock())
        floor.work(60)
        assert len(floor.zoho.posts) == 1
        assert states(batch) == {"waiting" if act is suspend else "skipped": 1}

    def test_one_that_stopped_by_itself_goes_on_when_somebody_says_so(self, floor: Floor) -> None:
        floor.zoho.luck = False
        batch = floor.ask(floor.fail(3))
        floor.work(60)
        floor.zoho.luck = True
        resume(fresh(batch), floor.user, floor.clock())
        floor.work(120)
        assert states(batch) == {"failed": 1, "succeeded": 2}

    def test_cancelled_what_waits_is_skipped_and_what_was_sent_is_followed(self, floor: Floor) -> None:
        batch = floor.ask(floor.fail(8))
        floor.work(5)
        cancel_batch(batch, floor.user, floor.clock())
        floor.work(60)
        assert states(batch) == {"succeeded": 1, "skipped": 7}
        assert len(floor.zoho.posts) == 1
        assert fresh(batch).state == State.CANCELLED
        assert_refused("too_late", cancel_batch, fresh(batch), floor.user, floor.clock())
        assert_refused("too_late", resume, fresh(batch), floor.user, floor.clock())

    def test_an_operator_may_not(self, floor: Floor) -> None:
        batch = floor.ask(floor.fail(2))
        olga = factories.make_user("olga", Role.OPERATOR)
        for act in (suspend, resume, cancel_batch):
            assert_refused("not_permitted", act, batch, olga, floor.clock())
        assert fresh(batch).state == State.QUEUED


class TestTokens:
    def test_a_form_that_made_another_list_makes_none(self, floor: Floor) -> None:
        keys = floor.fail(2)
        floor.ask(keys)
        assert_refused("token_used", floor.ask, keys[:1])

    def test_nobody_takes_the_name_of_an_items_retry(self, floor: Floor) -> None:
        run = Execution.objects.get(pk=floor.fail(1)[0])
        wanted = {"execution": run, "user": floor.user, "reason": "r", "accept_risk": False, "now": floor.clock()}
        assert_refused("bad_token", request_retry, client_token="batch-1-item-1-0", **wanted)


class TestFaults:
    def test_one_batch_that_cannot_be_gone_on_with_keeps_no_other(
        self, floor: Floor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        elsewhere = factories.make_account()
        broken = floor.ask(floor.fail(1, flow=factories.make_flow(elsewhere)), "first", account=elsewhere)
        batch = floor.ask(floor.fail(1))
        asked = runner.why_not

        def fails(item: RetryItem, *args: Any, **more: Any) -> Any:
            if item.batch_id == broken.pk:
                raise LookupError("a fault of ours")
            return asked(item, *args, **more)

        monkeypatch.setattr(runner, "why_not", fails)
        assert run_batches(floor.clock())["errors"] == 1
        assert f"batch {broken.pk} could not be gone on with" in caplog.text
        floor.work(60)
        assert (states(batch), states(broken)) == (Counter(succeeded=1), Counter(waiting=1))

    def test_a_batch_of_one_that_fails_is_over(self, floor: Floor) -> None:
        floor.zoho.luck = False
        batch = floor.ask(floor.fail(1))
        floor.work(60)
        assert (fresh(batch).state, states(batch)) == (State.FINISHED, Counter(failed=1))
        assert fresh(batch).finished_at is not None

    def test_a_run_that_goes_on_for_hours_holds_no_other_up(self, floor: Floor) -> None:
        floor.zoho.takes = timedelta(hours=5)
        batch = floor.ask(floor.fail(1))
        floor.work(16 * 60)
        assert (fresh(batch).state, states(batch)) == (State.FINISHED, Counter(unknown=1))
        floor.clock.forward(hours=5)
        floor.work(60)
        assert states(batch) == {"succeeded": 1}


class TestPreview:
    def test_what_was_written_off_is_not_brought_back_with_the_others(self, floor: Floor) -> None:
        keys = floor.fail(2)
        factories.make_failure(Execution.objects.get(pk=keys[0]), fate="written_off")
        found = preview(keys, floor.clock())
        assert (found.safe, found.impossible, found.reasons) == (1, 1, {"It was written off.": 1})

    def test_it_says_how_many_are_safe_risky_and_impossible_and_why(self, floor: Floor) -> None:
        safe, risky = floor.fail(3), floor.fail(2, error=TRANSIENT)
        done = floor.fail(1)
        Execution.objects.filter(pk__in=done).update(status="success")
        found = preview([*safe, *risky, *done], floor.clock())
        assert found.as_json() == {
            "total": 6,
            "safe": 3,
            "risky": 2,
            "impossible": 1,
            "reasons": {
                "Zoho may still run it again by itself, so it could run twice.": 2,
                "It is no longer failed.": 1,
            },
        }
        assert found.by_flow == {floor.flow.pk: Counter(safe=3, risky=2, refused=1)}
        assert found.by_problem == {0: Counter(safe=3, risky=2, refused=1)}
        assert (found.items(accept_risk=False), found.items(accept_risk=True)) == (3, 5)
        assert found.time_needed(6, accept_risk=False) == timedelta(seconds=30)

    def test_an_empty_selection_is_nothing(self, floor: Floor) -> None:
        floor.fail(2)
        assert preview([], floor.clock()).total == 0

    def test_its_statements_do_not_grow_with_the_runs(self, floor: Floor, django_assert_max_num_queries: Any) -> None:
        keys = floor.fail(60)
        with django_assert_max_num_queries(8):
            preview(keys[:2], floor.clock())
        with django_assert_max_num_queries(8):
            assert preview(keys, floor.clock()).total == 60
