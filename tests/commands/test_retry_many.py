"""`manage.py retry` with several runs, a problem, or a flow and a time."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from monitor import connection, pipeline
from monitor.management.commands import retry
from monitor.models import Execution, Flow, Problem, RetryAttempt, RetryBatch, RetryItem, User, ZohoAccount, system_user
from monitor.retry.set_pin import set_pin
from tests import factories
from tests.bystander import own
from tests.fake_zoho import Clock
from tests.fake_zoho.retrying import PERMANENT, TRANSIENT, RetryingZoho

pytestmark = pytest.mark.django_db


class Line:
    """The command line with a clock that only sleeping moves, a Zoho that keeps a ledger, and a flow that fails."""

    def __init__(self, patch: pytest.MonkeyPatch, clock: Clock, account: ZohoAccount) -> None:
        self.clock, self.account, self.zoho = clock, account, RetryingZoho(clock)
        self.flow = factories.make_flow(account)
        patch.setattr(retry, "clock", clock)
        patch.setattr(pipeline, "utc_now", clock)
        patch.setattr(retry, "sleep", lambda seconds: clock.forward(seconds=5))
        patch.setattr(connection, "open_account", self.zoho.open_account)
        patch.setattr(pipeline, "open_account", self.zoho.open_account)
        patch.setattr(pipeline, "refresh_executions", lambda refs: sum(len(ids) for _, ids in refs))

    def fail(self, error: tuple[str, str, str] = PERMANENT, *, hours_ago: float = 1, **fields: Any) -> Execution:
        at = self.clock() - timedelta(hours=hours_ago)
        code, message, details = error
        given: dict[str, Any] = {
            "started_time": at,
            "completed_time": at,
            "first_failed_at": at,
            "error_code": code,
            "error_message": message,
            "error_details": details,
            "trigger_data": {"Deal": own(Execution).count()},
        }
        run = factories.make_execution(fields.pop("flow", self.flow), "failed", **(given | fields))
        self.zoho.add(run)
        return run

    def run(self, *words: str) -> str:
        out = StringIO()
        call_command("retry", *words, stdout=out)
        return out.getvalue()

    def error(self, *words: str) -> str:
        before = own(RetryBatch).count(), own(RetryAttempt).count()
        with pytest.raises(CommandError) as caught:
            self.run(*words)
        assert "\n" not in str(caught.value)
        assert (own(RetryBatch).count(), own(RetryAttempt).count()) == before
        return str(caught.value)


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch, now: Any, account: ZohoAccount) -> Line:
    return Line(monkeypatch, Clock(now), account)


def chosen(batch: RetryBatch) -> list[int]:
    return list(batch.items.values_list("execution", flat=True))


class TestDryRun:
    def test_as_json_it_counts_and_does_nothing(self, line: Line) -> None:
        for error, hours_ago in ((PERMANENT, 1), (TRANSIENT, 1), (PERMANENT, 30)):
            line.fail(error, hours_ago=hours_ago)
        found = json.loads(line.run("--flow", line.flow.flow_id, "--since", "2026-11-22", "--dry-run", "--json"))
        assert found == {
            "total": 2,
            "safe": 1,
            "risky": 1,
            "impossible": 0,
            "reasons": {"Zoho may still run it again by itself, so it could run twice.": 1},
        }
        assert not own(RetryBatch).exists()
        assert not line.zoho.posts

    def test_for_people_it_is_a_table(self, line: Line) -> None:
        ids = [line.fail().execution_id, line.fail(TRANSIENT).execution_id]
        out = line.run(*ids, "--dry-run", "--rate", "6")
        assert "2 runs: 1 safe, 1 risky, 0 impossible" in out
        assert [row.split() for row in out.splitlines()[1:3]] == [
            ["FLOW", "SAFE", "RISKY", "IMPOSSIBLE", "RUNS"],
            [*line.flow.flow_name.split(), "1", "1", "0", "2"],
        ]
        assert "1 would be sent, with about 4 API calls, in 10 s at 6 a minute" in out
        assert "2 would be sent" in line.run(*ids, "--dry-run", "--accept-risk")

    def test_its_columns_line_up_whatever_flows_are_called(self, line: Line) -> None:
        wide, plain = factories.make_flow(line.account, flow_name="日本 Tax"), factories.make_flow(line.account)
        runs = [*(line.fail(flow=wide) for _ in range(11)), line.fail(TRANSIENT, flow=plain)]
        table = line.run(*(run.execution_id for run in runs), "--dry-run").splitlines()
        at = next(number for number, row in enumerate(table) if row.startswith("FLOW"))
        heads, first, second, in_all = table[at : at + 4]
        assert (first.split()[-4:], second.split()[-4:]) == (["11", "0", "0", "11"], ["0", "1", "0", "1"])
        assert in_all.split() == ["In", "all", "11", "1", "0", "12"]
        wide_characters = 2  # each takes two places
        assert len(heads) == len(first) + wide_characters == len(second) == len(in_all)
        why = table[at + 5 :]
        assert why[0] == "RUNS  WHY"
        assert all(row[:4].strip().isdigit() for row in why[1 : why.index("")])

    def test_runs_of_several_problems_are_counted_by_problem_too(self, line: Line) -> None:
        runs = [line.fail(), line.fail(TRANSIENT), line.fail()]
        failures = [factories.make_failure(run) for run in runs[:2]]
        number = failures[0].group.problem_id
        own(Problem).filter(pk=number).update(title="No jane@example.com")
        ids = [run.execution_id for run in runs]
        out = line.run(*ids, "--dry-run").splitlines()
        at = next(place for place, row in enumerate(out) if row.startswith("PROBLEM"))
        table = [row.split() for row in out[at + 1 : out.index("", at)]]
        assert [f"{number}:", "No", "[e-mail]", "1", "0", "0", "1"] in table
        assert ["in", "no", "problem", "yet", "1", "0", "0", "1"] in table
        assert table[-1] == ["In", "all", "2", "1", "0", "3"]
        assert len(table) == 4
        assert "PROBLEM" not in line.run(ids[0], "--dry-run")

    def test_the_calls_of_a_minute_say_how_long_it_takes(self, line: Line) -> None:
        ids = [line.fail().execution_id for _ in range(5)]
        ZohoAccount.objects.filter(pk=line.account.pk).update(calls_per_minute=10, calls_per_day=1000)
        out = line.run(*ids, "--dry-run", "--rate", "30")
        assert "5 would be sent, with about 20 API calls, in 2 min at 30 a minute" in out
        assert "its 10 calls a minute let about 2.5 runs start a minute" in out
        assert "runs start a minute" not in line.run(*ids, "--dry-run", "--rate", "2")

    @pytest.mark.parametrize("option", ["--problem", "--flow"])
    def test_of_two_problems_or_flows_none_goes_without_a_word(self, line: Line, option: str) -> None:
        run = line.fail()
        number = factories.make_failure(run).group.problem_id
        values = {"--problem": str(number), "--flow": line.flow.flow_id}
        assert "can be given once only" in line.error(option, values[option], option, "7", "--dry-run")

    def test_nothing_that_matches_is_nothing(self, line: Line) -> None:
        found = json.loads(line.run("--flow", line.flow.flow_id, "--since", "2026-11-22", "--dry-run", "--json"))
        assert found["total"] == 0


class TestChoosing:
    def test_a_flow_and_a_time(self, line: Line) -> None:
        other = factories.make_flow(line.account)
        before, first, last = line.fail(hours_ago=5), line.fail(hours_ago=4), line.fail(hours_ago=2)
        after, elsewhere = line.fail(hours_ago=1), line.fail(hours_ago=2, flow=other)
        good = factories.make_execution(line.flow, "success", started_time=first.started_time)
        words = ("--flow", line.flow.flow_id, "--since", "2026-11-22T08:00:00Z", "--until", "2026-11-22T11:00:00Z")
        line.run(*words, "--reason", "the tax is there")
        batch = own(RetryBatch).get()
        assert chosen(batch) == [first.pk, last.pk]
        assert {before.pk, after.pk, elsewhere.pk, good.pk}.isdisjoint(chosen(batch))
        assert batch.source == {
            "kind": "filter",
            "flow": line.flow.flow_id,
            "since": "2026-11-22T08:00:00Z",
            "until": "2026-11-22T11:00:00Z",
        }
        assert (batch.requested_by, batch.reason, batch.state) == (system_user(), "the tax is there", "queued")

    def test_without_an_end_it_is_the_present_and_what_was_meant_stands_with_the_batch(self, line: Line) -> None:
        run = line.fail()
        line.run("--flow", line.flow.flow_id, "--since", "2026-11-22", "--text", "e", "--reason", "r", "--dry-run")
        line.run("--flow", line.flow.flow_id, "--since", "2026-11-22", "--code", run.error_code, "--reason", "r")
        source = own(RetryBatch).get().source
        assert (source["since"], source["until"]) == ("2026-11-22T00:00:00Z", "2026-11-22T12:00:00Z")
        assert source["code"] == run.error_code

    def test_a_code_and_a_text(self, line: Line) -> None:
        one = line.fail(("TAX", "Tax 'VAT 19' does not exist", ""))
        line.fail(("TAX", "The address is wrong", ""))
        line.fail(("OTHER", "Tax 'VAT 19' does not exist", ""))
        for run in own(Execution):
            run.mask_text()
            run.save()
        words = ("--flow", line.flow.flow_id, "--since", "2026-11-22", "--code", "TAX", "--text", "vat 19")
        line.run(*words, "--reason", "r")
        batch = own(RetryBatch).get()
        assert chosen(batch) == [one.pk]
        # What was searched for may be personal: that there was a search is kept.
        assert (batch.source["searched"], "vat 19" in str(batch.source)) == (True, False)

    def test_a_problem(self, line: Line) -> None:
        run = line.fail()
        line.fail()
        failure = factories.make_failure(run)
        closed = factories.make_failure(line.fail(), fate="written_off")
        closed.group.problem_id = failure.group.problem_id
        closed.group.save()
        line.run("--problem", str(failure.group.problem_id), "--reason", "r")
        batch = own(RetryBatch).get()
        assert (chosen(batch), batch.problem) == ([run.pk], failure.group.problem)

    def test_runs_of_two_accounts_are_two_batches(self, line: Line) -> None:
        elsewhere = line.fail(flow=factories.make_flow(factories.make_account()))
        here = [line.fail(), line.fail()]
        line.run(*(run.execution_id for run in (*here, elsewhere)), "--reason", "r", "--rate", "7", "--canary", "2")
        first, second = own(RetryBatch).order_by("pk")
        assert chosen(first) == [run.pk for run in here]
        assert chosen(second) == [elsewhere.pk]
        assert (first.per_minute, first.canary) == (7, 2)


class TestFollowing:
    def test_it_is_carried_out_and_told(self, line: Line) -> None:
        runs = [line.fail() for _ in range(3)]
        out = line.run(*(run.execution_id for run in runs), "--reason", "r", "--rate", "600", "--follow")
        assert out.splitlines()[-1].endswith("finished; 3 succeeded")
        assert len(line.zoho.posts) == 3
        assert set(line.zoho.caused.values()) == {1}

    def test_it_ends_with_an_error_where_not_all_succeed(self, line: Line) -> None:
        line.zoho.luck = False
        runs = [line.fail() for _ in range(3)]
        with pytest.raises(CommandError, match="Not every run succeeded"):
            line.run(*(run.execution_id for run in runs), "--reason", "r", "--follow")
        assert own(RetryItem).filter(state="waiting").count() == 2

    def test_without_follow_it_is_left_to_the_worker(self, line: Line) -> None:
        runs = [line.fail() for _ in range(2)]
        out = line.run(*(run.execution_id for run in runs), "--reason", "r")
        assert out == f"Batch {own(RetryBatch).get().pk}: 2 runs of {line.account.name}\n"
        assert not line.zoho.posts


def test_what_is_not_understood_does_nothing(line: Line) -> None:
    run = line.fail().execution_id
    flow = line.flow.flow_id
    more = line.fail().execution_id
    for words, says in (
        ((), "say why: --reason TEXT"),
        (("--reason", "r"), "say which runs"),
        ((run, more, "--dry-run", "--rate", "0"), "--rate must be between 1 and 600"),
        ((run, more, "--dry-run", "--rate", "601"), "--rate must be between 1 and 600"),
        ((run, more, "--dry-run", "--canary", "-1"), "--canary must be between 1 and 100"),
        ((run, "--problem", "1", "--reason", "r"), "say which runs"),
        ((run, "--since", "2026-11-22", "--reason", "r"), "are for --flow"),
        (("--flow", flow, "--reason", "r"), "--flow needs --since"),
        (("--flow", flow, "--since", "soon", "--reason", "r"), "--since 'soon' is neither"),
        (("--flow", flow, "--since", "2026-11-22", "--until", "soon", "--reason", "r"), "--until 'soon' is neither"),
        (("--flow", "nowhere", "--since", "2026-11-22", "--reason", "r"), "No mirrored flow"),
        (("--flow", flow, "--since", "2026-11-23", "--reason", "r"), "No failed run matches"),
        (("--problem", "987654321", "--reason", "r"), "there is no problem 987654321"),
        (("--problem", "1", "--account", "Acme", "--reason", "r"), "leave --account out"),
        ((run, more), "say why"),
        ((run, more, "--reason", "r", "--rate", "0"), "--rate must be between 1 and 600"),
        ((run, more, "--reason", "r", "--canary", "0"), "--canary must be between 1 and 100"),
        ((run, more, "--reason", "r", "--json"), "--json is for --dry-run"),
        ((run, "nobody", "--reason", "r"), "No mirrored execution has the id"),
    ):
        assert says in line.error(*words)


def test_a_flow_id_that_two_accounts_know_needs_the_account(line: Line) -> None:
    line.fail()
    twin = factories.make_flow(factories.make_account("Twin"), flow_id=line.flow.flow_id)
    words = ("--flow", twin.flow_id, "--since", "2026-11-22", "--reason", "r")
    assert "say --account NAME" in line.error(*words)
    assert "There is no account named" in line.error(*words, "--account", "Nobody")
    line.run(*words, "--account", line.account.name)
    assert own(RetryBatch).get().account == line.account
    assert not Flow.objects.get(pk=twin.pk).executions.exists()


def test_a_dry_run_says_what_an_admin_said_and_what_is_left_of_the_quota(line: Line, ada: User) -> None:
    run = line.fail(TRANSIENT)
    set_pin(line.flow, "safe", [], ada, "it looks first", line.clock())
    ZohoAccount.objects.filter(pk=line.account.pk).update(plan="free")
    out = line.run(run.execution_id, line.fail().execution_id, "--dry-run")
    assert "2 runs: 2 safe, 0 risky, 0 impossible" in out
    assert "2  safe: ada said on 2026-11-22 that this flow's work may be repeated: it looks first." in out
    assert f"{line.account.name}: quota of any 24 h: 992 of 1000 after it" in out
    ZohoAccount.objects.filter(pk=line.account.pk).update(calls_per_day=5)
    assert "quota of any 24 h: 1 of 5 after it" in line.run(run.execution_id, "--dry-run")
    ZohoAccount.objects.filter(pk=line.account.pk).update(calls_per_day=3)
    assert "-1 of 3 after it, more than is left" in line.run(run.execution_id, "--dry-run")
