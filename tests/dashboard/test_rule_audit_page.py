"""The audit of workflow rules as a page and as a file, and what people accept of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from monitor import accepted_findings
from monitor.models import AcceptedFinding, AuditEntry, AutomationFact, StreamState, UsageSnapshot, WorkflowRule
from monitor.queries.rule_audit import audit_of, find
from monitor.rule_audit.kinds.limits import OF_LIMITS
from tests import factories
from tests.bystander import own
from tests.dashboard.soup import Page, words

pytestmark = pytest.mark.django_db
LONG = timedelta(days=60)


@pytest.fixture(autouse=True)
def read(account, now) -> list[StreamState]:
    """Says that the account's lists were read just now."""
    return [
        StreamState.objects.create(account=account, stream=stream, state="ok", last_read_at=now)
        for stream in ("rules", "connected", "webhook_failures")
    ]


@pytest.fixture
def quiet(account, now) -> WorkflowRule:
    """A rule that never ran, and one that is off, of one account."""
    old = {"created_time": now - LONG, "modified_time": now - LONG, "first_seen_at": now - LONG}
    factories.make_rule(account, name="Put away", module="Deals", active=False, **old)
    return factories.make_rule(account, name="Big deals", module="Deals", **old)


def mine(now, account):
    return {row.finding.kind: row for row in audit_of(now, [account.pk]).rows}


def page_of(client, **query):
    return Page(client.get(reverse("rule_audit"), query).content.decode())


def names(page):
    return [words(cell) for cell in page.root.iter("td") if cell.get("data-label") == "About"]


def test_each_count_opens_what_it_counts(quiet, account, signed_in, vera):
    client = signed_in(vera)
    page = page_of(client, account=account.pk)
    counts = {words(stat.find("dt")): stat.find(".//a") for stat in page.marked("stat")}
    assert {label: words(link) for label, link in counts.items()} == {"Never fired": "1", "Switched off": "1"}
    for label, link in counts.items():
        listed = Page(client.get(link.get("href")).content.decode())
        assert len(names(listed)) == 1, label
    assert names(Page(client.get(counts["Never fired"].get("href")).content.decode())) == ["Big deals"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["Big deals", "Put away"]),
        ({"kind": "inactive"}, ["Put away"]),
        ({"text": "BIG"}, ["Big deals"]),
        ({"module": "Leads"}, []),
        ({"state": "accepted"}, []),
        ({"state": "all"}, ["Big deals", "Put away"]),
    ],
)
def test_findings_are_narrowed_by_the_address(query, found, quiet, account, signed_in, vera):
    assert names(page_of(signed_in(vera), account=account.pk, **query)) == found


def test_what_could_not_be_checked_is_said(quiet, account, signed_in, vera):
    text = words(page_of(signed_in(vera), account=account.pk).root)
    assert "what triggers of Deals support – it was not read yet" in text
    assert "limits of the organisation – they were not read yet" in text
    AutomationFact.objects.create(account=account, part="limits", problem="not in this edition", read_at=timezone.now())
    text = words(page_of(signed_in(vera), account=account.pk).root)
    assert "limits of the organisation – not in this edition" in text


def test_rules_that_were_read_long_ago_are_said(quiet, account, signed_in, vera, now):
    StreamState.objects.filter(account=account, stream="rules").update(last_read_at=now - timedelta(days=59))
    page = page_of(signed_in(vera), account=account.pk)
    assert "workflow rules as they are now – they were last read on" in words(page.root)
    assert names(page) == []


def test_the_page_needs_eight_statements_however_many_rules_there_are(quiet, account, signed_in, vera):
    for _ in range(30):
        rule = factories.make_rule(account, module="Deals")
        factories.make_version(rule)
        UsageSnapshot.objects.create(rule=rule, day=timezone.now().date(), taken_at=timezone.now())
    client = signed_in(vera)
    with CaptureQueriesContext(connection) as asked:
        client.get(reverse("rule_audit"))
    assert len(asked) <= 8, [query["sql"][:100] for query in asked]


def test_what_is_accepted_stands_no_more_and_comes_back_if_it_changes(quiet, account, now, signed_in, otto):
    client = signed_in(otto)
    url = reverse("rule_finding", args=[account.pk, mine(now, account)["never_fired"].finding.key])
    assert client.post(url, {"reason": "It waits for the fair."}).status_code == 302
    row = own(AcceptedFinding).get()
    assert (row.kind, row.about, row.by, row.ended_at) == ("never_fired", "Big deals", otto, None)
    entry = AuditEntry.objects.get(action="finding.accept")
    assert (entry.actor, entry.object_type, entry.account, entry.detail) == (
        *(otto, "finding", account, {"kind": "never_fired"}),
    )
    assert names(page_of(client, account=account.pk)) == ["Put away"]
    assert "It waits for the fair." in words(page_of(client, account=account.pk, state="accepted").root)
    quiet.modified_time += timedelta(days=1)
    quiet.save(update_fields=["modified_time"])
    page = page_of(client, account=account.pk)
    assert names(page) == ["Big deals", "Put away"]
    assert "Was accepted, and has changed since." in words(page.root)


def test_an_acceptance_is_taken_back(quiet, account, now, signed_in, otto):
    finding = mine(now, account)["never_fired"].finding
    row = accepted_findings.accept(finding, "fine", by=otto, now=now)
    client = signed_in(otto)
    for _ in range(2):
        assert client.post(reverse("rule_finding_take_back", args=[row.pk])).status_code == 302
    row.refresh_from_db()
    assert row.ended_by == otto
    assert names(page_of(client, account=account.pk)) == ["Big deals", "Put away"]
    assert AuditEntry.objects.filter(action="finding.take_back").count() == 1


def test_what_others_accepted_stays_accepted_where_one_is_taken_back(quiet, account, now, otto):
    row = accepted_findings.accept(mine(now, account)["never_fired"].finding, "fine", by=otto, now=now)
    values = {"account": account, "kind": "old_draft", "key": "old_draft:9", "about": [], "at": now, "by": otto}
    other = AcceptedFinding.objects.create(reason="meant so", state="", **values)
    assert accepted_findings.take_back(row, by=otto, now=now)
    other.refresh_from_db()
    assert other.ended_at is None


def test_accepting_anew_ends_what_was_accepted_before(quiet, account, now, otto, ada):
    finding = mine(now, account)["never_fired"].finding
    first = accepted_findings.accept(finding, "fine", by=otto, now=now)
    accepted_findings.accept(finding, "still fine", by=ada, now=now)
    first.refresh_from_db()
    assert first.ended_by == ada
    assert own(AcceptedFinding).filter(ended_at=None).get().reason == "still fine"


def test_of_two_who_accept_at_once_the_first_one_is_kept(quiet, account, now, otto, ada, monkeypatch):
    finding = mine(now, account)["never_fired"].finding
    first = accepted_findings.accept(finding, "fine", by=otto, now=now)
    # The other one looked before the first was there.
    monkeypatch.setattr(accepted_findings, "_open", lambda *which: AcceptedFinding.objects.none())
    assert accepted_findings.accept(finding, "fine, too", by=ada, now=now) == first
    assert own(AcceptedFinding).get().reason == "fine"
    assert AuditEntry.objects.filter(action="finding.accept").count() == 1


def test_without_a_reason_nothing_is_accepted(quiet, account, now, signed_in, otto):
    url = reverse("rule_finding", args=[account.pk, mine(now, account)["never_fired"].finding.key])
    assert signed_in(otto).post(url, {"reason": ""}).status_code == 400
    assert not own(AcceptedFinding).exists()


def test_a_finding_that_is_none_any_more_has_no_page(quiet, account, now, signed_in, vera):
    key = mine(now, account)["never_fired"].finding.key
    url = reverse("rule_finding", args=[account.pk, key])
    assert signed_in(vera).get(url).status_code == 200
    WorkflowRule.objects.filter(pk=quiet.pk).update(last_executed_time=timezone.now())
    assert signed_in(vera).get(url).status_code == 404
    assert find(now, account.pk, "0" * 32) is None
    assert signed_in(vera).get(reverse("rule_finding", args=[account.pk + 999, key])).status_code == 404


def test_the_file_holds_what_the_list_shows(quiet, account, signed_in, otto):
    answer = signed_in(otto).post(reverse("rule_audit_csv") + f"?account={account.pk}&kind=inactive")
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert lines[0].startswith("account,kind,module,about,ids,evidence,step,page,accepted_because,accepted_at")
    assert len(lines) == 2
    assert "Switched off,Deals,Put away" in lines[1]
    assert signed_in(otto).post(reverse("rule_audit_csv") + "?kind=odd").status_code == 400


def test_a_whole_audit_reads_what_is_mirrored(account, now):
    rule = factories.make_rule(account, module="Deals", execute_when="delete", usage_from=now.date(),
                               last_executed_time=now)  # fmt: skip
    content = {
        "module": {"api_name": "Deals"}, "execute_when": {"type": "delete"},
        "conditions": [{"instant_actions": {"actions": [{"type": "assign_owner", "id": "1"}]}}],
    }  # fmt: skip
    factories.make_version(rule, number=1, content={})
    factories.make_version(rule, number=2, content=content)
    UsageSnapshot.objects.create(
        rule=rule, day=now.date(), taken_at=now,
        actions=[{"id": "7", "type": "webhooks", "name": "Tell", "success": 0, "failure": 4}],
    )  # fmt: skip
    triggers = [{"api_name": "delete", "actions": ["webhooks"], "scheduled_actions_supported": False}]
    fact = {"account": account, "read_at": now}
    AutomationFact.objects.create(part="configuration", subject="Deals", facts={"triggers": triggers}, **fact)
    AutomationFact.objects.create(part="limits", facts=dict.fromkeys(OF_LIMITS.values(), "10"), **fact)
    AutomationFact.objects.create(part="modules", facts={"Deals": [1, 1]}, **fact)
    AutomationFact.objects.create(part="webhooks", facts={"7": "erp.example.com"}, **fact)
    for _ in range(3):
        factories.make_webhook_failure(account, rule=rule, webhook_id="7", reason="page_notfound", failure_time=now)
    found = mine(now, account)
    assert set(found) == {"failing_actions", "dead_webhook", "unsupported_action", "near_limit"}
    assert "erp.example.com" in found["dead_webhook"].finding.evidence
    assert audit_of(now, [account.pk]).not_checked == []


def test_a_rule_whose_last_run_zoho_does_not_send_is_not_said_to_have_never_run(quiet, account, now):
    for raw, is_found in (({"id": "1", "last_executed_time": None}, True), ({"id": "1"}, False)):
        WorkflowRule.objects.filter(pk=quiet.pk).update(raw=raw)
        assert ("never_fired" in mine(now, account)) is is_found
