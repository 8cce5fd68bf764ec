"""Reads which runs a person chose on a page, and freezes them: what is confirmed is what was looked at.

Runs are chosen by ticks, by "all that match this filter", or as the open failures of a problem. Nothing ticked is
nothing, never all. The frozen list travels in the form that confirms it, compressed and signed
for the person who looked.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from django.core import signing
from django.http import QueryDict

from dashboard import time_limit
from dashboard.executions.forms import ExecutionFilterForm
from dashboard.filters import BIGGEST_ID
from dashboard.formats import number
from monitor.languages import gettext as _
from monitor.models import Execution, Failure, Problem, User
from monitor.queries.executions import ExecutionFilter, matching
from monitor.retry.batches import MOST_ITEMS

HELD_FOR = 3600  # seconds that a preview may be confirmed
TICKED, MATCHING = "ticked", "matching"
_SALT = "chosen-runs"


class ChoiceRefused(Exception):  # noqa: N818 - it says what happened
    """Says in one line why the choice cannot be used."""


@dataclass(frozen=True)
class ChosenRuns:
    """Holds the runs that a person chose.

    Attributes:
        by_account: primary keys of executions by their account's, the oldest first.
        source: what was chosen, its times absolute, for whoever reads it later.
        problem_id: whose failures they are, where they are one problem's.
        token: of this choice: confirmed twice, it is confirmed once.
        seen_at: when it was shown to the person; None until then.
        seen: what was shown of each run then, by its primary key.
    """

    by_account: dict[int, list[int]]
    source: dict[str, Any] = field(default_factory=dict)
    problem_id: int | None = None
    token: str = field(default_factory=lambda: str(uuid.uuid4()))
    seen_at: datetime | None = None
    seen: dict[int, str] = field(default_factory=dict)

    @property
    def keys(self) -> list[int]:
        return [key for keys in self.by_account.values() for key in keys]


def choose(data: QueryDict, person: User, now: datetime) -> ChosenRuns:
    """Reads a choice from a form: a frozen one (`chosen`), a problem's, all that match a filter, or ticked rows.

    Args:
        data: as it was posted.
        person: who chose.
        now: the present, for filters that hang on it.

    Raises:
        ChoiceRefused: nothing is chosen, too much, or it cannot be read.
        PageTooSlow, OperationalError: the filter took too long.
    """
    if data.get("chosen"):
        return unseal(data["chosen"], person)
    if data.get("problem"):
        return _of_problem(data["problem"])
    if data.get("which") == MATCHING:
        return _matching(data.get("query", ""), now)
    ticked = list(dict.fromkeys(_number(value) for value in data.getlist("run")))
    rows = Execution.objects.filter(pk__in=ticked[: MOST_ITEMS + 1]).order_by("started_time", "pk")
    return _checked(ChosenRuns(_by_account(rows), {"kind": "rows", "runs": len(ticked)}))


def seal(chosen: ChosenRuns, person: User, now: datetime, seen: Mapping[int, str] | None = None) -> str:
    """Writes a choice, as it is shown now, as a text that nobody can change and that only this person can use.

    Args:
        chosen: what was chosen.
        person: to whom it is shown.
        now: the present.
        seen: what is shown of each run, by its primary key.
    """
    words = [] if seen is None else [seen.get(key, "") for key in chosen.keys]
    kinds = {text: number for number, text in enumerate(dict.fromkeys(words))}
    runs = [[account, _steps(keys)] for account, keys in chosen.by_account.items()]
    held = {"p": person.pk, "r": runs, "s": chosen.source, "o": chosen.problem_id, "t": chosen.token}
    held |= {"a": now.isoformat(), "k": list(kinds), "v": [kinds[text] for text in words]}
    return signing.dumps(held, salt=_SALT, compress=True)


def unseal(text: str, person: User) -> ChosenRuns:
    """Reads what `seal` wrote.

    Raises:
        ChoiceRefused: it did not write this, for somebody else, or more than an hour ago.
    """
    try:
        held = signing.loads(text, salt=_SALT, max_age=HELD_FOR)
    except signing.SignatureExpired:
        raise ChoiceRefused(_("You looked at this more than an hour ago; choose again.")) from None
    except signing.BadSignature:
        raise ChoiceRefused(_("The choice in the form is damaged; choose again.")) from None
    if held["p"] != person.pk:
        raise ChoiceRefused(_("Somebody else chose this; choose yourself."))
    runs = {account: _sums(steps) for account, steps in held["r"]}
    chosen = ChosenRuns(runs, held["s"], held["o"], held["t"], datetime.fromisoformat(held["a"]))
    # Where nothing was shown of the runs, there is none of these.
    words = (held["k"][number] for number in held["v"])
    return replace(chosen, seen=dict(zip(chosen.keys, words, strict=False)))


def _of_problem(text: str) -> ChosenRuns:
    problem = Problem.objects.filter(pk=_number(text), merged_into=None).first()
    if problem is None:
        raise ChoiceRefused(_("There is no such problem."))
    rows = Failure.objects.filter(group__problem=problem, fate=Failure.Fate.OPEN).order_by("failed_at", "pk")
    keys = list(rows.values_list("pk", flat=True)[: MOST_ITEMS + 1])
    chosen = ChosenRuns({problem.account_id: keys} if keys else {}, {"kind": "problem"}, problem.pk)
    return _checked(chosen, _("No failed run of this problem is open."))


def _matching(query: str, now: datetime) -> ChosenRuns:
    # As for the list itself: what is found there in time is found here, too.
    with time_limit.limited(time_limit.PAGE_SECONDS):
        form = ExecutionFilterForm(QueryDict(query))
        found = _found(form, now) if form.is_valid() else None
    if found is None:
        raise ChoiceRefused(_("The filter of the list cannot be read; choose again."))
    return _checked(found, _("No failed run matches this filter."))


def _found(form: ExecutionFilterForm, now: datetime) -> ChosenRuns:
    wanted: ExecutionFilter = replace(form.wanted(), now=now)
    rows = matching(wanted).filter(status=Execution.Status.FAILED).order_by("started_time", "pk")
    names = ("status", "outcome", "problem", "flow", "account")
    source = {name: form.cleaned_data[name] for name in names if form.cleaned_data[name]}
    times = {name: getattr(wanted, name) for name in ("start", "end", "failed_from", "failed_before")}
    source |= {name: at.astimezone(UTC).isoformat() for name, at in times.items() if at is not None}
    # What was searched for may be personal: that there was a search is enough.
    source |= {"kind": "filter", "as_of": now.isoformat()} | ({"searched": True} if wanted.text else {})
    return ChosenRuns(_by_account(rows), source, wanted.problem_id)


def _by_account(rows: Any) -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    for account, pk in rows.values_list("account_id", "pk")[: MOST_ITEMS + 1]:
        found[account].append(pk)
    return dict(found)


def _checked(chosen: ChosenRuns, nothing: str = "") -> ChosenRuns:
    if not chosen.keys:
        raise ChoiceRefused(nothing or _("Nothing is chosen."))
    if len(chosen.keys) > MOST_ITEMS:
        raise ChoiceRefused(
            _("These are more than %(n)s runs: narrow the list, by time or by flow, and take them in turn.")
            % {"n": number(MOST_ITEMS)}
        )
    return chosen


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20 and 0 < int(text) <= BIGGEST_ID):
        raise ChoiceRefused(_("The choice cannot be read; choose again."))
    return int(text)


def _steps(keys: Sequence[int]) -> list[int]:
    """Writes keys as their differences, which are small and compress well."""
    return [key - before for before, key in zip([0, *keys], keys, strict=False)]


def _sums(steps: Iterable[int]) -> list[int]:
    keys: list[int] = []
    for step in steps:
        keys.append((keys[-1] if keys else 0) + step)
    return keys
