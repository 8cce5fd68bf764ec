"""Finds a connection to an app that does not work. Pure.

Two things say so: Zoho's own word for its status, and runs whose sign-in the app refused (401, 403). Where the status
is fine the second tells of a sign-in that expired and that Zoho has not noticed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from monitor.alerting.kinds import limits
from monitor.alerting.kinds.interface import AlertStanding, ConditionState, Evaluation


@dataclass(frozen=True, slots=True)
class AppFailures:
    """Holds what failed at an app within the window.

    Attributes:
        failed: how many runs.
        refused: of how many the sign-in was refused.
        first: when the first of those failed; None where there is none.
        newest: when the newest of those failed.
        succeeded_at: when a run of one of their flows succeeded last.
    """

    failed: int = 0
    refused: int = 0
    first: datetime | None = None
    newest: datetime | None = None
    succeeded_at: datetime | None = None

    @property
    def is_over(self) -> bool:
        """Returns whether a run of the flows that were refused has succeeded since."""
        if self.newest is None:
            return True
        return self.succeeded_at is not None and self.succeeded_at > self.newest


@dataclass(frozen=True, slots=True)
class ConnectionMaterial:
    """Holds what is known of a connection.

    Attributes:
        status: in Zoho's word.
        is_broken: whether that word says that it does not work.
        since: when this status was first seen.
        failures: of the actions of its app.
        flows: masked names of those that use its app, the worst first.
        beside: how many other connections to its app there are: which of them a flow uses Zoho does not say.
    """

    status: str
    is_broken: bool
    since: datetime
    failures: AppFailures = AppFailures()
    flows: Sequence[str] = ()
    beside: int = 0


@dataclass(frozen=True, slots=True)
class ConnectionDown:
    """Asks that a connection works.

    Attributes:
        share: the least part of the failed runs at its app whose sign-in was refused, in per cent.
        least: the fewest runs whose sign-in was refused; below, the status alone tells.
        window_hours: how far back failed runs count.
    """

    kind: ClassVar[str] = "connection"
    cause: ClassVar[str] = "connection"

    share: float = 80.0
    least: int = 5
    window_hours: int = 24

    def __post_init__(self) -> None:
        limits.number("share", self.share, 1, 100)
        limits.whole("least", self.least, 1, 10_000)
        limits.whole("window_hours", self.window_hours, 1, 7 * 24)

    def evaluate(self, material: ConnectionMaterial, at: datetime, standing: AlertStanding) -> Evaluation:
        failures = material.failures
        is_refused = self._is_refused(failures, is_open=standing.is_open)
        numbers = {"failed": failures.failed, "refused": failures.refused, "flows": len(material.flows)}
        texts = {"status": material.status, "flows": ", ".join(material.flows)}
        numbers |= {"is_broken": int(material.is_broken), "is_refused": int(is_refused), "beside": material.beside}
        if not material.is_broken and not is_refused:
            return Evaluation(ConditionState.CLEAR, numbers, texts=texts)
        moments = [material.since] if material.is_broken else []
        if failures.first is not None and not failures.is_over:
            moments.append(failures.first)
        began_at = standing.began_at or min(min(moments, default=at), at)
        return Evaluation(ConditionState.BREACHED, numbers, began_at, failures.refused, texts=texts)

    def _is_refused(self, failures: AppFailures, *, is_open: bool) -> bool:
        """Returns whether sign-ins are refused; an open alert holds until a run succeeded or none is left."""
        if failures.refused == 0 or failures.is_over:
            return False
        if is_open:
            return True
        return failures.refused >= self.least and 100 * failures.refused >= self.share * failures.failed


CONDITION = ConnectionDown
