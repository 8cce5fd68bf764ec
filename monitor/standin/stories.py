"""Named stories: what goes wrong in the organisation, and when."""

from collections.abc import Callable

from monitor.standin.errors import RefusalError
from monitor.standin.web.faults import FaultScript
from monitor.standin.world import World

Story = Callable[[World, FaultScript], None]


def calm(world: World, faults: FaultScript) -> None:
    """Nothing happens beside the everyday failures."""


def flow_goes_bad(world: World, faults: FaultScript) -> None:
    """From now on the invoice flow fails, every few seconds, until somebody retries or heals it."""
    sick = world.role("sick")
    if sick is not None:
        world.do("break_flow", flow_id=sick.flow_id, kind="sickness", mended_by_retry=True)


STORIES: dict[str, Story] = {"calm": calm, "flow-goes-bad": flow_goes_bad}


def begin(name: str, world: World, faults: FaultScript) -> str:
    """Begin the story; returns its one-line description; RefusalError for a name that is not known."""
    story = STORIES.get(name)
    if story is None:
        raise RefusalError("INVALID_REQUEST", f"no such story: {name}", ", ".join(STORIES))
    story(world, faults)
    return (story.__doc__ or "").strip()
