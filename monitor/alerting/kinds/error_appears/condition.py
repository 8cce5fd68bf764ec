"""Finds an error that appears, escalates or comes back, or that comes often. Pure.

The subject is a problem of the ledger: failures of one cause. What its state means is decided there
(`monitor.triage.life_cycle`); here only whether people want to hear of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from monitor.alerting.kinds import limits
from monitor.alerting.kinds.interface import AlertStanding, ConditionState, Evaluation

ANY, NEW, ESCALATING, REGRESSED, OFTEN = "any", "new", "escalating", "regressed", "often"
WANTED = {ANY: (NEW, ESCALATING, REGRESSED), NEW: (NEW,), ESCALATING: (ESCALATING,), REGRESSED: (REGRESSED,)}
PUT_AWAY = ("resolved", "archived")
LONGEST_TEXT = 200


@dataclass(frozen=True, slots=True)
class ProblemMaterial:
    """Holds what is known of a problem.

    Attributes:
        state: one of the ledger's.
        since: when it came to be in it.
        first_seen_at: when its first run failed.
        last_seen_at: when its newest run failed.
        texts: what it says, with its app and codes, folded.
        this_hour: how many runs failed within the last hour.
        hour_from: when the first of those failed.
    """

    state: str
    since: datetime
    first_seen_at: datetime
    last_seen_at: datetime
    texts: str = ""
    this_hour: int = 0
    hour_from: datetime | None = None


@dataclass(frozen=True, slots=True)
class ErrorAppears:
    """Asks that an error stays away.

    Attributes:
        when: what is told of: any of new, escalating and regressed, one of them, or that it comes often.
        text: what its message, code or app has; empty for every error.
        times: how many failures within an hour are often.
        quiet_hours: it has recovered once it has not come for so long.
    """

    kind: ClassVar[str] = "error_appears"

    when: str = ANY
    text: str = ""
    times: int = 10
    quiet_hours: int = 24

    def __post_init__(self) -> None:
        if self.when not in (*WANTED, OFTEN):
            raise ValueError(f"when must be one of {', '.join((*WANTED, OFTEN))}")
        if not isinstance(self.text, str) or len(self.text) > LONGEST_TEXT:
            raise ValueError(f"text must be a text of at most {LONGEST_TEXT} characters")
        limits.whole("times", self.times, 1, 1_000_000)
        limits.whole("quiet_hours", self.quiet_hours, 1, 7 * 24)

    @property
    def aspect(self) -> str:
        """Is what a narrower rule must look for too to replace this one."""
        return f"{self.when}: {folded(self.text)}"

    def fits(self, material: ProblemMaterial) -> bool:
        """Returns whether it is the error that is asked for."""
        return folded(self.text) in material.texts

    def evaluate(self, material: ProblemMaterial, at: datetime, standing: AlertStanding) -> Evaluation:
        numbers: dict[str, float] = {"this_hour": material.this_hour, "is_often": int(self.when == OFTEN)}
        texts = {"state": material.state}
        if not self.fits(material):
            return Evaluation(ConditionState.CLEAR, numbers, texts=texts)
        if self.when == OFTEN:
            return self._often(material, at, standing, numbers, texts)
        quiet_at = material.last_seen_at + timedelta(hours=self.quiet_hours)
        is_over = material.state in PUT_AWAY or at >= quiet_at
        is_news = material.state in WANTED[self.when]
        if not standing.is_open and standing.recovered_at is not None:
            is_news = is_news and material.since > standing.recovered_at
        if is_over or not (is_news or standing.is_open):
            return Evaluation(ConditionState.CLEAR, numbers, texts=texts)
        began_at = standing.began_at or min(material.first_seen_at if material.state == NEW else material.since, at)
        return Evaluation(ConditionState.BREACHED, numbers, began_at, again_at=quiet_at, texts=texts)

    def _often(
        self,
        material: ProblemMaterial,
        at: datetime,
        standing: AlertStanding,
        numbers: dict[str, float],
        texts: dict[str, str],
    ) -> Evaluation:
        if material.this_hour < self.times:
            return Evaluation(ConditionState.CLEAR, numbers, texts=texts)
        began_at = standing.began_at or material.hour_from or at
        return Evaluation(ConditionState.BREACHED, numbers, began_at, material.this_hour, texts=texts)


def folded(text: str) -> str:
    """Returns a text as two of them are compared: without case and with single spaces."""
    return " ".join(text.split()).casefold()


CONDITION = ErrorAppears
