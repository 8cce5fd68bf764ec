"""Finds things by what they are called, of whatever kind: flows, rules, problems, connections, and a run by its id."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from monitor.models import ConnectedWorkflow, Connection, Execution, Flow, Problem, WorkflowRule
from monitor.models.addresses import address_of
from monitor.privacy import mask_name, mask_text

MOST_OF_A_KIND = 8
MOST_PROBLEMS = 2000  # the newest; older ones are on their own list
LONGEST_SOUGHT = 300  # characters
_LONGEST_SHOWN = 200


class Kind(StrEnum):
    """Names what can be found, in the order in which it is shown."""

    RUN = "run"
    FLOW = "flow"
    PROBLEM = "problem"
    RULE = "rule"
    CONNECTED = "connected workflow"
    CONNECTION = "connection"


@dataclass(frozen=True, slots=True)
class NamedThing:
    """Holds one thing and what people call it.

    Attributes:
        kind: what it is.
        words: its name as it is shown: hidden data stays hidden, and is not searched.
        beside: the account it belongs to, and what else tells it from its namesakes.
        url: of its page.
        ids: Zoho's id, where it has one.
    """

    kind: Kind
    words: str
    beside: str
    url: str
    ids: tuple[str, ...] = ()


def everything() -> list[NamedThing]:
    """Names all flows, rules, connected workflows, connections and the newest problems. Five statements."""
    columns = ("pk", "account__name")
    flows = Flow.objects.order_by("pk").values_list(*columns, "flow_name", "flow_id")
    rules = WorkflowRule.objects.order_by("pk").values_list(*columns, "name", "rule_id", "module")
    connected = ConnectedWorkflow.objects.order_by("pk").values_list(*columns, "name", "workflow_id", "primary_module")
    sign_ins = Connection.objects.order_by("pk").values_list(*columns, "connection_name", "connection_id", "app")
    problems = Problem.objects.filter(merged_into=None).order_by("-last_seen_at", "-pk")
    found = [_named(Kind.FLOW, "flow", *row) for row in flows]
    found += [_named(Kind.RULE, "rule", *row) for row in rules]
    found += [_named(Kind.CONNECTED, "connected_workflow", *row) for row in connected]
    found += [_named(Kind.CONNECTION, "connection", *row) for row in sign_ins]
    for pk, account, title, app in problems.values_list(*columns, "title", "app")[:MOST_PROBLEMS]:
        beside = " · ".join(part for part in (app, account) if part)
        found.append(NamedThing(Kind.PROBLEM, _line(mask_text(title)), beside, address_of("problem", pk)))
    return found


def look_up(text: str, among: Iterable[NamedThing]) -> list[NamedThing]:
    """Finds what a text may mean: an id first, then names that begin with it, then those that have all its words. Pure.

    Args:
        text: what a person typed, in whatever case.
        among: all that has a name.

    Returns:
        At most eight of each kind, in the order of the kinds.
    """
    sought = _folded(text[:LONGEST_SOUGHT])
    words = sought.split()
    near: dict[Kind, list[tuple[int, str, NamedThing]]] = {kind: [] for kind in Kind}
    for one in among:
        name = one.words.casefold()
        if sought in one.ids or sought == name:
            rank = 0
        elif name.startswith(sought):
            rank = 1
        elif all(word in name for word in words):
            rank = 2
        else:
            continue
        near[one.kind].append((rank, name, one))
    if not words:
        return []
    return [one for kind in Kind for *_, one in sorted(near[kind], key=_by_rank)[:MOST_OF_A_KIND]]


def runs(text: str) -> list[NamedThing]:
    """Finds the runs that have this id of Zoho's. One statement, none where it cannot be one."""
    wanted = text.strip()
    # PostgreSQL stores no NUL, and refuses to be asked for one.
    if not wanted.isprintable() or len(wanted) > 64 or not any(sign.isdigit() for sign in wanted):
        return []
    rows = Execution.objects.filter(execution_id=wanted).order_by("pk")
    found = rows.values_list("pk", "flow__account__name", "flow__flow_name", "execution_id")[:MOST_OF_A_KIND]
    return [
        NamedThing(Kind.RUN, f"Run {run}", f"{_line(mask_name(flow))} · {account}", address_of("execution", pk), (run,))
        for pk, account, flow, run in found
    ]


def _named(kind: Kind, page: str, pk: int, account: str, name: str, zohos: str, module: str = "") -> NamedThing:
    beside = " · ".join(part for part in (_line(mask_name(module)), account) if part)
    words = _line(mask_name(name)) or f"(without a name) {zohos}"
    return NamedThing(kind, words, beside, address_of(page, pk), (zohos.casefold(),))


def _line(text: str) -> str:
    return " ".join(text.split())[:_LONGEST_SHOWN]


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def _by_rank(found: tuple[int, str, NamedThing]) -> tuple[int, str, str]:
    rank, name, one = found
    return rank, name, one.url
