"""A prepared question answers as Django's own would, and is put together once."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db.models import F, QuerySet

from monitor.models import Flow, UsageSnapshot, User
from monitor.models.prepared import Prepared
from tests import factories

pytestmark = pytest.mark.django_db


def flow_of(pk: int) -> QuerySet[Flow, Any]:
    return Flow.objects.select_related("account").filter(pk=pk).annotate(beside=F("account__name"))


def test_it_finds_what_the_query_finds_with_what_is_joined_in(django_assert_num_queries: Any) -> None:
    account = factories.make_account("Example Company")
    flows = [factories.make_flow(account) for _ in range(3)]
    prepared = Prepared(flow_of, int)
    for flow in flows:
        with django_assert_num_queries(1):
            found = prepared.first(flow.pk)
            assert (found, found.account, found.beside) == (flow, account, account.name)
        assert vars(found).keys() == vars(flow_of(flow.pk).get()).keys()
    assert prepared.first(max(flow.pk for flow in flows) + 1) is None


def test_it_is_put_together_once() -> None:
    built: list[int] = []

    def build(pk: int) -> QuerySet[Flow, Any]:
        built.append(pk)
        return Flow.objects.filter(pk=pk)

    flows = [factories.make_flow() for _ in range(3)]
    prepared = Prepared(build, int)
    assert [prepared.rows(flow.pk) for flow in flows] == [[flow] for flow in flows]
    assert len(built) == 1


def test_a_value_may_stand_in_several_places_and_rows_may_be_of_values() -> None:
    mine, other = factories.make_user(username="mine"), factories.make_user(username="other")
    prepared = Prepared(
        lambda pk, name: (
            (User.objects.filter(pk=pk) | User.objects.filter(username=name).exclude(pk=pk))
            .order_by("-pk")
            .values_list("pk", "username")
        ),
        int,
        str,
    )
    assert prepared.rows(mine.pk, "other") == [(other.pk, "other"), (mine.pk, "mine")]
    assert prepared.rows(mine.pk, "' OR 1=1 --") == [(mine.pk, "mine")]


def test_times_are_values_too_and_the_first_value_may_be_left_open(now: datetime) -> None:
    old, new = (factories.make_flow(first_seen_at=now - timedelta(days=days)) for days in (9, 1))
    prepared = Prepared(lambda pk, since: Flow.objects.filter(pk=pk, first_seen_at__gte=since), int, datetime)
    week, month = prepared.at(now - timedelta(days=7)), prepared.at(now - timedelta(days=30))
    assert [week.rows(flow.pk) for flow in (old, new)] == [[], [new]]
    assert [month.rows(flow.pk) for flow in (old, new)] == [[old], [new]]


def test_days_are_values_too(now: datetime) -> None:
    rule = factories.make_rule()
    days = [(now - timedelta(days=back)).date() for back in (9, 1)]
    old, new = (UsageSnapshot.objects.create(rule=rule, day=day, taken_at=now) for day in days)
    prepared = Prepared(lambda day: UsageSnapshot.objects.filter(day__gte=day, rule=rule).order_by("day"), date)
    assert [prepared.rows(day) for day in days] == [[old, new], [new]]


def test_a_time_that_is_computed_of_a_value_is_refused() -> None:
    with pytest.raises(ValueError, match="value 0"):
        Prepared(lambda at: Flow.objects.filter(first_seen_at__gte=at - timedelta(days=7)), datetime).rows(
            datetime(2026, 11, 22, tzinfo=UTC)
        )


def test_a_key_that_no_row_can_have_is_not_asked_for(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert Prepared(flow_of, int).rows(2**63) == []


@pytest.mark.parametrize("value", ["1", None, True, 1.0])
def test_a_value_of_another_kind_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        Prepared(flow_of, int).rows(value)


def test_a_value_that_does_not_stand_in_the_statement_as_given_is_refused() -> None:
    with pytest.raises(ValueError, match="value 0"):
        Prepared(lambda name: Flow.objects.filter(flow_name__contains=name), str).rows("x")
