"""Several askers are one statement a round, and each has the answer it would have alone."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import Avg, Count, F, Prefetch, Q, Sum

from monitor.models import (
    AlertState,
    Channel,
    Correction,
    DayBucket,
    Flow,
    HourBucket,
    Incident,
    IncidentAlert,
    RetryAttempt,
    Route,
    User,
    WorkflowRule,
)
from monitor.models.asking import (
    Asking,
    Statement,
    answered,
    ask,
    ask_count,
    ask_first,
    ask_with,
    in_step,
    over_all,
    read_at_once,
)
from monitor.models.prepared import Prepared
from tests import factories
from tests.bystander import own
from tests.dashboard.world import World, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(now: datetime) -> World:
    """One of everything, with somebody else's beside it."""
    make_world(now, name="Neighbour", person="nell", worker="worker:2")
    return make_world(now)


def questions(world: World) -> list[Any]:
    """Questions of many forms: rows with what is beside them, values, sums, groups, a union, none."""
    flows = Flow.objects.order_by("-pk")
    return [
        flows.select_related("account", "progress").defer("raw"),
        AlertState.objects.select_related("rule__account", "flow__account").order_by("pk"),
        WorkflowRule.objects.order_by("pk").only("name", "active", "last_executed_time"),
        Correction.objects.select_related("account", "flow", "by", "incident").order_by("pk"),
        Incident.objects.order_by("pk").annotate(members_now=Count("members")),
        RetryAttempt.objects.order_by("pk"),
        DayBucket.objects.order_by("-day", "pk").values_list("day", F("succeeded") + F("failed")),
        IncidentAlert.objects.order_by("pk").values("causes", "joined_at"),
        flows.values_list("account").annotate(n=Count("pk"), runs=Sum("execution_count")).order_by("account"),
        over_all(AlertState.objects.order_by("pk"), mean=Avg("rate"), runs=Sum("runs")),
        over_all(Flow.objects.filter(flow_name="none such"), counted=Count("pk")),
        flows.values_list("flow_name", flat=True),
        flows[:1],
        Flow.objects.filter(pk__in=[]),
        Route.objects.order_by("pk").prefetch_related("people"),
        world.incident.members.order_by("pk"),
        flows.order_by().filter(pk=world.flow.pk).union(flows.order_by().exclude(pk=world.flow.pk)).order_by("pk"),
    ]


def parts(row: Any, depth: int = 3) -> Any:
    """Gives a row with all that stands in it, also in rows that were selected beside it."""
    if not hasattr(row, "__dict__") or not depth:
        return row
    values = {name: value for name, value in vars(row).items() if not name.startswith("_")}
    return type(row), values, {name: parts(beside, depth - 1) for name, beside in row._state.fields_cache.items()}


def test_each_question_has_the_rows_it_would_have_alone(world: World, now: datetime) -> None:
    factories.make_day(world.flow, date(2026, 11, 20), succeeded=7, failed=1)
    own(AlertState).update(rate=100 / 3)
    own(RetryAttempt).update(zoho_ahead=timedelta(days=1, seconds=3, microseconds=70))
    own(WorkflowRule).update(name='A "quoted" näme, 100 %')
    alone = [[parts(row) for row in question.all()] for question in questions(world)]
    found = read_at_once(questions(world))
    assert [[parts(row) for row in rows] for rows in found] == alone
    assert sum(map(bool, found)) == len(found) - 1
    assert found[-2][0].incident is world.incident


def test_it_is_one_statement(world: World, django_assert_num_queries: Any) -> None:
    asked = [question for question in questions(world) if not question._prefetch_related_lookups]
    with django_assert_num_queries(1):
        read_at_once(asked)
    with django_assert_num_queries(0):
        assert read_at_once([Flow.objects.none(), Flow.objects.filter(pk__in=[])]) == [[], []]


def flows_of(name: str, log: list[str]) -> Asking[int]:
    """Asks for an account's flows by its name, in two steps."""
    incident = yield from ask_first(Incident.objects.filter(account__name=name))
    log.append(name)
    return (yield from ask_count(Flow.objects.filter(account=incident.account_id)))


def test_askers_that_are_put_in_step_ask_together_each_time(world: World, django_assert_num_queries: Any) -> None:
    log: list[str] = []
    factories.make_flow(world.account)
    rules_too = in_step(flows_of("Neighbour", log), ask(WorkflowRule.objects.values_list("pk")))
    with django_assert_num_queries(2):
        acme, (neighbour, rules), none = answered(in_step(flows_of("Acme", log), rules_too, nothing()))
    assert (acme, neighbour, len(rules), none) == (2, 1, WorkflowRule.objects.count(), "nothing")
    assert sorted(log) == ["Acme", "Neighbour"]


def nothing() -> Asking[str]:
    """Asks for nothing."""
    yield from ()
    return "nothing"


def test_what_rows_are_related_to_is_read_with_them_as_prefetching_reads_it(
    world: World, django_assert_num_queries: Any
) -> None:
    for turn, route in enumerate(Route.objects.order_by("pk")):
        route.people.add(*User.objects.order_by("-pk")[: 1 + turn % 3])
    routes, people = Route.objects.order_by("-pk"), User.objects.order_by("-pk")
    wanted = {
        route.pk: ([one.pk for one in route.people.all()], [one.pk for one in route.channels.all()])
        for route in routes.prefetch_related(Prefetch("people", people), "channels")
    }
    with django_assert_num_queries(1):
        found = answered(ask_with(routes, people=people, channels=Channel.objects.defer("address", "secrets")))
        read = {row.pk: ([p.pk for p in row.people.all()], [c.pk for c in row.channels.all()]) for row in found}
    assert (list(read.items()), len({tuple(names) for names, _ in wanted.values()}) > 1) == (list(wanted.items()), True)
    with django_assert_num_queries(0):
        assert answered(ask_with(Route.objects.none(), people=people)) == []


def test_one_that_asks_nothing_is_answered_without_a_statement(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert answered(nothing()) == "nothing"
        assert answered(in_step()) == []


def test_an_error_of_one_is_everybodys(world: World) -> None:
    with pytest.raises(AttributeError):
        answered(in_step(flows_of("Nobody", []), flows_of("Acme", [])))


@pytest.mark.parametrize(
    "question",
    [HourBucket.objects.all(), Flow.objects.order_by("account__name", "pk").values("account").distinct()],
)
def test_what_has_no_form_in_json_or_hides_a_column_is_refused_and_not_read_wrongly(question: Any) -> None:
    with pytest.raises(ValueError, match="cannot be asked with others"):
        read_at_once([question, Flow.objects.filter(Q(pk=1))])
    assert not connection.needs_rollback


def test_a_statement_of_our_own_is_asked_with_others(world: World, django_assert_num_queries: Any) -> None:
    ours = Statement("SELECT id, flow_name, NULL FROM monitor_flow WHERE id = %s", [world.flow.pk], 3)
    with django_assert_num_queries(1):
        found, accounts = answered(
            in_step(ask(ours), ask(Flow.objects.filter(pk=world.flow.pk).values_list("account")))
        )
    assert found == read_at_once([ours])[0] == [(world.flow.pk, "Lead to campaign", None)]
    assert accounts == [(world.account.pk,)]
    assert read_at_once([ours, Flow.objects.none()]) == [found, []]


def test_a_prepared_question_is_asked_with_others_and_rows_that_were_fetched_are_not_asked_for(
    world: World, django_assert_num_queries: Any
) -> None:
    prepared = Prepared(lambda pk: Flow.objects.filter(pk=pk).select_related("account"), int)
    fetched = Route.objects.prefetch_related("people").get(pk=world.route.pk)
    with django_assert_num_queries(1):
        (flow,), people, flows, none = read_at_once(
            [
                prepared.question(world.flow.pk),
                fetched.people.all(),
                Flow.objects.order_by("pk"),
                prepared.question(2**70),
            ]
        )
        assert (flow, flow.account.name, none) == (world.flow, "Acme", [])
        assert people == list(fetched.people.all()) == [world.person]
    assert len(flows) == Flow.objects.count()
