"""The coverage page: of whom nobody would hear, and what to do about it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from monitor.models import AlertRule, Channel, ChannelStanding, DayBucket, Flow, Route, User
from tests import factories
from tests.dashboard.soup import Page, words


@pytest.fixture
def watched(account: Any, nobody_else: Any, healthy: Any, otto: User) -> Any:
    return account


def make_pace(flow: Flow, a_day: int = 24) -> Flow:
    today = timezone.now().date()
    DayBucket.objects.bulk_create(
        DayBucket(flow=flow, day=today - timedelta(days=ago), succeeded=a_day, first_succeeded=a_day)
        for ago in range(1, 29)
    )
    return flow


def rows_of(client: Any, **query: Any) -> list[dict[str, str]]:
    page = Page(client.get(reverse("alert_coverage"), query).content.decode())
    found = []
    for row in page.root.iter("tr"):
        cells = {cell.get("data-label", "do"): words(cell) for cell in row.iter("td")}
        if cells:
            links = [link.get("href") for cell in row.iter("td") for link in cell.iter("a")]
            found.append(cells | {"flow": words(row.find("th/a")), "link": links[-1] if links else ""})
    return found


def test_a_flow_that_no_rule_is_for_comes_first_and_the_form_that_helps_is_filled_in(signed_in, ada, watched):
    covered, bare = (make_pace(factories.make_flow(watched, flow_name=name)) for name in ("Covered", "Bare"))
    factories.make_alert_rule(watched, kind="in_a_row", options={"count": 3}, flow=covered, name="Three")
    first, second = rows_of(signed_in(ada))
    assert first["flow"] == "Bare"
    assert [first[name] for name in ("Every run fails", "Half of them fail", "No run comes")] == ["nobody hears"] * 3
    assert first["do"] == "Add a rule for failures"
    assert first["link"] == reverse("alert_rule_add", query={"kind": "failing_now", "account": watched.pk})
    form = signed_in(ada).get(first["link"]).context["form"]
    assert (form.kind, form.account) == ("failing_now", watched)
    assert second["Every run fails"] == "3 h Three: 2 people"
    assert second["do"] == "Add a rule for silence"
    assert bare.pk


def test_a_disabled_rule_that_would_help_is_led_to(signed_in, ada, watched):
    flow = make_pace(factories.make_flow(watched))
    rule = factories.make_alert_rule(watched, kind="failing_now", is_active=False)
    (row,) = rows_of(signed_in(ada))
    assert (row["do"], row["link"]) == ("Enable the rule for failures", reverse("alert_rule_edit", args=[rule.pk]))
    AlertRule.objects.filter(pk=rule.pk).update(is_active=True)
    (row,) = rows_of(signed_in(ada))
    assert row["Every run fails"].startswith("3 h Success rate")
    AlertRule.objects.filter(pk=rule.pk).update(flow=make_pace(factories.make_flow(watched)))
    row = next(one for one in rows_of(signed_in(ada)) if one["flow"] == flow.flow_name)
    wanted = {"kind": "failing_now", "account": watched.pk, "flow": flow.pk}
    assert row["link"] == reverse("alert_rule_add", query=wanted)


def test_a_flow_without_runs_is_led_to_the_rule_for_silence(signed_in, ada, watched):
    factories.make_flow(watched)
    (row,) = rows_of(signed_in(ada))
    assert row["do"] == "Add a rule for silence"


def test_who_may_not_set_rules_sees_what_is_missing_and_no_button(signed_in, vera, watched):
    make_pace(factories.make_flow(watched))
    (row,) = rows_of(signed_in(vera))
    assert row["Every run fails"] == "nobody hears"
    assert "do" not in row


def test_where_nobody_gets_mails_no_rule_helps_and_the_page_says_so(signed_in, ada, watched):
    make_pace(factories.make_flow(watched))
    factories.make_alert_rule(watched, kind="in_a_row")
    User.objects.exclude(username="bystander").update(wants_mail=False)
    page = words(Page(signed_in(ada).get(reverse("alert_coverage")).content.decode()).root)
    assert "Nobody gets mails of alerts" in page
    (row,) = rows_of(signed_in(ada))
    assert row["Every run fails"] == "nobody hears"


def test_without_routes_a_channel_hears_by_its_own_setting_also_where_nobody_gets_mails(signed_in, ada, watched):
    make_pace(factories.make_flow(watched))
    rule = factories.make_alert_rule(watched, kind="in_a_row", name="Three", options={"count": 3}, severity="notify")
    User.objects.exclude(username="bystander").update(wants_mail=False)
    factories.make_channel(account=factories.make_account())
    everywhere = factories.make_channel(is_active=False)
    pager = factories.make_channel(account=watched, severity="page")

    def said() -> tuple[str, bool]:
        page = words(Page(signed_in(ada).get(reverse("alert_coverage"), {"account": watched.pk}).content.decode()).root)
        return rows_of(signed_in(ada), account=watched.pk)[0]["Every run fails"], "Nobody gets mails" in page

    assert said() == ("nobody hears", False), "the channel is for pages"
    AlertRule.objects.filter(pk=rule.pk).update(severity="page")
    assert said() == ("3 h Three: 0 people, 1 channel", False)
    Channel.objects.filter(pk=everywhere.pk).update(is_active=True)
    assert said() == ("3 h Three: 0 people, 2 channels", False)
    ChannelStanding.objects.filter(channel=everywhere).update(state="refuses", code="410")
    assert said() == ("3 h Three: 0 people, 1 channel", False), "what was at its address is gone"
    ChannelStanding.objects.filter(channel=everywhere).update(state="accepts", code="")
    route = Route.objects.create(name="To the pager", position=1)
    route.channels.set([pager])
    assert said() == ("3 h Three: 0 people, 1 channel", False), "a route says which"
    route.delete()
    AlertRule.objects.filter(pk=rule.pk).update(severity="digest")
    assert said() == ("nobody hears", False)
    Channel.objects.filter(pk__in=[everywhere.pk, pager.pk]).update(is_active=False)
    assert said() == ("nobody hears", True)


def test_a_rule_for_the_digest_tells_nobody_at_once_and_one_for_people_without_mails_everybody_as_its_mail_goes(
    signed_in, ada, vera, watched
):
    make_pace(factories.make_flow(watched))
    rule = factories.make_alert_rule(watched, kind="in_a_row", severity="digest")
    assert rows_of(signed_in(ada))[0]["Every run fails"] == "nobody hears"
    AlertRule.objects.filter(pk=rule.pk).update(severity="page")
    assert rows_of(signed_in(ada))[0]["Every run fails"].endswith("2 people")
    rule.recipients.set([vera])
    assert rows_of(signed_in(ada))[0]["Every run fails"].endswith("2 people"), "vera may get none"
    rule.recipients.add(ada)
    assert rows_of(signed_in(ada))[0]["Every run fails"].endswith("1 person")


def test_flows_that_are_off_or_gone_and_accounts_that_are_paused_are_not_listed(signed_in, ada, watched):
    factories.make_flow(watched, status="inactive")
    factories.make_flow(watched, gone_at=timezone.now())
    other = factories.make_account()
    factories.make_flow(other)
    other.is_active = False
    other.save(update_fields=["is_active"])
    assert rows_of(signed_in(ada)) == []


def test_the_page_is_narrowed_to_an_account(signed_in, ada, watched):
    factories.make_flow(watched, flow_name="Here")
    factories.make_flow(factories.make_account(), flow_name="There")
    assert [row["flow"] for row in rows_of(signed_in(ada), account=watched.pk)] == ["Here"]


def test_a_thousand_flows_cost_few_statements_and_are_paged(signed_in, ada, watched, django_assert_max_num_queries):
    now = timezone.now()
    flows = Flow.objects.bulk_create(
        Flow(
            account=watched, flow_id=f"{n:018}", flow_name=f"Flow {n}", status="active", first_seen_at=now, seen_at=now
        )
        for n in range(1_000)
    )
    day = now.date() - timedelta(days=1)
    DayBucket.objects.bulk_create(
        DayBucket(flow=flow, day=day, succeeded=100, failed=n % 40) for n, flow in enumerate(flows)
    )
    for kind in ("success_rate", "failing_now", "missed_run"):
        factories.make_alert_rule(watched, kind=kind)
    client = signed_in(ada)
    with django_assert_max_num_queries(22):
        page = client.get(reverse("alert_coverage"), {"page": 3})
    assert len(page.context["rows"]) == 50
    assert "101–150 of 1,000 flows" in words(Page(page.content.decode()).root)


def test_alerts_and_rules_lead_to_the_page(signed_in, vera, watched):
    for name in ("alerts", "alert_rules"):
        assert reverse("alert_coverage") in signed_in(vera).get(reverse(name)).content.decode()


def test_the_list_of_rules_says_what_each_kind_notices(signed_in, vera, watched):
    factories.make_alert_rule(watched, kind="in_a_row", options={"count": 4}, severity="page")
    factories.make_alert_rule(watched, kind="in_a_row", options={"count": "x"}, name="Broken")
    factories.make_alert_rule(watched, kind="gone_kind", name="Old")
    said = words(Page(signed_in(vera).get(reverse("alert_rules")).content.decode()).root)
    assert "4 failures in a row" in said
    assert "its options cannot be: count must be a whole number" in said
    assert "there is no kind “gone_kind”" in said


def test_a_rule_with_working_hours_says_when_it_is_heard_of_at_worst_and_no_other_says_anything(
    signed_in, ada, watched
):
    office = {"zone": "Europe/Berlin", "days": [0, 1, 2, 3, 4], "from": "08:00", "to": "18:00"}
    for name, fields in (
        ("Office", {"working_hours": office}),
        ("Paged", {"working_hours": office, "severity": "page"}),
        ("Always", {}),
    ):
        flow = make_pace(factories.make_flow(watched, flow_name=name))
        factories.make_alert_rule(watched, kind="in_a_row", options={"count": 3}, flow=flow, name=name, **fields)
    said = {row["flow"]: row["Every run fails"] for row in rows_of(signed_in(ada))}
    assert said == {
        "Office": "3 h Office: 2 people (out of working hours: within 2 d 17 h)",
        "Paged": "3 h Paged: 2 people",
        "Always": "3 h Always: 2 people",
    }
