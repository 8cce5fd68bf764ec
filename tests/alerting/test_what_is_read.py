"""How much of an account is read to evaluate its alerts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.db.models.signals import post_init

from monitor.alerting.evaluate import evaluate_account
from monitor.models import AlertRule, AlertState
from tests import factories
from tests.alerting.test_evaluate import ALL_READ, MINUTE, be_read, count, kinds
from tests.bystander import own


@pytest.mark.django_db
def test_what_cannot_have_changed_or_is_over_is_not_even_read(
    now: datetime,
) -> None:
    account = factories.make_account()
    be_read(account, now)
    factories.make_alert_rule(account)
    flow = factories.make_flow(account)
    off, gone = factories.make_flow(account), factories.make_flow(account)
    deleted = factories.make_alert_rule(account, kind="in_a_row", name="Deleted", is_default=False)
    failing = factories.make_flow(account)
    for one in (flow, off, gone, failing):
        factories.change_flow(one, **ALL_READ)
        count(one, 30, 10 * (one == failing), now)
    evaluate_account(account, now)
    factories.change_flow(off, status="inactive")
    factories.change_flow(gone, gone_at=now)
    AlertRule.objects.filter(pk=deleted.pk).update(deleted_at=now)
    evaluate_account(account, now + MINUTE)
    assert own(AlertState).filter(is_resting=True).count() == 6
    read: list[str] = []

    def note(sender: type[Any], **_: Any) -> None:
        read.append(sender.__name__)

    post_init.connect(note)
    try:
        assert evaluate_account(account, now + 2 * MINUTE) == []
    finally:
        post_init.disconnect(note)
    assert not {"AlertState", "Flow", "FlowProgress"} & set(read)
    count(flow, 30, 10, now + 2 * MINUTE)
    assert kinds(evaluate_account(account, now + 3 * MINUTE)) == ["firing"]


@pytest.mark.django_db
def test_a_rule_that_is_changed_is_evaluated_anew_though_another_one_is_as_it_was(now: datetime) -> None:
    account = factories.make_account()
    be_read(account, now)
    first, _second = (factories.make_alert_rule(account, threshold=50, name=name) for name in ("A", "B"))
    count(factories.make_flow(account), 30, 10, now)
    assert evaluate_account(account, now) == []
    AlertRule.objects.filter(pk=first.pk).update(options=first.options | {"threshold": 90})
    (fired,) = evaluate_account(account, now + MINUTE)
    assert (fired.kind, fired.alert.rule) == ("firing", first)
