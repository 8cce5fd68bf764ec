"""Who hears of an alert: the rule's people, else those of the routes that fit, else everybody; never nobody."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from monitor.routing.decide import Heard, Reachable, RoutedAlert, RouteFacts, followed_by, people_of, who_hears

OLGA, PAT, RAJ, GONE = 1, 2, 3, 9
SLACK, CLIQ, OFF = 11, 12, 19
ORDERS, BILLING = 21, 22
ALL = Reachable({OLGA, PAT, RAJ}, {SLACK, CLIQ})
KEYS = st.frozensets(st.sampled_from([OLGA, PAT, RAJ, GONE]))
ALERTS = st.builds(
    RoutedAlert,
    account=st.integers(1, 2),
    severity=st.sampled_from(["page", "notify", "digest"]),
    tags=st.frozensets(st.sampled_from([ORDERS, BILLING])),
    owner=st.none() | st.sampled_from([OLGA, GONE]),
    chosen=KEYS,
)
ROUTES = st.lists(
    st.builds(
        RouteFacts,
        key=st.just(0),
        account=st.none() | st.integers(1, 2),
        severity=st.sampled_from(["", "page", "notify"]),
        tag=st.none() | st.sampled_from([ORDERS, BILLING]),
        people=KEYS,
        to_owner=st.booleans(),
        channels=st.frozensets(st.sampled_from([SLACK, CLIQ, OFF])),
        policy=st.none() | st.integers(31, 33),
        goes_on=st.booleans(),
    ),
    max_size=5,
).map(lambda found: [replace(route, key=number) for number, route in enumerate(found, start=1)])


def alert(**fields: object) -> RoutedAlert:
    return RoutedAlert(**({"account": 1, "severity": "notify"} | fields))  # type: ignore[arg-type]


def route(key: int = 1, **fields: object) -> RouteFacts:
    sets = {name: frozenset(fields[name]) for name in ("people", "channels") if name in fields}  # type: ignore[call-overload]
    return RouteFacts(key=key, **(fields | sets))  # type: ignore[arg-type]


def test_without_a_route_it_is_as_it_was_everybody_or_the_rules_people() -> None:
    assert who_hears([alert()], [], ALL) == Heard(everybody=True)
    assert who_hears([alert(chosen=frozenset({OLGA}))], [], ALL) == Heard(everybody=False, people=frozenset({OLGA}))
    assert who_hears([alert(chosen=frozenset({OLGA})), alert()], [], ALL).everybody
    gone = alert(chosen=frozenset({GONE}))
    assert who_hears([gone], [], ALL).everybody
    assert who_hears([gone, alert(chosen=frozenset({PAT}))], [], ALL).everybody, (
        "that Pat hears helps the first no more"
    )


def test_the_first_route_that_fits_decides_and_the_next_only_where_it_goes_on() -> None:
    routes = [
        route(1, severity="page", people=[PAT]),
        route(2, tag=ORDERS, people=[OLGA], channels=[SLACK]),
        route(3, people=[RAJ], channels=[CLIQ]),
    ]
    tagged = alert(tags=frozenset({ORDERS}))
    heard = who_hears([tagged], routes, ALL)
    assert (heard.people, heard.channels, heard.every_channel, heard.routes) == ({OLGA}, {SLACK}, False, (2,))
    routes[1] = replace(routes[1], goes_on=True)
    heard = who_hears([tagged], routes, ALL)
    assert (heard.people, heard.channels, heard.routes) == ({OLGA, RAJ}, {SLACK, CLIQ}, (2, 3))
    assert who_hears([replace(tagged, severity="page")], routes, ALL).people == {PAT}
    assert who_hears([alert(account=2)], [replace(routes[2], account=1)], ALL).everybody


def test_an_alert_that_no_route_fits_goes_to_everybody_and_each_channel_as_it_is_set() -> None:
    heard = who_hears([alert()], [route(tag=ORDERS, people=[OLGA], channels=[SLACK])], ALL)
    assert heard == Heard(everybody=True)
    both = who_hears([alert(), alert(tags=frozenset({ORDERS}))], [route(tag=ORDERS, channels=[SLACK])], ALL)
    assert (both.everybody, both.every_channel, both.channels) == (True, True, {SLACK})


def test_the_rules_people_win_over_the_routes_whose_channels_and_escalation_hold_all_the_same() -> None:
    found = who_hears([alert(chosen=frozenset({PAT}))], [route(people=[OLGA], channels=[SLACK], policy=31)], ALL)
    assert (found.people, found.channels, found.policies) == ({PAT}, {SLACK}, (31,))
    gone = who_hears([alert(chosen=frozenset({GONE}))], [route(people=[OLGA])], ALL)
    assert gone.people == {OLGA}, "whom the rule names has left: the route decides"


def test_the_owner_hears_of_what_is_theirs_and_an_owner_who_is_gone_leaves_it_to_everybody() -> None:
    routes = [route(to_owner=True)]
    assert who_hears([alert(owner=OLGA)], routes, ALL).people == {OLGA}
    assert who_hears([alert(owner=GONE)], routes, ALL).everybody
    assert who_hears([alert()], routes, ALL).everybody
    assert who_hears([alert(owner=GONE)], [route(to_owner=True, people=[PAT])], ALL).people == {PAT}


def test_a_route_of_a_channel_alone_is_heard_there_unless_the_channel_is_off() -> None:
    heard = who_hears([alert()], [route(channels=[SLACK])], ALL)
    assert (heard.everybody, heard.people, heard.channels) == (False, frozenset(), {SLACK})
    assert who_hears([alert()], [route(channels=[OFF])], ALL).everybody


@given(alerts=st.lists(ALERTS, min_size=1, max_size=4), routes=ROUTES)
def test_nothing_that_routes_say_makes_an_alert_go_to_nobody_or_to_somebody_unnamed(
    alerts: list[RoutedAlert], routes: list[RouteFacts]
) -> None:
    heard = who_hears(alerts, routes, ALL)
    assert heard.everybody or heard.people or heard.channels
    assert heard.every_channel or not heard.everybody, "who reads only a channel is somebody, too"
    assert heard.people <= set(ALL.people)
    assert heard.channels <= set(ALL.channels)
    named: set[int] = set()
    for one in alerts:
        mine = followed_by(one, routes)
        assert all(found.fits(one) for found in mine)
        assert all(found.goes_on for found in mine[:-1])
        earlier = routes[: routes.index(mine[0])] if mine else routes
        assert not any(found.fits(one) for found in earlier)
        named |= one.chosen | {key for found in mine for key in people_of(found, one)}
    assert heard.people <= named
    assert list(heard.routes) == sorted(heard.routes)
    if not any(followed_by(one, routes) for one in alerts):
        assert heard == who_hears(alerts, [], ALL)


@given(alerts=st.lists(ALERTS, min_size=1, max_size=3), more=ALERTS, routes=ROUTES)
def test_an_alert_that_joins_takes_nobody_away(
    alerts: list[RoutedAlert], more: RoutedAlert, routes: list[RouteFacts]
) -> None:
    before, after = who_hears(alerts, routes, ALL), who_hears([*alerts, more], routes, ALL)
    assert after.everybody or not before.everybody
    assert after.everybody or before.people <= after.people
    assert after.every_channel or not before.every_channel
    assert before.channels <= after.channels
    assert set(before.policies) <= set(after.policies)
