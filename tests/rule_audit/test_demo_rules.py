"""Shows that the demo's rules have what the audit and the sentences are for: each planted defect, and no other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from monitor.models import WebhookFailure, WorkflowRule, ZohoAccount
from monitor.queries import rules
from monitor.queries.rule_audit import audit_of
from standin.build import SettableClock, World, make_app, make_world, serving
from standin.crm.templates import RULES
from tests.bystander import own
from tests.ingest.test_standin import House, open_house

BEGINNING = datetime(2026, 11, 18, 9, 30, tzinfo=UTC)


def demo_world(clock: SettableClock) -> World:
    """The demo's rules and little else."""
    return make_world(seed=1, clock=clock, flows=1, rules=len(RULES), executions=1, history_days=1)


@pytest.fixture
def house(db: None) -> Iterator[House]:
    """The demo's rules, mirrored whole."""
    clock = SettableClock(BEGINNING)
    app = make_app(demo_world(clock))
    with serving(app) as base:
        house = open_house(app, clock, base)
        house.sync()
        yield house


def found(account: ZohoAccount, now: datetime) -> set[tuple[str, str]]:
    """What the audit finds, by kind and the names of what it is about."""
    report = audit_of(now, [account.pk])
    return {(row.finding.kind, ", ".join(sorted(one.name for one in row.finding.subjects))) for row in report.rows}


def test_the_audit_finds_each_planted_defect_and_nothing_else(house: House) -> None:
    assert found(house.account, house.clock()) == {
        ("never_fired", "Big deal to management"),
        ("never_fired", "Bounced mail tag"),
        ("inactive", "Old import clean-up"),
        ("failing_actions", "Deal won hand-over"),
        ("failing_actions", "Book the invoice"),
        ("dead_webhook", "Book the invoice, old-erp.example.com"),
        ("overlap", "Reopen large lost deals, Reopen lost deals"),
        ("cycle", "Give up stalled talks, Reopen large lost deals"),
        ("unsupported_action", "Deleted lead to the desk"),
        ("old_draft", "Partner onboarding"),
    }
    assert own(WebhookFailure).filter(webhook_name="Book in the old ERP").exists()


def said(name: str) -> tuple[str, list[str]]:
    """A rule's sentence, and what stands below its actions."""
    rule = rules.BY_KEY.first(own(WorkflowRule).get(name=name).pk)
    words = rules.detail(rule).words
    assert words is not None
    return words.text, [detail for branch in words.branches for step in branch.steps for detail in step.details]


def test_their_sentences_have_nested_criteria_delays_and_what_shared_actions_do(house: House) -> None:
    text, _ = said("High value lead alert")
    assert text.startswith(
        "When a Lead is created and Annual Revenue ≥ 1,000,000 and (Lead Source is Referral or Lead Source is Partner"
        " or (Lead Source is Website and Annual Revenue > 5,000,000)): mail 'High revenue lead added'"
    )
    text, details = said("Lost deal feedback")
    assert text == (
        "When a Deal's Stage becomes Closed Lost and Amount ≥ 30,000: tag 'Lost'; task 'Ask for feedback'; "
        "after 30 business days: task 'Re-engage'"
    )
    assert details[1] == (
        "subject 'Ask for feedback', due Trigger Date plus 2 business day(s), priority Normal, status Not Started"
    )
    assert said("Reopen large lost deals")[1] == [
        "sets Stage to Negotiation/Review",
        "template 'Deal reopened', to 1 recipient of kind 'user'",
    ]
    assert said("Book the invoice")[1] == ["calls old-erp.example.com"]


def test_two_rules_share_a_mail_and_no_more() -> None:
    ids = [
        action.get("id")
        for rule in demo_world(SettableClock(BEGINNING)).rules.rules.values()
        for action in rule.actions()
    ]
    assert len(ids) - len(set(ids)) == 1


def test_no_deal_is_as_big_as_the_rule_that_never_ran_asks_for_and_many_are_half_as_big() -> None:
    deals = [
        row for row in demo_world(SettableClock(BEGINNING)).records.of("Deals") if row["Stage"] == "Negotiation/Review"
    ]
    assert [row for row in deals if row["Amount"] > 600_000] == []
    assert len([row for row in deals if row["Amount"] > 300_000]) > 10
