"""Reads workflow rules of CRM and their usage.

Source: docs/reference/zoho-crm.md, "Workflow rules" and "Usage of rules".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from monitor.zoho import clean
from monitor.zoho.moments import moment
from monitor.zoho.shapes.base import Json, Rejected, Unusable, find_list, need_id, paging, person, read_all
from monitor.zoho.shapes.crm_common import module_name


@dataclass(frozen=True, slots=True)
class WorkflowRule:
    """Holds a workflow rule as the list shows it; conditions and actions, where asked for, are in `raw`.

    `trigger_module` is the API name of the module whose records trigger it, where that is told.
    """

    id: str
    name: str
    description: str
    module_api_name: str
    active: bool | None
    execute_when_type: str
    trigger_module: str
    last_executed_time: datetime | None
    created_time: datetime | None
    modified_time: datetime | None
    modified_by_name: str
    raw: Json = field(repr=False)


@dataclass(frozen=True, slots=True)
class RulePage:
    """Holds one page of rules. `more_records` is what Zoho says; False where it does not."""

    rules: list[WorkflowRule]
    more_records: bool
    page: int | None
    per_page: int | None
    rejected: list[Rejected]


@dataclass(frozen=True, slots=True)
class RuleUsage:
    """Holds how often a rule ran in a span of days.

    `success_count` and `failure_count` are sums over all its actions, instant and scheduled; they may
    start again at `reset_time`. `trigger_count` is None for triggers that Zoho does not count.
    """

    rule_id: str
    trigger_count: int | None
    success_count: int
    failure_count: int
    reset_time: datetime | None
    raw: Json = field(repr=False)


def workflow_rule(record: Mapping[str, object]) -> WorkflowRule:
    """Reads one rule.

    Raises:
        Unusable: the record has no id.
    """
    module = record.get("module")
    when = record.get("execute_when")
    status = record.get("status")
    details = when.get("details") if isinstance(when, Mapping) else None
    return WorkflowRule(
        id=need_id(record, "id"),
        name=clean.line(record.get("name"), clean.NAME_LIMIT),
        description=clean.text(record.get("description"), clean.MESSAGE_LIMIT),
        module_api_name=clean.line(module.get("api_name") if isinstance(module, Mapping) else module, clean.WORD_LIMIT),
        active=clean.flag(status.get("active") if isinstance(status, Mapping) else status),
        execute_when_type=clean.word(when.get("type") if isinstance(when, Mapping) else when),
        trigger_module=module_name(details.get("trigger_module")) if isinstance(details, Mapping) else "",
        last_executed_time=moment(record.get("last_executed_time")),
        created_time=moment(record.get("created_time")),
        modified_time=moment(record.get("modified_time")),
        modified_by_name=person(record.get("modified_by")),
        raw=clean.mapping(record),
    )


def rule_page(payload: object) -> RulePage:
    """Reads a page of rules.

    Args:
        payload: None stands for a 204, an empty list.

    Raises:
        BadAnswer: the reply has another shape.
    """
    if payload is None:
        return RulePage(rules=[], more_records=False, page=None, per_page=None, rejected=[])
    rules, rejected = read_all(find_list(payload, "workflow_rules"), workflow_rule)
    info = paging(payload, "info")
    return RulePage(
        rules=rules,
        more_records=clean.flag(info.get("more_records")) or False,
        page=clean.count(info.get("page")),
        per_page=clean.count(info.get("per_page")),
        rejected=rejected,
    )


def rule_usage(record: Mapping[str, object]) -> RuleUsage:
    """Reads how often a rule ran.

    Raises:
        Unusable: there is no id, there are no conditions to count, or a counter that is there cannot be read.
    """
    conditions = record.get("conditions")
    if not isinstance(conditions, list) and clean.count(record.get("trigger_count")) is None:
        raise Unusable("a usage report without counters")
    actions = list(_actions(conditions))
    for item in (record, *actions):
        for name in ("trigger_count", "success_count", "failure_count"):
            if item.get(name) is not None and clean.count(item[name]) is None:
                raise Unusable(f"a counter of the usage report cannot be read ({name})")
    return RuleUsage(
        rule_id=need_id(record, "id"),
        trigger_count=clean.count(record.get("trigger_count")),
        success_count=sum(clean.count(item.get("success_count")) or 0 for item in actions),
        failure_count=sum(clean.count(item.get("failure_count")) or 0 for item in actions),
        reset_time=moment(record.get("reset_time")),
        raw=clean.mapping(record),
    )


def _actions(conditions: object) -> Iterator[Mapping[str, object]]:
    """Returns every action of every condition: instant ones, and scheduled ones group by group."""
    for condition in _objects(conditions):
        groups = [condition.get("instant_actions")]
        scheduled = condition.get("scheduled_actions")
        groups += scheduled if isinstance(scheduled, list) else [scheduled]
        for group in groups:
            if isinstance(group, Mapping):
                yield from _objects(group.get("actions"))


def _objects(value: object) -> list[Mapping[str, object]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []
