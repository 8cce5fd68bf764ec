"""A mirror does not follow Zoho: what fires when, and what is a recovery."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerting.kinds.interface import AlertStanding, ConditionState
from monitor.alerting.kinds.mirror import words
from monitor.alerting.kinds.mirror.condition import MirrorBehind, MirrorMaterial
from monitor.freshness import LABELS
from monitor.models import SyncState

AT = datetime(2026, 9, 7, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
RULE = MirrorBehind()
OPEN = AlertStanding(is_open=True, began_at=AT - 9 * HOUR)
STATES = [*SyncState.State.values, *LABELS]


def material(state: str, lasted: timedelta | None = HOUR, **fields: bool) -> MirrorMaterial:
    since = None if lasted is None else AT - lasted
    return MirrorMaterial(state, state.title(), "Zoho says no.", since, **fields)


@pytest.mark.parametrize(
    ("state", "lasted", "found"),
    [
        ("ok", 9 * HOUR, "clear"),
        ("revoked", timedelta(0), "breached"),
        ("foreign", None, "breached"),
        ("locked", MINUTE, "breached"),
        ("stale", 14 * MINUTE, "clear"),
        ("stale", 15 * MINUTE, "breached"),
        ("never", 15 * MINUTE, "breached"),
        ("throttled", 29 * MINUTE, "clear"),
        ("throttled", 30 * MINUTE, "breached"),
        ("unreachable", 30 * MINUTE, "breached"),
        ("schema", 30 * MINUTE, "breached"),
        ("incomplete", 23 * HOUR, "clear"),
        ("incomplete", 24 * HOUR, "breached"),
        ("stale", None, "clear"),
        ("stale", -HOUR, "clear"),
    ],
)
def test_each_state_may_last_for_its_time(state: str, lasted: timedelta | None, found: str) -> None:
    evaluation = RULE.evaluate(material(state, lasted), AT, AlertStanding())
    assert evaluation.found == found
    if found == "breached":
        assert evaluation.began_at == AT - (lasted or timedelta(0))
    elif state != "ok":
        assert evaluation.again_at is not None


def test_no_other_trouble_is_a_recovery_and_gaps_that_may_be_are() -> None:
    assert RULE.evaluate(material("throttled", MINUTE), AT, OPEN).began_at == AT - 9 * HOUR
    assert RULE.evaluate(material("incomplete", HOUR), AT, OPEN).found is ConditionState.CLEAR
    assert RULE.evaluate(material("incomplete", 25 * HOUR), AT, OPEN).found is ConditionState.BREACHED
    assert RULE.evaluate(material("ok"), AT, OPEN).found is ConditionState.CLEAR


def test_a_first_reading_of_history_is_no_gap_and_gaps_can_be_left_out() -> None:
    reading = material("incomplete", 99 * HOUR, is_reading=True)
    assert RULE.evaluate(reading, AT, AlertStanding()).found is ConditionState.CLEAR
    never = MirrorBehind(incomplete_after_hours=0)
    assert never.evaluate(material("incomplete", 99 * HOUR), AT, AlertStanding()).found is ConditionState.CLEAR


def test_the_words_say_what_since_when_and_why() -> None:
    found = RULE.evaluate(material("revoked"), AT, AlertStanding())
    assert words.describe(RULE, found, UTC) == "Revoked: Zoho says no; since 2026-09-07 11:00 UTC"
    assert words.describe(RULE, RULE.evaluate(material("ok"), AT, OPEN), UTC) == "the mirror is ok"


@given(state=st.sampled_from(STATES), minutes=st.integers(0, 3000), is_open=st.booleans(), more=st.integers(0, 3000))
def test_what_is_found_stays_found_while_the_state_lasts(state: str, minutes: int, is_open: bool, more: int) -> None:
    standing = OPEN if is_open else AlertStanding()
    first = RULE.evaluate(material(state, minutes * MINUTE), AT, standing)
    later = RULE.evaluate(material(state, (minutes + more) * MINUTE), AT, standing)
    if first.found is ConditionState.BREACHED:
        assert later.found is ConditionState.BREACHED
    if first.again_at is not None:
        due = RULE.evaluate(material(state, minutes * MINUTE), first.again_at, standing)
        assert due.found is ConditionState.BREACHED
