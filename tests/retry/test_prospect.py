"""Whether a retry is likely to help is told by the newest evidence, and else by what its cause needs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.models import Execution, HourBucket, RetryAttempt, User, ZohoAccount
from monitor.retry import prospects
from monitor.retry.preview import preview
from monitor.retry.prospect import CauseFacts, Chance, prospect
from monitor.retry.prospects import prospect_of
from monitor.triage.remedy import REMEDIES
from tests import factories

FAILED = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("remedy", "chance", "words"),
    [
        ("value", Chance.POINTLESS, "until the value that was refused is corrected"),
        ("missing", Chance.POINTLESS, "until what is missing is added"),
        ("connection", Chance.POINTLESS, "until the connection is renewed"),
        ("definition", Chance.POINTLESS, "until the flow is changed"),
        ("intermittent", Chance.UNCERTAIN, "once the app answers again"),
        ("rate limit", Chance.UNCERTAIN, "once the limit has renewed"),
        ("unknown", Chance.UNCERTAIN, "Nothing in its error says"),
    ],
)
def test_with_nothing_else_known_the_cause_says_what_it_needs(remedy: str, chance: Chance, words: str) -> None:
    found = prospect(CauseFacts(remedy, FAILED))
    assert found.chance is chance
    assert words in found.text


@pytest.mark.parametrize("remedy", REMEDIES)
def test_a_retry_of_the_same_cause_that_went_well_since_says_it_helps(remedy: str) -> None:
    facts = CauseFacts(remedy, FAILED, good_retry_at=FAILED + HOUR)
    assert prospect(facts).chance is Chance.LIKELY
    assert prospect(replace(facts, bad_retry_at=FAILED)).chance is Chance.LIKELY
    assert prospect(replace(facts, good_retry_at=FAILED - HOUR)) == prospect(CauseFacts(remedy, FAILED))


@pytest.mark.parametrize("remedy", REMEDIES)
def test_one_that_failed_again_says_it_does_not_until_something_has_changed(remedy: str) -> None:
    facts = CauseFacts(remedy, FAILED, good_retry_at=FAILED + HOUR, bad_retry_at=FAILED + 2 * HOUR)
    assert prospect(facts).chance is Chance.POINTLESS
    for what in ("flow_changed_at", "good_run_at"):
        assert prospect(replace(facts, **{what: FAILED + HOUR})).chance is Chance.POINTLESS
        since = prospect(replace(facts, **{what: FAILED + 3 * HOUR}))
        assert "failed again" not in since.text


@pytest.mark.parametrize("remedy", REMEDIES)
def test_a_good_run_of_the_flow_tells_of_what_all_its_runs_need_and_not_of_one_value(remedy: str) -> None:
    shared = remedy in ("intermittent", "rate limit", "connection", "permission", "definition")
    facts = CauseFacts(remedy, FAILED, good_run_at=FAILED + HOUR)
    assert (prospect(facts).chance is Chance.LIKELY) is shared
    assert prospect(replace(facts, good_run_at=FAILED)) == prospect(CauseFacts(remedy, FAILED))


def test_a_flow_that_was_changed_since_leaves_it_open() -> None:
    facts = CauseFacts("missing", FAILED, flow_changed_at=FAILED + HOUR)
    assert prospect(facts).chance is Chance.UNCERTAIN
    assert "until what is missing is added" in prospect(facts).text
    assert prospect(replace(facts, flow_changed_at=FAILED)).chance is Chance.POINTLESS


@pytest.fixture
def run(account: ZohoAccount) -> Execution:
    """A failed run whose connection does not work, beside a good one of another flow, an hour later."""
    other = factories.make_flow(account)
    HourBucket.objects.create(flow=other, hour=factories.NOON + HOUR, succeeded=5)
    failed = factories.make_execution(factories.make_flow(account), "failed", started_time=factories.NOON)
    entry = factories.make_failure(failed)
    type(entry.group).objects.filter(pk=entry.group_id).update(remedy="connection")
    return failed


def told(run: Execution) -> str:
    """What the run's page and the preview say, which are the same."""
    found = prospect_of(Execution.objects.get(pk=run.pk))
    assert found is not None
    assert preview([run.pk], factories.NOON + 48 * HOUR).outlooks == {found.text: 1}
    return found.text


def test_only_the_good_runs_of_its_own_flow_since_count(run: Execution) -> None:
    HourBucket.objects.create(flow=run.flow, hour=factories.NOON - HOUR, succeeded=5)
    HourBucket.objects.create(flow=run.flow, hour=factories.NOON + 2 * HOUR, failed=5)
    assert "until the connection is renewed" in told(run)
    HourBucket.objects.create(flow=run.flow, hour=factories.NOON + HOUR, succeeded=1)
    assert "good runs since" in told(run)


def test_only_retries_of_the_same_cause_count(run: Execution, ada: User) -> None:
    other = factories.make_execution(run.flow, "failed", started_time=factories.NOON)
    entry = factories.make_failure(other)
    RetryAttempt.objects.create(
        account=run.account,
        execution=other,
        requested_by=ada,
        requested_at=factories.NOON,
        reason="the connection is renewed",
        client_token="form",
        state="succeeded",
        sent_at=factories.NOON + HOUR,
    )
    assert "until the connection is renewed" in told(run)
    type(entry).objects.filter(pk=entry.pk).update(group=run.failure.group)
    assert "a retry of the same cause has succeeded" in told(run)


def test_of_an_accounts_retries_only_the_newest_are_looked_at(
    run: Execution, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def retried(of: Execution, hours: int) -> None:
        at = factories.NOON + hours * HOUR
        asked = {"requested_by": ada, "requested_at": at, "sent_at": at, "reason": "the connection is renewed"}
        given = {"state": "succeeded", "client_token": f"form-{of.pk}-{hours}"}
        RetryAttempt.objects.create(account=of.account, execution=of, **asked, **given)

    retried(run, 1)
    assert "has succeeded since" in told_of_cause(run)
    others = factories.make_execution(factories.make_flow(factories.make_account("Another")), "failed")
    monkeypatch.setattr(prospects, "MOST_LOOKED_AT", 2)
    for hours in (3, 4, 5):
        retried(others, hours)
    assert "has succeeded since" in told_of_cause(run), "those of another account do not count"
    other = factories.make_execution(run.flow, "failed")
    retried(other, 2)
    assert "has succeeded since" in told_of_cause(run)
    retried(other, 3)
    assert "until the connection is renewed" in told_of_cause(run)


def told_of_cause(run: Execution) -> str:
    found = prospect_of(Execution.objects.get(pk=run.pk))
    assert found is not None
    return found.text


def test_a_run_without_an_entry_in_the_ledger_has_no_prospect(run: Execution) -> None:
    run.failure.delete()
    assert prospect_of(Execution.objects.get(pk=run.pk)) is None
    assert preview([run.pk], factories.NOON + 48 * HOUR).outlooks == {}


def test_what_cannot_be_sent_is_worth_nothing(run: Execution) -> None:
    Execution.objects.filter(pk=run.pk).update(status="success")
    assert preview([run.pk], factories.NOON + 48 * HOUR).outlooks == {}
