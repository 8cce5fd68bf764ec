"""Puts the client of Zoho CRM v8 together: automation, and what names its things. Nothing here writes a record."""

from __future__ import annotations

from monitor.zoho.crm.actions import CrmActions
from monitor.zoho.crm.bulk_read import CrmBulkRead
from monitor.zoho.crm.channels import CrmChannels
from monitor.zoho.crm.connected_workflows import CrmConnectedWorkflows
from monitor.zoho.crm.metadata import CrmMetadata
from monitor.zoho.crm.org import CrmOrg
from monitor.zoho.crm.queries import CrmQueries
from monitor.zoho.crm.records import CrmRecords
from monitor.zoho.crm.rule_changes import CrmRuleChanges
from monitor.zoho.crm.rules import CrmRules
from monitor.zoho.crm.usage import CrmUsage
from monitor.zoho.crm.webhooks import CrmWebhooks


class CrmClient(
    CrmRules,
    CrmRuleChanges,
    CrmConnectedWorkflows,
    CrmActions,
    CrmWebhooks,
    CrmUsage,
    CrmOrg,
    CrmMetadata,
    CrmRecords,
    CrmQueries,
    CrmBulkRead,
    CrmChannels,
):
    """Calls everything of CRM for one account; its methods are in one file an area. See `ApiClient`."""
