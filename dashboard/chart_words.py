"""Says in words what a chart shows, for those who do not see it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext_noop

from dashboard import formats
from dashboard.slots import Slot
from monitor.languages import gettext as _
from monitor.queries.counts import Counts

NOT_KNOWN = gettext_noop("Whether anything ran is not known: this time was not read completely.")


def duration_summary(slots: Sequence[Slot], slowest: float) -> str:
    """Says how long runs took."""
    if slowest:
        return _("The slowest 95th percentile is %(duration)s.") % {"duration": formats.duration(slowest)}
    return _(NOT_KNOWN) if any(not s.is_known for s in slots) else _("No run was timed.")


def outcome_summary(slots: Sequence[Slot]) -> str:
    """Says how runs ended."""
    total, failed = sum(s.counts.total for s in slots), sum(s.counts.failed for s in slots)
    counts = {"runs": formats.number(total), "failed": formats.number(failed)}
    if any(not s.is_known for s in slots):
        if not total:
            return _(NOT_KNOWN)
        return _("At least %(runs)s runs, %(failed)s failed; some of this time is not known.") % counts
    return _("%(runs)s runs, %(failed)s failed.") % counts


def failure_summary(slots: Sequence[Slot], counted: list[str]) -> str:
    """Says of which kinds the failures are."""
    if any(not s.is_known for s in slots):
        said = _("At least %(counted)s; some of this time is not known.") % {"counted": "; ".join(counted)}
        return said if counted else _(NOT_KNOWN)
    return "; ".join(counted) or _("No run failed in this time.")


def rate_summary(slots: Sequence[Slot]) -> str:
    """Says how many runs succeeded."""
    finished = sum(s.counts.finished for s in slots)
    if not finished:
        return _(NOT_KNOWN) if any(not s.is_known for s in slots) else _("No run finished in this time.")
    whole = sum((s.counts for s in slots), Counts())
    rates = [s.counts.rate for s in slots if s.counts.rate is not None]
    left_out = ""
    if whole.left_out:
        left_out = " " + _("%(runs)s are left out by corrections.") % {"runs": formats.number(whole.left_out)}
    if not rates:
        return _("No rate of %(runs)s finished runs.") % {"runs": formats.number(finished)} + left_out
    said = {"rate": formats.rate(whole.rate), "runs": formats.number(whole.rated), "low": formats.rate(min(rates))}
    words = _("%(rate)s of %(runs)s finished runs succeeded in the end; the lowest column is at %(low)s.")
    return words % said + left_out


def rate_words(counts: Counts) -> str:
    """Writes a rate with the runs that it is of."""
    good, of = formats.number(counts.rated - counts.rated_failed), formats.number(counts.rated)
    words = _("%(good)s of %(of)s") % {"good": good, "of": of}
    if counts.left_out:
        words += ", " + _("%(runs)s left out") % {"runs": formats.number(counts.left_out)}
    return f"{formats.rate(counts.rate)} ({words})"
