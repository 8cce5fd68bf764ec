"""Names of a run's own data are hidden in its error wherever people read it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from monitor.models import Execution, RetryItem, User, ZohoAccount
from monitor.notify.facts import top_errors
from monitor.periods import last_hours
from monitor.queries.execution import error_of
from monitor.queries.export import exports
from monitor.triage.acts import add_note
from tests import factories
from tests.bystander import own
from tests.dashboard.world import make_attempt, make_batch

SAID = "Contact Quilla Zorn not found"


@pytest.fixture
def run(account: ZohoAccount) -> Execution:
    flow = factories.make_flow(account)
    said = {"error_code": "NO Zorn", "error_message": SAID, "error_details": json.dumps({"who": 7, "said": SAID})}
    return factories.make_execution(flow, "failed", trigger_data={"body": {"name": "Quilla Zorn"}}, **said)


def test_no_page_mail_or_export_shows_the_name(run: Execution, vera: User, signed_in: Any, at_noon: Any) -> None:
    make_attempt(run, vera, at_noon, answer=f"again: {SAID}")
    client = signed_in(vera)
    columns = exports()["executions"].columns
    shown = {
        "its page": client.get(run.get_absolute_url()).content.decode(),
        "the list": client.get("/executions/").content.decode(),
        "its flow's page": client.get(f"{run.flow.get_absolute_url()}?tab=runs").content.decode(),
        "the export": " ".join(str(columns[name](run)) for name in columns),
        "a mail": " ".join(text for _, text in top_errors([run.flow.pk], last_hours(at_noon, 24))),
        "what is searched": run.search_text,
    }
    for place, text in shown.items():
        assert "[hidden]" in text, place
        assert "quilla" not in text.lower(), place
        assert "zorn" not in text.lower(), place
    assert client.get("/executions/?text=zorn").context["rows"] == []


def test_whoever_may_unmask_sees_it(run: Execution) -> None:
    assert error_of(run, masked=False).message == SAID
    assert exports(masked=False)["executions"].columns["error_message"](run) == SAID


@pytest.mark.parametrize("state", ["failed", "skipped"])
def test_what_zoho_says_of_a_retry_names_nobody_of_its_run(
    run: Execution, state: str, ada: User, signed_in: Any, at_noon: Any
) -> None:
    answer = "No mail for Zorn"
    attempt = make_attempt(run, ada, at_noon, answer=answer)
    batch = make_batch([run], ada, at_noon)
    item = batch.items.get()
    own(RetryItem).update(state=state, note=answer, attempt=attempt, ended_at=at_noon)
    item.refresh_from_db()
    client = signed_in(ada)
    shown = {
        "the batch": client.get(f"/batches/{batch.pk}/").content.decode(),
        "its items as CSV": b"".join(client.post(f"/batches/{batch.pk}/items.csv").streaming_content).decode(),
        "the export of items": exports()["retry_items"].columns["note"](item),
        "the export of retries": exports()["retries"].columns["answer"](attempt),
    }
    for place, text in shown.items():
        assert "No mail for [hidden]" in text, place
        assert "Zorn" not in text, place
    unmasked = exports(masked=False)
    assert unmasked["retry_items"].columns["note"](item) == unmasked["retries"].columns["answer"](attempt) == answer


def test_why_somebody_retried_is_masked_wherever_it_is_read(
    run: Execution, ada: User, vera: User, signed_in: Any, at_noon: Any
) -> None:
    reason = "jo@example.com says that Zorn is there now"
    attempt = make_attempt(run, ada, at_noon, reason=reason, state="unknown", sent_at=at_noon)
    client = signed_in(vera)
    shown = {
        "its page": client.get(run.get_absolute_url()).content.decode(),
        "unknown outcomes": client.get("/retries/unknown/").content.decode(),
        "the export": exports()["retries"].columns["reason"](attempt),
    }
    for place, text in shown.items():
        assert "says that [hidden] is there now" in text, place
        assert "jo@example.com" not in text, place


def test_a_problem_s_log_shows_no_address_that_somebody_wrote_into_it(
    run: Execution, otto: User, vera: User, signed_in: Any, at_noon: Any
) -> None:
    problem = factories.make_failure(run).group.problem
    add_note(problem, "Asked jo@example.com, token=s3cret17", otto, at_noon)
    page = signed_in(vera).get(problem.get_absolute_url()).content.decode()
    assert "Asked [e-mail], token=[hidden]" in page


def test_why_a_webhook_failed_does_not_name_its_record(account: ZohoAccount, vera: User, signed_in: Any) -> None:
    rule = factories.make_rule(account)
    failure = factories.make_webhook_failure(
        account, rule=rule, record_name="Quilla Zorn", reason="No such contact: zorn, Quilla"
    )
    client = signed_in(vera)
    shown = {
        "the list": client.get("/webhook-failures/").content.decode(),
        "the rule's page": client.get(rule.get_absolute_url()).content.decode(),
        "the export": exports()["webhook_failures"].columns["reason"](failure),
    }
    for place, text in shown.items():
        assert "No such contact: [hidden], [hidden]" in text, place
    assert "zorn" not in failure.search_text
    assert exports(masked=False)["webhook_failures"].columns["reason"](failure) == failure.reason
