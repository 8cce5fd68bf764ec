"""Keeps a yes/no that changes at known times: is the flow on, is it bad, does the connection work."""

from bisect import bisect_right
from datetime import datetime


class Timeline:
    """Holds the value of a switch at any time; changes are added in any order of time."""

    def __init__(self, *, initial: bool) -> None:
        self._initial = initial
        self._times: list[datetime] = []
        self._values: list[bool] = []

    def turn_on(self, at: datetime) -> None:
        """Sets yes from `at` (included) on; later changes already planned are dropped."""
        self.change(at, value=True)

    def turn_off(self, at: datetime) -> None:
        """Switches it off from `at` (included) on; later changes already planned are dropped."""
        self.change(at, value=False)

    def change(self, at: datetime, *, value: bool) -> None:
        """Sets the value from `at` (included) on; later changes already planned are dropped."""
        cut = bisect_right(self._times, at)
        del self._times[cut:], self._values[cut:]
        self._times.append(at)
        self._values.append(value)

    def at(self, moment: datetime) -> bool:
        """Returns the value at `moment`."""
        index = bisect_right(self._times, moment)
        return self._values[index - 1] if index else self._initial

    def last_change(self, moment: datetime) -> datetime | None:
        """Returns when the value in force at `moment` began; None if it is the initial one."""
        index = bisect_right(self._times, moment)
        return self._times[index - 1] if index else None

    def planned(self, moment: datetime) -> bool:
        """Returns whether a change is still to come after `moment`."""
        return bool(self._times) and self._times[-1] > moment
