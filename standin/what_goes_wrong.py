"""Begins stories by name: what goes wrong in the organisation, and when."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from standin.errors import RefusalError
from standin.faults.one_per_fault import FAULT_STORIES
from standin.faults.script import FaultScript
from standin.world import World

Story = Callable[[World, FaultScript], None]


def calm(world: World, faults: FaultScript) -> None:
    """Lets nothing happen beside the everyday failures."""


def flow_goes_bad(world: World, faults: FaultScript) -> None:
    """Lets the invoice flow fail from now on, every few seconds, until somebody retries or heals it."""
    world.go_bad("sickness", fixed_by_retry=True)


def downstream_outage(world: World, faults: FaultScript) -> None:
    """Lets an app answer 503: runs fail until it is healed, and Zoho runs them again by itself."""
    world.go_bad("503", fixed_by_retry=False)


def connection_expires(world: World, faults: FaultScript) -> None:
    """Lets the Slack connection expire: every flow that uses it fails from now on."""
    for connection in world.connections.values():
        if connection.app == "slack":
            world.do("break_connection", connection_id=connection.connection_id)


def flow_falls_silent(world: World, faults: FaultScript) -> None:
    """Lets the hourly exchange rates stop without any failure: the flow is switched off."""
    for flow in world.flows.values():
        if flow.name == "Exchange rates":
            world.do("switch_flow", flow_id=flow.flow_id, on=False)


def flow_is_deleted(world: World, faults: FaultScript) -> None:
    """Deletes the old partner portal's flow."""
    flow = world.role("inactive")
    if flow is not None:
        world.do("delete_flow", flow_id=flow.flow_id)


def counters_are_reset(world: World, faults: FaultScript) -> None:
    """Sets the usage counters of every rule back to zero."""
    for rule_id in [*world.rules.rules]:
        world.do("reset_usage", rule_id=rule_id)


def _scripted(entries: list[dict[str, Any]], summary: str) -> Story:
    def story(world: World, faults: FaultScript) -> None:
        for entry in entries:
            if "do" in entry:
                _mutate(world, dict(entry))
            else:
                args = _with_flow(world, dict(entry["args"]))
                if args is not None:
                    faults.push({**entry, "args": args})

    story.__doc__ = summary
    return story


def _with_flow(world: World, args: dict[str, Any]) -> dict[str, Any] | None:
    """Returns the arguments with the flow's id for its role; None when this world has no such flow."""
    if "flow" in args:
        flow = world.role(args.pop("flow"))
        if flow is None:
            return None
        args["flow_id"] = flow.flow_id
    return args


def _mutate(world: World, entry: dict[str, Any]) -> None:
    mutation, later = str(entry.pop("do")), entry.pop("starts_in", None)
    args = _with_flow(world, entry)
    if args is None:
        return
    if later is not None:
        args["started"] = (world.now().replace(microsecond=0) + timedelta(seconds=float(later))).isoformat()
    world.do(mutation, **args)


STORIES: dict[str, Story] = {
    "calm": calm,
    "flow-goes-bad": flow_goes_bad,
    "downstream-outage": downstream_outage,
    "connection-expires": connection_expires,
    "flow-falls-silent": flow_falls_silent,
    "flow-is-deleted": flow_is_deleted,
    "counters-are-reset": counters_are_reset,
    **{name: _scripted(entries, summary) for name, (summary, entries) in FAULT_STORIES.items()},
}


def begin(name: str, world: World, faults: FaultScript) -> str:
    """Begins the story; returns its one-line description; RefusalError for a name that is not known."""
    story = STORIES.get(name)
    if story is None:
        raise RefusalError("INVALID_REQUEST", f"no such story: {name}", ", ".join(STORIES))
    story(world, faults)
    return (story.__doc__ or "").strip()
