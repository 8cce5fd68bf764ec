"""What a sweep's calls are counted by, and how far each mode goes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from monitor.ingest.base.calls import Calls
from monitor.ingest.base.mode import Mode, Patience
from tests.fake_zoho import Clock


class Enough(Exception):  # noqa: N818 - named for what happened
    """A meter's word that no more calls are to be made."""


@pytest.fixture
def calls(now) -> Calls:
    clock = Clock(now)
    return Calls(None, clock, Patience(Mode.TASK, pause=clock.pause))  # type: ignore[arg-type]


def counter(into: list[str], name: str) -> Callable[[], None]:
    return lambda: into.append(name)


def test_a_call_is_told_to_every_meter_it_is_made_within_the_outermost_first(calls: Calls) -> None:
    told: list[str] = []

    with calls.metered(counter(told, "night")):
        calls.make(lambda: None)
        with calls.metered(counter(told, "flow")):
            calls.make(lambda: None)
        calls.make(lambda: None)
    calls.make(lambda: None)

    assert told == ["night", "night", "flow", "night"]


def test_a_meter_that_has_had_enough_keeps_the_call_from_being_made_and_is_gone_afterwards(calls: Calls) -> None:
    made: list[str] = []

    def enough() -> None:
        raise Enough

    with pytest.raises(Enough), calls.metered(enough):
        calls.make(lambda: made.append("within"))
    calls.make(lambda: made.append("after"))

    assert made == ["after"]


def test_only_a_persons_patient_sync_waits_and_begins_anew_and_only_a_refresh_takes_what_is_kept_for_people() -> None:
    assert [mode for mode in Mode if mode.waits] == [Mode.SYNC]
    assert [mode for mode in Mode if mode.begins_anew] == [Mode.SYNC]
    assert [mode for mode in Mode if mode.reads_everything] == [Mode.SYNC, Mode.SYNC_WITHOUT_WAITING]
    assert [mode for mode in Mode if mode.priority == "people"] == [Mode.REFRESH]
