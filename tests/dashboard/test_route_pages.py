"""Routes and escalations on their pages: admins set them, everybody sees who would hear."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse

from monitor.alerting import actions
from monitor.models import (
    AlertState,
    AuditEntry,
    Channel,
    Connection,
    DayBucket,
    EscalationPolicy,
    EscalationStep,
    Problem,
    Route,
    Tag,
    User,
)
from monitor.ownership import set_ownership
from monitor.queries.incidents import incidents
from tests import factories
from tests.dashboard.soup import Page, words
from tests.dashboard.statements import MOST, asked
from tests.notify.conftest import make_transition
from tests.notify.test_routes import make_route

pytestmark = pytest.mark.usefixtures("at_noon")
PAGE = "/alert-routes/"


def text_of(answer: Any) -> str:
    return words(Page(answer.content.decode()).root)


@pytest.fixture
def flow(healthy: Any, otto: User, now: Any) -> Any:
    made = factories.make_flow(healthy, flow_name="Lead to campaign")
    set_ownership(made, None, ["orders"], otto, now)
    return made


@pytest.fixture
def policy(otto: User) -> EscalationPolicy:
    return EscalationPolicy.objects.create(name="On call")


def test_an_admin_adds_a_route_and_changes_it_and_the_trail_says_what(
    flow: Any, signed_in: Any, ada: User, otto: User, policy: EscalationPolicy
) -> None:
    client, ops = signed_in(ada), factories.make_channel("Ops")
    sent = {"name": "Orders", "tag": "#ORDERS", "people": [otto.pk], "channels": [ops.pk], "policy": policy.pk}
    sent |= {"is_active": "on", "severity": "page"}
    assert client.post(reverse("alert_route_add"), sent)["Location"] == PAGE
    route = Route.objects.get()
    assert (route.tag, route.severity, route.position, route.policy) == (Tag.objects.get(), "page", 1, policy)
    assert (list(route.people.all()), list(route.channels.all())) == ([otto], [ops])
    page = text_of(client.get(PAGE))
    assert "Orders each account, page orders otto Ops" in page
    edit = reverse("alert_route_edit", args=[route.pk])
    assert 'value="orders" selected' in client.get(edit).content.decode()
    assert client.post(edit, sent | {"to_owner": "on", "severity": "", "goes_on": "on"}).status_code == 302
    newest, first = AuditEntry.objects.filter(object_type="route")
    assert first.detail["people"] == {"from": None, "to": ["otto"]}
    assert newest.detail == {
        "severity": {"from": "page", "to": ""},
        "to_owner": {"from": False, "to": True},
        "goes_on": {"from": False, "to": True},
    }


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"people": []}, "Choose people, the owner or a channel."),
        ({"name": ""}, "This field is required."),
        ({"tag": "unknown"}, "Select a valid choice"),
        ({"people": ["999"]}, "not one of the available choices"),
        ({"channels": ["x"]}, "not a valid value"),
        ({"account": "999"}, "not one of the available choices"),
    ],
)
def test_what_cannot_be_is_said_beside_its_field_and_nothing_is_saved(
    flow: Any, signed_in: Any, ada: User, otto: User, fields: dict[str, Any], said: str
) -> None:
    answer = signed_in(ada).post(reverse("alert_route_add"), {"name": "Orders", "people": [otto.pk]} | fields)
    assert answer.status_code == 400
    assert said in text_of(answer)
    assert not Route.objects.exists()


def test_a_viewer_cannot_be_chosen_and_a_channel_of_another_account_is_refused(
    flow: Any, signed_in: Any, ada: User, vera: User
) -> None:
    client, theirs = signed_in(ada), factories.make_channel("Theirs", account=factories.make_account())
    assert client.post(reverse("alert_route_add"), {"name": "x", "people": [vera.pk]}).status_code == 400
    answer = client.post(reverse("alert_route_add"), {"name": "x", "account": flow.account_id, "channels": [theirs.pk]})
    assert answer.status_code == 400
    assert "“Theirs” belongs to another account." in text_of(answer)


def test_routes_are_moved_by_one_place_and_a_double_click_moves_once(signed_in: Any, ada: User, flow: Any) -> None:
    client = signed_in(ada)
    routes = [make_route(position, people=[ada], name=name) for position, name in enumerate("abc", start=1)]

    def order() -> str:
        return "".join(Route.objects.order_by("position", "pk").values_list("name", flat=True))

    move = reverse("alert_route_move", args=[routes[2].pk])
    for _ in range(2):
        assert client.post(move, {"to": "up", "seen": "3"}).status_code == 302
    assert order() == "acb"
    for bad in ({"to": "up", "seen": "1"}, {"to": "sideways", "seen": "2"}, {"to": "up", "seen": "x"}, {}):
        client.post(move, bad)
    assert order() == "acb"
    client.post(reverse("alert_route_move", args=[routes[0].pk]), {"to": "up", "seen": "1"})
    client.post(reverse("alert_route_move", args=[routes[1].pk]), {"to": "down", "seen": "3"})
    assert order() == "acb", "there is no place beyond"
    client.post(reverse("alert_route_move", args=[routes[0].pk]), {"to": "down", "seen": "1"})
    assert order() == "cab"
    assert AuditEntry.objects.filter(action="alert_route.move").count() == 2


def test_a_route_is_deleted_and_the_others_stay(signed_in: Any, ada: User, flow: Any) -> None:
    first, second = make_route(1, people=[ada]), make_route(2, people=[ada])
    client = signed_in(ada)
    assert client.post(reverse("alert_route_delete", args=[first.pk]))["Location"] == PAGE
    assert client.post(reverse("alert_route_delete", args=[first.pk])).status_code == 404
    assert list(Route.objects.all()) == [second]
    assert AuditEntry.objects.get(action="alert_route.delete").detail["people"] == ["ada"]


def test_the_page_says_who_would_hear_of_a_flow(
    flow: Any, signed_in: Any, ada: User, otto: User, vera: User, policy: EscalationPolicy, now: Any
) -> None:
    client = signed_in(vera)

    def said(**query: Any) -> str:
        answer = client.get(PAGE, {"flow": flow.pk, "severity": "notify"} | query)
        assert answer.status_code == 200
        return words(next(one for one in Page(answer.content.decode()).root.iter("p") if one.get("id") == "heard"))

    assert "Everybody who gets alert mails: ada, otto; each channel by its own setting. No route fits." in said()
    tag = Tag.objects.get(name="orders")
    make_route(1, tag=tag, name="Orders", people=[otto], channels=[factories.make_channel("Ops")], policy=policy)
    assert "otto; channels: Ops. By the route Orders. Escalated by On call." in said()
    Route.objects.update(severity="page")
    assert "No route fits." in said()
    assert "By the route Orders." in said(severity="page")
    Route.objects.update(severity="", to_owner=True)
    Route.objects.get().people.clear()
    Channel.objects.update(is_active=False)
    assert "Everybody who gets alert mails: ada, otto" in said(), "nobody whom it names can be reached"
    set_ownership(flow, ada, ["orders"], otto, now)
    assert said().startswith("ada.")
    assert len(asked(client, f"{PAGE}?flow={flow.pk}&severity=notify")) <= MOST
    for bad in ({"flow": "999"}, {"flow": "x"}, {"severity": "loud"}):
        assert client.get(PAGE, {"flow": flow.pk, "severity": "notify"} | bad).status_code == 400


def test_the_page_says_who_would_hear_of_a_workflow_rule_a_connection_and_an_account(
    flow: Any, signed_in: Any, ada: User, otto: User, vera: User, now: Any
) -> None:
    client = signed_in(vera)
    rule = factories.make_rule(flow.account, name="Deals")
    set_ownership(rule, ada, ["orders"], otto, now)
    connection = Connection.objects.create(
        account=flow.account,
        connection_id="c1",
        connection_name="Books",
        status="active",
        status_since=now,
        first_seen_at=now,
        seen_at=now,
    )
    make_route(1, tag=Tag.objects.get(name="orders"), name="Orders", to_owner=True)
    make_route(2, account=flow.account, name="The rest", people=[otto])
    make_route(3, name="Others", people=[ada])

    def answer(**query: Any) -> Any:
        return client.get(PAGE, {"severity": "page"} | query)

    def said(**query: Any) -> str:
        page = Page(answer(**query).content.decode())
        return words(next(one for one in page.root.iter("p") if one.get("id") == "heard"))

    assert said(rule=rule.pk).startswith("ada. By the route Orders.")
    assert said(connection=connection.pk).startswith("otto. By the route The rest.")
    assert said(account=flow.account_id).startswith("otto. By the route The rest.")
    assert said(account=factories.make_account("Elsewhere").pk).startswith("ada. By the route Others.")
    assert said(flow="", rule=rule.pk, connection="", account="").startswith("ada.")
    for bad in ({"flow": flow.pk, "rule": rule.pk}, {"flow": ""}, {"account": "x"}, {"connection": "0"}):
        assert answer(**bad).status_code == 400, bad


def test_the_page_says_who_would_hear_of_a_problem(
    flow: Any, signed_in: Any, ada: User, otto: User, vera: User, now: Any
) -> None:
    """By its owner and the tags of the flows that failed by it, as mails are written; its page leads there."""
    client = signed_in(vera)
    failure = factories.make_failure(factories.make_execution(flow, "failed", started_time=now))
    problem = failure.group.problem
    Problem.objects.filter(pk=problem.pk).update(owner=ada)
    set_ownership(flow, otto, ["orders"], otto, now)
    make_route(1, tag=Tag.objects.get(name="orders"), name="Orders", to_owner=True)
    make_route(2, name="Others", people=[otto])

    def answer(**query: Any) -> Any:
        return client.get(PAGE, {"severity": "notify"} | query)

    def said(**query: Any) -> str:
        page = Page(answer(**query).content.decode())
        return words(next(one for one in page.root.iter("p") if one.get("id") == "heard"))

    assert said(problem=problem.pk).startswith("ada. By the route Orders.")
    merged = Problem.objects.get(pk=problem.pk)
    merged.pk, merged.merged_into, merged.owner = None, problem, otto
    merged.save(force_insert=True)
    assert said(problem=merged.pk).startswith("ada. By the route Orders.")
    lone = factories.make_failure(factories.make_execution(factories.make_flow(), "failed", started_time=now))
    assert said(problem=lone.group.problem_id).startswith("otto. By the route Others.")
    for bad in ({"problem": 0}, {"problem": "x"}, {"problem": 10**30}, {"problem": problem.pk, "flow": flow.pk}):
        assert answer(**bad).status_code == 400, bad
    page = client.get(problem.get_absolute_url()).content.decode()
    assert f"?problem={problem.pk}&amp;severity=notify#heard" in page


def steps(*rows: tuple[Any, list[int]], **more: Any) -> dict[str, Any]:
    data: dict[str, Any] = {"name": "On call"}
    for number, (minutes, people) in enumerate(rows, start=1):
        data |= {f"step{number}-after_minutes": minutes, f"step{number}-people": people}
    return data | more


def test_a_policy_is_made_of_steps_in_the_order_of_their_times(
    flow: Any, signed_in: Any, ada: User, otto: User
) -> None:
    client = signed_in(ada)
    sent = steps(("30", [ada.pk]), ("5", [otto.pk]), ("", []))
    assert client.post(reverse("escalation_policy_add"), sent)["Location"] == PAGE
    policy = EscalationPolicy.objects.get()
    made = [(one.position, one.after_minutes, list(one.people.all())) for one in policy.steps.all()]
    assert made == [(1, 5, [otto]), (2, 30, [ada])]
    assert "On call after 5 min: otto after 30 min: ada" in text_of(client.get(PAGE))
    edit = reverse("escalation_policy_edit", args=[policy.pk])
    assert 'value="30"' in client.get(edit).content.decode()
    assert client.post(edit, steps(("", []), ("10", [ada.pk]))).status_code == 302
    assert [(one.position, one.after_minutes) for one in policy.steps.all()] == [(1, 10)]
    assert AuditEntry.objects.filter(action="escalation_policy.change").get().detail["steps"]["to"][0]["people"] == [
        "ada"
    ]


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (steps(("", [])), "A policy has at least one step."),
        ({"name": "On call"}, "A policy has at least one step."),
        (steps(("5", [])), "Choose people, the owner or a channel."),
        (steps(("0", [1])), "greater than or equal to 1"),
        (steps(("99999", [1])), "less than or equal to 10080"),
        (steps(("x", [1])), "Enter a whole number."),
        (steps(("5", []), name="", **{"step1-to_owner": "on"}), "This field is required."),
        (steps(("", []), **{"step1-to_owner": "on"}), "Say after how many minutes."),
    ],
)
def test_a_policy_that_cannot_be_is_not_saved_by_halves(
    flow: Any, signed_in: Any, ada: User, sent: dict[str, Any], said: str
) -> None:
    answer = signed_in(ada).post(reverse("escalation_policy_add"), sent)
    assert answer.status_code == 400
    assert said in text_of(answer)
    assert not EscalationPolicy.objects.exists()


def test_two_policies_of_one_name_are_not_made_by_a_double_click(
    flow: Any, signed_in: Any, ada: User, otto: User
) -> None:
    client, sent = signed_in(ada), steps(("5", [otto.pk]))
    answers = [client.post(reverse("escalation_policy_add"), sent).status_code for _ in range(2)]
    assert answers == [302, 400]
    assert EscalationPolicy.objects.count() == 1


def test_a_policy_that_a_route_has_is_not_deleted(
    flow: Any, signed_in: Any, ada: User, policy: EscalationPolicy
) -> None:
    client, route = signed_in(ada), make_route(people=[ada], policy=policy)
    delete = reverse("escalation_policy_delete", args=[policy.pk])
    assert "It is not deleted: the route “Route 1” has it." in text_of(client.post(delete, follow=True))
    route.delete()
    assert client.post(delete)["Location"] == PAGE
    assert not EscalationPolicy.objects.exists()


def test_an_incidents_page_shows_what_runs_and_what_comes_next(
    flow: Any, signed_in: Any, ada: User, otto: User, vera: User, policy: EscalationPolicy, now: Any
) -> None:
    step = EscalationStep.objects.create(policy=policy, position=1, after_minutes=5)
    step.people.add(otto)
    make_route(people=[ada], policy=policy)
    alert = AlertState.objects.create(
        rule=factories.make_alert_rule(flow.account), flow=flow, state="firing", is_open=True, episode=1,
        since=now, evaluated_at=now,
    )  # fmt: skip
    make_transition(alert, now=now)
    row = incidents().get()
    page = text_of(signed_in(vera).get(row.get_absolute_url()))
    assert "On call , since" in page.replace("On call, since", "On call , since")
    assert "running After 5 min: otto. Next: due" in page
    assert "escalation begins" in page
    actions.acknowledge(row, otto, "", now)
    page = text_of(signed_in(vera).get(row.get_absolute_url()))
    assert "acknowledged, " in page
    assert "After 5 min: otto. Not taken." in page


def test_coverage_counts_those_whom_a_route_names(flow: Any, signed_in: Any, ada: User, otto: User, now: Any) -> None:
    factories.make_alert_rule(flow.account, kind="in_a_row", name="In a row")
    for one in (flow, factories.make_flow(flow.account, flow_name="Plain")):
        for days in range(1, 11):
            day = (now - timedelta(days=days)).date()
            DayBucket.objects.create(flow=one, day=day, succeeded=97, failed=3, first_succeeded=97)
    pages = []
    for number in range(2):
        pages.append(text_of(signed_in(ada).get(reverse("alert_coverage"))))
        make_route(
            tag=Tag.objects.get(name="orders"), people=[otto], channels=[factories.make_channel(f"Ops {number}")]
        )
    assert pages[0].count("In a row: 2 people") == 4, "of two flows: that every run fails, that half of them do"
    assert pages[1].count("In a row: 2 people") == 2
    assert pages[1].count("In a row: 1 person, 1 channel") == 2
