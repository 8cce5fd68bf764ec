"""Reads once a day what rules are measured by: limits, counts, what triggers support, what shared actions do.

Each part is asked for by itself: one that Zoho refuses is kept with the reason, and the others are read. Of the address
of a webhook its host alone is kept: the rest may be a secret; of a mail of which kind its recipients are, and not who.
Source: docs/reference/zoho-crm.md, "Workflow rules", "Automation actions" and "Connected workflows".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from monitor.connection import BudgetSpent
from monitor.ingest.base.context import Context
from monitor.ingest.base.item_errors import ItemErrors
from monitor.ingest.base.quarantine import clipped
from monitor.models import AutomationFact, Stream, StreamState, WorkflowRule
from monitor.zoho import clean
from monitor.zoho.crm import CrmClient
from monitor.zoho.crm.actions import ActionKind
from monitor.zoho.errors import BadAnswer, NotAvailable, Refused
from monitor.zoho.shapes.actions import AutomationAction
from monitor.zoho.shapes.crm_common import module_name
from monitor.zoho.shapes.known_parts import api_name_of
from monitor.zoho.shapes.rule_limits import RuleConfiguration, TriggerKind

MOST_PAGES = 50
FRESH = timedelta(hours=20)  # what a reading before its end has got by is not asked for again
LONGEST_VALUE = 200  # characters; what a field update writes is compared with criteria, whose values are short
Part = AutomationFact.Part
_LISTS = (Part.FIELD_UPDATES, Part.WEBHOOKS, Part.TASKS, Part.MAILS)
_OF_TASKS = {"Subject": "subject", "Due_Date": "due", "Priority": "priority", "Status": "status"}


@dataclass(frozen=True, slots=True)
class _Asked:
    """Names one part: what it is of, and what asks for it."""

    part: str
    subject: str
    ask: Callable[[], Any]


def read_rule_limits(context: Context, client: CrmClient) -> None:
    """Reads what is a day old or was never read; nothing where the account has no rule.

    Raises:
        ZohoError: a part could not be read for a reason that is not Zoho's refusal; the others are there.
    """
    rules = WorkflowRule.objects.filter(account=context.account, gone_at=None).exclude(module="")
    modules = sorted(set(rules.order_by().values_list("module", flat=True).distinct()))
    wanted = list(_parts(context, client, modules)) if modules else []
    fresh = _fresh(context)
    due = [one for one in wanted if (one.part, one.subject) not in fresh]
    trouble, left = ItemErrors(), len(due)
    # Where calls are used up the rest is as due as before, and goes on with one of the next sweeps.
    with suppress(BudgetSpent):
        for one in due:
            with trouble.of(one.subject or one.part):
                _read(context, one)
            left -= 1
    trouble.settle()
    _forget_others(context, wanted)
    if left:
        context.note(
            Stream.RULE_LIMITS, StreamState.State.INCOMPLETE, f"{left} of {len(wanted)} parts still to be read"
        )
    else:
        _note(context, len(wanted))


def _note(context: Context, parts: int) -> None:
    """Notes how all parts stand, also those that an earlier reading of the day got."""
    problems = AutomationFact.objects.filter(account=context.account).exclude(problem="").order_by("part", "subject")
    rows = problems.values_list("part", "subject", "problem")
    refused = [f"{subject or part}: {problem}" for part, subject, problem in rows]
    if refused and len(refused) == parts:
        context.note(Stream.RULE_LIMITS, StreamState.State.NOT_AVAILABLE, refused[0])
        return
    said = f"Zoho refuses {len(refused)} of {parts} parts; {refused[0]}" if refused and parts else ""
    context.note(Stream.RULE_LIMITS, StreamState.State.OK, said, items=parts)


def _parts(context: Context, client: CrmClient, modules: list[str]) -> Iterator[_Asked]:
    yield _Asked(Part.LIMITS, "", lambda: client.rules_count().raw)
    yield _Asked(Part.MODULES, "", lambda: _module_counts(client))
    yield _Asked(Part.CONNECTED, "", lambda: client.connected_workflow_limits().raw)
    for module in modules:
        yield _Asked(Part.CONFIGURATION, module, partial(_configuration, client, module))
    yield _Asked(Part.FIELD_UPDATES, "", lambda: dict(_listed(context, client, ActionKind.FIELD_UPDATES, _write)))
    yield _Asked(Part.WEBHOOKS, "", lambda: dict(_listed(context, client, ActionKind.WEBHOOKS, _host)))
    yield _Asked(Part.TASKS, "", lambda: dict(_listed(context, client, ActionKind.TASKS, _task)))
    yield _Asked(Part.MAILS, "", lambda: dict(_listed(context, client, ActionKind.EMAIL_NOTIFICATIONS, _mail)))


def _fresh(context: Context) -> set[tuple[str, str]]:
    since = context.clock() - FRESH
    rows = AutomationFact.objects.filter(account=context.account, read_at__gte=since)
    return set(rows.values_list("part", "subject"))


def _read(context: Context, one: _Asked) -> None:
    """Asks for a part and keeps it, or why Zoho refuses it."""
    problem, facts = "", {}
    try:
        # Pages are calls of their own, which the walk makes.
        facts = one.ask() if one.part in _LISTS else context.call(one.ask)
    except (NotAvailable, Refused) as error:
        problem = str(error)
    values = {"read_at": context.clock(), "problem": problem} | ({} if problem else {"facts": context.mask.hide(facts)})
    with context.writing():
        AutomationFact.objects.update_or_create(
            account=context.account, part=one.part, subject=one.subject, defaults=clipped(AutomationFact, values)
        )


def _forget_others(context: Context, wanted: list[_Asked]) -> None:
    """Takes away what is of modules that have no rule any more."""
    names = [one.subject for one in wanted if one.part == Part.CONFIGURATION]
    with context.writing():
        rows = AutomationFact.objects.filter(account=context.account, part=Part.CONFIGURATION)
        rows.exclude(subject__in=names).delete()


def _module_counts(client: CrmClient) -> dict[str, list[int | None]]:
    counts = client.module_rule_counts()
    return {one.module.name: [one.total_rules_configured, one.active_rules_configured] for one in counts}


def _configuration(client: CrmClient, module: str) -> dict[str, Any]:
    """Returns what is needed of a module's possibilities, in Zoho's spelling, so that it is read as it came."""
    found: RuleConfiguration = client.workflow_configurations(module)
    return {
        # What could not be read stays something that cannot be read: a list that lacks it is not whole.
        "triggers": [*(_trigger(one) for one in found.triggers), *({} for _ in found.rejected)],
        "related_triggers_details": [
            {"api_name": name, "triggers": [_trigger(one) for one in kinds]} for name, kinds in found.related.items()
        ],
        "actions": [{"api_name": one.api_name, "limit": one.limit} for one in found.actions],
    }


def _trigger(kind: TriggerKind) -> dict[str, Any]:
    return {
        "api_name": kind.api_name,
        "deprecated": kind.deprecated,
        "scheduled_actions_supported": kind.scheduled_actions_supported,
        "actions": list(kind.actions) if kind.actions is not None else None,
    }


def _listed(
    context: Context, client: CrmClient, kind: ActionKind, of: Callable[[AutomationAction], Any]
) -> Iterator[tuple[str, Any]]:
    for page in range(1, MOST_PAGES + 1):
        answer = context.call(partial(client.list_actions, kind, page=page))
        yield from ((one.id, of(one)) for one in answer.items)
        if not answer.items or not answer.more_records:
            return
    raise BadAnswer(f"the list of {kind} has no end after {MOST_PAGES} pages")


def _write(action: AutomationAction) -> dict[str, Any]:
    """Says which field an update writes; one of a related record writes none of the rule's own."""
    value = action.raw.get("value")
    is_plain = isinstance(value, str | int | float | bool) and len(str(value)) <= LONGEST_VALUE
    is_own = not isinstance(action.raw.get("related_module"), Mapping)
    return {"field": module_name(action.raw.get("field")) if is_own else "", "value": value if is_plain else None}


def _host(action: AutomationAction) -> str:
    try:
        return urlsplit(str(action.raw.get("url") or "")).hostname or ""
    except ValueError:
        return ""


def _task(action: AutomationAction) -> dict[str, str]:
    """Says what a task is about and when it is due, as far as the list says it."""
    mappings = action.raw.get("field_mappings")
    found = {}
    for item in mappings if isinstance(mappings, list) else []:
        if isinstance(item, Mapping) and (name := _OF_TASKS.get(api_name_of(item.get("field")))):
            values = (item.get("display_value"), item.get("value"))
            found[name] = next((value[:LONGEST_VALUE] for value in values if isinstance(value, str)), "")
    return found


def _mail(action: AutomationAction) -> dict[str, Any]:
    """Says which template a mail has, and how many recipients of which kind."""
    template, recipients = action.raw.get("template"), action.raw.get("recipients")
    name = template.get("name") if isinstance(template, Mapping) else None
    ways = []
    for way in ("to", "cc", "bcc"):
        rows = recipients.get(way) if isinstance(recipients, Mapping) else None
        kinds = Counter(clean.word(row.get("type")) for row in rows or () if isinstance(row, Mapping))
        ways += [[way, kind, count] for kind, count in kinds.items()]
    return {"template": name[:LONGEST_VALUE] if isinstance(name, str) else "", "ways": ways}
