"""Says what a bulk retry would do, before anybody asks for it: how many are safe, risky, impossible, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from monitor.languages import gettext as _
from monitor.languages import gettext_noop
from monitor.models import Failure
from monitor.retry.facts import LATER_RUN, facts_of
from monitor.retry.prospect import Chance, Prospect
from monitor.retry.prospects import Prospects
from monitor.retry.read_runs import RunRead, read_runs
from monitor.retry.safety import Verdict, judge
from monitor.retry.steps import CALLS_AN_ITEM, pace_within, time_needed


@dataclass(frozen=True)
class Preview:
    """Holds the verdicts on a list of executions.

    Attributes:
        safe, risky, impossible: how many.
        reasons: how many for each reason, in words, the most frequent first; of what is not safe.
        said: how many are safe because an admin said so, by the words, the most frequent first.
        by_flow: verdicts by the flow's primary key.
        by_problem: verdicts by the problem's primary key; under 0 those of runs that are in no problem yet.
        by_account: verdicts by the account's primary key.
        verdicts: by the execution's primary key.
        chances: how many of those that can be sent are worth what.
        outlooks: how many for each reason of that, in words, the most frequent first.
    """

    safe: int = 0
    risky: int = 0
    impossible: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    by_flow: dict[int, Counter[str]] = field(default_factory=dict)
    by_problem: dict[int, Counter[str]] = field(default_factory=dict)
    by_account: dict[int, Counter[str]] = field(default_factory=dict)
    verdicts: dict[int, Verdict] = field(default_factory=dict)
    chances: Counter[Chance] = field(default_factory=Counter)
    outlooks: dict[str, int] = field(default_factory=dict)
    said: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return self.safe + self.risky + self.impossible

    def items(self, *, accept_risk: bool) -> int:
        """Returns how many would be sent."""
        return self.safe + (self.risky if accept_risk else 0)

    def calls(self, *, accept_risk: bool) -> int:
        """Returns how many API calls that takes, about."""
        return CALLS_AN_ITEM * self.items(accept_risk=accept_risk)

    def calls_by_account(self, *, accept_risk: bool) -> dict[int, int]:
        """Returns the same of each account, by its primary key."""
        kinds = ("safe", "risky") if accept_risk else ("safe",)
        return {key: CALLS_AN_ITEM * sum(counts[kind] for kind in kinds) for key, counts in self.by_account.items()}

    def time_needed(
        self, per_minute: int, calls_a_minute: Mapping[int, int | None] | None = None, *, accept_risk: bool
    ) -> timedelta:
        """Returns how long that takes at least; accounts go side by side.

        Args:
            per_minute: the pace of each account.
            calls_a_minute: that accounts may make, by their primary keys.
            accept_risk: whether the risky ones are sent, too.
        """
        limits = calls_a_minute or {}
        calls = self.calls_by_account(accept_risk=accept_risk)
        times = (
            time_needed(count // CALLS_AN_ITEM, pace_within(per_minute, limits.get(account)))
            for account, count in calls.items()
        )
        return max(times, default=timedelta(0))

    def as_json(self) -> dict[str, object]:
        """Returns the numbers for programs."""
        return {
            "total": self.total,
            "safe": self.safe,
            "risky": self.risky,
            "impossible": self.impossible,
            "reasons": self.reasons,
        }


def preview(keys: Sequence[int], now: datetime) -> Preview:
    """Judges executions by what the tables know; nothing is asked of Zoho, and nothing is written.

    Args:
        keys: primary keys of executions; what is gone meanwhile is left out.
        now: the present, aware.
    """
    counts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    by_flow: dict[int, Counter[str]] = {}
    by_problem: dict[int, Counter[str]] = {}
    by_account: dict[int, Counter[str]] = {}
    verdicts: dict[int, Verdict] = {}
    chances: Counter[Chance] = Counter()
    outlooks: Counter[str] = Counter()
    said: Counter[str] = Counter()
    # Thousands say the same: one of each is kept.
    kept: dict[tuple[str, ...], Verdict] = {}
    for execution, verdict, worth in judged(keys, now):
        counts[verdict.kind] += 1
        by_flow.setdefault(execution.flow_id, Counter())[verdict.kind] += 1
        by_problem.setdefault(execution.problem or 0, Counter())[verdict.kind] += 1
        by_account.setdefault(execution.account_id, Counter())[verdict.kind] += 1
        words = (verdict.kind, verdict.code, *sorted(verdict.risks), *verdict.reasons)
        verdicts[execution.pk] = kept.setdefault(words, verdict)
        if verdict.code == "pinned_safe":
            said[verdict.reasons[0]] += 1
        if verdict.kind != "safe":
            reasons[_(REASONS[verdict.code]) if verdict.code in REASONS else verdict.reasons[0]] += 1
        if verdict.kind != "refused" and worth is not None:
            chances[worth.chance] += 1
            outlooks[worth.text] += 1
    return Preview(
        counts["safe"],
        counts["risky"],
        counts["refused"],
        _most_first(reasons),
        by_flow,
        by_problem,
        by_account,
        verdicts,
        chances,
        _most_first(outlooks),
        _most_first(said),
    )


def _most_first(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def judged(keys: Sequence[int], now: datetime) -> Iterator[tuple[RunRead, Verdict, Prospect | None]]:
    """Yields executions, in the order of their primary keys, a thousand in memory at a time.

    With each come its verdict and what a retry is worth; None where the run has no entry in the ledger yet.
    """
    prospects = Prospects()
    for some in read_runs(keys):
        late = {run.pk: run.superseded or LATER_RUN for run in some if run.fate == Failure.Fate.SUPERSEDED}
        facts = facts_of(some, now, superseded=late)
        causes = {run.pk: cause for run in some if (cause := run.cause) is not None}
        worth = dict(zip(causes, prospects.of(causes.values()), strict=True))
        for run in some:
            # Many at once never bring back what a person gave up; one by one may.
            is_given_up = run.fate == Failure.Fate.WRITTEN_OFF
            yield run, _given_up() if is_given_up else judge(facts[run.pk], now), worth.get(run.pk)


# One line for many runs: without the id or the time of one of them.
REASONS = {
    "not_failed": gettext_noop("It is no longer failed."),
    "open_retry": gettext_noop("A retry of it is still open."),
    "already_succeeded": gettext_noop("An earlier retry of it has succeeded."),
    "run_running": gettext_noop("The run that an earlier retry caused is still going on."),
    "retry_row": gettext_noop("It is itself the run of a retry: the first run is the one to retry."),
    "flow_gone": gettext_noop("Its flow was deleted in Zoho."),
    "account_paused": gettext_noop("Its account is paused."),
    "no_flow_api": gettext_noop("Its account has no address for Zoho Flow."),
    "closed_by_hand": gettext_noop(
        "The answer to an earlier retry was lost, and a person decided that it did not run."
    ),
    "written_off": gettext_noop("It was written off."),
    "superseded": gettext_noop("A later run for the same record has succeeded."),
    "error_unknown": gettext_noop("Nothing is known of how it failed: Zoho may still run it again by itself."),
    "auto_rerun": gettext_noop("Zoho may still run it again by itself, so it could run twice."),
}


def _given_up() -> Verdict:
    return Verdict("refused", [_(REASONS["written_off"])], "written_off")
