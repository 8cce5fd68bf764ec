"""Finds workflow rules of Zoho CRM that fail, stay silent or were switched off. Pure.

CRM shows no single runs: what a rule did is known by what its usage report grew between two readings, and by the single
failures of webhooks. A day whose growth is not known is a hole and no zero; a rule that never fired has no action that
failed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, NamedTuple

from monitor.alerting.kinds import limits
from monitor.alerting.kinds.interface import FOR_GOOD, AlertStanding, ConditionState, Evaluation, Learned

ACTIONS, WEBHOOKS, SILENT, SWITCHED_OFF = "actions", "webhooks", "silent", "switched_off"
FINDS = (ACTIONS, WEBHOOKS, SILENT, SWITCHED_OFF)


class UsageDay(NamedTuple):
    """Holds what a rule's actions did in a day, as far as it is known; None where it is not.

    Attributes:
        counted_from: from which reading on it is counted; None where that is not known.
        taken_at: the day's newest reading.
    """

    counted_from: datetime | None
    taken_at: datetime
    succeeded: int | None
    failed: int | None


@dataclass(frozen=True, slots=True)
class CrmRuleMaterial:
    """Holds what is known of a workflow rule.

    Attributes:
        is_active: None where Zoho does not say.
        ran_at: when it ran last; None where it never did.
        changed_at: when it was made or changed last.
        days: what its actions did, the oldest first.
        webhooks: when its webhooks failed, the oldest first.
        usage_problem: why its usage report cannot be read.
        webhooks_problem: why the failures of webhooks cannot be read.
    """

    is_active: bool | None
    ran_at: datetime | None
    changed_at: datetime
    days: Sequence[UsageDay] = ()
    webhooks: Sequence[datetime] = ()
    usage_problem: str = ""
    webhooks_problem: str = ""


@dataclass(frozen=True, slots=True)
class CrmRuleTrouble:
    """Asks one thing of workflow rules.

    Attributes:
        finds: what is looked for: actions that fail, webhooks that fail, rules that are enabled and do not run, rules
            that were switched off.
        least: the fewest failed actions or webhooks.
        share: the least part of the actions that failed, in per cent.
        window_hours: how far back actions and webhooks count.
        silent_days: after how many days without a run an enabled rule is silent.
    """

    kind: ClassVar[str] = "crm"

    finds: str = ACTIONS
    least: int = 3
    share: float = 10.0
    window_hours: int = 48
    silent_days: int = 30

    def __post_init__(self) -> None:
        if self.finds not in FINDS:
            raise ValueError(f"finds must be one of {', '.join(FINDS)}")
        limits.whole("least", self.least, 1, 1_000_000)
        limits.number("share", self.share, 0, 100)
        limits.whole("window_hours", self.window_hours, 1, 30 * 24)
        limits.whole("silent_days", self.silent_days, 1, 365)

    @property
    def aspect(self) -> str:
        """Is what a narrower rule must look for too to replace this one."""
        return self.finds

    def evaluate(self, material: CrmRuleMaterial, at: datetime, standing: AlertStanding) -> Evaluation:
        asked = {
            ACTIONS: self._actions,
            WEBHOOKS: self._webhooks,
            SILENT: self._silent,
            SWITCHED_OFF: self._switched_off,
        }[self.finds]
        return asked(material, at, standing)

    def _start(self, at: datetime, standing: AlertStanding) -> datetime:
        """Returns from when on failures count: those before a recovery are over."""
        start = at - timedelta(hours=self.window_hours)
        return max(start, standing.recovered_at) if standing.recovered_at and not standing.is_open else start

    def _actions(self, material: CrmRuleMaterial, at: datetime, standing: AlertStanding) -> Evaluation:
        texts = {"problem": material.usage_problem}
        if material.usage_problem:
            return Evaluation(ConditionState.NO_DATA, texts=texts)
        days = [
            day
            for day in material.days
            if self._start(at, standing) < day.taken_at <= at and None not in (day.succeeded, day.failed)
        ]
        if not days:
            return Evaluation(ConditionState.NO_DATA, texts=texts)
        failed, succeeded = sum(day.failed or 0 for day in days), sum(day.succeeded or 0 for day in days)
        numbers = {"failed": failed, "actions": failed + succeeded}
        bad = [day for day in days if day.failed]
        again_at = bad[-1].taken_at + timedelta(hours=self.window_hours) if bad else None
        newest = next((day for day in reversed(days) if day.failed or day.succeeded), None)
        if standing.is_open:
            is_found = bool(newest is not None and newest.failed)
        else:
            is_found = failed >= self.least and 100 * failed >= self.share * (failed + succeeded)
            # What failed before is told by the day after it that went well.
            is_found = is_found and newest is not None and bool(newest.failed)
        if not is_found:
            return Evaluation(ConditionState.CLEAR, numbers, again_at=_later(again_at, at), texts=texts)
        began_at = standing.began_at or min(bad[0].counted_from or bad[0].taken_at, at)
        return Evaluation(
            ConditionState.BREACHED, numbers, began_at, failed, again_at=_later(again_at, at), texts=texts
        )

    def _webhooks(self, material: CrmRuleMaterial, at: datetime, standing: AlertStanding) -> Evaluation:
        if material.webhooks_problem:
            return Evaluation(ConditionState.NO_DATA, texts={"problem": material.webhooks_problem})
        start = self._start(at, standing)
        failed = [moment for moment in material.webhooks if start < moment <= at]
        numbers = {"failed": len(failed)}
        if not failed:
            return Evaluation(ConditionState.CLEAR, numbers)
        # CRM names no call that went well: what has not failed for the whole window has recovered.
        again_at = _later(failed[0 if not standing.is_open else -1] + timedelta(hours=self.window_hours), at)
        if not standing.is_open and len(failed) < self.least:
            return Evaluation(ConditionState.CLEAR, numbers, again_at=again_at)
        began_at = standing.began_at or failed[0]
        return Evaluation(ConditionState.BREACHED, numbers, began_at, len(failed), again_at=again_at)

    def _silent(self, material: CrmRuleMaterial, at: datetime, standing: AlertStanding) -> Evaluation:
        if material.is_active is None:
            return Evaluation(ConditionState.NO_DATA, {"has_run": int(material.ran_at is not None)})
        numbers: dict[str, float] = {
            "has_run": int(material.ran_at is not None),
            "is_active": int(material.is_active),
        }
        if not material.is_active:
            return Evaluation(ConditionState.CLEAR, numbers)
        since = max(filter(None, (material.ran_at, material.changed_at)))
        numbers["ran_at"] = material.ran_at.timestamp() if material.ran_at is not None else 0
        due = since + timedelta(days=self.silent_days)
        if at < due:
            return Evaluation(ConditionState.CLEAR, numbers, again_at=due)
        return Evaluation(ConditionState.BREACHED, numbers, standing.began_at or since)

    def _switched_off(self, material: CrmRuleMaterial, at: datetime, standing: AlertStanding) -> Evaluation:
        """Finds a rule that was seen enabled and is no longer: what was off from the first is as it should be."""
        was_on = standing.learned is not None and bool(standing.learned.values[0])
        if material.is_active is None:
            return Evaluation(ConditionState.NO_DATA, learned=standing.learned)
        if material.is_active or not was_on:
            return Evaluation(ConditionState.CLEAR, learned=Learned(FOR_GOOD, [int(material.is_active)]))
        began_at = standing.began_at or min(material.changed_at, at)
        return Evaluation(ConditionState.BREACHED, began_at=began_at, learned=standing.learned)


def _later(moment: datetime | None, at: datetime) -> datetime | None:
    return moment if moment is not None and moment > at else None


CONDITION = CrmRuleTrouble
