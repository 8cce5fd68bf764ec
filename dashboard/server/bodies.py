"""Says which large bodies may come: how many of them at once, and how much of the disk they take together. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.server.limits import ServerLimits


@dataclass(frozen=True)
class LargeBody:
    """Holds what a body of a request takes that does not stay in memory.

    Attributes:
        size: in bytes, of the whole; where that is not said, the most that is read.
        is_callback: callbacks have a budget of their own, so that no form takes their place.
        began: since when its connection waits.
        is_on_its_way: it may be ended; one that is complete is being answered, or will be.
    """

    size: int
    is_callback: bool
    began: float = 0.0
    is_on_its_way: bool = True


def make_room_for(newcomer: LargeBody, held: Sequence[LargeBody], limits: ServerLimits) -> list[int] | None:
    """Returns the places among `held` of the bodies that end for a new one, the longest waiting first.

    None where there is no room although all end that may: then the newcomer is asked to come again.
    """
    same = [(one, place) for place, one in enumerate(held) if one.is_callback == newcomer.is_callback]
    count, size = len(same), sum(one.size for one, _ in same) + newcomer.size
    ended: list[int] = []
    for one, place in sorted(same, key=lambda item: item[0].began):
        if count < limits.large_bodies and size <= limits.large_bodies_bytes:
            break
        if one.is_on_its_way:
            ended.append(place)
            count, size = count - 1, size - one.size
    return ended if count < limits.large_bodies and size <= limits.large_bodies_bytes else None
