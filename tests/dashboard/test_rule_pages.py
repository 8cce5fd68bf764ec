"""CRM workflow rules."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import connection
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from dashboard.rules import usage_chart
from monitor.models import AuditEntry, AutomationFact, ConnectedVersion, RuleVersion, UsageSnapshot, WorkflowRule
from monitor.queries import rule_usage
from monitor.queries.rule_actions import action_shown
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


def test_one_rule_shows_usage_by_day_and_a_definition_without_people(account, signed_in, vera, at_noon):
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
        reading(rule, at_noon, back, 10 + back, back)
    response = signed_in(vera).get(rule.get_absolute_url())
    page = response.content.decode()
    assert [day.done for day in response.context["used"].days] == [12, 11, 10]
    assert bars_of(response)[-3:] == [12, 11, 10]
    assert "&quot;name&quot;: &quot;Greet&quot;" in page
    assert "Jo Roe" not in page
    assert "jo.roe" not in page
    assert "<script>y" not in page


MOST_OF_A_RULE = 8


def test_the_list_costs_a_fixed_number_of_statements(account, signed_in, vera, django_assert_max_num_queries):
    for _ in range(20):
        factories.make_rule(account)
    client = signed_in(vera)
    with django_assert_max_num_queries(8):
        client.get(reverse("rules"))
    assert WorkflowRule.objects.count() == 20


def reading(rule, now, back, succeeded=None, failed=None, **more):
    """What a reading of a rule's usage report so many days ago said."""
    day = (now - timedelta(days=back)).date()
    return UsageSnapshot.objects.create(
        rule=rule, day=day, succeeded=succeeded, failed=failed, taken_at=now, since=date(2026, 9, 1), **more
    )


def bars_of(response):
    """What the chart's bars of done actions are, the oldest day first."""
    return response.context["chart"].figure["data"][0]["y"]


def test_a_day_without_a_reading_is_a_hole_and_what_was_before_the_first_one_is_unknown(
    account, signed_in, vera, at_noon
):
    rule = factories.make_rule(account)
    for back, done in ((4, None), (2, 5), (0, 0)):
        reading(rule, at_noon, back, done, 0 if done is not None else None)
    response = signed_in(vera).get(rule.get_absolute_url(), {"days": "7"})
    assert bars_of(response) == [None, None, None, None, 5, None, 0]
    cells = [row[-1].text for row in response.context["chart"].rows]
    assert cells == ["before our first reading"] * 2 + ["no reading"] * 2 + ["0", "no reading", "0"]
    page = response.content.decode()
    first = (at_noon - timedelta(days=4)).date()
    assert f"Before {first.day} " in page
    assert "our first reading, it is not known how often the rule ran" in page
    assert "known from" in page


def test_usage_stands_beside_that_of_the_period_before(account, signed_in, vera, at_noon):
    rule = factories.make_rule(account)
    for back, done in ((20, 1), (10, 40), (3, 30), (0, 12)):
        reading(rule, at_noon, back, done, 2)
    response = signed_in(vera).get(rule.get_absolute_url(), {"days": "7"})
    used = response.context["used"]
    assert (used.done, used.failed, used.done_before, used.failed_before) == (42, 4, 40, 2)
    assert "40 in the 7 days before" in response.content.decode()


def test_each_action_has_its_own_figures_and_chart(account, signed_in, vera, at_noon):
    rule = factories.make_rule(account)
    for back, done, failed in ((3, 10, 0), (2, 14, 1), (1, 14, 3)):
        actions = [
            {"id": "71", "name": "Tell the shop", "type": "webhooks", "success": done, "failure": failed},
            {"id": "72", "name": "Call", "type": "tasks", "success": 1, "failure": 0},
        ]
        reading(rule, at_noon, back, 4, 1, actions=actions)
    client = signed_in(vera)
    page = client.get(rule.get_absolute_url(), {"days": "7"})
    assert [(a.key, a.kind, a.done, a.failed) for a in page.context["used"].actions] == [
        ("71", "Webhook", 4, 3),
        ("72", "Task", 0, 0),
    ]
    response = client.get(rule.get_absolute_url(), {"days": "7", "action": "71"})
    assert bars_of(response) == [None, None, None, None, 4, 0, None]
    assert "Usage of Tell the shop" in response.content.decode()
    assert client.get(rule.get_absolute_url(), {"action": "nonsense"}).context["chosen"] is None


def test_an_action_counts_from_the_newest_reading_before_the_period_on(account, signed_in, vera, at_noon):
    rule, twin = factories.make_rule(account), factories.make_rule(account)
    for one, times in ((rule, 1), (twin, 7)):
        for back, done in ((60, 1), (20, 4), (9, 9), (2, 15), (0, 17)):
            actions = [{"id": "71", "name": "Call", "type": "tasks", "success": done * times, "failure": times}]
            reading(one, at_noon, back, done * times, times, actions=actions)
    response = signed_in(vera).get(rule.get_absolute_url(), {"days": "7", "action": "71"})
    used = response.context["used"]
    assert [(action.done, action.failed) for action in used.actions] == [(17 - 9, 0)]
    assert bars_of(response) == [None, None, None, None, 6, None, 2]
    assert (used.done, used.done_before, used.first_day) == (32, 9, (at_noon - timedelta(days=60)).date())


def test_a_year_has_a_column_a_week_and_its_figures_are_a_file(account, signed_in, vera, at_noon):
    rule = factories.make_rule(account)
    reading(rule, at_noon, 0, 7, 0)
    client = signed_in(vera)
    assert len(bars_of(client.get(rule.get_absolute_url(), {"days": "365"}))) == 53
    answer = client.get(rule.get_absolute_url(), {"days": "7", "csv": "chart-rule-usage"})
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert lines[0] == "from,to,done,failed,success_rate,is_complete"
    assert lines[-1].endswith(",7,0,100.0,yes")
    assert lines[1].endswith(",,,,no")
    assert client.get(rule.get_absolute_url(), {"csv": "chart-volume"}).status_code == 404


def test_the_page_of_a_rule_costs_few_statements(account, signed_in, vera, at_noon, django_assert_max_num_queries):
    rule = the_rule(account)
    for back in range(40):
        reading(rule, at_noon, back, 1, 0)
        factories.make_webhook_failure(account, rule=rule)
    client = signed_in(vera)
    assert connection.features.supports_json_field  # which Django asks the database for once in a process
    with django_assert_max_num_queries(MOST_OF_A_RULE):
        client.get(rule.get_absolute_url())


counts = st.one_of(st.none(), st.integers(0, 10**12))
readings = st.tuples(st.integers(0, 40), counts, counts, st.booleans(), st.sampled_from([None, "2026-09-01"]))


@given(st.lists(readings, max_size=20), st.sampled_from([7, 30, 365]))
def test_no_column_is_below_zero_and_what_is_not_known_is_no_zero(found, days):
    last = date(2026, 11, 22)
    rows = [
        rule_usage.DayReading(
            day=last - timedelta(days=back),
            triggered=None,
            succeeded=done,
            failed=failed,
            is_reset=is_reset,
            since=since,
            reset_time=None,
            success_count=done,
            failure_count=failed,
            actions=[{"id": "1", "success": done or 0, "failure": failed or 0}],
        )
        for back, done, failed, is_reset, since in {row[0]: row for row in found}.values()
    ]
    begins, first_day = last - timedelta(days=days - 1), min((row.day for row in rows), default=None)
    start = begins - timedelta(days=days)
    used = rule_usage.put_together(rows, first_day, (None, None), begins=begins, start=start, last=last)
    for action in (None, *used.actions):
        of = used.days_of(action) if action else used.days
        if action:
            assert sum(day.done or 0 for day in of) == (action.done or 0)
        slots = usage_chart.slots_of(of, begins, last, used.first_day)
        usage_chart.draw(slots, "Usage")
        assert sum(slot.counts.succeeded for slot in slots) == sum(day.done or 0 for day in of)
        assert all(slot.counts.succeeded >= 0 and slot.counts.failed >= 0 for slot in slots)
        assert used.first_day is not None or not any(slot.is_known for slot in slots)
        assert slots[0].start.date() == begins


def test_a_day_on_which_the_counters_began_again_says_that_its_figures_are_at_least_right(
    account, signed_in, vera, at_noon
):
    rule = factories.make_rule(account)
    UsageSnapshot.objects.create(rule=rule, day=at_noon.date(), taken_at=at_noon, succeeded=4, is_reset=True)
    assert "at least</span>" in signed_in(vera).get(rule.get_absolute_url()).content.decode()


def test_the_actions_of_a_rule_are_shown_without_the_people_they_name(account, signed_in, vera, at_noon):
    rule = factories.make_rule(account)
    actions = [
        {"id": "1", "name": "Tell the shop", "type": "webhooks", "success": 31, "failure": 2},
        {"id": "2", "name": "To users : Pat Example", "type": "assign_owner", "success": 1, "failure": 0},
    ]
    reading(rule, at_noon, 0, actions=actions)
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
    words = action_shown(kind, name)
    assert "Pat" not in words
    assert words == shown or (kind == "tasks" and "jo@" not in words)


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


def test_below_each_action_stands_what_it_does_in_particular_without_people(account, signed_in, vera, at_noon):
    actions = [
        {"type": "field_updates", "id": "51", "name": "Lose it"},
        {"type": "field_updates", "id": "52", "name": "Name it"},
        {"type": "webhooks", "id": "81", "name": "Tell the shop"},
        {"type": "tasks", "id": "61", "name": "Call"},
        {"type": "email_notifications", "id": "71", "name": "Tell them"},
        {
            "type": "create_record",
            "name": "Next deal",
            "details": {
                "field_mappings": [
                    {"field": {"api_name": "Stage"}, "value": "Again"},
                    {"field": {"api_name": "Last_Name"}, "value": "Roe"},
                ]
            },
        },
    ]
    group = {"execute_after": {"period": "days", "unit": 3}, "actions": [{"type": "tasks", "id": "61", "name": "Call"}]}
    rule = the_rule(account, conditions=[{"instant_actions": {"actions": actions}, "scheduled_actions": [group]}])
    facts = {
        "field_updates": {
            "51": {"field": "Stage", "value": "Closed Lost"},
            "52": {"field": "Last_Name", "value": "Roe"},
        },
        "webhooks": {"81": "shop.example.com"},
        "email_notifications": {"71": {"template": "Lost to jo@example.com", "ways": [["to", "user", 2]]}},
        "tasks": {"61": {"subject": "Ask jo@example.com", "due": "Trigger Date plus 2 days"}},
    }
    for part, of in facts.items():
        AutomationFact.objects.create(account=account, part=part, facts=of, read_at=at_noon)
        twins = dict.fromkeys(of, "twin.example.com" if part == "webhooks" else {"field": "Twin", "subject": "Twin"})
        AutomationFact.objects.create(account=factories.make_account(), part=part, facts=twins, read_at=at_noon)
    response = signed_in(vera).get(rule.get_absolute_url())
    (branch,) = response.context["detail"].words.branches
    assert [step.details for step in branch.steps] == [
        (
            "sets Stage to Closed Lost",
            "sets Last Name to '[hidden]'",
            "calls shop.example.com",
            "subject 'Ask [e-mail]', due Trigger Date plus 2 days",
            "template 'Lost to [e-mail]', to 2 recipients of kind 'user'",
            "Stage: Again, Last Name: [hidden]",
        ),
        ("subject 'Ask [e-mail]', due Trigger Date plus 2 days",),
    ]
    page = response.content.decode()
    assert "sets Stage to Closed Lost" in page
    assert "calls shop.example.com" in page
    assert "after 3 days:<ul>" in page
    for person in ("Roe<", "jo@example", "Twin", "twin."):
        assert person not in page


def test_zohos_spellings_stand_in_the_definition_alone(account, signed_in, vera, at_noon):
    rule = the_rule(account)
    actions = [{"id": "1", "name": "Deal Lost Alert", "type": "email_notifications", "success": 3, "failure": 0}]
    reading(rule, at_noon, 0, actions=actions)
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


def test_the_rules_of_a_connected_workflow_are_said_in_sentences_where_its_definition_has_them(
    account, signed_in, vera
):
    workflow, other = factories.make_connected(account), factories.make_connected(account)
    content = {"nodes": [{"module": {"api_name": "Deals"}, "rules": [LOST_DEAL | {"name": "Lost"}]}]}
    for one, held in ((workflow, content), (other, {"nodes": []})):
        ConnectedVersion.objects.create(
            workflow=one, number=1, sha256="1", content=held, first_seen_at=workflow.first_seen_at
        )
    client = signed_in(vera)
    page = client.get(workflow.get_absolute_url()).content.decode()
    assert "When a Deal&#x27;s Stage becomes Closed Lost" in page
    assert "<h3>Lost</h3>" in page
    assert "What its rules do" not in client.get(other.get_absolute_url()).content.decode()
