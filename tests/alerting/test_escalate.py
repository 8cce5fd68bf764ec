"""When an incident is escalated, and when its steps are due."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from monitor.alerting.escalate import EscalationFacts, EscalationTrigger, begins, due_times
from tests.factories import NOON

MINUTE = timedelta(minutes=1)
TRIGGERS = st.sampled_from(EscalationTrigger)


def notify(*, is_running: bool, has_run: bool = True) -> EscalationFacts:
    known = {"is_open": True, "is_acknowledged": False, "severity": "notify"}
    return EscalationFacts(**known, is_running=is_running, has_run=has_run)  # type: ignore[arg-type]


@given(trigger=TRIGGERS, is_running=st.booleans())
def test_it_begins_once_and_anew_only_where_an_alert_fires_anew(trigger: EscalationTrigger, is_running: bool) -> None:
    is_other = trigger is EscalationTrigger.FIRED_ANEW or (not is_running and trigger is not EscalationTrigger.FLAPS)
    assert begins(trigger, notify(is_running=is_running)) is is_other


def test_what_happens_to_the_alerts_of_others_begins_it_once_and_never_again() -> None:
    for trigger in (None, EscalationTrigger.FLAPS):
        assert begins(trigger, notify(is_running=False, has_run=False))
        assert not begins(trigger, notify(is_running=False))
        assert not begins(trigger, notify(is_running=True))


@given(trigger=TRIGGERS, facts=st.builds(EscalationFacts))
def test_nothing_begins_that_somebody_is_on_that_is_over_or_that_is_for_digests(
    trigger: EscalationTrigger, facts: EscalationFacts
) -> None:
    if not facts.is_open or facts.is_acknowledged or facts.severity == "digest":
        assert not begins(trigger, facts)


def test_each_step_is_due_after_its_minutes_and_none_that_waits_is_put_off() -> None:
    assert due_times([5, 15], NOON, {}) == [NOON + 5 * MINUTE, NOON + 15 * MINUTE]
    waiting = {2: NOON + 3 * MINUTE, 3: NOON + 90 * MINUTE}
    assert due_times([5, 15, 30], NOON, waiting) == [NOON + after * MINUTE for after in (3, 3, 30)], (
        "the first one is not told after the second"
    )


@given(
    minutes=st.lists(st.integers(1, 600), min_size=1, max_size=6),
    left=st.dictionaries(st.integers(1, 6), st.integers(-600, 600)),
)
def test_no_step_is_due_later_than_it_would_be_alone_or_than_it_was(minutes: list[int], left: dict[int, int]) -> None:
    waiting = {position: NOON + after * MINUTE for position, after in left.items()}
    found = due_times(sorted(minutes), NOON, waiting)
    assert found == sorted(found), "nor is one told before that in front of it"
    for position, due in enumerate(due_times(minutes, NOON, waiting), start=1):
        assert due <= NOON + minutes[position - 1] * MINUTE
        assert due <= waiting.get(position, due)
