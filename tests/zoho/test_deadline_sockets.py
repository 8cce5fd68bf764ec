"""Nothing on a socket lasts beyond the call's deadline, however long it may last by itself."""

from __future__ import annotations

import httpcore
import pytest

from monitor.zoho.deadline_sockets import DeadlineBackend
from tests.zoho.helpers import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def backend(clock: Clock) -> DeadlineBackend:
    return DeadlineBackend(clock.monotonic)


def test_the_shorter_of_the_time_out_and_what_is_left_holds(backend: DeadlineBackend, clock: Clock) -> None:
    with backend.until(clock.now + 5):
        assert backend.left(3, httpcore.ReadTimeout) == 3
        assert backend.left(7, httpcore.ReadTimeout) == 5
        assert backend.left(None, httpcore.ReadTimeout) == 5


@pytest.mark.parametrize("late", [0.0, 0.5])
@pytest.mark.parametrize("timeout", [3.0, None])
def test_at_the_deadline_and_after_it_nothing_is_begun(
    backend: DeadlineBackend, clock: Clock, late: float, timeout: float | None
) -> None:
    with backend.until(clock.now + 1):
        clock.sleep(1 + late)
        with pytest.raises(httpcore.WriteTimeout, match="deadline of the call has passed"):
            backend.left(timeout, httpcore.WriteTimeout)


def test_without_a_deadline_and_after_the_call_the_time_out_holds_alone(backend: DeadlineBackend, clock: Clock) -> None:
    assert backend.left(9, httpcore.ReadTimeout) == 9
    with backend.until(clock.now + 1):
        pass
    assert backend.left(9, httpcore.ReadTimeout) == 9
    assert backend.left(None, httpcore.ReadTimeout) is None
