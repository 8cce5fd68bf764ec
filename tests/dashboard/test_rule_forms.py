"""Alert rules of every kind are made and changed in forms, and nothing is saved by halves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from monitor.alerting.kinds import condition_kinds
from monitor.alerting.kinds.failing_now.condition import FailingNow
from monitor.alerting.kinds.options_form import kind_forms
from monitor.models import AlertRule, AuditEntry, DayBucket, Flow, Role, RuleBudget
from tests import factories
from tests.bystander import own
from tests.dashboard.soup import Page, words

KINDS = sorted(kind_forms())


def sent(page: Page, **fields: Any) -> dict[str, Any]:
    """What a browser sends of the rule's form on a page, but for some fields; None leaves one out."""
    data: dict[str, Any] = {}
    for element in page.root.iter():
        name, kind = element.get("name"), element.get("type")
        if element.tag not in ("input", "textarea", "select") or not name or name == "csrfmiddlewaretoken":
            continue
        if element.tag == "select":
            chosen = [one.get("value") for one in element.iter("option") if one.get("selected") is not None]
            data[name] = chosen[0] if chosen else element.find(".//option").get("value")
        elif kind in ("checkbox", "radio"):
            if element.get("checked") is not None:
                data.setdefault(name, []).append(element.get("value") or "on")
        else:
            data[name] = element.get("value") or (element.text or "").strip()
    return {name: value for name, value in (data | fields).items() if value is not None}


def form_of(client: Any, address: str, **fields: Any) -> dict[str, Any]:
    answer = client.get(address)
    assert answer.status_code == 200
    return sent(Page(answer.content.decode()), **fields)


def add(kind: str, **query: Any) -> str:
    return reverse("alert_rule_add", query={"kind": kind} | query)


@pytest.fixture
def client(signed_in: Any, ada: Any, nobody_else: Any) -> Any:
    return signed_in(ada)


def test_a_person_first_chooses_what_a_rule_is_to_notice(client, account):
    page = Page(client.get(reverse("alert_rule_kinds"), {"account": account.pk, "flow": "7&x=1"}).content.decode())
    cards = [element for element in page.root.iter("li") if "card" in (element.get("class") or "")]
    assert len(cards) == len(KINDS)
    for card in cards:
        assert words(card).count(".") >= 2
    links = [link.get("href") for card in cards for link in card.iter("a")]
    assert f"{reverse('alert_rule_add')}?kind=failing_now&account={account.pk}&flow=7%26x%3D1" in links
    assert reverse("alert_rule_kinds") in client.get(reverse("alert_rules")).content.decode()


@pytest.mark.parametrize("kind", KINDS)
def test_a_form_saved_as_it_is_gives_a_rule_of_its_kind_with_the_usual_options(kind, client, account):
    data = form_of(client, add(kind))
    assert client.post(reverse("alert_rule_add"), data).status_code == 302
    rule = own(AlertRule).get()
    assert (rule.kind, rule.account, rule.flow, rule.severity) == (kind, account, None, "notify")
    offered = {"false_alerts": 1.0} if kind == "failing_now" else {}
    assert condition_kinds()[kind](**rule.options) == condition_kinds()[kind](**offered)
    assert (rule.for_minutes, rule.keep_firing_minutes, rule.repeat_hours) == (0, 0, 4)
    assert (rule.waits_for_reruns, rule.patience_minutes, rule.working_hours, rule.is_active) == (True, 35, {}, True)


@pytest.mark.parametrize("kind", KINDS)
def test_a_rule_that_is_opened_and_saved_is_the_same_rule(kind, client, account):
    client.post(reverse("alert_rule_add"), form_of(client, add(kind)))
    rule = own(AlertRule).get()
    before = AlertRule.objects.filter(pk=rule.pk).values().get()
    address = reverse("alert_rule_edit", args=[rule.pk])
    assert client.post(address, form_of(client, address)).status_code == 302
    assert AlertRule.objects.filter(pk=rule.pk).values().get() == before
    assert own(AuditEntry).get(action="alert_rule.change").detail == {}


def test_all_that_a_rule_says_is_kept_and_shown_again(client, account, otto):
    flow = factories.make_flow(account)
    data = form_of(
        client,
        add("in_a_row", account=account.pk, flow=flow.pk),
        name="Nightly export",
        count="2",
        severity="page",
        for_minutes="5",
        keep_firing_minutes="10",
        repeat_hours="12",
        waits_for_reruns="no",
        patience_minutes="60",
        recipients=[otto.pk],
        working_only="on",
        working_days=["0", "2"],
        working_from="07:30",
        working_to="16:00",
        working_zone="Europe/Berlin",
        working_holidays="2026-12-25\n2026-12-26, 2026-12-25",
        is_active=None,
    )
    assert client.post(reverse("alert_rule_add"), data).status_code == 302
    rule = own(AlertRule).get()
    assert (rule.name, rule.kind, rule.options, rule.flow) == ("Nightly export", "in_a_row", {"count": 2}, flow)
    assert (rule.severity, rule.for_minutes, rule.keep_firing_minutes, rule.repeat_hours) == ("page", 5, 10, 12)
    assert (rule.waits_for_reruns, rule.patience_minutes, rule.is_active) == (False, 60, False)
    assert list(rule.recipients.all()) == [otto]
    assert rule.working_hours == {
        "zone": "Europe/Berlin",
        "days": [0, 2],
        "from": "07:30",
        "to": "16:00",
        "holidays": ["2026-12-25", "2026-12-26"],
    }
    trail = words(Page(client.get(reverse("audit")).content.decode()).root)
    assert "Europe/Berlin" in trail
    assert otto.username in trail
    address = reverse("alert_rule_edit", args=[rule.pk])
    client.post(address, form_of(client, address, count="3"))
    changed = own(AlertRule).get()
    assert changed.options == {"count": 3}
    assert changed.working_hours == rule.working_hours
    assert list(changed.recipients.all()) == [otto]
    assert own(AuditEntry).get(action="alert_rule.change").detail == {"count": {"from": 2, "to": 3}}


OLD = {"name": "Strict", "threshold": "99", "recover_at": "99.5", "window_hours": "24", "min_runs": "5"}


def test_a_client_of_old_that_knows_few_fields_leaves_the_others_as_they_are(client, account, otto):
    data = form_of(client, add("success_rate"), severity="page", working_only="on", last_good="5", recipients=[otto.pk])
    client.post(reverse("alert_rule_add"), data)
    rule = own(AlertRule).get()
    assert client.post(reverse("alert_rule_edit", args=[rule.pk]), OLD | {"is_active": "on"}).status_code == 302
    changed = own(AlertRule).get()
    assert (changed.name, changed.threshold, changed.options["last_good"]) == ("Strict", 99, 5)
    assert (changed.severity, changed.working_hours) == ("page", rule.working_hours)
    assert list(changed.recipients.all()) == [otto]


def test_without_a_kind_the_address_of_old_adds_a_rule_of_the_success_rate(client, account):
    assert 'name="threshold"' in client.get(reverse("alert_rule_add")).content.decode()
    assert client.post(reverse("alert_rule_add"), OLD | {"account": account.pk}).status_code == 302
    rule = own(AlertRule).get()
    assert (rule.kind, rule.options["threshold"], rule.severity) == ("success_rate", 99, "notify")


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"severity": "loud"}, "severity"),
    ({"for_minutes": "-1"}, "for_minutes"),
    ({"for_minutes": "10081"}, "for_minutes"),
    ({"for_minutes": ""}, "for_minutes"),
    ({"keep_firing_minutes": "1.5"}, "keep_firing_minutes"),
    ({"repeat_hours": "169"}, "repeat_hours"),
    ({"patience_minutes": "0"}, "patience_minutes"),
    ({"waits_for_reruns": "perhaps"}, "waits_for_reruns"),
    ({"recipients": ["0"]}, "recipients"),
    ({"recipients": ["x\x00"]}, "recipients"),
    ({"working_only": "on", "working_days": []}, "working_days"),
    ({"working_only": "on", "working_from": "25:00"}, "working_from"),
    ({"working_only": "on", "working_to": ""}, "working_to"),
    ({"working_zone": "Mars/Olympus"}, "working_zone"),
    ({"working_days": ["7"]}, "working_days"),
    ({"working_holidays": "Christmas"}, "working_holidays"),
    ({"working_holidays": "2026-02-30"}, "working_holidays"),
    ({"count": "0"}, "count"),
    ({"count": "10001"}, "count"),
    ({"name": " "}, "name"),
    ({"name": "x" * 201}, "name"),
    ({"account": "0"}, "account"),
    ({"flow": "99999999999999999999"}, "flow"),
]


@pytest.mark.one_database
@pytest.mark.parametrize(("fields", "wrong"), WRONG)
def test_what_cannot_be_is_refused_with_one_line_at_its_field_and_nothing_is_saved(fields, wrong, client, account):
    answer = client.post(reverse("alert_rule_add"), form_of(client, add("in_a_row"), **fields))
    assert answer.status_code == 400
    form = answer.context["form"]
    assert {name: len(errors) for name, errors in form.errors.items()} == {wrong: 1}
    assert form.errors[wrong][0] in words(Page(answer.content.decode()).root)
    assert not own(AlertRule).exists()
    assert not own(AuditEntry).exists()


@pytest.mark.parametrize("schedule", [{"cron": "0 2 * * *"}, {"every": "60"}])
def test_a_schedule_or_an_interval_is_one_flows(schedule, client, account):
    refused = client.post(reverse("alert_rule_add"), form_of(client, add("missed_run"), **schedule))
    assert (refused.status_code, list(refused.context["form"].errors)) == (400, ["flow"])
    assert not own(AlertRule).exists()

    flow = factories.make_flow(account)
    data = form_of(client, add("missed_run"), flow=flow.pk, **schedule)
    assert client.post(reverse("alert_rule_add"), data | {"grace": "0"}).status_code == 400
    assert client.post(reverse("alert_rule_add"), data).status_code == 302
    assert own(AlertRule).get().flow == flow


def test_a_rule_for_each_flow_is_given_no_schedule_later_and_one_that_has_it_can_be_switched_off(client, account):
    rule = factories.make_alert_rule(account, kind="missed_run", options={})
    address = reverse("alert_rule_edit", args=[rule.pk])
    answer = client.post(address, form_of(client, address, cron="0 2 * * *"))
    assert (answer.status_code, list(answer.context["form"].errors)) == (400, ["cron"])
    AlertRule.objects.filter(pk=rule.pk).update(options={"cron": "0 2 * * *"})
    assert client.post(address, form_of(client, address, is_active=None)).status_code == 302
    assert not AlertRule.objects.get(pk=rule.pk).is_active


def test_a_refused_change_leaves_rule_and_trail_as_they_were(client, account):
    rule = factories.make_alert_rule(account, kind="in_a_row", options={"count": 4})
    address = reverse("alert_rule_edit", args=[rule.pk])
    before = AlertRule.objects.filter(pk=rule.pk).values().get()
    assert client.post(address, form_of(client, address, count="0", severity="page")).status_code == 400
    assert AlertRule.objects.filter(pk=rule.pk).values().get() == before
    assert not own(AuditEntry).exists()


@pytest.mark.parametrize("kind", ["", "no_such", "../success_rate", "success_rate\x00", "interface"])
def test_a_kind_that_there_is_not_is_no_page(kind, client, account):
    answer = client.get(add(kind))
    assert answer.status_code == (404 if kind else 200)
    assert client.post(reverse("alert_rule_add"), OLD | {"kind": kind or "x"}).status_code == 404
    assert not own(AlertRule).exists()


@pytest.mark.parametrize("value", ["", "x", "-1", "9" * 40, "1 OR 1=1", "²"])
def test_an_address_that_fills_in_nonsense_still_gives_the_form(value, client, account):
    assert client.get(add("in_a_row", account=value, flow=value, count=value)).status_code == 200


def test_a_rule_with_options_that_nobody_can_have_set_is_shown_and_can_be_set_right(client, account):
    rule = factories.make_alert_rule(account, kind="in_a_row", options={"count": "many", "colour": "red"})
    address = reverse("alert_rule_edit", args=[rule.pk])
    assert client.get(address).status_code == 200


def test_the_form_says_which_wider_rule_it_replaces_and_which_narrower_ones_replace_it(client, account):
    flow = factories.make_flow(account, flow_name="Lead to campaign")
    wide = factories.make_alert_rule(account, kind="in_a_row", name="Every flow")
    narrow = factories.make_alert_rule(account, kind="in_a_row", name="This flow", flow=flow)
    factories.make_alert_rule(account, kind="in_a_row", name="Switched off", flow=flow, is_active=False)
    factories.make_alert_rule(account, name="Another kind")
    factories.make_alert_rule(factories.make_account(), kind="in_a_row", name="Another account")
    said = words(Page(client.get(reverse("alert_rule_edit", args=[narrow.pk])).content.decode()).root)
    assert "For Lead to campaign it replaces what is set for each flow of the account: Every flow" in said
    said = words(Page(client.get(reverse("alert_rule_edit", args=[wide.pk])).content.decode()).root)
    assert "It is replaced for 1 by its own rule: This flow Lead to campaign" in said
    for other in ("Switched off", "Another kind", "Another account"):
        assert other not in said
    said = words(Page(client.get(add("in_a_row", account=account.pk)).content.decode()).root)
    assert "Beside it, for the same flows and with alerts of its own: Every flow" in said


@pytest.mark.parametrize(
    ("kind", "same", "other"),
    [
        ("crm", {"finds": "webhooks", "least": 5}, {"finds": "actions"}),
        ("crm", {"finds": "actions"}, {"finds": "silent", "silent_days": 7}),
        ("quota", {"of": "calls"}, {"of": "executions"}),
        ("error_appears", {"when": "new", "text": "Timeout"}, {"when": "new", "text": "Quota"}),
    ],
)
def test_only_rules_that_look_for_the_same_stand_beside_one_or_replace_it(client, account, kind, same, other):
    factories.make_alert_rule(account, kind=kind, name="Like it", options=same)
    factories.make_alert_rule(account, kind=kind, name="Unlike it", options=other)
    factories.make_alert_rule(account, kind=kind, name="Narrow and like", options=same, subject_key="7")
    factories.make_alert_rule(account, kind=kind, name="Narrow and unlike", options=other, subject_key="7")
    rule = factories.make_alert_rule(account, kind=kind, name="It", options=same)
    answers = [
        client.get(reverse("alert_rule_edit", args=[rule.pk])),
        client.get(add(kind, account=account.pk, **same)),
        client.post(add(kind), {"kind": kind, "account": account.pk, **same}),
    ]
    for answer in answers:
        said = words(Page(answer.content.decode()).root)
        assert "Beside it, for the same subjects and with alerts of its own:" in said
        assert "Like it" in said.split("Beside it")[1]
        assert "Narrow and like" in said
        assert "nlike" not in said


def test_failing_now_says_beforehand_how_soon_it_finds_an_outage_at_the_flows_own_pace(client, account):
    flow, now = factories.make_flow(account), timezone.now()
    for days in range(1, 11):
        day = (now - timedelta(days=days)).date()
        DayBucket.objects.create(flow=flow, day=day, succeeded=97, failed=3, first_succeeded=97)
    page = words(Page(client.get(add("failing_now", account=account.pk)).content.decode()).root)
    assert "Where 3.0 % of the runs usually fail, a total outage is found after" in page
    assert "at most one false alert in 5 months" in page
    assert "For that it lets 15,000 runs lie between two of them." in page, "as the form has a budget filled in"
    other = factories.make_flow(account)
    assert "at most one false alert" not in client.get(add("failing_now", flow=other.pk)).content.decode()


def test_a_budget_is_foretold_by_the_flows_that_the_rule_is_evaluated_for_and_no_others(client, account):
    Flow.objects.filter(account=account).update(status="inactive")
    mine, off, own_rule = (factories.make_flow(account, status=status) for status in ("active", "paused", "active"))
    gone = factories.make_flow(account, gone_at=timezone.now())
    for flow in (mine, off, own_rule, gone):
        factories.own_thing(flow=flow, tags=["orders"])
        for days in range(1, 29):
            day = (timezone.now() - timedelta(days=days)).date()
            DayBucket.objects.create(flow=flow, day=day, succeeded=10_000, first_succeeded=10_000)
    factories.make_alert_rule(account, kind="failing_now", flow=own_rule, name="Its own")
    expected = f"For that it lets {FailingNow(false_alerts=1.0).at_pace(300_000).run_length:,} runs lie between"
    for query in ({}, {"tag": "orders"}):
        address = add("failing_now", account=account.pk, **query)
        assert expected in words(Page(client.get(address).content.decode()).root), "before anything is sent"
        data = form_of(client, address) | {"false_alerts": "1", "preview": "30"}
        tried = client.post(reverse("alert_rule_add"), data)
        assert expected in words(Page(tried.content.decode()).root), "of one flow, though four ran"
    narrow = reverse("alert_rule_edit", args=[AlertRule.objects.get(name="Its own").pk])
    assert "at most one false alert in 2 days" in words(Page(client.get(narrow).content.decode()).root)


def test_of_a_saved_rule_the_pace_is_foretold_that_it_is_evaluated_by_today(client, account):
    flow = factories.make_flow(account)
    DayBucket.objects.create(flow=flow, day=(timezone.now() - timedelta(days=1)).date(), succeeded=10)
    rule = factories.make_alert_rule(account, kind="failing_now", options={"false_alerts": 2.0})
    budget = RuleBudget.objects.create(rule=rule, counted_on=timezone.now().date(), flows=3, runs_a_month=600_000)
    address = reverse("alert_rule_edit", args=[rule.pk])
    live = f"For that it lets {FailingNow(false_alerts=2.0).at_pace(600_000).run_length:,} runs lie between"
    assert live in words(Page(client.get(address).content.decode()).root)
    sent = client.post(address, form_of(client, address) | {"preview": "30"})
    assert live in words(Page(sent.content.decode()).root)
    RuleBudget.objects.filter(pk=budget.pk).update(counted_on=timezone.now().date() - timedelta(days=1))
    shown = words(Page(client.get(address).content.decode()).root)
    assert "For that it lets 15,000 runs lie between" in shown, "the next evaluation counts anew"


def test_a_form_costs_a_fixed_number_of_statements(client, account, django_assert_max_num_queries):
    """However many flows, rules and people there are."""
    for number in range(30):
        flow = factories.make_flow(account)
        factories.make_alert_rule(account, kind="in_a_row", flow=flow, name=f"Rule {number}")
        factories.make_user(f"person {number}", Role.OPERATOR)
    with django_assert_max_num_queries(18):  # tags and owners that it can be for are two of them
        page = client.get(add("in_a_row")).content.decode()
    assert page.count("<option") > 30
    assert "and 10 more" in page


def test_only_those_who_get_alert_mails_can_be_chosen(client, account, otto, vera):
    page = Page(client.get(add("in_a_row")).content.decode())
    chosen = [one.get("value") for one in page.root.iter("input") if one.get("name") == "recipients"]
    assert str(otto.pk) in chosen
    assert str(vera.pk) not in chosen


def test_a_name_that_holds_markup_is_shown_and_not_run(client, account):
    Flow.objects.filter(account=account).update(flow_name="<script>alert(1)</script>")
    factories.make_alert_rule(account, kind="in_a_row", name="<script>alert(2)</script>")
    page = client.get(add("in_a_row", account=account.pk)).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(2)" in page


def test_a_budget_of_false_alerts_is_kept_with_the_rule_and_shown_in_the_list(client, account):
    data = form_of(client, add("failing_now")) | {"false_alerts": "2"}
    assert client.post(reverse("alert_rule_add"), data).status_code == 302
    rule = own(AlertRule).get()
    assert (rule.options["false_alerts"], rule.options["run_length"]) == (2.0, 15_000)
    shown = "at most 2 false alerts a month: 15,000 runs between two"
    assert f"{shown}, until the pace of its flows is counted" in client.get(reverse("alert_rules")).content.decode()
    RuleBudget.objects.create(rule=rule, counted_on=timezone.now().date(), flows=3, runs_a_month=60_000)
    page = client.get(reverse("alert_rules")).content.decode()
    length = FailingNow(false_alerts=2.0).at_pace(60_000).run_length
    assert length >= 30_000
    assert f"at most 2 false alerts a month: {length:,} runs between two<" in page
    address = reverse("alert_rule_edit", args=[rule.pk])
    again = form_of(client, address)
    assert again["false_alerts"] == "2.0"
    assert client.post(address, again | {"false_alerts": ""}).status_code == 302
    assert "false_alerts" not in own(AlertRule).get().options
    assert form_of(client, address).get("false_alerts", "") == ""
