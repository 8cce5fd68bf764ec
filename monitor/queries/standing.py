"""What may still become of a run: stuck, waiting for one of Zoho's own re-runs, or final. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.models import Execution
from monitor.zoho.reruns import LAST_LOOK_AFTER, STEPS, Outlook, next_rerun, outlook

# A flow runs 5 min at most (seed zoho-flow-api.md, "Flow Execution Limits"); twice that is no run any more.
STUCK_AFTER = timedelta(minutes=10)
RERUN_SPAN = STEPS[-1] + LAST_LOOK_AFTER


@dataclass(frozen=True, slots=True)
class Standing:
    """`code` is stuck, retry, may, final or "" (nothing to add to the status).

    `tag` is for a list, says what may still come and goes before `at`, the time of Zoho's next re-run where there is
    one; nothing more comes of most failures, which has no tag. `text` is a sentence for the run's own page.
    """

    code: str = ""
    tag: str = ""
    text: str = ""
    at: datetime | None = None


NOTHING = Standing()


def standing(run: Execution, now: datetime) -> Standing:
    """How a run stands beside its status, which is Zoho's and stays what it is.

    Args:
        run: a mirrored run; one whose flow is loaded.
        now: the present.
    """
    if run.unlisted_at is not None:
        return Standing("unlisted", "no longer listed", "Zoho no longer lists this run; it is kept here as history.")
    if run.status == Execution.Status.RUNNING:
        return _running(run, now)
    if run.status != Execution.Status.FAILED or run.first_failed_at is None:
        return NOTHING
    if now - run.first_failed_at > RERUN_SPAN:
        return Standing("old", "", "Failed, final: Zoho runs a failure again for a day at most.")
    return _failed(run, now)


def _running(run: Execution, now: datetime) -> Standing:
    if run.started_time is None or now - run.started_time <= STUCK_AFTER:
        return NOTHING
    return Standing("stuck", "stuck", "Stuck: no flow runs for more than 5 minutes, and Zoho still calls it running.")


def _failed(run: Execution, now: datetime) -> Standing:
    error = (run.error_code, run.error_message, run.error_details)
    view = outlook(*error)
    at = next_rerun(run.first_failed_at, error, now, ended=run.completed_time)
    if view is Outlook.FINAL or run.flow.gone_at is not None:
        return Standing("final", "", "Failed, final: Zoho does not run this kind of error again by itself.")
    if at is None:
        return Standing("final", "", "Failed, final: Zoho has run it again for the last time.")
    if view is Outlook.WILL:
        return Standing("retry", "Zoho will retry at", "Failed, and Zoho will run it again by itself at", at)
    return Standing(
        "may", "Zoho may retry", "Failed; the error does not tell whether Zoho runs it again. If it does, then at", at
    )
