"""CRM workflow rules."""

from __future__ import annotations

from datetime import date, timedelta
from types import SimpleNamespace

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from monitor.models import AuditEntry, RuleVersion, UsageSnapshot, WorkflowRule
from monitor.queries.rule_actions import action_line
from monitor.queries.rules import bars
from tests import factories
from tests.zoho.rule_documents import LOST_DEAL


@pytest.fixture
def rules(account, now) -> None:
    factories.make_rule(account, name="Greet", module="Leads", last_executed_time=now, failure_count=3)
    factories.make_rule(account, name="Chase", module="Deals", active=False, rule_id="77")
    factories.make_rule(account, name="Old", module="Deals", gone_at=now, last_executed_time=now - timedelta(days=9))
    factories.make_rule(name="Elsewhere", module="Leads", active=None, last_executed_time=now, failure_count=9)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["Chase", "Elsewhere", "Greet", "Old"]),
        ({"text": "gre"}, ["Greet"]),
        ({"text": "77"}, ["Chase"]),
        ({"module": "Deals"}, ["Chase", "Old"]),
        ({"active": "yes"}, ["Greet"]),
        ({"active": "no"}, ["Chase"]),
        ({"executed": "never"}, ["Chase"]),
        ({"module": "Nonsense"}, []),
        ({"account": "999999999999999999"}, []),
        ({"state": "failing"}, ["Elsewhere", "Greet"][1:]),
        ({"state": "gone"}, ["Old"]),
        ({"trigger": "delete"}, []),
        ({"executed": "not-30d"}, ["Chase"]),
        ({"page": "99"}, ["Chase", "Elsewhere", "Greet", "Old"]),
    ],
)
def test_the_list_is_narrowed_by_what_the_address_says(query, names, rules, signed_in, vera):
    assert listed(signed_in(vera), query) == names


def listed(client, query):
    """The names in the list of rules, in its order."""
    return [rule.name for rule, *_ in client.get(reverse("rules"), query).context["rows"]]


def test_the_list_is_narrowed_to_an_account(rules, account, signed_in, vera):
    assert listed(signed_in(vera), {"account": account.pk}) == ["Chase", "Greet", "Old"]


def test_the_list_by_failures_begins_with_the_worst(rules, signed_in, vera):
    assert listed(signed_in(vera), {"order": "failures"})[:2] == ["Elsewhere", "Greet"]


def test_the_list_by_last_run_ends_with_what_never_ran(rules, signed_in, vera):
    assert listed(signed_in(vera), {"order": "last"})[2:] == ["Old", "Chase"]


def test_the_list_marks_what_never_ran_and_what_is_gone(rules, signed_in, vera):
    page = signed_in(vera).get(reverse("rules")).content.decode()
    assert page.count("Never ran") == 1
    assert "Deleted in Zoho" in page


def test_counts_stand_beside_the_days_they_cover(account, signed_in, vera):
    rule = factories.make_rule(
        account, trigger_count=None, success_count=0, usage_from=date(2026, 8, 25), usage_till=date(2026, 11, 22)
    )
    page = signed_in(vera).get(reverse("rules")).content.decode()
    assert "25 Aug – 22 Nov 2026" in page
    page = signed_in(vera).get(rule.get_absolute_url()).content.decode()
    assert "from 25 Aug 2026 to 22 Nov 2026" in page


def test_one_rule_shows_usage_by_day_and_a_definition_without_people(account, signed_in, vera, now):
    rule = factories.make_rule(
        account,
        name="Greet",
        description="Tell jo.roe@example.com",
        raw={
            "name": "Greet",
            "modified_by": {"name": "Jo Roe"},
            "to": ["jo.roe@example.com"],
            "x": "<script>y</script>",
        },
    )
    for back in range(3):
        UsageSnapshot.objects.create(
            rule=rule, day=now.date() - timedelta(days=back), succeeded=10 + back, failed=back, taken_at=now
        )
    response = signed_in(vera).get(rule.get_absolute_url())
    page = response.content.decode()
    assert [snapshot.succeeded for snapshot in response.context["detail"].snapshots] == [10, 11, 12]
    assert page.count("bars__failed") == 3
    assert "&quot;name&quot;: &quot;Greet&quot;" in page
    assert "Jo Roe" not in page
    assert "jo.roe" not in page
    assert "<script>y" not in page


def test_the_list_costs_a_fixed_number_of_statements(account, signed_in, vera, django_assert_max_num_queries):
    for _ in range(20):
        factories.make_rule(account)
    client = signed_in(vera)
    with django_assert_max_num_queries(8):
        client.get(reverse("rules"))
    assert WorkflowRule.objects.count() == 20


counts = st.one_of(st.none(), st.integers(0, 10**15))


@given(st.lists(st.tuples(counts, counts), max_size=120))
def test_bars_stay_within_their_box_and_failures_within_their_bar(pairs):
    first = date(2026, 8, 1)
    snapshots = [
        SimpleNamespace(succeeded=done, failed=failed, day=first + timedelta(days=place))
        for place, (done, failed) in enumerate(pairs)
    ]
    for bar in bars(snapshots):
        assert 0 <= bar.failed_height <= bar.height + 0.01
        assert bar.height <= 100


def test_a_day_without_a_reading_is_a_gap_and_one_that_is_not_known_has_no_bar(account, signed_in, vera, now):
    rule = factories.make_rule(account)
    for back, done in ((4, None), (2, 5), (0, 10)):
        UsageSnapshot.objects.create(rule=rule, day=now.date() - timedelta(days=back), succeeded=done, taken_at=now)
    detail = signed_in(vera).get(rule.get_absolute_url()).context["detail"]
    assert [(bar.left, bar.height) for bar in detail.bars] == [(0, 0), (20, 50), (40, 100)]


def test_a_day_on_which_the_counters_began_again_says_that_its_figures_are_at_least_right(
    account, signed_in, vera, now
):
    rule = factories.make_rule(account)
    UsageSnapshot.objects.create(rule=rule, day=now.date(), succeeded=4, is_reset=True, taken_at=now)
    assert "at least</span>" in signed_in(vera).get(rule.get_absolute_url()).content.decode()


def test_the_actions_of_a_rule_are_shown_without_the_people_they_name(account, signed_in, vera, now):
    rule = factories.make_rule(account)
    actions = [
        {"id": "1", "name": "Tell the shop", "type": "webhooks", "success": 31, "failure": 2},
        {"id": "2", "name": "To users : Pat Example", "type": "assign_owner", "success": 1, "failure": 0},
    ]
    UsageSnapshot.objects.create(rule=rule, day=now.date(), actions=actions, taken_at=now)
    page = signed_in(vera).get(rule.get_absolute_url()).content.decode()
    assert "Tell the shop" in page
    assert "To users: [hidden]" in page
    assert "Pat Example" not in page


@pytest.mark.parametrize(
    ("kind", "name", "shown"),
    [
        ("assign_owner", "To users : Pat Example", "To users: [hidden]"),
        ("assign_owner", "to user Pat Example", "to user: [hidden]"),
        ("assign_owner", "Owner: Pat Example", "Owner: [hidden]"),
        ("assign_owner", "Round robin of the north", "Round robin of the north"),
        ("email_notifications", "High revenue Lead added", "High revenue Lead added"),
        ("tasks", "Call jo@example.com", "Call [e-mail]"),
        ("assign_owner", "", ""),
    ],
)
def test_an_actions_own_name_is_shown_and_a_persons_is_not(kind, name, shown):
    line = action_line({"name": name, "type": kind})
    assert "Pat" not in line.name
    assert line.name == shown or (kind == "tasks" and "jo@" not in line.name)


def test_a_rules_page_shows_its_own_failed_webhooks_and_leads_to_all(account, signed_in, vera):
    rule, other = factories.make_rule(account), factories.make_rule(account)
    for _ in range(12):
        factories.make_webhook_failure(account, rule=rule, reason="timeout")
    factories.make_webhook_failure(account, rule=other, reason="unauthorized")
    page = signed_in(vera).get(rule.get_absolute_url()).content.decode()
    assert page.count("No answer came in time") == 10
    assert "timeout" not in page
    assert "wanted credentials" not in page
    assert "All 12" in page
    assert "Jo Example" not in page


def the_rule(account, **content):
    """A rule whose newest version is the document's own, with what is given."""
    rule = factories.make_rule(account, module="Deals", execute_when="field_update")
    RuleVersion.objects.create(rule=rule, number=1, sha256="1", content={"id": "0"}, first_seen_at=rule.first_seen_at)
    RuleVersion.objects.create(
        rule=rule, number=2, sha256="2", content=LOST_DEAL | content, first_seen_at=rule.first_seen_at
    )
    return rule


def test_a_rules_page_says_in_a_sentence_what_it_does_and_shows_the_json_behind_it(account, signed_in, vera):
    page = signed_in(vera).get(the_rule(account).get_absolute_url()).content.decode()
    assert "When a Deal&#x27;s Stage becomes Closed Lost and Amount ≥ 30,000 and Reason for Loss is Price" in page
    assert "tag &#x27;Lost due to Pricing&#x27;, &#x27;Re-engagement pending&#x27;" in page
    assert "after 30 business days: task &#x27;Lost Deal - Feedback&#x27;" in page
    assert page.index("becomes Closed Lost") < page.index('<summary class="strong">Definition as Zoho sent it')
    assert "&quot;business_days&quot;" in page
    assert "Not in these words" in page
    assert "color code" in page


def test_zohos_spellings_stand_in_the_definition_alone(account, signed_in, vera, now):
    rule = the_rule(account)
    actions = [{"id": "1", "name": "Deal Lost Alert", "type": "email_notifications", "success": 3, "failure": 0}]
    UsageSnapshot.objects.create(rule=rule, day=now.date(), actions=actions, taken_at=now)
    factories.make_webhook_failure(account, rule=rule, reason="page_notfound", module="Sales_Orders")
    page = signed_in(vera).get(rule.get_absolute_url()).content.decode()
    before, _, rest = page.partition("<pre")
    shown = before + rest.partition("</pre>")[2]
    for spelling in ("field_update", "email_notifications", "page_notfound", "greater_equal", "Sales_Orders"):
        assert spelling not in shown
    assert "Field updated" in shown
    assert "The address was not found (404)" in shown
    assert "Sales Orders" in shown


def test_the_sentence_names_no_person_and_no_record(account, signed_in, vera):
    one = {"field": {"api_name": "Owner"}, "comparator": "equal", "value": {"name": "Pat Example", "id": "7"}}
    actions = [
        {"type": "assign_owner", "name": "To users : Pat Example"},
        {"type": "tasks", "name": "Call pat@example.com"},
    ]
    condition = {
        "sequence_number": 1,
        "criteria_details": {"criteria": one},
        "instant_actions": {"actions": actions},
    }
    response = signed_in(vera).get(the_rule(account, conditions=[condition]).get_absolute_url())
    words = response.context["detail"].words.text
    assert "Pat" not in words
    assert "pat@" not in response.content.decode()
    assert "Owner is &#x27;[hidden]&#x27;" in response.content.decode()
    assert "assign the owner &#x27;To users: [hidden]&#x27;" in response.content.decode()


def test_a_rule_of_which_only_the_list_is_known_says_when_it_runs(account, signed_in, vera):
    raw = {"module": {"api_name": "Leads"}, "execute_when": {"type": "score_increase", "details": {}}}
    page = signed_in(vera).get(factories.make_rule(account, raw=raw).get_absolute_url()).content.decode()
    assert "When a Lead has its score raised" in page
    assert "has not been read yet" in page


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        ("quota_gone", "Zoho&#x27;s word: “quota_gone”"),
        ("Told jo.roe@example.com no", "[e-mail]"),
        ("internal_server_error", "The server had an error of its own (500)"),
    ],
)
def test_why_a_webhook_failed_is_said_in_words_or_as_zohos_word_masked(reason, shown, account, signed_in, vera):
    factories.make_webhook_failure(account, reason=reason)
    page = signed_in(vera).get(reverse("webhook_failures")).content.decode()
    assert shown in page
    assert "jo.roe" not in page


def test_failed_webhooks_are_found_by_the_words_that_are_shown(account, signed_in, vera):
    for reason in ("page_notfound", "timeout"):
        factories.make_webhook_failure(account, reason=reason)
    found = signed_in(vera).get(reverse("webhook_failures"), {"text": "no answer came"}).context["rows"]
    assert [failure.reason for failure in found] == ["timeout"]


def test_the_list_counts_a_period_and_says_what_is_not_known_of_it(account, signed_in, vera, now, at_noon):
    rule = factories.make_rule(account, name="Greet", module="Sales_Orders", execute_when="field_update")
    WorkflowRule.objects.filter(pk=rule.pk).update(action_kinds="\nemail_notifications\ntasks\n")
    for back in (0, 3, 8):
        UsageSnapshot.objects.create(
            rule=rule, day=(now - timedelta(days=back)).date(), succeeded=10, failed=back, taken_at=now
        )
    page = signed_in(vera).get(reverse("rules"), {"days": "7"}).content.decode()
    assert "Done, 7 d" in page
    assert ">20</span>" in page
    assert "the period before is not known in full" in page
    assert "Sales Orders" in page
    assert "Field updated" in page
    assert "Mail, Task" in page
    assert "field_update<" not in page
    known_from = (now - timedelta(days=8)).date()
    assert f"known from {known_from.day} " in signed_in(vera).get(reverse("rules")).content.decode()


def test_the_file_of_rules_has_what_the_list_shows_and_stands_in_the_trail(account, signed_in, otto, vera, rules):
    client = signed_in(otto)
    lines = b"".join(client.post(f"{reverse('rules_file')}?module=Deals&order=last")).decode().splitlines()
    assert lines[0].startswith("name,account,owner,tags,module,trigger,actions,state,last_run,done,failed,trend")
    assert [line.split(",")[0] for line in lines[1:]] == ["Old", "Chase"]
    assert AuditEntry.objects.filter(action="export", detail__what="rules").count() == 1
    assert client.post(f"{reverse('rules_file')}?executed=often").status_code == 400
    assert client.get(reverse("rules_file")).status_code == 405
    assert signed_in(vera).post(reverse("rules_file")).status_code == 403
