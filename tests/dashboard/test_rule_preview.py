"""The form of a rule shows what it would have done, and saves nothing of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from dashboard import charts
from dashboard.alerts import rule_preview
from dashboard.turns import Turns
from monitor.models import AlertRule, AlertState, AuditEntry
from monitor.periods import Window
from tests import factories
from tests.alerting.test_preview import HOUR, every, make_history
from tests.bystander import own
from tests.dashboard.soup import Page, words
from tests.dashboard.test_rule_forms import add, form_of


@pytest.fixture
def client(signed_in: Any, ada: Any, nobody_else: Any, healthy: Any) -> Any:
    return signed_in(ada)


@pytest.fixture
def broken_flow(account: Any) -> Any:
    flow = factories.make_flow(account, flow_name="<b>Lead</b> to campaign")
    make_history(flow, every(HOUR, "+++---+", timezone.now() - HOUR))
    return flow


def test_a_preview_says_when_the_rule_would_have_fired_and_draws_it_on_the_success_rate(client, account, broken_flow):
    answer = client.post(reverse("alert_rule_add"), form_of(client, add("in_a_row"), preview="30"))
    assert answer.status_code == 200
    page = Page(answer.content.decode())
    said = words(page.root)
    assert "Preview: the last 30 days" in said
    assert "It would have fired 1 time for 1 of 1 flow: 2 mails, 0.5 a week" in said
    assert "the last 3 runs failed" in said
    assert len(page.marked("chart")) == 1
    assert len(page.marked("chart__firing")) == 1
    assert "The alert fires" in said
    assert "<b>Lead" not in answer.content.decode()
    section = next(element for element in page.root.iter("section") if element.get("id") == "preview")
    assert page.marked("freshness", section)


def test_a_preview_saves_nothing_and_keeps_what_was_filled_in(client, account, broken_flow):
    data = form_of(client, add("in_a_row"), name="Not yet", count="4", severity="page", preview="90")
    page = client.post(reverse("alert_rule_add"), data).content.decode()
    assert "It would not have fired" in page
    assert 'value="Not yet"' in page
    assert not own(AlertRule).exists()
    assert not own(AuditEntry).exists()
    assert not own(AlertState).exists()


def test_a_preview_of_a_change_leaves_the_rule_as_it_is(client, account, broken_flow):
    rule = factories.make_alert_rule(account, kind="in_a_row", options={"count": 9}, flow=broken_flow)
    before = AlertRule.objects.filter(pk=rule.pk).values().get()
    address = reverse("alert_rule_edit", args=[rule.pk])
    answer = client.post(address, form_of(client, address, count="3", preview="30"))
    assert "It would have fired 1 time" in words(Page(answer.content.decode()).root)
    assert AlertRule.objects.filter(pk=rule.pk).values().get() == before


def test_what_is_wrong_is_said_instead_of_a_preview(client, account):
    answer = client.post(reverse("alert_rule_add"), form_of(client, add("in_a_row"), count="0", preview="30"))
    assert answer.status_code == 400
    assert 'id="preview"' not in answer.content.decode()


@pytest.mark.parametrize("asked", ["", "31", "-1", "9" * 5_000, "²", "x\x00"])
def test_days_that_cannot_be_chosen_are_the_usual_ones(asked, client, account):
    answer = client.post(reverse("alert_rule_add"), form_of(client, add("in_a_row"), preview=asked))
    assert answer.context["preview_days"] == 30


def test_problems_that_the_rule_would_have_missed_are_named_and_linked(client, account):
    flow = factories.make_flow(account)
    now = timezone.now()
    make_history(flow, every(HOUR, "+-+", now - HOUR))
    failure = factories.make_failure(
        factories.make_execution(flow, "failed", started_time=now - 2 * HOUR), failed_at=now - 2 * HOUR
    )
    page = Page(client.post(reverse("alert_rule_add"), form_of(client, add("in_a_row"), preview="30")).content.decode())
    said = words(page.root)
    assert (
        "1 known problem had failures of these flows in this time; of 1 no alert of this rule would have told" in said
    )
    assert failure.group.problem.get_absolute_url() in [link.get("href") for link in page.root.iter("a")]


def test_a_long_list_of_firings_is_cut_and_says_so(client, account, monkeypatch):
    monkeypatch.setattr(rule_preview, "FIRINGS_SHOWN", 2)
    make_history(factories.make_flow(account), every(HOUR, "-+-+-+", timezone.now() - HOUR))
    answer = client.post(reverse("alert_rule_add"), form_of(client, add("in_a_row"), count="1", preview="30"))
    assert "It would have fired 3 times" in words(Page(answer.content.decode()).root)
    assert "The newest 2 are listed." in answer.content.decode()


def test_previews_take_turns_and_savings_do_not(client, account, monkeypatch):
    data = form_of(client, add("in_a_row"))
    monkeypatch.setattr(Turns, "take", lambda *_: None)
    assert client.post(reverse("alert_rule_add"), data | {"preview": "30"}).status_code == 429
    assert client.post(reverse("alert_rule_add"), data).status_code == 302


def test_a_preview_costs_few_statements_however_many_flows_there_are(client, account, django_assert_max_num_queries):
    for _ in range(20):
        make_history(factories.make_flow(account), every(HOUR, "---+", timezone.now() - HOUR))
    data = form_of(client, add("in_a_row"), preview="30")
    with django_assert_max_num_queries(36):
        client.post(reverse("alert_rule_add"), data)


def test_the_chart_is_of_the_flows_that_the_rule_is_for_and_of_no_others(client, account, ada):
    now = timezone.now()
    tagged, owned, plain = (factories.make_flow(account) for _ in range(3))
    factories.own_thing(flow=tagged, tags=["orders"])
    factories.own_thing(flow=owned, owner=ada)
    factories.make_alert_rule(account, kind="in_a_row", flow=plain, name="Its own")
    for flow, results in ((tagged, "-"), (owned, "--"), (plain, "---")):
        make_history(flow, every(HOUR, results, now - HOUR))

    def drawn(**scope: Any) -> tuple[float, str]:
        data = form_of(client, add("in_a_row", account=account.pk), **scope, preview="30")
        answer = client.post(reverse("alert_rule_add"), data)
        bars = next(part for part in answer.context["chart"].figure["data"] if part["name"] == "Failed")
        return sum(value or 0 for value in bars["y"]), words(Page(answer.content.decode()).root)

    for scope, failed, said in (
        ({"tag": "orders"}, 1, "The chart is of the 1 flow that"),
        ({"owner": str(ada.pk)}, 2, "The chart is of the 1 flow that"),
        ({}, 3, "The chart is of the 2 flows that"),
        ({"flow": str(plain.pk)}, 3, "The chart is of the 1 flow that"),
    ):
        found, page = drawn(**scope)
        assert found == failed, scope
        assert said in page, scope


def test_firings_that_overlap_are_shaded_once(now):
    at = [charts.Slot(start=now + n * HOUR, end=now + (n + 1) * HOUR) for n in range(6)]
    firings = [
        Window(now, now + timedelta(minutes=90)),
        Window(now + HOUR, now + 2 * HOUR),
        Window(now + 4 * HOUR, now + timedelta(hours=4, minutes=1)),
        Window(now - 9 * HOUR, now - 8 * HOUR),
    ]
    chart = charts.success_rate(at, now.tzinfo, firings=firings)
    shaded = [(shape["name"], shape["x0"], shape["x1"]) for shape in chart.figure["layout"]["shapes"]]
    assert shaded == [("firing", -0.5, 1.5), ("firing", 3.5, 4.5)]
    assert not chart.has_holes
