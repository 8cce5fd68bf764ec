"""Says in a sentence what will happen to a run next: by Zoho, by a retry of ours, by a policy, or by nobody. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from monitor.languages import gettext as _
from monitor.queries.run_status import Standing


@dataclass(frozen=True, slots=True)
class Coming:
    """Holds what comes next of a run: a sentence that goes before `at`; `policy` is the one of whose it is, if any."""

    text: str
    at: datetime | None = None
    policy: int | None = None


def coming(
    later: Standing, *, is_open_failure: bool, is_being_retried: bool, policy: int | None, may_be_retried: bool
) -> Coming | None:
    """Says what comes next; None where nothing does and nothing is to be done.

    Args:
        later: how the run stands beside its status.
        is_open_failure: it failed, and nothing has settled that.
        is_being_retried: a person's or policy's retry of it is under way.
        policy: the primary key of a retry policy that is on for its flow or problem.
        may_be_retried: a retry of it would not be refused.
    """
    if is_being_retried:
        return Coming(_("A retry is under way; what becomes of it stands under Retry."))
    if later.code in ("retry", "may", "late") and later.text:
        return Coming(later.text, later.at)
    if not is_open_failure:
        return Coming(later.text, later.at) if later.text and later.code not in ("final", "old") else None
    said = f"{later.text} " if later.text else ""
    if policy is not None:
        return Coming(said + _("A retry policy takes it up by itself, where that is safe."), policy=policy)
    if may_be_retried:
        return Coming(said + _("It waits for a person to retry it or to write it off."))
    return Coming(said + _("A retry is refused: see there for why."))
