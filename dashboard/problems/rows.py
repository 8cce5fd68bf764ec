"""Puts the rows of the list of problems into words: what the template prints of each, finished. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from urllib.parse import urlencode

from django.utils.safestring import SafeString

from dashboard import formats, paint
from monitor.languages import gettext as _
from monitor.languages import ngettext
from monitor.models import Problem
from monitor.models.addresses import address_of_list
from monitor.queries import links
from monitor.queries.problems import ProblemRow, tone_of_age

_STATES = dict(Problem.State.choices)


@dataclass(frozen=True, slots=True)
class ProblemLine:
    """Holds what the list shows of a problem.

    Attributes:
        pk: its primary key, for a box to tick.
        is_ticked: whether the box is.
        url: of its page.
        title: the template of its errors, masked.
        where: the app of the failed action, and the account.
        state: as a pill.
        open: how many of its failures are open, as a link to them.
        failed: how many there are at all, likewise.
        flows: of how many flows they are, likewise; of CRM of how many workflow rules.
        tone: the class of the oldest open failure's age.
        oldest_open: when that happened.
        first_seen: when the first failure of it was seen.
        last_seen: when the last one was.
        owner: who looks after it; empty where nobody does.
    """

    pk: int
    is_ticked: bool
    url: str
    title: str
    where: str
    state: SafeString
    open: SafeString
    failed: SafeString
    flows: SafeString
    tone: str
    oldest_open: SafeString
    first_seen: SafeString
    last_seen: SafeString
    owner: str


def lines(rows: Iterable[ProblemRow], now: datetime, zone: tzinfo, ticked: Collection[int] = ()) -> list[ProblemLine]:
    """Puts problems into words.

    Args:
        rows: as `monitor.queries.problems.with_counts` gives them.
        now: the page's time.
        zone: the viewer's.
        ticked: the primary keys of those whose boxes are ticked.
    """
    return [_line(row, now, zone, is_ticked=row.problem.pk in ticked) for row in rows]


def _line(row: ProblemRow, now: datetime, zone: tzinfo, *, is_ticked: bool) -> ProblemLine:
    problem, pk = row.problem, row.problem.pk
    is_of_crm = problem.source == Problem.Source.CRM
    return ProblemLine(
        pk=pk,
        is_ticked=is_ticked,
        url=problem.get_absolute_url(),
        title=row.title,
        where=f"{problem.app} · {problem.account.name}" if problem.app else problem.account.name,
        state=paint.pill(problem.state, _(_STATES.get(problem.state, problem.state))),
        open=_failures(row.ledger.open, "bad strong", outcome="open", problem_id=pk, is_of_crm=is_of_crm),
        failed=_failures(row.ledger.failed, "", problem_id=pk, is_of_crm=is_of_crm),
        flows=SafeString(ngettext("%(n)s rule", "%(n)s rules", row.flows) % {"n": row.flows})
        if is_of_crm
        else paint.count(row.flows, f"{address_of_list('flows')}?{urlencode({'problem': pk})}"),
        tone=tone_of_age(now - row.oldest_open) if row.oldest_open else "",
        oldest_open=_ago(row.oldest_open, now, zone),
        first_seen=_ago(problem.first_seen_at, now, zone),
        last_seen=_ago(problem.last_seen_at, now, zone),
        owner=problem.owner.get_username() if problem.owner is not None else "",
    )


def _failures(count: int, tone: str, *, problem_id: int, outcome: str = "", is_of_crm: bool = False) -> SafeString:
    """Writes a number of failures: of runs as a link to them; those of CRM stand on the problem's page."""
    url = links.failures(outcome=outcome, problem_id=problem_id) if count and not is_of_crm else ""
    return paint.count(count, url, tone)


def _ago(at: datetime | None, now: datetime, zone: tzinfo) -> SafeString:
    return paint.ago(at, now, zone) if at is not None else SafeString(formats.DASH)
