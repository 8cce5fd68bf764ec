"""Several questions are one statement, and each has the answer it would have alone."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from django.db.models import Count, F, Q

from monitor.models import DayBucket, Flow, IncidentAlert, WorkflowRule
from monitor.queries.together import together
from tests import factories
from tests.dashboard.world import make_world

pytestmark = pytest.mark.django_db


def test_each_part_has_its_own_rows_in_its_own_order_and_of_its_own_kinds(
    now: datetime, django_assert_num_queries: Any
) -> None:
    world = make_world(now)
    make_world(now, name="Neighbour", person="nell", worker="worker:2")
    factories.make_rule(world.account, active=False, last_executed_time=None, name='A "quoted" näme')
    factories.make_day(world.flow, date(2026, 11, 20), succeeded=7, failed=1)
    parts = {
        "flows": Flow.objects.order_by("-pk").values_list("pk", "flow_name", "seen_at", "gone_at", "execution_count"),
        "rules": WorkflowRule.objects.order_by("pk").values_list("name", "active", "last_executed_time"),
        "days": DayBucket.objects.order_by("-day", "pk").values_list("day", F("succeeded") + F("failed")),
        "causes": IncidentAlert.objects.order_by("pk").values_list("causes"),
        "counted": Flow.objects.order_by("account").values_list("account").annotate(n=Count("pk")),
        "first": Flow.objects.order_by("pk").values_list("pk")[:1],
    }
    alone = {name: list(rows.all()) for name, rows in parts.items()}
    with django_assert_num_queries(1):
        found = together(parts)
    assert found == alone
    assert len(found["flows"]) > 1


def test_a_part_that_can_have_no_row_is_empty_and_the_others_are_asked(now: datetime) -> None:
    flow = factories.make_flow()
    none = Flow.objects.filter(pk__in=[]).values_list("pk")
    assert together({"none": none}) == {"none": []}
    mine = Flow.objects.filter(Q(pk=flow.pk)).values_list("pk")
    assert together({"none": none, "mine": mine}) == {"none": [], "mine": [(flow.pk,)]}
