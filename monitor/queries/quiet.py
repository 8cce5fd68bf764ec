"""Says why nothing is mailed of open alerts and incidents: snoozed, silenced, or explained by their account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.hushes import ask_explaining, ask_quiet_by
from monitor.models import AlertState, Incident, Silence, Snooze
from monitor.models.asking import Asking, answered, in_step


@dataclass(frozen=True)
class QuietReason:
    """Holds one reason why nothing is mailed.

    Attributes:
        kind: "snoozed", "silenced" or "muted".
        alerts: how many of the alerts that fire it holds for; `every` of how many.
        until: when it ends; None where that is not known.
        by: who said so; "" where nobody did, or it is not known.
        why: in that person's words.
        incident: that explains the others of its account, where it is muted.
    """

    kind: str
    alerts: int
    every: int
    until: datetime | None = None
    by: str = ""
    why: str = ""
    incident: Incident | None = None

    @property
    def is_for_all(self) -> bool:
        return self.alerts == self.every


def why_quiet(
    incidents: Mapping[int, tuple[Incident, Sequence[AlertState]]], now: datetime
) -> dict[int, list[QuietReason]]:
    """Returns why nothing is mailed of some incidents, or of some of their alerts. One statement; two, three for tags.

    Args:
        incidents: by key, those that are open, each with its alerts that fire, and these with rules and flows.
        now: the present.
    """
    return answered(ask_why_quiet(incidents, now))


def ask_why_quiet(
    incidents: Mapping[int, tuple[Incident, Sequence[AlertState]]], now: datetime
) -> Asking[dict[int, list[QuietReason]]]:
    """Asks for what `why_quiet` returns."""
    if not incidents:
        return {}
    alerts = [alert for _, firing in incidents.values() for alert in firing]
    accounts = {incident.account_id for incident, _ in incidents.values()}
    kept, down = yield from in_step(ask_quiet_by(alerts, now), ask_explaining(accounts))
    quiet = dict(zip((alert.pk for alert in alerts), kept, strict=True))
    found: dict[int, list[QuietReason]] = {}
    for key, (incident, firing) in incidents.items():
        cause = down.get(incident.account_id)
        reasons = _of_people(firing, quiet)
        if cause is not None and incident.cause != Incident.Cause.ACCOUNT:
            reasons.insert(0, QuietReason("muted", len(firing), len(firing), incident=cause))
        found[key] = reasons
    return found


def _of_people(firing: Sequence[AlertState], quiet: Mapping[int, Sequence[Snooze | Silence]]) -> list[QuietReason]:
    counts: dict[Snooze | Silence, int] = {}
    for alert in firing:
        for one in quiet[alert.pk]:
            counts[one] = counts.get(one, 0) + 1
    return [
        QuietReason(
            kind="snoozed" if isinstance(one, Snooze) else "silenced",
            alerts=count,
            every=len(firing),
            until=one.until if isinstance(one, Snooze) else one.ends_at,
            by=one.by.get_username() if one.by is not None else "",
            why=one.why,
        )
        for one, count in counts.items()
    ]
