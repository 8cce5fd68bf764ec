"""Decides how a flow stands from what is known of it. Pure.

Healthy is said last, and only where there is ground for it: a flow that was read, in an account whose present is known,
whose newest finished run succeeded or whose success rate is good. What is bad stays bad until there is such ground.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from django.utils.translation import gettext_noop

from monitor.freshness import LABELS, NEVER, PAUSED, Judged
from monitor.models import SWITCHED_OFF, Execution, SyncState
from monitor.models.alerts import USUAL_THRESHOLD
from monitor.privacy import mask_text

HEALTHY, FAILING, SILENT, STUCK = "healthy", "failing", "silent", "stuck"
ON_HOLD, UNKNOWN, UNREAD, GONE = "paused", "unknown", "unread", "gone"
WORDS = {
    FAILING: gettext_noop("Failing"),
    STUCK: gettext_noop("Stuck"),
    SILENT: gettext_noop("Silent"),
    UNKNOWN: gettext_noop("Unknown"),
    UNREAD: gettext_noop("Nothing read yet"),
    HEALTHY: gettext_noop("Healthy"),
    ON_HOLD: gettext_noop("Paused"),
    GONE: gettext_noop("Deleted in Zoho"),
}
# A newest run that failed is the exception where so many of the last 7 days succeeded; the default rule's threshold.
GOOD_RATE = int(USUAL_THRESHOLD)


@dataclass(frozen=True, slots=True)
class AccountPresent:
    """Says whether an account's present is known: `code` is "" if so, else paused, unread or unknown, and why."""

    code: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class FlowFacts:
    """Holds what a flow's standing is decided by.

    Attributes:
        is_gone: Zoho no longer has it.
        status: Zoho's word for whether it is switched on.
        account: whether its account's present is known.
        is_read: its newest runs were read at least once.
        hole: why runs are missing; empty where none are known to be.
        has_alert: an alert about it is open.
        newest: the status of its newest finished run; "" where none is mirrored.
        runs: finished runs of the last 7 days, by final result.
        failures: those of them that failed.
        others: runs of the last 7 days whose status is not known here.
        is_stuck: a run is under way for longer than any flow runs.
        is_silent: it pauses longer than it ever does.
    """

    is_gone: bool = False
    status: str = "active"
    account: AccountPresent = field(default_factory=AccountPresent)
    is_read: bool = True
    hole: str = ""
    has_alert: bool = False
    newest: str = Execution.Status.SUCCESS
    runs: int = 0
    failures: int = 0
    others: int = 0
    is_stuck: bool = False
    is_silent: bool = False


@dataclass(frozen=True, slots=True)
class FlowStanding:
    """Holds how a flow stands: a code, and why in words where the code does not say it all."""

    code: str
    reason: str = ""

    @property
    def label(self) -> str:
        """Returns the code in words."""
        return WORDS[self.code]


def judge_flow(facts: FlowFacts) -> FlowStanding:
    """Decides how a flow stands; the first that holds is said."""
    account, is_good_week = facts.account, is_good(facts.runs, facts.failures)
    failed_last = facts.newest == Execution.Status.FAILED
    ladder = (
        (facts.is_gone, GONE, ""),
        (facts.status in SWITCHED_OFF, ON_HOLD, "it is not active in Zoho"),
        (account.code == ON_HOLD, ON_HOLD, account.reason),
        (facts.has_alert, FAILING, "an alert is open"),
        (account.code == UNREAD or not facts.is_read, UNREAD, account.reason or facts.hole),
        (failed_last and not is_good_week, FAILING, "its newest finished run failed"),
        (not facts.newest and facts.runs > 0 and not is_good_week, FAILING, "too many of its last runs failed"),
        (bool(account.code), UNKNOWN, account.reason),
        (bool(facts.hole), UNKNOWN, facts.hole),
        (facts.status != "active", UNKNOWN, _in_zohos_words(facts.status)),
        (
            is_mostly_unknown(facts.runs, facts.others),
            UNKNOWN,
            "most of its last runs have a status that is not known here",
        ),
        (facts.is_stuck, STUCK, "a run is under way for longer than any flow runs"),
        (facts.is_silent, SILENT, "it pauses longer than it ever does"),
        (not facts.newest and not facts.runs, UNKNOWN, "no finished run of it is mirrored"),
    )
    return next((FlowStanding(code, why) for holds, code, why in ladder if holds), FlowStanding(HEALTHY))


def _in_zohos_words(status: str) -> str:
    if not status:
        return "Zoho does not say whether it is switched on"
    return f"Zoho says “{mask_text(status)}” of it, and whether that is switched on is not known here"


def is_mostly_unknown(runs: int, others: int) -> bool:
    """Returns whether more of the last runs have a status that is not known here than have finished."""
    return others > runs


def is_good(runs: int, failures: int) -> bool:
    """Returns whether there are runs to go by, and enough of them succeeded."""
    return runs > 0 and 100 * (runs - failures) >= GOOD_RATE * runs


def present_of(judged: Judged, *, unread: str) -> AccountPresent:
    """Says whether an account's present is known, from the one judgement of its mirror.

    Args:
        judged: by `monitor.freshness.judge_account`.
        unread: why nothing of its flows' present is known (`monitor.freshness.MirrorFacts`). Where only some flows
            have holes, the others are known.
    """
    states = SyncState.State
    if judged.state == PAUSED:
        return AccountPresent(ON_HOLD, "the account is not mirrored: a person switched it off")
    if judged.state == NEVER:
        return AccountPresent(UNREAD, judged.reason or "the account's first reading has not ended")
    if judged.state in (states.OK, states.INCOMPLETE):
        return AccountPresent(UNKNOWN, unread) if unread else AccountPresent()
    label = LABELS.get(judged.state) or str(states(judged.state).label)
    return AccountPresent(UNKNOWN, f"{label}: {judged.reason}" if judged.reason else label)
