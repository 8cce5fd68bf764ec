"""For what a rule is: one thing, a tag, an owner, a module or the account; the narrower one replaces the wider one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerting import actions
from monitor.alerting.coverage import HearerCount
from monitor.alerting.evaluate import evaluate_account
from monitor.alerting.incidents import follow
from monitor.alerting.neighbours import RuleNeighbours, neighbours
from monitor.alerting.read_coverage import read_coverage
from monitor.alerting.scope import RuleScope, RuleSubject, ScopeBreadth, SubjectMarks, cover
from monitor.models import AlertRule, AlertState, Incident, SyncState, Tag, User
from monitor.ownership import set_ownership
from tests import factories
from tests.alerting.conftest import MINUTE, Watch
from tests.alerting.test_subjects import add_day, look
from tests.bystander import own

NOW = factories.NOON
KINDS = st.sampled_from(["rate", "silent"])
SCOPES = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"flow": st.integers(1, 4)}),
    st.fixed_dictionaries({"tag": st.integers(1, 3)}),
    st.fixed_dictionaries({"owner": st.integers(1, 2)}),
    st.fixed_dictionaries({"module": st.sampled_from(["Leads", "Deals"])}),
)
MARKS = st.builds(
    SubjectMarks,
    st.frozensets(st.integers(1, 3)),
    st.none() | st.integers(1, 2),
    st.sampled_from(["", "Leads", "Deals"]),
)


def scope(rule: int, kind: str = "rate", **fields: Any) -> RuleScope[int]:
    return RuleScope(rule, kind, fields.pop("flow", None), **fields)


@given(
    rules=st.lists(st.tuples(KINDS, SCOPES), max_size=8),
    marks=st.dictionaries(st.integers(1, 4), MARKS),
)
def test_of_all_rules_of_a_kind_that_fit_a_subject_the_narrowest_are_for_it_and_no_other(
    rules: list[tuple[str, dict[str, Any]]], marks: dict[int, SubjectMarks]
) -> None:
    scopes = [scope(number, kind, **fields) for number, (kind, fields) in enumerate(rules, start=1)]
    found = cover(scopes, range(1, 5), marks)
    by_key = {one.rule: one for one in scopes}
    for subject in range(1, 5):
        mine = marks.get(subject, SubjectMarks())
        for kind in ("rate", "silent"):
            fitting = [one for one in scopes if one.kind == kind and one.covers(subject, mine)]
            narrowest = min((one.breadth for one in fitting), default=None)
            for one in fitting:
                place = RuleSubject(one.rule, subject)
                assert (place in found.wanted) is (one.breadth == narrowest)
                assert (place in found.replaced) is (one.breadth != narrowest)
                if place in found.replaced:
                    other = by_key[found.replaced[place]]
                    assert (other.kind, other.breadth) == (kind, narrowest)
    assert all(by_key[place.rule].covers(place.flow, marks.get(place.flow, SubjectMarks())) for place in found.wanted)


def test_from_the_narrowest_to_the_widest() -> None:
    marks = {7: SubjectMarks(frozenset({1, 2}), 5, "Leads")}
    every = [
        scope(1, flow=7),
        scope(2, tag=1),
        scope(3, owner=5),
        scope(4, module="Leads"),
        scope(5),
    ]
    assert [one.breadth for one in every] == sorted(ScopeBreadth)
    for number in range(5):
        assert cover(every[number:], [7], marks).wanted == {RuleSubject(number + 1, 7)}


def test_the_rules_of_two_tags_of_one_flow_stand_beside_each_other_and_replace_the_accounts() -> None:
    marks = {7: SubjectMarks(frozenset({1, 2})), 8: SubjectMarks(frozenset({2}))}
    found = cover([scope(1, tag=1), scope(2, tag=2), scope(3)], [7, 8, 9], marks)
    assert found.wanted == {RuleSubject(*one) for one in [(1, 7), (2, 7), (2, 8), (3, 9)]}
    assert found.replaced == {RuleSubject(3, 7): 1, RuleSubject(3, 8): 2}


@pytest.mark.django_db
class TestLive:
    @pytest.fixture
    def general(self, watch: Watch) -> AlertRule:
        watch.ran(NOW - n * MINUTE for n in range(40))
        return factories.make_alert_rule(watch.account, name="General")

    def of_tag(self, watch: Watch, **fields: Any) -> AlertRule:
        tag, _ = Tag.objects.get_or_create(name="orders")
        return factories.make_alert_rule(watch.account, **({"name": "Orders", "tag": tag} | fields))

    def test_an_open_alert_moves_to_the_tags_rule_and_back_as_the_flow_gains_and_loses_the_tag(
        self, watch: Watch, general: AlertRule, otto: User
    ) -> None:
        tagged = self.of_tag(watch)
        assert watch.at(NOW) == ["firing"]
        set_ownership(watch.flow, None, ["orders"], otto, NOW)
        assert sorted(watch.at(NOW + MINUTE)) == ["closed", "firing"]
        said = {edge.kind: (edge.alert.rule, edge.reason) for edge in watch.edges[1:]}
        assert said["firing"][0] == tagged
        assert said["closed"] == (general, "the rule “Orders” for the tag orders replaces this one")
        assert watch.at(NOW + 2 * MINUTE) == []
        set_ownership(watch.flow, None, [], otto, NOW)
        assert sorted(watch.at(NOW + 3 * MINUTE)) == ["closed", "firing"]
        said = {edge.kind: (edge.alert.rule, edge.reason) for edge in watch.edges[3:]}
        assert said["closed"] == (tagged, "the flow does not have the tag orders any more")
        assert said["firing"][0] == general

    def test_it_only_ends_where_no_wider_rule_is_there_and_the_incident_says_so(self, watch: Watch, otto: User) -> None:
        watch.ran(NOW - n * MINUTE for n in range(40))
        self.of_tag(watch)
        set_ownership(watch.flow, otto, ["orders"], otto, NOW)
        assert watch.at(NOW) == ["firing"]
        follow(watch.account, NOW)
        set_ownership(watch.flow, otto, [], otto, NOW)
        assert watch.at(NOW + MINUTE) == ["closed"]
        follow(watch.account, NOW + MINUTE)
        incident = own(Incident).get()
        assert incident.closed_how == "ended"
        assert "the flow does not have the tag orders any more" in [line.note for line in incident.events.all()]

    def test_the_incident_goes_on_acknowledged_when_another_rule_takes_over(
        self, watch: Watch, general: AlertRule, otto: User
    ) -> None:
        assert watch.at(NOW) == ["firing"]
        follow(watch.account, NOW)
        actions.acknowledge(own(Incident).get(), otto, "", NOW)
        self.of_tag(watch)
        set_ownership(watch.flow, otto, ["orders"], otto, NOW)
        later = NOW + 120 * MINUTE  # no part any more of what the first look found
        assert sorted(watch.at(later)) == ["closed", "firing"]
        follow(watch.account, later)
        incident = own(Incident).get()
        assert (incident.closed_at, incident.acknowledged_by) == (None, otto)

    def test_the_rule_of_an_owner_follows_the_owner_also_one_who_is_gone(
        self, watch: Watch, general: AlertRule, otto: User, ada: User
    ) -> None:
        owned = factories.make_alert_rule(watch.account, name="Ada's", owner=ada)
        set_ownership(watch.flow, ada, [], otto, NOW)
        assert watch.at(NOW) == ["firing"]
        assert watch.edges[0].alert.rule == owned
        User.objects.filter(pk=ada.pk).update(is_active=False)
        assert watch.at(NOW + MINUTE) == [], "what she owned is watched as before"
        set_ownership(watch.flow, otto, [], otto, NOW)
        assert sorted(watch.at(NOW + 2 * MINUTE)) == ["closed", "firing"]
        closed = next(edge for edge in watch.edges if edge.kind == "closed")
        assert closed.reason == "ada does not own the flow any more"

    def test_a_tag_on_another_flow_moves_nothing_of_this_one(
        self, watch: Watch, general: AlertRule, otto: User
    ) -> None:
        self.of_tag(watch)
        assert watch.at(NOW) == ["firing"]
        other = factories.make_flow(watch.account)
        set_ownership(other, None, ["orders"], otto, NOW)
        assert watch.at(NOW + MINUTE) == []
        assert watch.state.is_open

    def test_while_the_mirror_is_stale_an_alert_that_lost_its_rule_ends_all_the_same(
        self, watch: Watch, general: AlertRule, otto: User
    ) -> None:
        assert watch.at(NOW) == ["firing"]
        self.of_tag(watch)
        set_ownership(watch.flow, None, ["orders"], otto, NOW)
        late = NOW + 600 * MINUTE
        SyncState.objects.filter(account=watch.account).update(state="incomplete", last_finished_at=NOW)
        found = evaluate_account(watch.account, late)
        assert [edge.kind for edge in found] == ["closed"]
        assert AlertState.objects.get(rule=general, flow=watch.flow).reason.startswith("the rule “Orders”")

    def test_coverage_goes_by_the_rule_of_the_tag(self, watch: Watch, general: AlertRule, otto: User) -> None:
        tagged, other = self.of_tag(watch), factories.make_flow(watch.account)
        set_ownership(watch.flow, None, ["orders"], otto, NOW)
        facts = read_coverage(watch.account.pk, NOW, lambda _: HearerCount(1), lambda _: timedelta())
        assert facts.by_flow == {watch.flow.pk: [tagged.pk], other.pk: [general.pk]}


@pytest.mark.django_db
def test_workflow_rules_are_found_by_module_tag_and_owner_and_the_narrower_one_replaces_the_wider(
    account: Any, otto: User, now: datetime
) -> None:
    row, other = factories.make_rule(account, module="Deals"), factories.make_rule(account, module="Leads")
    for one in (row, other):
        add_day(one, now, 0, 9)
    general = factories.make_alert_rule(account, kind="crm", name="All")

    def of_row() -> list[str]:
        states = own(AlertState).filter(subject_key=str(row.pk), is_open=True)
        return [state.rule.name for state in states]

    look(account, now)
    assert of_row() == ["All"]
    follow(account, now)
    factories.make_alert_rule(account, kind="crm", name="Deals", module="Deals")
    look(account, now + 120 * MINUTE)
    follow(account, now + 120 * MINUTE)
    assert own(Incident).count() == 1, "it goes on where the narrower rule takes over"
    assert of_row() == ["Deals"]
    closed = AlertState.objects.get(rule=general, subject_key=str(row.pk))
    assert closed.reason == "the rule “Deals” for the module Deals replaces this one"
    factories.make_alert_rule(account, kind="crm", name="Otto's", owner=otto)
    set_ownership(row, otto, [], otto, now)
    look(account, now + 122 * MINUTE)
    assert of_row() == ["Otto's"]
    factories.make_alert_rule(account, kind="crm", name="Tagged", tag=Tag.objects.create(name="money"))
    set_ownership(row, otto, ["money"], otto, now)
    look(account, now + 123 * MINUTE)
    assert of_row() == ["Tagged"]
    set_ownership(row, None, [], otto, now)
    look(account, now + 124 * MINUTE)
    assert of_row() == ["Deals"]
    assert own(AlertState).get(subject_key=str(other.pk), is_open=True).rule == general, (
        "the other one is the account's"
    )


def names(found: RuleNeighbours) -> tuple[list[str], list[str], list[str]]:
    return tuple([one.rule.name for one in rules] for rules in (found.wider, found.narrower, found.beside))  # type: ignore[return-value]


@pytest.mark.django_db
def test_the_neighbours_of_a_rule_are_those_that_meet_it_somewhere(account: Any, otto: User, now: datetime) -> None:
    flow, plain = factories.make_flow(account), factories.make_flow(account)
    set_ownership(flow, otto, ["orders", "billing"], otto, now)
    orders, billing = Tag.objects.get(name="orders"), Tag.objects.get(name="billing")
    unused = Tag.objects.create(name="unused")
    for name, fields in {
        "account": {},
        "owner": {"owner": otto},
        "orders": {"tag": orders},
        "billing": {"tag": billing},
        "unused": {"tag": unused},
        "flow": {"flow": flow},
        "plain": {"flow": plain},
    }.items():
        factories.make_alert_rule(account, kind="in_a_row", name=name, **fields)

    def of(**fields: Any) -> tuple[list[str], list[str], list[str]]:
        return names(neighbours(RuleScope(0, "in_a_row", fields.pop("flow", None), **fields), account.pk))

    assert of(tag=orders.pk) == (["account", "owner"], ["flow"], ["billing", "orders"])
    assert of(tag=unused.pk) == (["account"], [], ["unused"])
    assert of(owner=otto.pk) == (["account"], ["billing", "flow", "orders"], ["owner"])
    assert of(flow=str(plain.pk)) == (["account"], [], ["plain"])
    assert of(flow=str(flow.pk)) == (["account", "billing", "orders", "owner"], [], ["flow"])
    assert of() == ([], ["billing", "flow", "orders", "owner", "plain", "unused"], ["account"])
