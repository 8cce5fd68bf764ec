from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.cells import defuse
from monitor.management.commands.export import parse_since
from monitor.models import (
    AlertState,
    AuditEntry,
    FlowProgress,
    Problem,
    RetryAttempt,
    RetryBatch,
    RetryItem,
    RetryPolicy,
    SyncState,
    ZohoAccount,
)
from monitor.queries.export import exports
from tests.bystander import own
from tests.commands.commandline import run
from tests.factories import (
    NOON,
    make_account,
    make_alert_rule,
    make_execution,
    make_failure,
    make_flow,
    make_rule,
    make_user,
    make_webhook_failure,
)
from tests.realprocess import ROOT, Stage, throw_away_database

KINDS = ["flows", "executions", "rules", "alerts", "retries", "problems", "retry_items"]
FIELDS = {
    "flows": {"flow_id", "flow_name", "status", "trigger_app", "execution_count", "success_count", "failure_count"},
    "executions": {
        "execution_id", "flow_id", "status", "started_time", "completed_time", "duration_ms", "error_code",
        "error_message",
    },
    "rules": {"id", "name", "module", "active", "last_executed_time", "trigger_count", "success_count"},
    "alerts": {"rule", "flow_id", "state", "since", "rate"},
    "retries": {"execution_id", "state", "flow_id", "requested_at", "batch", "skip_reason", "skip_note"},
    "problems": {"number", "title", "state", "owner", "failed", "open", "recovered", "written_off"},
    "retry_items": {"batch", "execution_id", "flow_id", "state", "skip_reason", "note", "requested_by"},
}  # fmt: skip


@pytest.fixture
def filled(nobody_else: None) -> ZohoAccount:
    account = make_account("Acme")
    counters = {"execution_count": 2, "success_count": 1, "failure_count": 1}
    flow = make_flow(account, flow_name="=HYPERLINK(1)", **counters)
    failed = make_execution(
        flow, "failed", error_message='a "quoted", text\nof two lines', trigger_data={"Email": "a@b"}
    )
    make_execution(flow, started_time=NOON - timedelta(days=3))
    make_rule(account, name="+1 000")
    rule = make_alert_rule(account)
    AlertState.objects.create(rule=rule, flow=flow, since=NOON, evaluated_at=NOON, state="firing", rate=50.0)
    otto = make_user("otto")
    asked = {"account": account, "requested_by": otto, "requested_at": NOON, "reason": "mended"}
    attempt = RetryAttempt.objects.create(execution=failed, state="requested", **asked)
    batch = RetryBatch.objects.create(per_minute=30, state_since=NOON, seen_at=NOON, **asked)
    RetryItem.objects.create(batch=batch, execution=failed, position=1, attempt=attempt, state="started")
    make_failure(failed)
    return account


def test_an_export_is_in_the_audit_trail(filled: ZohoAccount) -> None:
    run("export", "flows", "--format=csv", "--since=2026-11-22")
    entry = own(AuditEntry).get()
    assert (entry.action, entry.actor_name) == ("export", "system")
    assert entry.detail == {"what": "flows", "since": "2026-11-22T00:00:00Z", "format": "csv"}


def rows_of(what: str, form: str, **more: str) -> list[dict[str, Any]]:
    ended = run("export", what, f"--format={form}", *(f"--{name}={value}" for name, value in more.items()))
    assert ended.error == ""
    if form == "csv":
        return list(csv.DictReader(io.StringIO(ended.out)))
    return [json.loads(line) for line in ended.out.splitlines()]


@pytest.mark.parametrize("form", ["csv", "ndjson"])
@pytest.mark.parametrize("what", KINDS)
def test_every_kind_comes_in_both_forms_under_zohos_own_names(filled: ZohoAccount, what: str, form: str) -> None:
    rows = rows_of(what, form)

    assert len(rows) == (2 if what == "executions" else 1)
    assert FIELDS[what] <= set(rows[0])


@pytest.mark.parametrize("what", KINDS)
def test_an_empty_table_is_a_header_in_csv_and_nothing_in_ndjson(nobody_else: None, what: str) -> None:
    assert run("export", what, "--format=csv").out.count("\n") == 1
    assert run("export", what, "--format=ndjson").out == ""


def test_every_row_says_how_old_and_how_complete_its_account_is(filled: ZohoAccount) -> None:
    read = datetime.now(UTC).replace(microsecond=0)
    counted = {"read_execution_count": 2, "read_success_count": 1, "read_failure_count": 1}
    own(FlowProgress).update(executions_read_at=read, **counted)
    own(SyncState).update(state="ok", last_complete_at=read, last_finished_at=read)
    for what in KINDS:
        for form, complete in (("csv", "True"), ("ndjson", True)):
            for row in rows_of(what, form):
                assert row["mirror_as_of"] == read.strftime("%Y-%m-%dT%H:%M:%SZ")
                assert row["mirror_complete"] == complete
    own(SyncState).update(state="throttled")
    assert rows_of("flows", "ndjson")[0]["mirror_complete"] is False


def test_runs_that_were_removed_for_their_age_are_told_of_beside_the_rows(filled: ZohoAccount) -> None:
    own(FlowProgress).update(pruned_success=7, pruned_failed=2, pruned_before=NOON - timedelta(days=180))
    said = "note: 9 runs from before 2026-05-26T12:00:00Z are not here: rows are kept 180 days"
    assert run("export", "executions", "--format=csv").err.strip() == said
    assert run("export", "executions", "--format=csv", "--since=2026-05-27").err == ""
    assert run("export", "flows", "--format=csv").err == ""


def test_values_come_through_whole(filled: ZohoAccount) -> None:
    for form in ("csv", "ndjson"):
        row = next(row for row in rows_of("executions", form) if row["status"] == "failed")
        assert row["error_message"] == 'a "quoted", text\nof two lines'
        assert row["started_time"] == "2026-11-22T11:00:00Z"
        assert str(row["duration_ms"]) == "2000"
        assert len(str(row["execution_id"])) > 15


def test_personal_data_of_the_trigger_is_left_out(filled: ZohoAccount) -> None:
    for what in KINDS:
        assert "a@b" not in run("export", what, "--format=ndjson").out


def test_cells_that_a_spreadsheet_would_run_are_defused_in_csv_only(filled: ZohoAccount) -> None:
    assert rows_of("flows", "csv")[0]["flow_name"] == "'=HYPERLINK(1)"
    assert rows_of("rules", "csv")[0]["name"] == "'+1 000"
    assert rows_of("flows", "ndjson")[0]["flow_name"] == "=HYPERLINK(1)"


@pytest.mark.parametrize(("since", "count"), [("2026-11-22", 1), ("2026-11-22T10:59:00Z", 1), ("2026-11-19", 2)])
def test_since_keeps_what_began_then_or_later(filled: ZohoAccount, since: str, count: int) -> None:
    assert len(rows_of("executions", "csv", since=since)) == count


@pytest.mark.django_db
@pytest.mark.parametrize(
    "since",
    ["yesterday", "2026-13-01", "2026-02-30", "2026-11-22T25:00:00Z", "", "0001-01-01T00:00:00+14:00",
     "9999-12-31T23:59:59-14:00", "2026-11-22; DROP TABLE", "12"],
)  # fmt: skip
def test_a_bad_date_is_one_line(since: str) -> None:
    ended = run("export", "executions", "--format=csv", f"--since={since}")

    assert "neither a day" in ended.error
    assert ended.out == ""


def test_a_time_without_zone_is_utc() -> None:
    assert parse_since("2026-11-22T10:00:00") == datetime(2026, 11, 22, 10, tzinfo=UTC)
    assert parse_since("2026-11-22T10:00:00+05:30") == datetime(2026, 11, 22, 4, 30, tzinfo=UTC)


FORMULAS = st.sampled_from(["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
BLANKS = st.text(alphabet=" \t\r\n\x00\ufeff\u00a0\u3000\u200b", max_size=3)


@given(BLANKS, FORMULAS, st.text(max_size=20))
def test_no_cell_begins_with_a_formula_after_blanks(blanks: str, sign: str, rest: str) -> None:
    assert str(defuse(blanks + sign + rest)).startswith("'")


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"], include_characters="\t\n"), max_size=30))
def test_text_is_either_itself_or_itself_behind_an_apostrophe(text: str) -> None:
    assert defuse(text) in (text, f"'{text}")


ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
CONTROLS = st.sampled_from(["\r", "\r\n", "\n", "\x00", "\x1b[31m", "\x07", "\x0b", "\x0c", "\x7f", "\x85", "\x9b1m"])


@given(st.lists(ANY_TEXT | st.builds("{}{}=1{}".format, ANY_TEXT, CONTROLS, CONTROLS), min_size=2, max_size=4))
def test_no_control_character_ends_a_cell_or_acts_on_a_terminal(texts: list[str]) -> None:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(map(defuse, texts))
    written = out.getvalue()

    assert [len(row) for row in csv.reader(io.StringIO(written, newline=""))] == [len(texts)]
    assert {char for char in written if unicodedata.category(char) == "Cc"} <= {"\t", "\n"}


def test_the_name_of_a_flow_cannot_begin_another_row_of_the_file(filled: ZohoAccount) -> None:
    make_flow(filled, flow_name="Invoices\r=HYPERLINK(1)\x1b[2J")
    shown = run("export", "flows", "--format=csv").out

    names = [row["flow_name"] for row in csv.DictReader(io.StringIO(shown, newline=""))]
    assert "Invoices\n=HYPERLINK(1)\ufffd[2J" in names
    assert len(names) == 2


@given(st.integers() | st.floats(allow_nan=False) | st.booleans())
def test_numbers_stay_numbers(number: float) -> None:
    assert defuse(number) == number


def test_rows_are_read_a_chunk_at_a_time_and_written_as_they_come(
    filled: ZohoAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The output grows while the rows are being read: no more than one is held."""
    seen: list[int] = []
    kind = exports()["executions"]
    original = type(kind).records
    out = io.StringIO()

    def watched(self: Any, since: Any) -> Any:
        for record in original(self, since):
            seen.append(out.getvalue().count("\n"))
            yield record

    monkeypatch.setattr(type(kind), "records", watched)
    from django.core.management import call_command

    call_command("export", "executions", "--format=ndjson", stdout=out)

    assert seen == [0, 1]


def test_a_million_rows_would_not_be_loaded_at_once(filled: ZohoAccount) -> None:
    rows = exports()["executions"].records(None)

    assert next(rows)["status"]
    assert not hasattr(rows, "__len__")


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("what", [*KINDS, "webhook_failures"])
def test_an_export_costs_one_statement_however_many_rows_and_texts(
    filled: ZohoAccount, what: str, masked: bool, django_assert_num_queries: Any
) -> None:
    otto, flow = make_user("ida"), make_flow(filled)
    asked = {"account": filled, "requested_by": otto, "requested_at": NOON, "reason": "Jane Doe asked"}
    batch = RetryBatch.objects.get()
    for position in range(2, 5):
        failed = make_execution(flow, "failed", error_message="no Jane Doe", trigger_data={"Name": "Jane Doe"})
        attempt = RetryAttempt.objects.create(
            execution=failed, state="failed_again", answer="no Jane Doe", client_token=f"t{position}", **asked
        )
        item = {"position": position, "attempt": attempt, "state": "failed", "note": "no Jane Doe"}
        RetryItem.objects.create(batch=batch, execution=failed, **item)
        make_webhook_failure(filled, reason="no Jane Doe", record_name="Jane Doe")
    # Retries are followed by what batches skipped.
    with django_assert_num_queries(2 if what == "retries" else 1):
        rows = list(exports(masked=masked)[what].records(None))
    assert rows
    if what in {"retries", "retry_items"}:
        assert ("Jane Doe" in str(rows)) != masked


def test_a_reader_that_stops_early_ends_it_quietly_and_names_are_utf8_on_any_terminal(tmp_path: Any) -> None:
    with throw_away_database(tmp_path) as url:
        stage = Stage(tmp_path, url)
        stage.migrate()
        name = "caf\\u00e9 \\u65e5\\u672c"
        fill = f"from tests.factories import *; f = make_flow(flow_name='{name}'); row = make_execution(f)"
        many = "[Execution(**v | {'id': None, 'execution_id': str(n)}) for n in range(2999)]"
        values = "v = Execution.objects.values().get()"
        stage.must("shell", "-c", f"{fill}\n{values}\nExecution.objects.bulk_create({many})")
        for encoding in ("ascii", "latin-1"):
            environ = stage.environ | {"PYTHONIOENCODING": encoding}
            whole = subprocess.run(
                [sys.executable, "manage.py", "export", "executions", "--format=csv"],
                cwd=ROOT, env=environ, capture_output=True, check=True,
            )  # fmt: skip
            assert "café 日本" in whole.stdout.decode("utf-8"), encoding
            assert whole.stdout.count(b"\n") == 3001, encoding
            head = subprocess.run(  # noqa: S602 - a pipe is what is tested
                f"{sys.executable} manage.py export executions --format=csv | head -n 1",
                shell=True, cwd=ROOT, env=environ, capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert head.stderr == "", encoding
            assert head.stdout.startswith("execution_id,"), encoding


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-22", datetime(2026, 11, 22, tzinfo=UTC)),
        ("2026-11-22T10:00:00", datetime(2026, 11, 22, 10, tzinfo=UTC)),
        ("2026-11-22T10:00:00+05:30", datetime(2026, 11, 22, 4, 30, tzinfo=UTC)),
    ],
)
def test_a_beginning_is_a_day_or_a_time(text: str, at: datetime) -> None:
    assert parse_since(text) == at


def test_an_export_is_masked_and_stands_in_the_trail(filled: ZohoAccount) -> None:
    flow = make_flow(filled, flow_name="Mails to quilla@example.com")
    make_execution(flow, "failed", error_message="no mail to quilla@example.com")
    done = run("export", "executions", "--format", "ndjson", "--since", "2026-11-01")
    assert "quilla" not in done.out
    assert "Mails to [e-mail]" in done.out
    assert "unmasked" not in own(AuditEntry).get(action="export").detail


def test_a_policys_name_hides_the_people_of_the_run_that_it_retried(filled: ZohoAccount) -> None:
    """An admin may call it by what it was made for."""
    ada, flow = make_user("ada_of_policies", "admin"), make_flow(filled)
    failed = make_execution(flow, "failed", trigger_data={"Name": "Jane Doe"})
    name = "Jane Doe, jane@example.com"
    policy = RetryPolicy.objects.create(account=filled, name=name, flow=flow, set_by=ada, set_at=NOON)
    RetryAttempt.objects.create(
        account=filled, execution=failed, requested_by=ada, reason=f"Policy “{name}”: retry 1 of 2",
        requested_at=NOON, client_token="policy-1-1-0", state="failed_again", policy=policy,
    )  # fmt: skip
    shown = run("export", "retries", "--format", "ndjson").out
    assert "Policy “" in shown.encode().decode("unicode_escape")
    assert "Jane" not in shown
    assert "jane@" not in shown
    whole = run("export", "retries", "--format", "ndjson", "--unmasked", "--reason", "she asks for her data").out
    assert f'"policy": "{name}"' in whole


def test_the_export_of_retries_has_what_batches_skipped_with_batch_and_reason(filled: ZohoAccount) -> None:
    otto, flow, [batch] = make_user("ida"), make_flow(filled), own(RetryBatch)
    own(RetryBatch).update(reason="Jane Doe asked")
    skipped = make_execution(flow, "failed", execution_id="skipped-1", trigger_data={"Name": "Jane Doe"})
    called_back = make_execution(flow, "failed", execution_id="called-back-1")
    waiting = make_execution(flow, "failed", execution_id="waiting-1")
    attempt = RetryAttempt.objects.create(
        account=filled, execution=called_back, requested_by=otto, requested_at=NOON, reason="x", client_token="item-1",
        state="cancelled",
    )  # fmt: skip
    ended = NOON + timedelta(minutes=3)
    because = {"state": "skipped", "code": "flow_changed", "note": "Jane Doe's flow was changed.", "ended_at": ended}
    RetryItem.objects.create(batch=batch, execution=skipped, position=2, **because)
    RetryItem.objects.create(batch=batch, execution=called_back, position=3, attempt=attempt, **because)
    RetryItem.objects.create(batch=batch, execution=waiting, position=4)

    rows = [json.loads(line) for line in run("export", "retries", "--format", "ndjson").out.splitlines()]
    by_id = {row["execution_id"]: row for row in rows}

    assert [list(row) for row in rows] == [list(rows[0])] * 3
    assert "waiting-1" not in by_id
    assert by_id["called-back-1"]["state"] == "cancelled"
    assert by_id["skipped-1"] == {
        "execution_id": "skipped-1", "flow_id": flow.flow_id, "state": "skipped",
        "requested_at": "2026-11-22T12:00:00Z", "reason": "[hidden] asked", "sends": 0, "sent_at": None,
        "answered_at": None, "answer": "", "new_execution_id": "", "settled_at": "2026-11-22T12:03:00Z",
        "requested_by": "otto", "account": "Acme", "batch": batch.pk, "policy": None, "skip_reason": "flow_changed",
        "skip_note": "[hidden]'s flow was changed.", "mirror_as_of": None, "mirror_complete": False,
    }  # fmt: skip
    own(RetryBatch).update(requested_at=NOON - timedelta(days=2))
    assert "skipped-1" not in run("export", "retries", "--format", "ndjson", "--since", "2026-11-21").out
    whole = run("export", "retries", "--format", "csv", "--unmasked", "--reason", "she asks for her data").out
    assert "Jane Doe asked" in whole
    assert "Jane Doe's flow was changed." in whole


@pytest.mark.parametrize("what", [*KINDS, "webhook_failures"])
def test_no_export_shows_what_is_hidden_without_being_asked(filled: ZohoAccount, what: str) -> None:
    flow = make_flow(filled, flow_name="to quilla@example.com", description="to quilla@example.com")
    failed = make_execution(flow, "failed", error_message="quilla@example.com", error_details="quilla@example.com")
    make_rule(filled, name="to quilla@example.com", description="to quilla@example.com")
    make_webhook_failure(
        filled, webhook_name="to quilla@example.com", reason="quilla@example.com", record_name="quilla"
    )
    person = make_user("olga", "operator")
    RetryAttempt.objects.create(
        account=filled, execution=failed, requested_by=person, reason="quilla@example.com asks", requested_at=NOON,
        client_token="a" * 32, state="cancelled",
    )  # fmt: skip
    own(Problem).update(title="no mail to quilla@example.com")
    own(RetryItem).update(note="quilla@example.com has retried it")
    assert "quilla" not in run("export", what, "--format", "csv").out
    if what != "alerts":
        shown = run("export", what, "--format", "csv", "--unmasked", "--reason", "she asks for her data").out
        assert "quilla@example.com" in shown
        assert own(AuditEntry).filter(action="export", detail__reason="she asks for her data").count() == 1


@pytest.mark.parametrize(
    "flags",
    [["--unmasked"], ["--unmasked", "--reason", " x "], ["--reason", "why not"], ["--unmasked", "--reason", "x" * 501]],
)
def test_an_unmasked_export_needs_a_reason_and_a_reason_an_unmasked_one(filled: ZohoAccount, flags: list[str]) -> None:
    done = run("export", "executions", "--format", "csv", *flags)
    assert done.code != 0
    assert done.out == ""
    assert "--reason" in done.error
    assert not own(AuditEntry).filter(action="export").exists()
