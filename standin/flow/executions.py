"""Says how one run of a flow looks at a given time, from its attempts."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from standin.flow.failures import RERUN_AFTER, Failure

Status = Literal["running", "success", "failed"]


@dataclass(slots=True)
class Attempt:
    """Holds one attempt at the work. `quiet` is Zoho's own re-run, which the history shows only when it ended well."""

    started: datetime
    ended: datetime
    failure: Failure | None
    quiet: bool = False


@dataclass(slots=True)
class Execution:
    """Holds a row of the history.

    `luck` says for each of the automatic re-runs still to come whether it would go well; it is empty for
    failures that Zoho does not re-run. `payload_key` is shared by a run and its retries, so that they
    carry the same trigger data.
    """

    execution_id: str
    started: datetime
    payload_key: str
    attempts: list[Attempt]
    luck: tuple[bool, ...] = ()
    reruns: int = 0
    retry_of: str = ""
    override: dict[str, object] = field(default_factory=dict)

    def shown(self, now: datetime) -> Attempt:
        """Returns the attempt that the history shows at `now`."""
        shown = self.attempts[0]
        for attempt in self.attempts[1:]:
            if attempt.quiet and (attempt.failure is not None or attempt.ended > now):
                continue
            if attempt.started <= now:
                shown = attempt
        return shown

    def status(self, now: datetime) -> Status:
        """Returns running, failed or success at `now`."""
        attempt = self.shown(now)
        if attempt.ended > now:
            return "running"
        return "success" if attempt.failure is None else "failed"

    def settled(self, now: datetime) -> bool:
        """Returns whether nothing but a retry can change this row any more."""
        if self.attempts[-1].ended > now:
            return False
        return self.attempts[-1].failure is None or self.reruns >= len(self.luck)

    def rerun_due(self, now: datetime, outcome: Callable[[datetime, bool], Failure | None]) -> int:
        """Carries out the automatic re-runs due by `now`; returns how many began.

        `outcome(when, lucky)` gives the failure of a re-run, or None when it goes well.
        """
        first = self.attempts[0].ended
        began = 0
        while self.reruns < len(self.luck):
            last = self.attempts[-1]
            due = first + RERUN_AFTER[self.reruns]
            if last.failure is None or due > now:
                break
            lucky = self.luck[self.reruns]
            self.reruns += 1
            if last.ended > due:
                continue  # a person's retry is under way: Zoho has nothing to re-run
            length = max(self.attempts[0].ended - self.attempts[0].started, timedelta(seconds=1))
            self.attempts.append(Attempt(due, due + length, outcome(due, lucky), quiet=True))
            began += 1
        return began
