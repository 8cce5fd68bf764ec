"""Versions, connected workflows and failures of webhooks."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from monitor.models import User, WebhookFailure, ZohoAccount
from monitor.privacy import SecretMask
from monitor.queries.versions import change_text, plain
from tests import factories
from tests.dashboard.test_escaping import NASTY, Reader

MARKED = SecretMask(b"k").hide({"url": "https://a.example/?zapikey=hunter2&x=1"})["url"]


def text_of(response: Any) -> str:
    assert response.status_code == 200
    return str(response.content.decode())


def test_a_flow_shows_its_versions_with_when_who_and_how_much(
    account: ZohoAccount, signed_in: Any, vera: User, now: Any
) -> None:
    flow = factories.make_flow(account)
    factories.make_version(flow)
    factories.make_version(
        flow, number=2, changes=[{}, {}, {}], seen_before=now - timedelta(hours=2), first_seen_at=now
    )
    page = text_of(signed_in(vera).get(f"{flow.get_absolute_url()}?tab=definition"))
    assert reverse("flow_version", args=[flow.pk, 2]) in page
    assert page.index("Version 2") < page.index("Version 1")
    assert "between" in page
    assert "Pat Example" in page


@pytest.mark.parametrize("make", [factories.make_flow, factories.make_rule, factories.make_connected])
def test_a_thing_whose_definition_was_never_read_says_so(make: Any, signed_in: Any, vera: User) -> None:
    assert "has not been read yet" in text_of(signed_in(vera).get(make().get_absolute_url()))


def test_a_version_shows_each_change_with_before_and_after_and_no_secret(signed_in: Any, vera: User) -> None:
    rule = factories.make_rule()
    changes = [
        {
            "path": ["actions", "[12]", "config", "to"],
            "kind": "changed",
            "before": "old",
            "after": "jo.roe@example.com",
        },
        {"path": ["actions", "[12]", "url"], "kind": "secret", "before": MARKED, "after": MARKED},
        {"path": ["modified_by", "name"], "kind": "changed", "before": "Jo Roe", "after": "Jim Doe"},
        {"path": ["status", "active"], "kind": "changed", "before": True, "after": False},
    ]
    factories.make_version(rule)
    factories.make_version(rule, number=2, changes=changes, change_count=9, content={"url": MARKED})
    page = text_of(signed_in(vera).get(reverse("rule_version", args=[rule.pk, 2])))
    assert "actions[12].config.to" in page
    assert "Secret changed" in page
    assert "zapikey=[" in page
    for hidden in ("jo.roe", "Jo Roe", "hunter2", "[secret:"):
        assert hidden not in page
    assert "true" in page
    assert "5 more changes are only counted" in page
    assert reverse("rule_version", args=[rule.pk, 1]) in page


def test_the_first_version_says_that_there_is_none_to_hold_it_against(signed_in: Any, vera: User) -> None:
    connected = factories.make_connected()
    factories.make_version(connected, content={"nodes": [{"id": "8"}]})
    page = text_of(signed_in(vera).get(reverse("connected_version", args=[connected.pk, 1])))
    assert "first version" in page
    assert "&quot;nodes&quot;" in page


@pytest.mark.parametrize("number", ["2", "0", "99999999999999999999999"])
def test_a_version_that_is_not_there_is_a_404(number: str, signed_in: Any, vera: User) -> None:
    flow = factories.make_flow()
    factories.make_version(flow)
    client = signed_in(vera)
    assert client.get(f"/flows/{flow.pk}/versions/{number}/").status_code == 404
    assert client.get(f"/flows/{flow.pk + 1}/versions/1/").status_code == 404


leaves = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.just("hunter2"))
values = st.recursive(leaves, lambda v: st.one_of(st.lists(v, max_size=3), st.dictionaries(st.text(max_size=5), v)))


@given(st.lists(st.text(max_size=6), max_size=3), values, values)
def test_no_change_shows_the_digest_of_a_secret(path: list[str], before: Any, after: Any) -> None:
    mask = SecretMask(b"k")
    change = {"path": path, "kind": "changed", "before": mask.hide({"token": before}), "after": mask.hide(after)}
    shown = change_text(change)
    assert "[secret:" not in json.dumps([shown.path, shown.before, shown.after])
    assert "[secret:" not in json.dumps(plain(change["before"]))


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["Draft one", "Gone", "Onboarding"]),
        ({"text": "onb"}, ["Onboarding"]),
        ({"text": "Deals"}, ["Draft one"]),
        ({"status": "draft"}, ["Draft one"]),
        ({"status": "gone"}, ["Gone"]),
        ({"page": "9"}, ["Draft one", "Gone", "Onboarding"]),
    ],
)
def test_connected_workflows_are_narrowed_by_what_the_address_says(
    query: dict[str, str], names: list[str], account: ZohoAccount, signed_in: Any, vera: User, now: Any
) -> None:
    factories.make_connected(account, name="Onboarding")
    factories.make_connected(account, name="Draft one", status="draft", primary_module="Deals")
    factories.make_connected(account, name="Gone", gone_at=now)
    shown = signed_in(vera).get(reverse("connected_workflows"), query).context["page_obj"]
    assert [row.name for row in shown] == names


def test_a_connected_workflow_without_a_name_is_still_a_link(signed_in: Any, vera: User) -> None:
    row = factories.make_connected(name="")
    assert f">{row.workflow_id}</a>" in text_of(signed_in(vera).get(reverse("connected_workflows")))


@pytest.fixture
def failures(account: ZohoAccount, now: Any) -> list[WebhookFailure]:
    """Three: newest first they are 1, 2 and 3, the last without a time."""
    rule = factories.make_rule(account, name="Big deals")
    return [
        factories.make_webhook_failure(account, failure_id="1", rule=rule, module="Deals", failure_time=now),
        factories.make_webhook_failure(failure_id="2", reason="timeout", failure_time=now - timedelta(days=2)),
        factories.make_webhook_failure(account, failure_id="3", rule_name="Other", failure_time=None),
    ]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ({}, ["1", "2", "3"]),
        ({"text": "timeout"}, ["2"]),
        ({"text": "other"}, ["3"]),
        ({"module": "Deals"}, ["1"]),
        ({"first_day": "2026-11-21"}, ["1"]),
        ({"last_day": "2026-11-21"}, ["2"]),
        ({"first_day": "2026-11-20", "last_day": "2026-11-22"}, ["1", "2"]),
        ({"first_day": "2000-01-01", "last_day": "2100-12-31"}, ["1", "2"]),
        ({"module": "No"}, []),
        ({"rule": "987654321"}, []),
    ],
)
def test_failures_are_narrowed_by_what_the_address_says(
    query: dict[str, str], ids: list[str], failures: Any, signed_in: Any, vera: User
) -> None:
    shown = signed_in(vera).get(reverse("webhook_failures"), query).context["page_obj"]
    assert [row.failure_id for row in shown] == ids


def test_failures_of_one_rule_say_whose_they_are(failures: Any, signed_in: Any, vera: User) -> None:
    rule = failures[0].rule
    response = signed_in(vera).get(reverse("webhook_failures"), {"rule": rule.pk})
    assert [row.failure_id for row in response.context["page_obj"]] == ["1"]
    assert rule.get_absolute_url() in response.content.decode()


def test_the_name_of_a_record_is_never_shown_and_an_address_in_a_reason_is_masked(
    failures: Any, signed_in: Any, vera: User
) -> None:
    WebhookFailure.objects.update(reason="rejected for jo.roe@example.com")
    page = text_of(signed_in(vera).get(reverse("webhook_failures")))
    assert "Jo Example" not in page
    assert "jo.roe" not in page
    assert "7161265000000000001" in page


@pytest.mark.parametrize(("name", "most"), [("webhook_failures", 16), ("connected_workflows", 15)])
def test_lists_cost_a_fixed_number_of_statements(
    name: str, most: int, account: ZohoAccount, signed_in: Any, vera: User, django_assert_max_num_queries: Any
) -> None:
    for _ in range(20):
        factories.make_webhook_failure(account, rule=factories.make_rule(account))
        factories.make_version(factories.make_connected(account))
    client = signed_in(vera)
    with django_assert_max_num_queries(most):
        client.get(reverse(name))


@pytest.mark.parametrize("nasty", NASTY)
def test_what_zoho_sends_comes_out_as_text(nasty: str, account: ZohoAccount, signed_in: Any, vera: User) -> None:
    rule = factories.make_rule(account, name=nasty)
    flow = factories.make_flow(account, flow_name=nasty)
    connected = factories.make_connected(
        account, name=nasty, status=nasty, description=nasty, primary_module=nasty, involved_modules=[nasty]
    )
    texts = {"rule_name": nasty, "webhook_name": nasty, "module": nasty, "reason": nasty, "record_id": nasty[:64]}
    factories.make_webhook_failure(account, rule=rule, **texts)
    factories.make_webhook_failure(account, **texts)
    rule.snapshots.create(
        day=factories.NOON.date(), taken_at=factories.NOON, actions=[{"name": nasty, "type": nasty, "success": 1}]
    )
    change = {"path": [nasty, f"[{nasty}]"], "kind": nasty, "before": nasty, "after": {nasty: [nasty]}}
    addresses = [reverse("webhook_failures"), reverse("connected_workflows")]
    for thing, name in ((rule, "rule_version"), (flow, "flow_version"), (connected, "connected_version")):
        factories.make_version(thing, changes=[change], content={nasty: [nasty]}, modified_by=nasty)
        addresses += [thing.get_absolute_url(), reverse(name, args=[thing.pk, 1])]
    client = signed_in(vera)
    for address in addresses:
        page = text_of(client.get(address, {"text": nasty[:20]}))
        reader = Reader()
        reader.feed(page)
        assert reader.dangers == []
        assert f"14{factories.NOON.year}" not in page
