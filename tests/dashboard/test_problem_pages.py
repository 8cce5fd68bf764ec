"""Problems on their pages: who is on it, what was done, how the runs ended; and what a person may do about them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from monitor.models import (
    AuditEntry,
    Connection,
    Execution,
    Failure,
    FailureGroup,
    Flow,
    Occasion,
    Problem,
    ProblemAct,
    User,
)
from monitor.triage import acts
from tests import factories
from tests.bystander import own
from tests.dashboard.world import make_attempt
from tests.triage.conftest import Fail, Triage, fail, fates, flow, operator, problem, triage

__all__ = ["fail", "flow", "operator", "triage"]
pytestmark = pytest.mark.usefixtures("at_noon")
State = Problem.State


@pytest.fixture
def taxed(fail: Fail, triage: Triage, flow: Flow) -> Problem:
    """Fifteen runs of two flows that failed for want of a tax."""
    other = factories.make_flow(flow.account, flow_name="Other")
    triage(*(fail(minutes_ago=10 * n + 5, flow=other if n % 3 == 0 else flow) for n in range(15)))
    return problem()


@pytest.fixture
def ask(taxed: Problem, signed_in: Any, otto: User) -> Callable[..., Any]:
    """`ask("resolve", text="…")`: Otto does this to the problem."""

    def post(act: str, **fields: Any) -> Any:
        return signed_in(otto).post(reverse(f"problem_{act}", args=[taxed.pk]), fields)

    return post


def page_of(client: Any, one: Problem) -> str:
    return client.get(one.get_absolute_url()).content.decode()


def test_the_list_names_the_problem_its_open_runs_and_that_nobody_is_on_it(taxed, signed_in, vera) -> None:
    page = signed_in(vera).get(reverse("problems")).content.decode()
    assert "does not exist" in page
    assert f'href="/executions/?problem={taxed.pk}&amp;outcome=open">15<' in page
    assert "nobody" in page
    assert 'name="problem"' not in page  # a viewer has nothing to tick


def test_what_is_resolved_leaves_the_list_and_all_shows_it_after_the_rest(
    taxed, fail, triage, signed_in, vera, operator, now
) -> None:
    triage(fail("Token revoked by the other side", minutes_ago=300))
    acts.resolve(taxed, operator, now)
    client = signed_in(vera)
    shown = [row.problem for row in client.get(reverse("problems")).context["rows"]]
    assert taxed not in shown
    assert len(shown) == 1
    assert [row.problem for row in client.get(reverse("problems"), {"state": "all"}).context["rows"]] == [*shown, taxed]


def test_the_list_is_narrowed_to_an_owner_to_nobody_and_to_what_is_new(
    taxed, fail, triage, signed_in, otto, now
) -> None:
    old = fail("Token revoked by the other side", minutes_ago=3 * 1440)
    triage(old)
    acts.assign(taxed, otto, otto, now)
    client = signed_in(otto)

    def found(**query: Any) -> list[Problem]:
        return [row.problem for row in client.get(reverse("problems"), query).context["rows"]]

    nobodys = found(owner="nobody")
    assert found(owner=otto.pk) == [taxed]
    assert taxed not in nobodys
    assert len(nobodys) == 1
    assert found(seen_from="2026-11-22T00:00Z") == [taxed]
    assert client.get(reverse("problems"), {"owner": "somebody"}).status_code == 400


def test_the_oldest_open_age_is_the_redder_the_older(fail, triage, signed_in, vera) -> None:
    for message, days in (("The token was revoked", 0.5), ("The tax is missing", 3), ("The mailbox is full", 9)):
        triage(fail(message, minutes_ago=days * 1440))
    page = signed_in(vera).get(reverse("problems")).content.decode()
    tones = [page.split('data-label="Oldest open"><span class="')[n].partition('"')[0] for n in (1, 2, 3)]
    assert tones == ["", "warn", "bad"]


def test_the_page_says_what_failed_where_and_what_to_do(taxed, signed_in, vera) -> None:
    page = page_of(signed_in(vera), taxed)
    for words in ("What to do", "Add what is missing", "Why these belong together", "Other", "Seen for the first time"):
        assert words in page
    assert f"problem={taxed.pk}&amp;outcome=open&amp;flow=" in page
    assert "Take it" not in page
    assert "Retry open failures" not in page


def test_a_person_in_an_error_is_hidden_in_the_list_and_on_the_page(fail, triage, signed_in, vera) -> None:
    triage(fail("Contact quilla.zorn@example.com was refused", error_details="Mail to quilla.zorn@example.com bounced"))
    client = signed_in(vera)
    for page in (client.get(reverse("problems")).content.decode(), page_of(client, problem())):
        assert "quilla" not in page


def test_a_problem_names_what_its_parameters_are_of_each_cause_that_was_merged_and_stores_none_of_it(
    fail, triage, signed_in, vera, otto, now
) -> None:
    triage(*(fail(f"Invoice INV-{n} of olga@example.com was refused", minutes_ago=n) for n in range(9)))
    triage(*(fail(f"Stock of item {n} is short", minutes_ago=600 + n) for n in (11, 12)))
    into, other = own(Problem).order_by("-last_seen_at")
    acts.merge([other], into, otto, now)
    page = page_of(signed_in(vera), into)
    assert "Invoice &lt;id&gt; of &lt;e-mail&gt; was refused" in page
    assert "Stock of item &lt;number&gt; is short" in page
    assert "olga@" not in page
    assert {group.template for group in into.groups.all()} == {
        "Invoice <*> of <*> was refused",
        "Stock of item <*> is short",
    }


def test_an_operator_takes_it_and_hands_it_over(taxed, ask, ada, signed_in) -> None:
    assert ask("take").status_code == 302
    taxed.refresh_from_db()
    assert taxed.owner.username == "otto"
    assert ask("assign", owner=ada.pk).status_code == 302
    assert "Assigned to ada" in page_of(signed_in(ada), taxed)
    assert AuditEntry.objects.filter(action="problem.assigned", object_id=str(taxed.pk)).count() == 2


def test_nobody_can_be_made_an_owner_who_may_do_nothing(taxed, ask, vera) -> None:
    response = ask("assign", owner=vera.pk)
    assert response.status_code == 400
    assert Problem.objects.get(pk=taxed.pk).owner is None


def test_a_note_stands_in_the_log_with_its_writers_name_and_as_it_was_written(taxed, ask, signed_in, vera) -> None:
    assert ask("note", text="The bookkeeper\nadds <b>it</b>").status_code == 302
    page = page_of(signed_in(vera), taxed)
    assert "otto</span>: Wrote a note" in page
    assert "The bookkeeper<br>adds &lt;b&gt;it&lt;/b&gt;" in page
    assert ask("note", text="   ").status_code == 400
    assert ask("note", text="x" * 2001).status_code == 400
    assert ProblemAct.objects.filter(problem=taxed, kind="note").count() == 1


def test_a_note_that_mentions_nobody_known_is_kept_and_its_writer_told_so(taxed, ask, vera) -> None:
    answer = ask("note", text="@vera and @<i>, @who: look")
    page = page_of(answer.client, taxed)
    assert "The note is added." in page
    assert "Nobody who may see this is called @who, so no mail went there." in page
    assert list(own(Occasion).values_list("recipient__username", flat=True)) == ["vera"]
    answer = ask("note", text=" ".join(f"@n{n}{'x' * 60}" for n in range(7)))
    page = page_of(answer.client, taxed)
    assert f"@n4{'x' * 38} and 2 more, so no mail" in page
    assert "@n5" not in page.split("is called")[1].split("no mail")[0]


def test_resolved_by_a_change_keeps_the_time_that_was_typed(taxed, ask, now) -> None:
    assert ask("resolve", changed_at="2026-11-22T11:30", text="The tax is there again").status_code == 302
    taxed.refresh_from_db()
    assert (taxed.state, taxed.resolved_before) == (State.RESOLVED, now - timedelta(minutes=30))
    assert ask("resolve").status_code == 409
    assert ask("reopen", text="It is gone again").status_code == 302
    taxed.refresh_from_db()
    assert taxed.state == State.ONGOING


def test_a_change_in_the_future_is_refused_on_the_page(taxed, ask) -> None:
    response = ask("resolve", changed_at="2026-11-23T11:30")
    assert response.status_code == 409
    assert "cannot lie in the future" in response.content.decode()
    assert Problem.objects.get(pk=taxed.pk).state == State.NEW


@pytest.mark.parametrize(
    ("fields", "until", "after"),
    [
        ({"until": "escalates", "time": "2026-12-01", "count": 3}, None, None),
        ({"until": "time", "time": "2026-12-01"}, datetime.fromisoformat("2026-12-01T00:00+00:00"), None),
        ({"until": "count", "count": 3}, None, 18),
    ],
)
def test_archived_until_something_happens(taxed, ask, fields, until, after) -> None:
    assert ask("archive", **fields).status_code == 302
    taxed.refresh_from_db()
    assert (taxed.state, taxed.archived_until, taxed.archived_after) == (State.ARCHIVED, until, after)


@pytest.mark.parametrize("fields", [{}, {"until": "time"}, {"until": "count"}, {"until": "count", "count": 0}])
def test_an_archive_form_that_says_too_little_changes_nothing(taxed, ask, fields) -> None:
    assert ask("archive", **fields).status_code == 400
    assert Problem.objects.get(pk=taxed.pk).state == State.NEW


def test_two_ticked_problems_become_one_and_a_group_can_leave_it_again(
    taxed, fail, triage, signed_in, otto, now
) -> None:
    triage(fail("Token revoked by the other side", minutes_ago=5))
    token = own(Problem).exclude(pk=taxed.pk).get()
    client = signed_in(otto)
    response = client.post(reverse("problems_act"), {"act": "merge", "problem": [token.pk, taxed.pk]})
    assert response["Location"] == taxed.get_absolute_url()  # it was seen first
    assert client.get(token.get_absolute_url())["Location"] == taxed.get_absolute_url()
    assert client.post(reverse("problem_take", args=[token.pk])).status_code == 409
    page = page_of(client, taxed)
    assert page.count("Give it a problem of its own") == 2
    group = taxed.groups.get(template__icontains="token")
    response = client.post(reverse("problem_split", args=[taxed.pk]), {"group": group.pk})
    group.refresh_from_db()
    assert response["Location"] == group.problem.get_absolute_url()
    assert group.problem_id not in (taxed.pk, token.pk)


def test_a_group_of_another_problem_cannot_be_split_off(taxed, fail, triage, ask) -> None:
    triage(fail("Token revoked by the other side", minutes_ago=5))
    foreign = own(Problem).exclude(pk=taxed.pk).get().groups.get()
    assert ask("split", group=foreign.pk).status_code == 409
    assert ask("split", group="x").status_code == 400


def test_how_failed_runs_ended_stands_as_an_equation_in_all_of_an_account_and_of_a_flow(
    taxed, fail, triage, signed_in, vera, flow
) -> None:
    other = factories.make_flow(factories.make_account("Elsewhere"))
    triage(fail("Token revoked", minutes_ago=5), fail("Token revoked", minutes_ago=5, flow=other))
    of_flow = Failure.objects.filter(flow=flow)
    of_flow.filter(pk=of_flow.first().pk).update(fate="superseded")
    client = signed_in(vera)

    def told(address: str) -> str:
        page = " ".join(re.sub("<[^>]+>", "", client.get(address).content.decode()).split())
        return re.search(r"[A-Z][a-z ]+: [\d,]+ failed = .*? open", page)[0]

    count = of_flow.count()
    equation = f"{count} failed = 0 recovered + 0 retried + 1 superseded + 0 written off + {count - 1} open"
    assert told(f"{flow.get_absolute_url()}?tab=runs") == f"Of all its runs: {equation}"
    assert told(f"/problems/?flow={flow.pk}") == f"This flow: {equation}"
    of_account = Failure.objects.filter(account=flow.account).count()
    assert told(f"/problems/?account={flow.account_id}").startswith(f"This account: {of_account} failed = ")
    assert told("/problems/").startswith(f"In all: {Failure.objects.count()} failed")
    assert "by a person or a policy" in page_of(client, taxed)


def test_bulk_acts_do_all_of_it_or_nothing(taxed, fail, triage, signed_in, otto, now) -> None:
    triage(fail("Token revoked by the other side", minutes_ago=5))
    both = list(own(Problem).values_list("pk", flat=True))
    client = signed_in(otto)

    def do(act: str, chosen: list[int]) -> Any:
        return client.post(reverse("problems_act"), {"act": act, "problem": chosen, "text": "away"})

    assert do("take", both).status_code == 302
    assert set(own(Problem).values_list("owner__username", flat=True)) == {"otto"}
    assert do("archive", both).status_code == 302
    assert do("resolve", both[:1]).status_code == 302
    refused = do("resolve", both)
    assert refused.status_code == 409
    assert f"Problem {both[0]}: It is resolved." in refused.content.decode()
    assert Problem.objects.get(pk=both[1]).state == State.ARCHIVED
    assert do("reopen", both).status_code == 302
    for chosen, words in (([], "Nothing is ticked"), ([2**63 - 1], "load the page again")):
        assert words in do("take", chosen).content.decode()
    assert do("merge", both[:1]).status_code == 409
    assert do("burn", both).status_code == 400


def test_all_open_failures_are_written_off_with_a_reason_and_taken_back_within_ten_minutes(
    taxed, signed_in, otto, at_noon
) -> None:
    client = signed_in(otto)
    shown = client.post(reverse("write_off"), {"problem": taxed.pk})
    assert "Write 15 failed runs off?" in shown.content.decode()
    assert fates() == ["open"] * 15
    chosen = shown.context["chosen"]
    assert client.post(reverse("write_off_confirm"), {"chosen": chosen, "reason": ""}).status_code == 400
    done = client.post(reverse("write_off_confirm"), {"chosen": chosen, "reason": "The month is closed"})
    assert done["Location"] == taxed.get_absolute_url()
    assert fates() == ["written_off"] * 15
    page = page_of(client, taxed)
    assert "15 failed runs were just written off" in page
    assert "Wrote 15 runs off" in page
    assert "The month is closed" in page
    client.post(reverse("problem_take_back", args=[taxed.pk]))
    assert fates() == ["open"] * 15


def test_after_ten_minutes_nothing_is_taken_back_and_the_page_offers_it_no_more(taxed, signed_in, otto, now) -> None:
    client = signed_in(otto)
    chosen = client.post(reverse("write_off"), {"problem": taxed.pk}).context["chosen"]
    client.post(reverse("write_off_confirm"), {"chosen": chosen, "reason": "The month is closed"})
    with time_machine.travel(now + timedelta(minutes=10), tick=False):
        client.post(reverse("problem_take_back", args=[taxed.pk]))
        assert "just written off" not in page_of(client, taxed)
    assert fates() == ["written_off"] * 15


def test_ticked_runs_of_the_list_are_written_off_and_taken_back(taxed, signed_in, otto) -> None:
    client = signed_in(otto)
    two = list(own(Failure).order_by("pk").values_list("pk", flat=True)[:2])
    chosen = client.post(reverse("write_off"), {"run": two, "which": "ticked"}).context["chosen"]
    client.post(reverse("write_off_confirm"), {"chosen": chosen, "reason": "lost for good"})
    assert set(own(Failure).filter(fate="written_off").values_list("pk", flat=True)) == set(two)
    page = client.get(reverse("executions"), {"outcome": "written_off"}).content.decode()
    assert "Take back" in page
    client.post(reverse("write_off_take_back"), {"run": two[:1], "which": "ticked"})
    assert set(own(Failure).filter(fate="written_off").values_list("pk", flat=True)) == set(two[1:])


def test_the_overview_says_how_many_problems_there_are_and_how_long_failures_are_open(
    taxed, fail, triage, signed_in, vera, healthy
) -> None:
    triage(fail("Token revoked by the other side", minutes_ago=9 * 1440))
    page = " ".join(signed_in(vera).get("/").content.decode().split())
    assert 'href="/problems/">2 problems</a>' in page
    assert 'href="/problems/?seen_from=2026-11-22T00%3A00Z">1 new today</a>' in page
    assert 'href="/problems/?owner=nobody">2 without an owner</a>' in page
    assert ">15</a> open up to a day" in page
    assert ">1</a> open up to a month" in page


def test_the_list_shows_the_specific_error_how_it_ended_and_its_newest_retry(fail, triage, signed_in, vera, otto, now):
    run = fail("Failed to create invoice", error_details='{\n  "code": 7,\n  "message": "Tax VAT 19 is gone"\n}')
    triage(run)
    make_attempt(run, otto, now, state="unknown", sent_at=now)
    page = signed_in(vera).get(reverse("executions"), {"outcome": "open"}).content.decode()
    assert "Tax VAT 19 is gone" in page
    assert "retry: outcome unknown" in page
    assert ">Open</span>" in page
    page = signed_in(vera).get(reverse("executions"), {"outcome": "recovered"}).content.decode()
    assert "Tax VAT 19 is gone" not in page


def test_the_connections_to_the_app_of_the_failed_action_stand_on_its_page_broken_ones_first(
    taxed: Problem, flow: Flow, signed_in: Any, vera: User, now: datetime
) -> None:
    client = signed_in(vera)
    for name, app, status, account, gone in (
        ("Books of the office", "zoho_books", "active", flow.account, None),
        ("Books of the shop", "Zoho Books", "expired", flow.account, None),
        ("Books of long ago", "zoho_books", "expired", flow.account, now),
        ("Slack", "slack", "expired", flow.account, None),
        ("Books elsewhere", "zoho_books", "expired", factories.make_account("Elsewhere"), None),
    ):
        at = {"status_since": now, "first_seen_at": now, "seen_at": now, "gone_at": gone}
        Connection.objects.create(
            account=account, connection_id=name, connection_name=name, app=app, status=status, **at
        )
    assert "Connections to its app" not in page_of(client, taxed)
    FailureGroup.objects.filter(problem=taxed).update(app="zoho_books")
    page = page_of(client, taxed)
    assert page.index("Books of the shop") < page.index("Books of the office")
    for app in ("Zoho%20Books", "zoho_books"):
        address = f"{reverse('problems')}?state=all&account={flow.account_id}&app={app}"
        assert address.replace("&", "&amp;") in page
        assert taxed.get_absolute_url() in client.get(address).content.decode()
    assert taxed.get_absolute_url() not in client.get(f"{reverse('problems')}?app=slack").content.decode()
    assert [name for name in ("Books of long ago", "Slack", "Books elsewhere") if name in page] == []
    assert "Which of them a flow uses Zoho does not say." in page
    Connection.objects.filter(connection_name="Books of the office").delete()
    assert "Which of them" not in page_of(client, taxed)


def test_the_pages_cost_a_fixed_number_of_statements(
    taxed, fail, triage, signed_in, ada, django_assert_max_num_queries
) -> None:
    words = ("token", "mailbox", "quota", "folder", "template", "currency", "contact", "price")
    triage(*(fail(f"The {word} is missing here", minutes_ago=40) for word in words))
    client = signed_in(ada)
    with django_assert_max_num_queries(15):
        client.get(reverse("problems"))
    with django_assert_max_num_queries(19):
        client.get(taxed.get_absolute_url())


def test_failures_without_a_ledger_entry_are_in_no_outcome(flow: Flow, signed_in, vera) -> None:
    factories.make_execution(flow, "failed")
    own_runs = signed_in(vera).get(reverse("executions"), {"outcome": "open"}).context["rows"]
    assert [run for run in own_runs if run.flow == flow] == []
    assert Execution.objects.filter(flow=flow).count() == 1


def test_a_runs_page_leads_to_its_problem_and_says_how_it_ended(taxed, fail, triage, signed_in, vera, now) -> None:
    run = Execution.objects.filter(failure__group__problem=taxed).first()
    later = factories.make_execution(run.flow, "success", started_time=now - timedelta(minutes=1))
    client = signed_in(vera)
    assert f'href="{taxed.get_absolute_url()}"' in client.get(run.get_absolute_url()).content.decode()
    Failure.objects.filter(pk=run.pk).update(fate="superseded", superseded_by=later)
    page = client.get(run.get_absolute_url()).content.decode()
    assert "Superseded" in page
    assert later.execution_id in page
    assert "Outcome" not in client.get(later.get_absolute_url()).content.decode()


def test_a_flows_page_leads_to_the_problems_that_it_has_failures_of(taxed, fail, triage, flow, signed_in, vera) -> None:
    triage(fail("Token revoked by the other side", flow=factories.make_flow(flow.account)))
    client = signed_in(vera)
    address = f"{reverse('problems')}?flow={flow.pk}"
    assert f'href="{address}"' in client.get(flow.get_absolute_url()).content.decode()
    assert [row.problem for row in client.get(address).context["rows"]] == [taxed]


@pytest.fixture
def from_germany(db: None, fail: Fail, triage: Triage, flow: Flow) -> Problem:
    """Twelve runs that failed for orders of one country and one person, beside thirty good ones of another."""
    for n in range(30):
        fail(
            minutes_ago=n,
            status="success",
            first_failed_at=None,
            trigger_data={"Country": "FR", "Email": "jo@example.com"},
        )
    bad = {"Country": "DE", "Email": "quilla@example.com"}
    triage(*(fail(minutes_ago=n, trigger_data=bad) for n in range(12)))
    return problem()


@pytest.mark.parametrize("person", ["vera", "otto", "ada"])
def test_a_problem_says_what_is_different_and_hides_people_from_everybody(
    from_germany: Problem, signed_in: Any, request: pytest.FixtureRequest, person: str
) -> None:
    page = " ".join(page_of(signed_in(request.getfixturevalue(person)), from_germany).split())
    told = page.partition("What is different?")[2].partition("</section>")[0]
    assert "trigger.Country" in told
    assert ">DE<" in told
    counts = " ".join(re.sub("<[^>]+>", "", told).split())
    assert "12 of 12 0 of 30 only there" in counts
    assert "trigger.Email" in told
    assert "[hidden]" in told
    assert "quilla" not in page


def test_where_nothing_differs_nothing_is_said(taxed: Problem, signed_in: Any, vera: User) -> None:
    assert "What is different?" not in page_of(signed_in(vera), taxed)


def test_the_page_of_a_problem_asks_no_more_for_more_runs_and_flows(
    taxed: Problem, fail: Fail, triage: Triage, flow: Flow, signed_in: Any, vera: User
) -> None:
    client = signed_in(vera)
    with CaptureQueriesContext(connection) as few:
        page_of(client, taxed)
    for _ in range(4):
        other = factories.make_flow(flow.account)
        for n in range(8):
            fail(minutes_ago=n, status="success", first_failed_at=None, flow=other)
        triage(*(fail(minutes_ago=n, flow=other) for n in range(8)))
    with CaptureQueriesContext(connection) as many:
        page_of(client, taxed)
    assert len(many) <= len(few) + 1  # the versions of flows are asked for where there is something to compare
