"""Reads connected workflows of CRM.

Source: docs/reference/zoho-crm.md, "Connected workflows".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from monitor.zoho import clean
from monitor.zoho.moments import moment
from monitor.zoho.shapes.base import Json, find_object, need_id, person, read_one
from monitor.zoho.shapes.crm_common import Reference, module_name, reference


@dataclass(frozen=True, slots=True)
class ConnectedWorkflow:
    """Holds a connected workflow, without counters or last run. `status`: active, inactive or draft."""

    id: str
    name: str
    description: str
    status: str
    primary_module: Reference
    involved_modules: tuple[str, ...]
    created_time: datetime | None
    modified_time: datetime | None
    modified_by_name: str
    raw: Json = field(repr=False)


@dataclass(frozen=True, slots=True)
class ConnectedRule:
    """Holds a rule of a connected workflow; actions, where asked for one rule, are in `raw`."""

    id: str
    name: str
    module_api_name: str
    execute_when_type: str
    raw: Json = field(repr=False)


@dataclass(frozen=True, slots=True)
class ConnectedLimits:
    """Holds what connected workflows may be made of."""

    connected_workflows_limit: int | None
    modules_limit_per_process: int | None
    rules_limit_per_module: int | None
    raw: Json = field(repr=False)


def connected_workflow(record: Mapping[str, object]) -> ConnectedWorkflow:
    """Reads one connected workflow.

    Raises:
        Unusable: the record has no id.
    """
    involved = record.get("involved_modules")
    names = [module_name(item) for item in involved] if isinstance(involved, list) else []
    status = record.get("status")
    return ConnectedWorkflow(
        id=need_id(record, "id"),
        name=clean.line(record.get("name"), clean.NAME_LIMIT),
        description=clean.text(record.get("description"), clean.MESSAGE_LIMIT),
        status=clean.word(status.get("name") if isinstance(status, Mapping) else status),
        primary_module=reference(record.get("primary_module")),
        involved_modules=tuple(name for name in names if name),
        created_time=moment(record.get("created_time")),
        modified_time=moment(record.get("modified_time")),
        modified_by_name=person(record.get("modified_by")),
        raw=clean.mapping(record),
    )


def connected_rule(record: Mapping[str, object]) -> ConnectedRule:
    """Reads one rule of a connected workflow.

    Raises:
        Unusable: the record has no id.
    """
    when = record.get("execute_when")
    return ConnectedRule(
        id=need_id(record, "id"),
        name=clean.line(record.get("name"), clean.NAME_LIMIT),
        module_api_name=module_name(record.get("module")),
        execute_when_type=clean.word(when.get("type") if isinstance(when, Mapping) else when),
        raw=clean.mapping(record),
    )


def connected_limits(payload: object) -> ConnectedLimits:
    """Reads the limits of connected workflows.

    Raises:
        BadAnswer: the reply is no object.
    """
    return read_one(find_object(payload, "configurations"), _connected_limits)


def _connected_limits(record: Mapping[str, object]) -> ConnectedLimits:
    rules = record.get("rules")
    return ConnectedLimits(
        connected_workflows_limit=clean.count(record.get("connected_workflows_limit")),
        modules_limit_per_process=clean.count(record.get("modules_limit_per_process")),
        rules_limit_per_module=clean.count(rules.get("limit_per_module")) if isinstance(rules, Mapping) else None,
        raw=clean.mapping(record),
    )
