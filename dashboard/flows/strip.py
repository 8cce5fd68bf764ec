"""Paints a flow's newest runs side by side: colour is the result, height the run time, each leads to its run. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from html import escape

from django.utils.safestring import SafeString
from django.utils.translation import gettext_noop

from dashboard import formats, paint, status_labels
from monitor.languages import gettext as _
from monitor.languages import ngettext
from monitor.models.addresses import address_of
from monitor.queries.flow import STRIP, PastRun

WIDTH, HEIGHT = 1000, 100  # the strip's own units
LOWEST = 12  # what took next to no time is seen, too
ROLES = {"success": "good", "failed": "bad", "running": "info"}
WORDS = {
    "success": gettext_noop("Succeeded"),
    "failed": gettext_noop("Failed"),
    "running": gettext_noop("Running"),
}


@dataclass(frozen=True)
class Strip:
    """Holds the strip of a flow's newest runs.

    Attributes:
        bars: the SVG, the newest run on the right.
        rows: the same as rows of a table, the newest first.
        summary: in words.
    """

    bars: SafeString
    rows: SafeString
    summary: str


def strip_of(runs: Sequence[PastRun], now: datetime, zone: tzinfo) -> Strip | None:
    """Paints the strip; None where there is no run.

    Args:
        runs: oldest first, at most `STRIP`.
        now: the page's time.
        zone: the viewer's.
    """
    if not runs:
        return None
    year = now.astimezone(zone).year
    longest = max((run.duration_ms or 0 for run in runs), default=0) or 1
    step = WIDTH // STRIP
    left = WIDTH - step * len(runs)
    bars, rows = [], []
    for place, run in enumerate(runs):
        # One that has not ended has no run time yet: it stands as high as any.
        height = HEIGHT if run.duration_ms is None else max(LOWEST, HEIGHT * run.duration_ms // longest)
        href, word = address_of("execution", run.pk), escape(_word(run))
        at = formats.moment(run.started.astimezone(zone), year)
        took = formats.duration(run.duration_ms)
        told = f"{word}, {at}, {took}" if run.duration_ms is not None else f"{word}, {at}"
        role = ROLES.get(run.status, "other")
        bars.append(
            f'<a href="{href}" tabindex="-1" aria-label="{told}"><title>{told}</title>'
            f'<rect class="strip__field" x="{left + place * step}" y="0" width="{step}" height="{HEIGHT}"/>'
            f'<rect class="chart__bar series-{role}" x="{left + place * step + 2}" y="{HEIGHT - height}" '
            f'width="{step - 4}" height="{height}"/></a>'
        )
        rows.append(
            f'<tr><th scope="row"><a href="{href}">{at}</a></th><td>{paint.zohos_pill("run", run.status)}</td>'
            f'<td class="num">{took}</td></tr>'
        )
    summary = summary_of(runs)
    svg = (
        f'<svg class="strip" role="group" aria-label="{escape(summary)}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'preserveAspectRatio="none">{"".join(bars)}</svg>'
    )
    return Strip(paint.safe(svg), paint.safe("".join(reversed(rows))), summary)


def summary_of(runs: Sequence[PastRun]) -> str:
    """Says in words how some runs ended: "Last 50 runs: 47 succeeded, 3 failed"."""
    counts = Counter(run.status if run.status in WORDS else "" for run in runs)
    parts = [f"{counts[status]} {_(words).lower()}" for status, words in WORDS.items() if counts[status]]
    parts += [_("%(runs)s of another status") % {"runs": counts[""]}] if counts[""] else []
    said = ngettext("Last run: %(ended)s", "Last %(runs)s runs: %(ended)s", len(runs))
    return said % {"runs": len(runs), "ended": ", ".join(parts)}


def _word(run: PastRun) -> str:
    return status_labels.look_of_zohos("run", run.status).label
