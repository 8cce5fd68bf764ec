"""Chooses the failed runs that a command is about: by their ids, by a problem, or by a flow and a time."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from django.core.management.base import CommandError
from django.db.models import Model, QuerySet

from monitor.management.commands.export import parse_since
from monitor.models import Execution, Failure, Flow, Problem, ZohoAccount
from monitor.queries.executions import ExecutionFilter, matching

M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Choice:
    """Holds what was chosen, and how it was said.

    Attributes:
        by_account: primary keys of executions by the account's, the oldest first.
        source: what was said, with its times as they were understood.
        problem: whose failures they are, where a problem was named.
    """

    by_account: dict[int, list[int]]
    source: dict[str, Any] = field(default_factory=dict)
    problem: Problem | None = None

    @property
    def keys(self) -> list[int]:
        return [key for keys in self.by_account.values() for key in keys]


def by_ids(executions: list[Execution]) -> Choice:
    """Chooses executions that were named one by one."""
    found: dict[int, list[int]] = defaultdict(list)
    for execution in executions:
        found[execution.account_id].append(execution.pk)
    return Choice(dict(found), {"kind": "rows", "runs": len(executions)})


def by_problem(number: int) -> Choice:
    """Chooses the failures of a problem that are still open.

    Raises:
        CommandError: there is no such problem.
    """
    problem = Problem.objects.filter(pk=number, merged_into=None).first()
    if problem is None:
        raise CommandError(f"there is no problem {number}")
    rows = Failure.objects.filter(group__problem=problem, fate=Failure.Fate.OPEN).order_by("failed_at", "pk")
    return Choice({problem.account_id: list(rows.values_list("pk", flat=True))}, {"kind": "problem"}, problem)


def by_flow(
    flow_id: str,
    account: str | None,
    now: datetime,
    *,
    since: str,
    until: str | None,
    code: str | None,
    text: str | None,
) -> Choice:
    """Chooses the failed runs of a flow that began in a time.

    Args:
        flow_id: Zoho's.
        account: its name, where two accounts know the same id.
        now: the present: what begins later was never meant.
        since: a day or a time, included.
        until: a day or a time, excluded; None for the present.
        code: of the error; None for any.
        text: in the error as it is shown, masked; None for any.

    Raises:
        CommandError: a time cannot be read, no such flow, or more than one.
    """
    flow, start, end = _flow(flow_id, account), parse_since(since), _until(until) or now
    rows = matching(ExecutionFilter(flow_id=flow.pk, status="failed", start=start, end=end, text=text or ""))
    if code is not None:
        rows = rows.filter(error_code=code)
    keys = list(rows.order_by("started_time", "pk").values_list("pk", flat=True))
    said: dict[str, object] = {"kind": "filter", "flow": flow_id, "since": _plain(start), "until": _plain(end)}
    said |= {"code": code} if code is not None else {}
    # What was searched for may be personal: that there was a search is enough.
    said |= {"searched": True} if text else {}
    return Choice({flow.account_id: keys}, said)


def _plain(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _until(text: str | None) -> datetime | None:
    try:
        return parse_since(text) if text is not None else None
    except CommandError as error:
        raise CommandError(str(error).replace("--since", "--until", 1)) from None


def _flow(flow_id: str, account: str | None) -> Flow:
    rows = Flow.objects.select_related("account").filter(flow_id=flow_id)
    return only_one(rows, "a flow", f"No mirrored flow has the id “{flow_id}”; has it been synced?", account)


def only_one(rows: QuerySet[M], what: str, missing: str, account: str | None) -> M:
    """Returns the one thing that is meant by an id of Zoho's: two accounts may know the same.

    Args:
        rows: those with the id, with their accounts.
        what: such as "a flow".
        missing: said where there is none.
        account: whose it is; None for whichever has it.

    Raises:
        CommandError: no such account, nothing of that id, or in more than one account.
    """
    if account is not None:
        if not ZohoAccount.objects.filter(name=account).exists():
            raise CommandError(f"There is no account named “{account}”.")
        rows = rows.filter(account__name=account)
    found: list[Any] = list(rows.order_by("account__name"))
    if not found:
        raise CommandError(missing)
    if len(found) > 1:
        names = ", ".join(one.account.name for one in found)
        raise CommandError(f"Several accounts have {what} of this id: say --account NAME ({names}).")
    one: M = found[0]
    return one
