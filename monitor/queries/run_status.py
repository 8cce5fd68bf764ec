"""Says what may still become of a run: it is stuck, one of Zoho's own re-runs is to come, or it is final. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.languages import gettext as _
from monitor.models import Execution
from monitor.zoho.reruns import (
    STUCK_AFTER,
    Outlook,
    clock_began,
    goes_on_since,
    may_run_again,
    next_rerun,
    outlook,
    over_at,
)


@dataclass(frozen=True, slots=True)
class Standing:
    """Holds what a run's page and the lists say beside its status.

    Attributes:
        code: stuck, delayed, unlisted, retry, may, late, final, old or "" (nothing to add to the status).
        tag: for a list; says what may still come, and goes before `at`. Nothing more comes of most failures, which
            have no tag.
        text: a sentence for the run's own page, which goes before `at`.
        at: the time of Zoho's next re-run, or the end of the time in which one may come late.
    """

    code: str = ""
    tag: str = ""
    text: str = ""
    at: datetime | None = None


NOTHING = Standing()


def standing(
    run: Execution, now: datetime, *, was_retried: bool = False, zoho_ahead: timedelta = timedelta(0)
) -> Standing:
    """Says how a run stands beside its status, which is Zoho's and stays what it is.

    Args:
        run: a mirrored run; one whose flow is loaded.
        now: the present.
        was_retried: a person's retry of it was sent.
        zoho_ahead: Zoho's clock less ours, as far as it is known.
    """
    if run.unlisted_at is not None:
        return Standing(
            "unlisted", _("no longer listed"), _("Zoho no longer lists this run; it is kept here as history.")
        )
    if run.status == Execution.Status.RUNNING:
        return _running(run, now)
    if run.status != Execution.Status.FAILED:
        return NOTHING
    error = (run.error_code, run.error_message, run.error_details)
    if outlook(*error) is Outlook.FINAL or run.flow.gone_at is not None:
        return Standing("final", "", _("Failed, final: Zoho does not run this kind of error again by itself."))
    began = clock_began(run.first_failed_at, run.completed_time, run.started_time, was_retried=was_retried)
    if not may_run_again(error, began, now, zoho_ahead=zoho_ahead):
        return Standing("old", "", _("Failed, final: Zoho runs a failure again for a day at most."))
    at = next_rerun(began, error, now + zoho_ahead, ended=run.completed_time)
    if at is None:
        until = over_at(began, zoho_ahead=zoho_ahead)
        text = _("Failed; a last re-run by Zoho may come late")
        return Standing("late", "", _("%(text)s, until") % {"text": text} if until else text, until)
    if outlook(*error) is Outlook.WILL:
        text = _("Failed, and Zoho will run it again by itself at")
        return Standing("retry", _("Zoho will retry at"), text, at - zoho_ahead)
    text = _("Failed; the error does not tell whether Zoho runs it again. If it does, then at")
    return Standing("may", _("Zoho may retry"), text, at - zoho_ahead)


def _running(run: Execution, now: datetime) -> Standing:
    if run.started_time is None:
        return NOTHING
    if now - goes_on_since(run.started_time, run.first_failed_at, run.changed_at) <= STUCK_AFTER:
        return NOTHING
    if run.flow.may_wait:
        return Standing("delayed", "", _("Its flow has a step that waits: a run goes on for as long as that says."))
    return Standing(
        "stuck", _("stuck"), _("Stuck: no flow runs for more than 5 minutes, and Zoho still calls it running.")
    )
