"""Which rule is for which flow, and how an alert ends with its rule, its flow or its account (cases B5, B6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from monitor.alerting.kinds import condition_kinds
from monitor.alerting.scope import Coverage, RuleScope, RuleSubject, cover
from monitor.models import AlertRule, AlertState, Flow, Transition, ZohoAccount
from tests import factories
from tests.alerting.conftest import MINUTE, Watch
from tests.bystander import own

NOW = factories.NOON


def test_a_flows_own_rule_replaces_those_of_its_account_of_the_same_kind_and_no_other() -> None:
    rules = [
        RuleScope(1, "rate", None),
        RuleScope(2, "rate", None),
        RuleScope(3, "rate", 7),
        RuleScope(4, "silent", None),
    ]
    assert cover(rules, [7, 8]) == Coverage(
        wanted={RuleSubject(*place) for place in [(3, 7), (4, 7), (1, 8), (2, 8), (4, 8)]},
        replaced={RuleSubject(1, 7): 3, RuleSubject(2, 7): 3},
    )


def test_two_rules_of_one_scope_stand_beside_each_other() -> None:
    rules = [RuleScope(1, "rate", 7), RuleScope(2, "rate", 7)]
    assert cover(rules, [7]).wanted == {RuleSubject(1, 7), RuleSubject(2, 7)}


def test_the_own_rule_of_a_flow_that_is_not_watched_is_evaluated_for_nothing() -> None:
    assert cover([RuleScope(1, "rate", 7)], []) == Coverage()


@pytest.mark.django_db
class TestOverlap:
    @pytest.fixture
    def general(self, watch: Watch) -> AlertRule:
        watch.ran(NOW - n * MINUTE for n in range(40))
        return factories.make_alert_rule(watch.account, name="General")

    def test_one_alert_and_not_two(self, watch: Watch, general: AlertRule) -> None:
        narrow = factories.make_alert_rule(watch.account, name="Own", flow=watch.flow)
        assert watch.at(NOW) == ["firing"]
        assert [edge.alert.rule for edge in watch.edges] == [narrow]

    def test_an_open_alert_of_the_wider_rule_ends_with_the_reason_when_a_narrower_one_is_added(
        self, watch: Watch, general: AlertRule
    ) -> None:
        watch.at(NOW)
        narrow = factories.make_alert_rule(watch.account, name="Own", flow=watch.flow, threshold=50.0, recover_at=50.0)
        assert sorted(watch.at(NOW + MINUTE)) == ["closed", "firing"]
        closed, fired = sorted(watch.edges[1:], key=lambda edge: edge.kind)
        assert (closed.alert.rule, closed.episode) == (general, 1)
        assert closed.reason == "the flow's own rule “Own” replaces this one"
        assert fired.alert.rule == narrow
        assert watch.at(NOW + 2 * MINUTE) == []

    @pytest.mark.parametrize("change", [{"is_active": False}, {"deleted_at": NOW}])
    def test_the_wider_rule_takes_over_when_the_narrower_one_is_disabled_or_deleted(
        self, watch: Watch, general: AlertRule, change: dict[str, Any]
    ) -> None:
        narrow = factories.make_alert_rule(watch.account, name="Own", flow=watch.flow)
        watch.at(NOW)
        AlertRule.objects.filter(pk=narrow.pk).update(**change)
        assert sorted(watch.at(NOW + MINUTE)) == ["closed", "firing"]
        assert {edge.kind: edge.alert.rule for edge in watch.edges[1:]} == {"closed": narrow, "firing": general}

    def test_another_flow_keeps_the_wider_rule(self, watch: Watch, general: AlertRule) -> None:
        other = factories.make_flow(watch.account)
        factories.make_alert_rule(watch.account, name="Own", flow=watch.flow, threshold=0.0, recover_at=0.0)
        watch.ran((NOW - n * MINUTE for n in range(40)), flow=other)
        assert watch.at(NOW) == ["firing"]
        assert watch.edges[0].alert.flow == other


CLOSINGS: list[tuple[Callable[[Watch], Any], str]] = [
    (lambda watch: own(AlertRule).update(deleted_at=NOW), "the rule is deleted"),
    (lambda watch: own(AlertRule).update(is_active=False), "the rule is switched off"),
    (lambda watch: own(Flow).update(gone_at=NOW), "the flow is deleted in Zoho"),
    (lambda watch: own(Flow).update(status="inactive"), "the flow is not active in Zoho"),
    (lambda watch: own(ZohoAccount).update(is_active=False), "the account is not mirrored: a person switched it off"),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("change", "reason"), CLOSINGS, ids=[reason for _, reason in CLOSINGS])
def test_an_open_alert_closes_with_the_reason_is_mailed_and_keeps_its_history(
    watch: Watch, change: Callable[[Watch], Any], reason: str
) -> None:
    factories.make_alert_rule(watch.account)
    watch.ran(NOW - n * MINUTE for n in range(40))
    watch.at(NOW)
    change(watch)
    assert watch.at(NOW + MINUTE) == ["closed"]
    state = watch.state
    assert (state.is_open, state.reason, state.rate, state.began_at) == (False, reason, 0.0, None)
    closed = watch.edges[-1]
    assert (closed.reason, closed.dispatch_state, closed.began_at) == (reason, "new", NOW - 39 * MINUTE)
    assert watch.at(NOW + 2 * MINUTE) == []
    assert Transition.objects.filter(alert=state).count() == 2


@pytest.mark.django_db
def test_switched_on_again_it_fires_anew_for_what_still_fails(watch: Watch) -> None:
    factories.make_alert_rule(watch.account)
    watch.ran(NOW - n * MINUTE for n in range(40))
    watch.at(NOW)
    own(AlertRule).update(is_active=False)
    watch.at(NOW + MINUTE)
    own(AlertRule).update(is_active=True)
    assert watch.at(NOW + 2 * MINUTE) == ["firing"]
    assert [edge.is_first for edge in watch.edges] == [True, False, True]


@pytest.mark.django_db
def test_what_is_found_by_a_new_rule_after_a_change_or_after_a_pause_is_marked_as_a_first_finding(watch: Watch) -> None:
    rule = factories.make_alert_rule(watch.account, threshold=50.0, recover_at=50.0)
    watch.ran((NOW - n * MINUTE for n in range(40)), "success")
    watch.ran(NOW - n * MINUTE for n in range(10))
    assert watch.at(NOW) == []
    AlertRule.objects.filter(pk=rule.pk).update(options={"threshold": 95.0})
    assert watch.at(NOW + MINUTE) == ["firing"]
    assert watch.edges[0].is_first

    other = factories.make_flow(watch.account)
    watch.ran((NOW - n * MINUTE for n in range(40)), "success", flow=other)
    watch.at(NOW + 2 * MINUTE)
    watch.ran((NOW + 2 * MINUTE + n * MINUTE for n in range(40)), flow=other)
    assert watch.at(NOW + 45 * MINUTE) == ["firing"]
    assert not watch.edges[-1].is_first, "it broke while it was watched"


@pytest.mark.django_db
def test_an_evaluation_that_raises_is_an_error_of_its_own_and_the_others_go_on(
    watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    broken = factories.make_alert_rule(watch.account, name="Broken", options={"threshold": "high"})
    odd = factories.make_alert_rule(watch.account, name="Odd", kind="no_such_kind")
    factories.make_alert_rule(watch.account, name="Sound")
    watch.ran(NOW - n * MINUTE for n in range(40))
    assert sorted(watch.at(NOW)) == ["error", "error", "firing"]
    reasons = {state.rule: (state.state, state.reason) for state in own(AlertState).select_related("rule")}
    assert reasons[broken] == (
        "error",
        "the rule's options cannot be: threshold must be a number from 0 to 100",
    )
    assert reasons[odd] == ("error", "there is no kind of rule “no_such_kind”")
    assert watch.at(NOW + MINUTE) == []
    AlertRule.objects.filter(pk=broken.pk).update(options={})
    assert watch.at(NOW + 2 * MINUTE) == ["firing"]


@pytest.mark.django_db
@pytest.mark.parametrize("stored", [{"until": None, "values": [1]}, {"what": 1}, [1], {"until": 1, "values": ["x"]}])
def test_what_was_learned_and_cannot_be_read_is_learned_anew(watch: Watch, stored: Any) -> None:
    factories.make_alert_rule(watch.account, kind="failing_now", options={}, is_default=False)
    watch.ran((NOW - n * MINUTE for n in range(40)), "success")
    watch.at(NOW)
    learned = watch.state.learned
    AlertState.objects.filter(flow=watch.flow).update(learned=stored)
    watch.ran([NOW + MINUTE], "success")
    assert watch.at(NOW + 2 * MINUTE) == []
    assert (watch.state.state, len(watch.state.learned["values"])) == ("ok", len(learned["values"]))


@pytest.mark.django_db
def test_a_condition_that_cannot_say_what_it_needs_is_an_error_of_its_own_and_the_others_go_on(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.make_alert_rule(watch.account, kind="in_a_row", name="Odd", options={"count": 90}, is_default=False)
    factories.make_alert_rule(watch.account, name="Sound")
    watch.ran(NOW - n * MINUTE for n in range(40))
    monkeypatch.setattr(condition_kinds()["in_a_row"], "needs_from", lambda *_: 1 / 0)
    assert sorted(watch.at(NOW)) == ["error", "firing"]
    assert own(AlertState).get(state="error").reason == "the evaluation failed: ZeroDivisionError"
