"""Finds flows by what people type: a name as it is shown, Zoho's id, or what tells one of several of a name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from monitor.models import Flow
from monitor.privacy import mask_name

MOST_SUGGESTED = 20
_NAMELESS = "(without a name)"
_LONGEST_SHOWN = 500  # as long as names are; a mark may be longer than what it hides
_NUMBERED = re.compile(r".* #[0-9]+")


@dataclass(frozen=True, slots=True)
class NamedFlow:
    """Holds a flow and how people name it.

    Attributes:
        pk: its primary key.
        words: what names this flow and no other: its name, and its number behind it where the name alone could be
            taken for something else.
        account: its account's name.
    """

    pk: int
    words: str
    account: str


@dataclass(frozen=True, slots=True)
class MeantFlows:
    """Holds all flows that a text names, and all whose names have it in them, the likeliest first."""

    named: list[NamedFlow]
    near: list[NamedFlow]


class _Namesakes:
    """Knows what every flow is called, and so whether a name alone tells one from all others.

    Args:
        names: of all flows, as they are shown.
        ids: Zoho's, of all flows.
    """

    def __init__(self, names: Iterable[str], ids: Iterable[str]) -> None:
        self._names = Counter(map(_folded, names))
        self._ids = Counter(map(_folded, ids))

    def words(self, pk: int, stored: str, shown: str, flow_id: str) -> str:
        """Returns what names this flow and no other, whoever types it again."""
        folded = _folded(shown)
        of_others = self._names[folded] - 1 + self._ids[folded] - (_folded(flow_id) == folded)
        is_read_otherwise = shown.isdecimal() or _NUMBERED.fullmatch(shown)  # as a key, or as the words of another
        # Flows to come may look like one in whose name something is hidden.
        is_plain = shown == _joined(stored) and not of_others and not is_read_otherwise
        return shown if is_plain else f"{shown} #{pk}"


def by_key(pk: int) -> NamedFlow | None:
    """Finds a flow by its primary key. One statement."""
    rows = list(Flow.objects.values_list("pk", "flow_name", "flow_id", "account__name"))
    for key, stored, flow_id, account in rows:
        if key == pk:
            shown = _shown(stored)
            # Every mark of what is hidden has a bracket: only then can a name look like one that is another in truth.
            others = (_shown(name) if "[" in shown else _joined(name) for _, name, *_ in rows)
            known = _Namesakes((name or _NAMELESS for name in others), (row[2] for row in rows))
            return NamedFlow(pk, known.words(pk, stored, shown, flow_id), account)
    return None


def look_up(text: str, account_id: int | None = None) -> MeantFlows:
    """Finds the flows that a text may mean, by nothing that is not shown. One statement.

    Args:
        text: what a person typed, in whatever case; to an empty one all are near.
        account_id: only of this account.
    """
    sought = _folded(text)
    columns = "pk", "flow_name", "flow_id", "account_id", "account__name"
    rows = Flow.objects.order_by("pk").values_list(*columns)
    all_shown = [(row, _shown(row[1])) for row in rows]
    known = _Namesakes((shown for _, shown in all_shown), (row[2] for row, _ in all_shown))
    exact: list[NamedFlow] = []
    named: list[NamedFlow] = []
    near: list[tuple[bool, str, NamedFlow]] = []
    for (pk, stored, flow_id, owner, account), shown in all_shown:
        if account_id is not None and owner != account_id:
            continue
        folded = _folded(shown)
        flow = NamedFlow(pk, known.words(pk, stored, shown, flow_id), account)
        if sought == _folded(flow.words):
            exact.append(flow)
        if sought and sought in (folded, _folded(flow_id), f"{folded} #{pk}"):
            named.append(flow)
        if sought in folded:
            near.append((not folded.startswith(sought), folded, flow))
    near.sort(key=lambda one: (*one[:2], one[2].pk))
    # A name such as "Leads #7" is no choice where the page itself calls flow 7 so.
    return MeantFlows(exact or named, [flow for *_, flow in near])


def _shown(stored: str) -> str:
    return _joined(mask_name(stored))[:_LONGEST_SHOWN].rstrip() or _NAMELESS


def _joined(text: str) -> str:
    """Returns a text with single spaces: a field of one line keeps no others apart."""
    return " ".join(text.split())


def _folded(text: str) -> str:
    return _joined(text).casefold()
