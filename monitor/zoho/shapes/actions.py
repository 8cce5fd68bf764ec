"""Reads the actions that rules of CRM share, and how often they were used.

Source: docs/reference/zoho-crm.md, "Automation actions" and "Usage of webhooks and mails".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from monitor.zoho import clean
from monitor.zoho.moments import moment
from monitor.zoho.shapes.base import Json, Unusable, need_id, person
from monitor.zoho.shapes.crm_common import Reference, module_name, reference


@dataclass(frozen=True, slots=True)
class AutomationAction:
    """Holds a task, field update, webhook or mail that rules can use; what is special to its kind is in `raw`.

    `feature_type` says whose it is: workflow, connectedworkflow, cadences, …
    """

    id: str
    name: str
    module_api_name: str
    feature_type: str
    created_time: datetime | None
    modified_time: datetime | None
    modified_by_name: str
    editable: bool | None
    deletable: bool | None
    raw: Json = field(repr=False)


@dataclass(frozen=True, slots=True)
class DailyUse:
    """Holds how often an action was used on a day."""

    day: date | None
    resource: Reference
    count: int | None
    type: str
    raw: Json = field(repr=False)


def automation_action(record: Mapping[str, object]) -> AutomationAction:
    """Reads one action.

    Raises:
        Unusable: the record has no id.
    """
    return AutomationAction(
        id=need_id(record, "id"),
        name=clean.line(record.get("name"), clean.NAME_LIMIT),
        module_api_name=module_name(record.get("module")),
        feature_type=clean.word(record.get("feature_type")),
        created_time=moment(record.get("created_time")),
        modified_time=moment(record.get("modified_time")),
        modified_by_name=person(record.get("modified_by")),
        editable=clean.flag(record.get("editable")),
        deletable=clean.flag(record.get("deletable")),
        raw=clean.mapping(record),
    )


def daily_use(record: Mapping[str, object]) -> DailyUse:
    """Reads the use of an action on a day.

    Raises:
        Unusable: it counts nothing.
    """
    count = clean.count(record.get("count"))
    if count is None:
        raise Unusable("no usable count")
    when = moment(record.get("date"))
    return DailyUse(
        day=when.date() if when else None,
        resource=reference(record.get("resource")),
        count=count,
        type=clean.word(record.get("type")),
        raw=clean.mapping(record),
    )
