"""Names what a digest is made of: read by `monitor.queries`, put into words by `monitor.notify`. Names are masked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import sqrt

LEAST_FAILED = 3
BEYOND_CHANCE = 1.645  # of 20 flows that stay as they are one seems worse


@dataclass(frozen=True, slots=True)
class RunShare:
    """Holds how many of the finished runs of some time failed; what corrections leave out is in neither."""

    failed: int
    finished: int

    @property
    def rate(self) -> float | None:
        """Returns how many succeeded, per cent; None where none finished."""
        return 100 * (self.finished - self.failed) / self.finished if self.finished else None


def is_worse(now: RunShare, before: RunShare) -> bool:
    """Returns whether more runs fail than before, by more than chance: the difference of two shares, one-sided at 5 %.

    Args:
        now: of the time that the digest is about.
        before: of the week before it.
    """
    if now.failed < LEAST_FAILED or not before.finished:
        return False
    both = (now.failed + before.failed) / (now.finished + before.finished)
    spread = sqrt(both * (1 - both) * (1 / now.finished + 1 / before.finished))
    rise = now.failed / now.finished - before.failed / before.finished
    return rise > 0 and (spread == 0 or rise / spread >= BEYOND_CHANCE)


@dataclass(frozen=True, slots=True)
class DigestAsked:
    """Says what a digest is to be about.

    Attributes:
        accounts: keys of those that the person may see.
        since: what is new, is new since then; `until` the present.
        days: how long the time is whose rates are compared: 1 or 7.
        told: keys of the problems that the digest before called new; None where there was none.
    """

    accounts: Collection[int]
    since: datetime
    until: datetime
    days: int
    told: Collection[int] | None = None


@dataclass(frozen=True, slots=True)
class NamedPage:
    """Holds something by its masked name, what is to be said of it, and the path of its page."""

    name: str
    page: str
    note: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class WorseFlow:
    """Holds a flow whose runs fail more often than in the week before; `left_out` runs are in no rate."""

    flow: NamedPage
    now: RunShare
    before: RunShare
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class NewProblem:
    """Holds a problem that was seen first since the digest before, with its failures in all and those still open."""

    key: int
    problem: NamedPage
    failed: int
    still_open: int


@dataclass(frozen=True, slots=True)
class PlanUse:
    """Holds how much of an account's plan is used; None where it is not known."""

    account: NamedPage
    executions: int
    executions_limit: int | None
    forecast: int | None
    calls: int
    calls_limit: int | None

    @property
    def is_short(self) -> bool:
        """Returns whether a fifth of the month's executions or of the day's calls is left, or less."""
        most = max(self.executions, self.forecast or 0)
        return (self.executions_limit is not None and most >= 0.8 * self.executions_limit) or (
            self.calls_limit is not None and self.calls >= 0.8 * self.calls_limit
        )


@dataclass(frozen=True, slots=True)
class AccountAge:
    """Holds as of when an account is known, and what is wrong with its data: "" for nothing."""

    account: NamedPage
    as_of: datetime | None
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class DigestFacts:
    """Holds what there is to say. Lists are whole; how many are shown is decided where they are put into words.

    Attributes:
        worse: the worst first.
        problems: new ones, those with the most failures first.
        open_by_age: (age in words, how many failures of it are open, the path of their list), the youngest first.
        incidents: that no mail tells of at once: open ones, and those that began since the digest before.
        plans: of each account whose plan is known.
        dormant_crm: workflow rules that are enabled and do not run.
        rule_findings: what the audit of workflow rules finds and nobody accepted; of a digest of a week only.
        dormant_alerts: alert rules that are enabled and watch nothing.
        connections: that do not work.
        ages: how fresh the data of each account are.
    """

    worse: Sequence[WorseFlow] = ()
    problems: Sequence[NewProblem] = ()
    open_by_age: Sequence[tuple[str, int, str]] = ()
    incidents: Sequence[NamedPage] = ()
    plans: Sequence[PlanUse] = ()
    dormant_crm: Sequence[NamedPage] = ()
    rule_findings: Sequence[NamedPage] = ()
    dormant_alerts: Sequence[NamedPage] = ()
    connections: Sequence[NamedPage] = ()
    ages: Sequence[AccountAge] = ()


@dataclass(frozen=True, slots=True)
class AliveFacts:
    """Holds what the worker says of itself.

    Attributes:
        up_for: since it was started.
        troubles: what `/healthz/ready` complains of.
        waiting: mails that wait to be sent.
        ages: how fresh the data of each account are.
    """

    up_for: timedelta
    troubles: Sequence[str] = ()
    waiting: int = 0
    ages: Sequence[AccountAge] = field(default_factory=tuple)
