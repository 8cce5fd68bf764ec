"""Finds flows by what people type: a name as it is shown, Zoho's id, or what tells one of several of a name."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from monitor.models import Flow
from monitor.privacy import mask_name

MOST_SUGGESTED = 20
_NUMBERED = re.compile(r".* #([0-9]{1,18})", re.DOTALL)


@dataclass(frozen=True, slots=True)
class NamedFlow:
    """Holds a flow and how people name it.

    Attributes:
        pk: its primary key.
        words: what names this flow and no other: its name, and its number behind it where others have the name, too.
        account: its account's name.
    """

    pk: int
    words: str
    account: str


@dataclass(frozen=True, slots=True)
class MeantFlows:
    """Holds the flows that a text names, and those whose names have it in them, the likeliest first."""

    named: list[NamedFlow]
    near: list[NamedFlow]


def by_key(pk: int) -> NamedFlow | None:
    """Finds a flow by its primary key. One statement."""
    names = Flow.objects.filter(pk=pk).values("flow_name")
    rows = Flow.objects.filter(flow_name__in=names).order_by("pk").values_list("pk", "flow_name", "account__name")
    namesakes = list(rows)
    for key, stored, account in namesakes:
        if key == pk:
            shown = mask_name(stored)
            # Another name may look like this one where something is hidden in it.
            is_one = len(namesakes) == 1 and shown == stored
            return NamedFlow(pk, _words(pk, shown, is_one=is_one), account)
    return None


def look_up(text: str, account_id: int | None = None) -> MeantFlows:
    """Finds the flows that a text may mean, by nothing that is not shown. One statement.

    Args:
        text: what a person typed, in whatever case; to an empty one all are near.
        account_id: only of this account.
    """
    sought = text.strip().casefold()
    columns = "pk", "flow_name", "flow_id", "account_id", "account__name"
    rows = Flow.objects.order_by("flow_name", "pk").values_list(*columns)
    shown = [(pk, mask_name(name), flow_id, owner, account) for pk, name, flow_id, owner, account in rows]
    times = Counter(name.casefold() for _, name, *_ in shown)
    numbered = _NUMBERED.fullmatch(sought)
    named: list[NamedFlow] = []
    near: list[tuple[bool, str, NamedFlow]] = []
    for pk, name, flow_id, owner, account in shown:
        if account_id is not None and owner != account_id:
            continue
        folded = name.casefold()
        flow = NamedFlow(pk, _words(pk, name, is_one=times[folded] == 1), account)
        is_number = numbered is not None and int(numbered[1]) == pk and sought == f"{folded} #{pk}"
        if sought and (sought in (folded, flow_id.casefold()) or is_number):
            named.append(flow)
        if sought in folded:
            near.append((not folded.startswith(sought), folded, flow))
    near.sort(key=lambda one: (*one[:2], one[2].pk))
    return MeantFlows(named, [flow for *_, flow in near[:MOST_SUGGESTED]])


def _words(pk: int, shown: str, *, is_one: bool) -> str:
    name = shown or "(without a name)"
    return name if is_one and shown else f"{name} #{pk}"
