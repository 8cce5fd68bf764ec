"""Judges whether a failed execution may be retried. Pure: facts and the present in, a verdict with reasons out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from monitor.figures import dated
from monitor.languages import gettext as _
from monitor.languages import gettext_noop
from monitor.retry.pinned import PinnedWord, weigh
from monitor.zoho.error_kinds import classify
from monitor.zoho.reruns import Outlook, may_run_again, outlook, over_at

Kind = Literal["safe", "risky", "refused"]

_OPEN = frozenset({"requested", "sending", "accepted", "unknown"})
# Risks of doing the work twice: where that does no harm, as an admin said, they are none.
_RUNS_TWICE = frozenset({"closed_by_hand", "error_unknown", "auto_rerun"})
# Reasons by their codes. They are stored as well, with what became of a retry: pages say them by `monitor.retry.words`.
REASONS: dict[str, str] = {
    "not_failed": gettext_noop("Only a failed execution can be retried; this one is “%(status)s”."),
    "open_retry": gettext_noop("A retry of it is still open: its outcome must be known first."),
    "already_succeeded": gettext_noop("An earlier retry of it has succeeded."),
    "run_running": gettext_noop("The run that an earlier retry caused is still going on."),
    "retry_row": gettext_noop("This is itself the retry of execution %(run)s: retry that one."),
    "flow_gone": gettext_noop("The flow was deleted in Zoho."),
    "account_paused": gettext_noop("The account is paused."),
    "no_flow_api": gettext_noop("The account has no address for Zoho Flow."),
    "closed_by_hand": gettext_noop("The answer to an earlier retry was lost and a person decided that it did not run."),
    "superseded": gettext_noop("A later run for the same record has succeeded (%(run)s): the work may be done."),
    "error_unknown": gettext_noop("Nothing is known of how it failed: Zoho may still run it again by itself."),
}
# By whether the error is that of an earlier retry's run, looks temporary, and began at a known time.
RERUNS: dict[tuple[bool, bool, bool], str] = {
    (False, True, True): gettext_noop(
        "The error looks temporary (%(sign)s): until %(end)s Zoho may run it again by itself, so it could run twice."
    ),
    (False, True, False): gettext_noop(
        "The error looks temporary (%(sign)s): for a day after a failure Zoho may run it again by itself, so it could"
        " run twice."
    ),
    (False, False, True): gettext_noop(
        "The error does not look permanent: until %(end)s Zoho may run it again by itself, so it could run twice."
    ),
    (False, False, False): gettext_noop(
        "The error does not look permanent: for a day after a failure Zoho may run it again by itself, so it could"
        " run twice."
    ),
    (True, True, True): gettext_noop(
        "The error of the run that an earlier retry caused looks temporary (%(sign)s): until %(end)s Zoho may run it"
        " again by itself, so it could run twice."
    ),
    (True, True, False): gettext_noop(
        "The error of the run that an earlier retry caused looks temporary (%(sign)s): for a day after a failure Zoho"
        " may run it again by itself, so it could run twice."
    ),
    (True, False, True): gettext_noop(
        "The error of the run that an earlier retry caused does not look permanent: until %(end)s Zoho may run it"
        " again by itself, so it could run twice."
    ),
    (True, False, False): gettext_noop(
        "The error of the run that an earlier retry caused does not look permanent: for a day after a failure Zoho may"
        " run it again by itself, so it could run twice."
    ),
}


@dataclass(frozen=True, slots=True)
class FailedRun:
    """Holds one failed run of the work: the execution itself, or what an earlier retry of it caused.

    Attributes:
        error: code, message and details, as Zoho sent them.
        failed_at: when Zoho's own schedule of re-runs began, aware; None when nothing is known of it.
    """

    error: tuple[str, ...]
    failed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Earlier:
    """Holds an earlier retry of the same execution.

    Attributes:
        state: its `RetryAttempt.state`.
        run_status: Zoho's status of the run it caused, as mirrored; "" when none is known.
    """

    state: str
    run_status: str = ""


@dataclass(frozen=True, slots=True)
class RetryFacts:
    """Holds what is known of an execution that somebody wants to retry.

    Attributes:
        status: Zoho's status, as mirrored.
        runs: the failed runs of this work, the execution itself among them.
        earlier: every retry of it so far, in any order.
        retry_of: Zoho's id of the execution whose retry this very row is; "" for an ordinary one.
        superseded_by: Zoho's id of a later run of the flow that was good for the same record; "" without one.
        flow_gone: the flow was deleted in Zoho.
        account_active: the account is mirrored, not paused.
        has_flow_api: the account has an address for Zoho Flow.
        zoho_ahead: Zoho's clock, by which it failed, less ours; zero where it is not known.
        pinned: what an admin said of its flow; None where nobody did.
        failed_action: Zoho's id of the action that failed, "" where it is not known.
    """

    status: str
    runs: tuple[FailedRun, ...] = ()
    earlier: tuple[Earlier, ...] = ()
    retry_of: str = ""
    superseded_by: str = ""
    flow_gone: bool = False
    account_active: bool = True
    has_flow_api: bool = True
    zoho_ahead: timedelta = timedelta(0)
    pinned: PinnedWord | None = None
    failed_action: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`safe`, `risky` (needs a right and a confirmation) or `refused`.

    Attributes:
        reasons: sentences for a person, the weightiest first; never empty, never Zoho's own text.
        code: of the first reason, for programs.
        risks: codes of everything that has to be accepted, none where it is safe or refused.
        set_aside: codes of the risks of running twice that an admin's word makes none for a person. Where no person
            looks, they stay risks.
    """

    kind: Kind
    reasons: list[str] = field(default_factory=list)
    code: str = ""
    risks: frozenset[str] = frozenset()
    set_aside: frozenset[str] = frozenset()

    @property
    def shown(self) -> str:
        """Returns what a person is shown of it, for programs: the codes of all its risks, else its own."""
        return " ".join(sorted(self.risks)) or self.code

    @property
    def cannot_run_twice(self) -> bool:
        """Returns whether it is safe whatever anybody has said of the flow."""
        return self.kind == "safe" and not self.set_aside


def judge(facts: RetryFacts, now: datetime) -> Verdict:
    """Returns the verdict on retrying. It never raises: what cannot be understood counts against the retry.

    Args:
        facts: see `RetryFacts`.
        now: the present, aware.
    """
    refusals = _refusals(facts)
    if refusals:
        return Verdict("refused", [text for __, text in refusals], refusals[0][0])
    risks = _risks(facts, now)
    if facts.pinned is None:
        return _of_risks(risks, facts)
    effect, told = weigh(facts.pinned, facts.failed_action)
    if effect == "objects":
        code = f"pinned_{facts.pinned.kind}"
        codes = frozenset({code, *(its for its, __ in risks)})
        return Verdict("risky", [*told, *(text for __, text in risks)], code, codes)
    if effect == "safe" and all(code in _RUNS_TWICE for code, __ in risks):
        told += [text for __, text in risks] or [_why_safe(facts)]
        return Verdict("safe", told, "pinned_safe", set_aside=frozenset(code for code, __ in risks))
    verdict = _of_risks(risks, facts)
    return Verdict(verdict.kind, [*verdict.reasons, *told], verdict.code, verdict.risks)


def _of_risks(risks: list[tuple[str, str]], facts: RetryFacts) -> Verdict:
    if risks:
        return Verdict("risky", [text for __, text in risks], risks[0][0], frozenset(code for code, __ in risks))
    return Verdict("safe", [_why_safe(facts)], "safe")


def _refusals(facts: RetryFacts) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    if facts.status != "failed":
        found.append(_reason("not_failed", status=facts.status[:32]))
    states = {earlier.state for earlier in facts.earlier}
    run_states = {earlier.run_status for earlier in facts.earlier}
    if states & _OPEN:
        found.append(_reason("open_retry"))
    if "succeeded" in states or "success" in run_states:
        found.append(_reason("already_succeeded"))
    elif "running" in run_states:
        found.append(_reason("run_running"))
    if facts.retry_of:
        # All retries of one piece of work hang on the original. Otherwise two rows of the same work could be
        # retried at the same time, past the constraint of one open retry per execution, and a success would be
        # counted for the wrong row.
        found.append(_reason("retry_row", run=facts.retry_of))
    if facts.flow_gone:
        found.append(_reason("flow_gone"))
    if not facts.account_active:
        found.append(_reason("account_paused"))
    elif not facts.has_flow_api:
        found.append(_reason("no_flow_api"))
    return found


def _risks(facts: RetryFacts, now: datetime) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    if any(earlier.state == "not_run" for earlier in facts.earlier):
        found.append(_reason("closed_by_hand"))
    if facts.superseded_by:
        found.append(_reason("superseded", run=facts.superseded_by))
    if not facts.runs:
        found.append(_reason("error_unknown"))
    for number, run in enumerate(facts.runs):
        if not may_run_again(run.error, run.failed_at, now, zoho_ahead=facts.zoho_ahead):
            continue
        sign, end = classify(*run.error).sign, _end(run, facts.zoho_ahead)
        words = RERUNS[number > 0, bool(sign), bool(end)]
        found.append(("auto_rerun", _(words) % {"sign": sign, "end": dated(end)}))
        break
    return found


def _reason(code: str, **values: str) -> tuple[str, str]:
    """Returns a code with its words."""
    return code, _(REASONS[code]) % values


def _end(run: FailedRun, ahead: timedelta) -> str:
    """Says until when, by our clock, which is the reader's; "" where that is not known."""
    at = over_at(run.failed_at, zoho_ahead=ahead)
    try:
        return "" if at is None else f"{at:%Y-%m-%d %H:%M %Z}".rstrip()
    except ValueError:
        return ""


def _why_safe(facts: RetryFacts) -> str:
    if facts.runs and all(outlook(*run.error) is Outlook.FINAL for run in facts.runs):
        sign = classify(*facts.runs[0].error).sign
        return _("The error is permanent (%(sign)s): Zoho does not run it again by itself.") % {"sign": sign}
    return _("The failure is older than a day: Zoho no longer runs it again by itself.")
