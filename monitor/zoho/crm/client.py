"""Zoho CRM v8: automation, and what is needed to name its things. Nothing here writes a record."""

from __future__ import annotations

from monitor.zoho.crm.actions import CrmAutomation
from monitor.zoho.crm.bulk_read import CrmBulk
from monitor.zoho.crm.channels import CrmWatch
from monitor.zoho.crm.connected_workflows import CrmConnected
from monitor.zoho.crm.metadata import CrmMetadata
from monitor.zoho.crm.org import CrmOrg
from monitor.zoho.crm.records import CrmRecords
from monitor.zoho.crm.rule_changes import CrmRuleChanges
from monitor.zoho.crm.rules import CrmRules


class CrmClient(
    CrmRules, CrmRuleChanges, CrmConnected, CrmAutomation, CrmOrg, CrmMetadata, CrmRecords, CrmBulk, CrmWatch
):
    """Everything of CRM for one account; its methods are in one file a subject. See `ApiClient`."""
