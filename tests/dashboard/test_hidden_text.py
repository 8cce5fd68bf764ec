"""What is masked cannot be drawn out by a search, a filter, an order or a count; who may unmask says why."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django import forms
from django.test import Client
from django.urls import reverse

from dashboard import filters
from dashboard.alerts.forms import AlertFilterForm, MailFilterForm
from dashboard.audit.forms import AuditFilterForm
from dashboard.batches.forms import BatchFilterForm, ItemFilterForm, UnknownFilterForm
from dashboard.changes.forms import ChangeFilterForm
from dashboard.compare.forms import CompareForm
from dashboard.connections.forms import ConnectionFilterForm
from dashboard.edits.forms import EditFilterForm
from dashboard.executions.forms import ExecutionFilterForm
from dashboard.flows.forms import FlowFilterForm
from dashboard.impacted_records import RecordFilterForm
from dashboard.ownership import OwnedFilterForm
from dashboard.policies.forms import PolicyRetriesForm
from dashboard.problems.compared import ComparedForm
from dashboard.problems.forms import ProblemFilterForm
from dashboard.rules.forms import ConnectedFilterForm, FailureFilterForm, FindingFilterForm, RuleFilterForm
from monitor.models import AuditEntry, Execution, Problem, RetryBatch, RetryPolicy, Role, User, WebhookFailure
from monitor.privacy import MASKING
from tests import factories
from tests.bystander import own
from tests.dashboard.world import make_batch

pytestmark = pytest.mark.usefixtures("at_noon", "healthy")

# A person's data in every form that masking hides, and a wrong guess of the same shape for each.
SECRETS = {
    "quilla.zorn@example.com": "quella.zirn@example.com",
    "quilla": "quelba",
    "zorn@exa": "zirn@exa",
    "+49 151 98765432": "+49 151 98765431",
    "98765432": "98765431",
    "hunterk2": "hunterk3",
    "203.0.113.77": "203.0.113.78",
    "Quilla Zorn": "Quelba Zirn",
    "1000.8cbk9d": "1000.8cbk9e",
}
TEXT = (
    "contact quilla.zorn@example.com refused, phone +49 151 98765432; password: hunterk2 from 203.0.113.77 by "
    "1000.8cbk9d8cbk9d8cbk9d.9bk8zd9bk8zd; name: Quilla Zorn"
)
LISTS: dict[str, type[filters.FilterForm]] = {
    "executions": ExecutionFilterForm,
    "webhook_failures": FailureFilterForm,
    "flows": FlowFilterForm,
    "rules": RuleFilterForm,
    "rule_audit": FindingFilterForm,
    "connected_workflows": ConnectedFilterForm,
    "alerts": AlertFilterForm,
    "audit": AuditFilterForm,
    "problems": ProblemFilterForm,
    "problem_records": RecordFilterForm,
    "problem_compared": ComparedForm,
    "retry_policy_retries": PolicyRetriesForm,
    "batches": BatchFilterForm,
    "batch": ItemFilterForm,
    "retries_unknown": UnknownFilterForm,
    "mails": MailFilterForm,
    "connections": ConnectionFilterForm,
    "changes": ChangeFilterForm,
    "edits": EditFilterForm,
    "compare": CompareForm,
}


@pytest.fixture
def hidden(healthy: Any, now: Any) -> Execution:
    """A run, a failed webhook and a rule, each with the same person's data wherever Zoho may put it."""
    flow = factories.make_flow(healthy, description=TEXT)
    run = factories.make_execution(
        flow,
        "failed",
        error_code="E quilla.zorn@example.com",
        error_message=TEXT,
        error_details=TEXT,
        trigger_data={"name": "Quilla Zorn", "note": TEXT},
        started_time=now - timedelta(minutes=5),
    )
    factories.make_webhook_failure(healthy, reason=TEXT, record_name="Quilla Zorn", failure_time=now)
    factories.make_rule(healthy, description=TEXT)
    factories.make_connected(healthy, description=TEXT)
    factories.make_connection(healthy, connection_name="Of quilla.zorn@example.com", app="App 203.0.113.77")
    problem = factories.make_failure(run).group.problem
    problem.title = TEXT
    problem.save(update_fields=["title"])
    pat = factories.make_user("pat", Role.ADMIN)
    RetryPolicy.objects.create(account=healthy, name="Again", flow=flow, set_by=pat, set_at=now)
    batch = make_batch([run], pat, now)
    batch.items.update(note=TEXT[:300])
    return run


def address_of(name: str) -> str:
    of: dict[str, Any] = {"batch": RetryBatch, "problem_records": Problem, "problem_compared": Problem}
    of["retry_policy_retries"] = RetryPolicy
    return reverse(name, args=[own(of[name]).get().pk]) if name in of else reverse(name)


def answer(client: Client, address: str, /, **query: Any) -> tuple[int, str]:
    """The status and the page, without what differs from request to request or repeats what was asked."""
    response = client.get(address, query)
    page = response.content.decode()
    for value in query.values():
        page = page.replace(str(value).replace("+", "%2B"), "?").replace(str(value), "?")
    page = re.sub(r'(?:href|hx-get|value|action)="[^"]*"|nonce="[^"]*"|<option[^<]*</option>', "", page)
    return response.status_code, page


def parameters() -> Iterator[tuple[str, str]]:
    for name, form in LISTS.items():
        yield from ((name, field) for field in [*form.base_fields, *([form.sort_name] if form.sorts else [])])
    yield from itertools.product(["overview", "accounts"], ["text", "account"])


@pytest.mark.parametrize(("name", "parameter"), sorted(parameters()))
def test_a_right_guess_is_answered_like_a_wrong_one(
    name: str, parameter: str, signed_in: Any, vera: User, hidden: Execution
) -> None:
    client, address = signed_in(vera), address_of(name)
    # What takes no text refuses each alike: two of a kind show it.
    for right, wrong in itertools.islice(SECRETS.items(), None if parameter == "text" else 2):
        assert answer(client, address, **{parameter: right}) == answer(client, address, **{parameter: wrong})


@pytest.mark.parametrize(
    ("name", "role"), [("executions", "vera"), ("executions", "otto"), ("webhook_failures", "otto")]
)
def test_an_address_cannot_be_drawn_out_letter_by_letter(
    name: str, role: str, request: pytest.FixtureRequest, signed_in: Any, hidden: Execution
) -> None:
    client, address = signed_in(request.getfixturevalue(role)), "quilla.zorn@example.com"
    for at in range(len(address) - 3):
        page = client.get(reverse(name), {"text": address[at : at + 4]}).content.decode()
        assert "Nothing matches" in page
        assert "<tbody>" not in page


def test_every_list_of_the_product_is_tried() -> None:
    def below(form: type[forms.BaseForm]) -> Iterator[Any]:
        for found in form.__subclasses__():
            yield found
            yield from below(found)

    ours = {form for form in below(filters.FilterForm) if form.__module__.startswith("dashboard.")}
    # The lists of flows and of workflow rules are made from one form that is no list's own.
    assert ours - {OwnedFilterForm} == set(LISTS.values())


def test_what_people_see_is_found_by_everybody(signed_in: Any, vera: User, hidden: Execution) -> None:
    client = signed_in(vera)
    for text in ("refused", "REFUSED, phone", "contact [e-mail]", "E [E-MAIL]"):
        assert hidden.execution_id in client.get("/executions/", {"text": text}).content.decode()
    assert "Tell the shop" in client.get("/webhook-failures/", {"text": "contact [e-mail] refused"}).content.decode()
    assert "Tell the shop" in client.get("/webhook-failures/", {"text": "tell THE"}).content.decode()


def test_signs_that_a_database_reads_as_any_letter_are_letters(signed_in: Any, vera: User, hidden: Execution) -> None:
    client = signed_in(vera)
    for text in ("ref_sed", "contact%refused", "refu\\sed"):
        assert hidden.execution_id not in client.get("/executions/", {"text": text}).content.decode()


def test_an_admin_s_usual_search_finds_no_more_than_anybody_s(
    signed_in: Any, ada: User, vera: User, hidden: Execution
) -> None:
    assert "Nothing matches" in signed_in(ada).get("/executions/", {"text": "quilla"}).content.decode()


SEARCHES: list[tuple[str, Callable[[], Any]]] = [
    ("executions_unmasked", lambda: Execution.objects.get(error_code__startswith="E ").execution_id),
    ("webhook_failures_unmasked", lambda: WebhookFailure.objects.get(reason=TEXT).webhook_name),
]


@pytest.mark.parametrize(("name", "shown"), SEARCHES)
def test_an_admin_who_says_why_searches_unmasked_text_and_stands_in_the_trail(
    name: str, shown: Callable[[], str], signed_in: Any, ada: User, hidden: Execution
) -> None:
    sent = {"sought": "Quilla.Zorn@example.com", "reason": "she asks for her data"}
    response = signed_in(ada).post(reverse(name), sent)
    page = response.content.decode()
    assert response.status_code == 200
    assert shown() in page
    assert "quilla" not in page.lower().replace("quilla.zorn@example.com&quot;", "").split("<dialog")[0]
    entry = AuditEntry.objects.get(action="unmask.search")
    assert (entry.actor, entry.object_id) == (ada, "")
    assert entry.detail == {"reason": "she asks for her data", "text": "[e-mail]", "characters": 23}
    missed = signed_in(ada).post(reverse(name), sent | {"sought": "quella"}).content.decode()
    assert "Nothing matches" in missed
    assert AuditEntry.objects.filter(action="unmask.search").count() == 2


@pytest.mark.parametrize("name", [name for name, _ in SEARCHES])
@pytest.mark.parametrize("sent", [{"sought": "quilla"}, {"reason": "because"}, {"sought": "q", "reason": "  "}, {}])
def test_without_a_text_and_a_reason_nothing_is_searched_and_nothing_written(
    name: str, sent: dict[str, str], signed_in: Any, ada: User, hidden: Execution
) -> None:
    response = signed_in(ada).post(reverse(name), sent)
    assert response.status_code == 400
    assert "Not searched" in response.content.decode()
    assert hidden.execution_id not in response.content.decode()
    assert not AuditEntry.objects.filter(action="unmask.search").exists()


@pytest.mark.parametrize("name", [name for name, _ in SEARCHES])
@pytest.mark.parametrize("role", ["vera", "otto"])
def test_who_may_not_unmask_is_refused_and_offered_no_unmasked_search(
    name: str, role: str, request: pytest.FixtureRequest, signed_in: Any, hidden: Execution
) -> None:
    client = signed_in(request.getfixturevalue(role))
    assert client.post(reverse(name), {"sought": "quilla", "reason": "curious"}).status_code == 403
    assert "unmasked-dialog" not in client.get(reverse(name.removesuffix("_unmasked"))).content.decode()


def test_an_unmasked_search_keeps_the_filters_and_a_get_leads_back_to_the_list(
    signed_in: Any, ada: User, hidden: Execution
) -> None:
    client = signed_in(ada)
    sent = {"sought": "quilla", "reason": "she asks", "status": "success"}
    assert "Nothing matches" in client.post("/executions/unmasked/", sent).content.decode()
    assert client.post("/executions/unmasked/", sent | {"status": "no such"}).status_code == 400
    assert AuditEntry.objects.filter(action="unmask.search").count() == 1
    response = client.get("/executions/unmasked/?status=failed")
    assert (response.status_code, response["Location"]) == (302, "/executions/?status=failed")


def test_text_that_older_rules_masked_is_not_searched_and_the_page_says_so(
    signed_in: Any, vera: User, hidden: Execution
) -> None:
    client = signed_in(vera)
    for model, address in ((Execution, "/executions/"), (WebhookFailure, "/webhook-failures/")):
        model._default_manager.filter(search_text__contains="refused").update(masked_by=MASKING - 1)
        page = client.get(address, {"text": "refused"}).content.decode()
        assert "Nothing matches" in page
        assert "are being prepared" in page
        assert "are being prepared" not in client.get(address).content.decode()
