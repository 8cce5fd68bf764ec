from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.db.migrations.recorder import MigrationRecorder

from monitor import connection, pipeline
from monitor.management.commands import retry
from monitor.models import AuditEntry, Execution, RetryAttempt, User, ZohoAccount, system_user
from monitor.retry.settle import sweep
from monitor.zoho.errors import Unreachable
from tests import factories
from tests.bystander import own
from tests.fake_zoho import Clock
from tests.fake_zoho.retrying import FAULTS, TRANSIENT, RetryingZoho


class Line:
    """The command line with a clock that only sleeping moves, and a Zoho that keeps a ledger."""

    def __init__(self, monkeypatch, clock: Clock, zoho: RetryingZoho, execution: Execution) -> None:
        self.clock, self.zoho, self.execution = clock, zoho, execution
        self.refreshed: list[object] = []
        monkeypatch.setattr(retry, "clock", clock)
        monkeypatch.setattr(retry, "sleep", lambda seconds: clock.forward(seconds=seconds))
        monkeypatch.setattr(connection, "open_account", zoho.open_account)
        monkeypatch.setattr(pipeline, "refresh_executions", self.refresh)

    def refresh(self, refs: list) -> int:
        self.refreshed.append(refs)
        return sum(len(ids) for _, ids in refs)

    def run(self, *args: str, execution_id: str = "") -> str:
        out = StringIO()
        call_command("retry", execution_id or self.execution.execution_id, *args, stdout=out)
        return out.getvalue()

    def error(self, *args: str, **options: str) -> CommandError:
        with pytest.raises(CommandError) as caught:
            self.run(*args, **options)
        assert len(str(caught.value).splitlines()) == 1
        assert caught.value.returncode != 0
        return caught.value


@pytest.fixture
def line(monkeypatch, now, account: ZohoAccount) -> Line:
    execution = factories.make_execution(factories.make_flow(account), "failed", trigger_data={"Deal": 7})
    clock = Clock(now)
    zoho = RetryingZoho(clock)
    zoho.add(execution)
    return Line(monkeypatch, clock, zoho, execution)


def test_a_success_is_followed_told_and_mirrored(line) -> None:
    out = line.run("--reason", "address corrected").splitlines()
    assert [text.split()[1].rstrip(":") for text in out[:-1]] == ["requested", "sending", "accepted", "succeeded"]
    assert out[-1].startswith("Succeeded")
    ids = (line.execution.execution_id, "retried-1")
    assert line.refreshed[-1] == [(line.execution.flow_id, ids)]
    assert len(line.zoho.posts) == 1


def test_the_actor_is_the_system_user_and_the_reason_is_in_the_audit_trail(line) -> None:
    line.run("--reason", "address corrected")
    row = own(RetryAttempt).get()
    assert (row.requested_by, row.reason) == (system_user(), "address corrected")
    entry = own(AuditEntry).get(action="retry.requested")
    assert (entry.actor, entry.detail["reason"]) == (system_user(), "address corrected")


@pytest.mark.parametrize(
    ("fault", "luck", "state", "says"),
    [
        ("plain", False, "failed_again", "Failed again"),
        ("refused", True, "rejected", "INVALID_REQUEST"),
        ("lost_503", True, "unknown", "Outcome unknown after 60 s"),
    ],
)
def test_any_other_end_is_an_error(line, fault, luck, state, says) -> None:
    line.zoho.luck = luck
    line.zoho.post_faults.append(FAULTS[fault])
    assert says in str(line.error("--reason", "try"))
    assert own(RetryAttempt).get().state == state
    assert len(line.zoho.posts) == 1


def test_it_follows_for_60_seconds_and_no_longer(line, now) -> None:
    line.zoho.takes = timedelta(minutes=5)
    assert "Accepted by Zoho after 60 s" in str(line.error("--reason", "try"))
    assert timedelta(seconds=60) <= line.clock() - now < timedelta(seconds=62)


@pytest.mark.parametrize("seconds", [31, 43, 57])
def test_an_outcome_after_half_a_minute_is_seen_within_seconds(line, now, seconds) -> None:
    line.zoho.takes = timedelta(seconds=seconds)
    line.run("--reason", "try")
    assert own(RetryAttempt).get().settled_at - now <= timedelta(seconds=seconds + 6)
    assert line.clock() - now < timedelta(seconds=60)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("it does not say success", "it does not say success. The worker"),
        ("Zoho took it.", "Zoho took it. The worker"),
    ],
)
def test_what_zoho_said_ends_before_what_we_add(line, monkeypatch, answer, told) -> None:
    monkeypatch.setattr(line.zoho, "takes", timedelta(minutes=5))
    sleep = retry.sleep

    def answered(seconds: float) -> None:
        own(RetryAttempt).update(answer=answer)
        sleep(seconds)

    monkeypatch.setattr(retry, "sleep", answered)
    assert told in str(line.error("--reason", "try"))


@pytest.mark.parametrize(
    ("problem", "told"),
    [(OperationalError("could not connect\nIs it running?"), "could not connect"), (None, "run `manage.py migrate`")],
)
def test_a_database_that_is_not_as_it_must_be_is_one_clear_line(line, monkeypatch, problem, told) -> None:
    def applied(self: MigrationRecorder) -> dict[tuple[str, str], object]:
        if problem is not None:
            raise problem
        return {}

    monkeypatch.setattr(MigrationRecorder, "applied_migrations", applied)
    error = line.error("--reason", "try")
    assert told in str(error)
    assert error.returncode == 1
    assert line.zoho.posts == []


def test_follow_0_sends_and_ends(line, now) -> None:
    line.error("--reason", "try", "--follow", "0")
    assert (len(line.zoho.posts), line.clock()) == (1, now)


def test_a_connection_that_fails_twice_is_made_up_for_in_the_foreground(line) -> None:
    line.zoho.post_faults.extend([FAULTS["no_connection"]] * 2)
    line.run("--reason", "try")
    assert len(line.zoho.posts) == 3


def test_a_risky_retry_asks_for_the_confirmation_and_sends_nothing(line) -> None:
    own(Execution).update(error_details=TRANSIENT[2])
    assert "--accept-risk" in str(line.error("--reason", "try"))
    assert (line.zoho.posts, own(RetryAttempt).count()) == ([], 0)
    line.run("--reason", "try", "--accept-risk")
    assert own(RetryAttempt).get().accept_risk


@pytest.mark.parametrize("status", ["success", "running"])
def test_what_has_not_failed_is_refused(line, status) -> None:
    own(Execution).update(status=status)
    assert "Only a failed execution" in str(line.error("--reason", "try", "--accept-risk"))
    assert line.zoho.posts == []


def test_an_empty_reason_is_refused(line) -> None:
    assert "why" in str(line.error("--reason", " "))


def test_a_missing_reason_is_refused(line) -> None:
    assert "--reason" in str(line.error())


def test_an_unknown_execution_is_one_clear_line(line) -> None:
    assert "No mirrored execution has the id “4711”" in str(line.error("--reason", "try", execution_id="4711"))


def test_an_unknown_account_is_one_clear_line(line) -> None:
    assert "no account named “Nobody”" in str(line.error("--reason", "try", "--account", "Nobody"))


def test_an_id_of_two_accounts_asks_for_the_account(line) -> None:
    other = factories.make_account("Elsewhere")
    factories.make_execution(factories.make_flow(other), "success", execution_id=line.execution.execution_id)
    error = str(line.error("--reason", "try"))
    assert "--account" in error
    assert "Elsewhere" in error
    assert line.zoho.posts == []
    line.run("--reason", "try", "--account", line.execution.account.name)
    assert own(RetryAttempt).get().execution == line.execution


def test_a_second_command_while_one_is_open_is_refused(line) -> None:
    line.zoho.takes = timedelta(minutes=5)
    line.error("--reason", "try")
    assert "still open" in str(line.error("--reason", "try"))


def test_ctrl_c_leaves_the_row_for_the_worker(line, monkeypatch) -> None:
    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(retry, "sleep", interrupt)
    assert line.error("--reason", "try").returncode == 130
    line.clock.forward(seconds=10)
    sweep(line.clock, open_account=line.zoho.open_account)
    assert own(RetryAttempt).get().state == "succeeded"
    assert len(line.zoho.posts) == 1


def test_a_state_that_the_worker_has_changed_meanwhile_is_told_too(line, monkeypatch) -> None:
    def worker(seconds: float) -> None:
        line.clock.forward(seconds=seconds)
        sweep(line.clock, open_account=line.zoho.open_account)

    monkeypatch.setattr(retry, "sleep", worker)
    out = line.run("--reason", "try")
    assert "succeeded: the run it caused" in out
    assert len(line.zoho.posts) == 1


def test_a_mirror_that_cannot_be_refreshed_does_not_change_the_outcome(line, monkeypatch, capsys, now) -> None:
    def unreachable(refs: object) -> int:
        raise Unreachable("Zoho is out of reach")

    monkeypatch.setattr(pipeline, "refresh_executions", unreachable)
    assert "Succeeded" in line.run("--reason", "try")
    assert "next sync" in capsys.readouterr().err
    assert line.clock() - now < timedelta(seconds=25)


def test_rows_that_could_not_be_read_at_once_are_read_a_little_later(line, monkeypatch, capsys) -> None:
    read: list[int] = []

    def busy_at_first(refs: list) -> int:
        read.append(0 if len(read) < 6 else sum(len(ids) for _, ids in refs))
        return read[-1]

    monkeypatch.setattr(pipeline, "refresh_executions", busy_at_first)
    line.run("--reason", "try")
    assert capsys.readouterr().err == ""
    assert (read[:6], read[-1]) == ([0] * 6, 2)


def test_the_system_user_cannot_sign_in(line) -> None:
    line.run("--reason", "try")
    assert not User.objects.get(username="system").has_usable_password()


def test_news_of_a_retry_are_its_own_entries_since_the_last_that_was_told(line, ada: User) -> None:
    line.run("--reason", "try")
    attempt = own(RetryAttempt).get()
    first, *rest = AuditEntry.objects.filter(object_type="retry", object_id=str(attempt.pk)).order_by("pk")
    for kind, key in (("alert", attempt.pk), ("retry", attempt.pk + 1)):
        AuditEntry.objects.create(
            at=first.at, actor=ada, actor_name="ada", action="x", object_type=kind, object_id=str(key)
        )
    assert rest
    assert list(retry._news(attempt, first.pk)) == rest
