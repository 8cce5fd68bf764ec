"""Reads webhooks of CRM and their failed calls.

Source: docs/reference/zoho-crm.md, "Automation actions" and "Webhook failures".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from monitor.zoho import clean
from monitor.zoho.moments import moment
from monitor.zoho.shapes.base import Json, Unusable, need_id
from monitor.zoho.shapes.crm_common import Reference, module_name, reference


@dataclass(frozen=True, slots=True)
class CrmWebhook:
    """Holds a webhook of CRM. `url` may hold a secret in its path or query and is not in the repr."""

    id: str
    name: str
    module_api_name: str
    feature_type: str
    http_method: str
    modified_time: datetime | None
    url: str = field(repr=False)
    raw: Json = field(repr=False)


@dataclass(frozen=True, slots=True)
class WebhookFailure:
    """Holds one failed call of a webhook: the only feed of single failures that CRM has."""

    id: str
    webhook: Reference
    workflow_rule: Reference
    module_api_name: str
    record: Reference = field(repr=False)  # the name of a lead or contact is personal data
    failure_time: datetime | None
    failure_reason: str
    raw: Json = field(repr=False)


def crm_webhook(record: Mapping[str, object]) -> CrmWebhook:
    """Reads one webhook.

    Raises:
        Unusable: the record has no id.
    """
    return CrmWebhook(
        id=need_id(record, "id"),
        name=clean.line(record.get("name"), clean.NAME_LIMIT),
        module_api_name=module_name(record.get("module")),
        feature_type=clean.word(record.get("feature_type")),
        http_method=clean.line(record.get("http_method") or record.get("method"), clean.WORD_LIMIT).upper(),
        modified_time=moment(record.get("modified_time")),
        url=clean.opaque(record.get("url")),
        raw=clean.mapping(record),
    )


def webhook_failure(record: Mapping[str, object]) -> WebhookFailure:
    """Reads one failed call.

    Raises:
        Unusable: the record has no id, or does not say in a form that can be read when it failed.
    """
    failure_time = moment(record.get("failure_time"))
    if failure_time is None:
        raise Unusable("when it failed cannot be read (failure_time)")
    entity = record.get("entity_details")
    about: Mapping[str, object] = entity if isinstance(entity, Mapping) else {}
    return WebhookFailure(
        id=need_id(record, "id"),
        webhook=reference(record.get("webhook")),
        workflow_rule=reference(record.get("workflow_rule")),
        module_api_name=module_name(about.get("module")),
        record=reference(about),
        failure_time=failure_time,
        failure_reason=clean.line(clean.words(record.get("failure_reason"))),
        raw=clean.mapping(record),
    )
