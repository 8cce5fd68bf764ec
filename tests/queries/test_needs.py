"""What needs somebody stands worst first, and one cause is one line."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from monitor.models import Problem
from monitor.queries.needs import (
    IncidentNeed,
    Level,
    Need,
    OpenAlert,
    Thing,
    level_of_problem,
    of_one_cause,
    worst_first,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def need(kind: str, key: int = 1, level: Level = Level.KNOWN, hours: int | None = 1, **more: Any) -> Need:
    since = None if hours is None else NOW - timedelta(hours=hours)
    given = {"title": kind, "state": "new", "cause": "", "account": "Acme", "url": "/", "since": since} | more
    return Need(Thing(kind, key), level, **given)


def incident(key: int, *about: Thing, acknowledged: bool = False, owner: str = "") -> IncidentNeed:
    alert = OpenAlert(key, acknowledged, owner, NOW)
    level = Level.KNOWN if acknowledged else Level.FIRING
    return IncidentNeed(need("incident", key, level, alert=alert, owner=owner), frozenset(about))


def test_what_is_worse_comes_first_then_what_nobody_looks_after_then_what_began_last() -> None:
    ranked = [
        need("account", level=Level.BLIND, hours=None, owner="otto"),
        need("incident", level=Level.FIRING, hours=9),
        need("problem", 2, Level.NEW, hours=1),
        need("problem", 1, Level.NEW, hours=5),
        need("problem", 3, Level.NEW, hours=None),
        need("problem", 4, Level.NEW, hours=0, owner="otto"),
        need("flow", level=Level.SILENT),
        need("problem", 5, Level.KNOWN),
    ]
    for order in itertools.islice(itertools.permutations(ranked), 0, None, 977):
        assert worst_first(order) == ranked


def test_problems_that_grow_or_came_back_are_worse_than_new_ones_and_those_than_ongoing_ones() -> None:
    levels = [level_of_problem(state) for state in ("escalating", "regressed", "new", "ongoing")]
    assert levels == [Level.GROWING, Level.GROWING, Level.NEW, Level.KNOWN]
    assert {level_of_problem(state) for state in Problem.State.values} <= set(Level)


def test_an_incident_whose_cause_is_listed_is_told_in_its_line_and_makes_it_as_bad() -> None:
    problem, other = need("problem", 7), need("problem", 8, Level.NEW)
    (first, second) = of_one_cause([other, problem], [incident(3, Thing("problem", 7), Thing("flow", 1))])
    assert (first.thing, first.level, first.alert and first.alert.key) == (problem.thing, Level.FIRING, 3)
    assert second == other


def test_an_incident_whose_cause_is_not_listed_stands_by_itself() -> None:
    found = of_one_cause([need("problem", 8)], [incident(3, Thing("problem", 7)), incident(4)])
    assert [one.thing for one in found] == [Thing("incident", 3), Thing("incident", 4), Thing("problem", 8)]


def test_what_is_acknowledged_raises_nothing_and_names_who_is_on_it() -> None:
    (found,) = of_one_cause([need("problem", 7)], [incident(3, Thing("problem", 7), acknowledged=True, owner="vera")])
    assert (found.level, found.owner) == (Level.KNOWN, "vera")
    (owned,) = of_one_cause(
        [need("problem", 7, owner="otto")], [incident(3, Thing("problem", 7), acknowledged=True, owner="vera")]
    )
    assert owned.owner == "otto"


def test_of_two_incidents_of_one_cause_the_one_that_nobody_acknowledged_is_told() -> None:
    cause = Thing("connection", 7)
    open_one, known = incident(3, cause), incident(4, cause, acknowledged=True)
    for pair in ([open_one, known], [known, open_one]):
        (found,) = of_one_cause([need("connection", 7, Level.BROKEN)], pair)
        assert found.alert is not None
        assert (found.alert.key, found.level) == (3, Level.FIRING)


def test_where_several_explain_an_incident_the_worst_of_them_tells_of_it() -> None:
    worse, better = need("connection", 1, Level.BROKEN), need("problem", 1)
    found = of_one_cause([better, worse], [incident(3, worse.thing, better.thing)])
    assert [one.alert is not None for one in found] == [True, False]
    assert found[0].thing == worse.thing


_THINGS = st.builds(Thing, st.sampled_from(["problem", "connection", "flow"]), st.integers(1, 4))


@given(
    st.lists(_THINGS, unique=True, max_size=6),
    st.lists(st.tuples(st.lists(_THINGS, max_size=3), st.booleans()), max_size=5),
)
def test_each_thing_is_one_line_and_no_open_incident_is_lost(
    things: list[Thing], opened: list[tuple[list[Thing], bool]]
) -> None:
    incidents = [incident(key, *about, acknowledged=known) for key, (about, known) in enumerate(opened, 1)]
    found = of_one_cause([need(*thing) for thing in things], incidents)
    lines = [one.thing for one in found]
    assert len(lines) == len(set(lines))
    assert set(things) <= set(lines)
    for one in incidents:
        told = one.need.thing in lines or one.about & set(lines)
        assert told
        assert not (one.need.thing in lines and one.about & set(things))
    assert found == worst_first(found)
