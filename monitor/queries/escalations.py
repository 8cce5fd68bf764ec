"""Shows the escalations of an incident: who was notified of it, and what is due next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.models import Channel, Escalation, Incident, RunningStep, User
from monitor.models.asking import Asking, answered, ask

ESCALATIONS_SHOWN = 20


@dataclass(frozen=True)
class ShownStep:
    """Holds one step of an escalation.

    Attributes:
        hearers: whom it names.
        told_at: when it was taken; None where it was not.
        is_waiting: whether it may still be taken, at `due_at`.
        is_next: whether it is the next one.
    """

    step: RunningStep
    hearers: list[str]
    told_at: datetime | None
    is_waiting: bool
    is_next: bool

    @property
    def whom(self) -> str:
        """Is whom it names, in words."""
        return ", ".join(self.hearers)

    @property
    def due_at(self) -> datetime:
        return self.step.notice.due_at


@dataclass(frozen=True)
class ShownEscalation:
    """Holds one escalation of an incident with its steps."""

    escalation: Escalation
    steps: list[ShownStep]

    @property
    def is_running(self) -> bool:
        """Is whether a step may still be taken."""
        return any(step.is_waiting for step in self.steps)


def escalations_of(incident: Incident) -> list[ShownEscalation]:
    """Returns the escalations of an incident, the newest first. Three statements, one where there are none."""
    return answered(ask_escalations(incident))


def ask_escalations(incident: Incident) -> Asking[list[ShownEscalation]]:
    """Asks for what `escalations_of` returns."""
    found = yield from ask(incident.escalations.order_by("-began_at", "-pk")[:ESCALATIONS_SHOWN])
    if not found:
        return []
    steps: dict[int, list[RunningStep]] = {row.pk: [] for row in found}
    theirs = RunningStep.objects.filter(escalation__in=list(steps)).select_related("notice")
    for step in (yield from ask(theirs.order_by("position", "pk"))):
        steps[step.escalation_id].append(step)
    people, channels = yield from _names([step for some in steps.values() for step in some])
    return [ShownEscalation(row, _shown(steps[row.pk], people, channels)) for row in found]


def _names(steps: Sequence[RunningStep]) -> Asking[tuple[dict[int, str], dict[int, str]]]:
    people = User.objects.filter(pk__in={key for step in steps for key in step.people})
    channels = Channel.with_deleted.filter(pk__in={key for step in steps for key in step.channels})
    named = yield [people.order_by().values_list("pk", "username"), channels.order_by().values_list("pk", "name")]
    return dict(named[0]), dict(named[1])


def _shown(steps: Sequence[RunningStep], people: dict[int, str], channels: dict[int, str]) -> list[ShownStep]:
    waiting = [step.pk for step in steps if step.notice.dispatch_state == "new"]
    first = min((step for step in steps if step.pk in waiting), key=lambda step: step.notice.due_at, default=None)
    found = []
    for step in steps:
        named = [people[key] for key in step.people if key in people] + ["the owner"] * step.to_owner
        named += [channels[key] for key in step.channels if key in channels]
        told_at = step.notice.dispatched_at if step.notice.dispatch_state == "dispatched" else None
        is_next = first is not None and step.pk == first.pk
        found.append(ShownStep(step, named, told_at, step.pk in waiting, is_next))
    return found
