"""Zoho CRM v8: automation, and what is needed to name its things. Nothing here writes a record."""

from __future__ import annotations

from monitor.zoho.crm_automation import CrmAutomation
from monitor.zoho.crm_bulk import CrmBulk
from monitor.zoho.crm_connected import CrmConnected
from monitor.zoho.crm_metadata import CrmMetadata
from monitor.zoho.crm_org import CrmOrg
from monitor.zoho.crm_records import CrmRecords
from monitor.zoho.crm_rule_changes import CrmRuleChanges
from monitor.zoho.crm_rules import CrmRules
from monitor.zoho.crm_watch import CrmWatch


class CrmClient(
    CrmRules, CrmRuleChanges, CrmConnected, CrmAutomation, CrmOrg, CrmMetadata, CrmRecords, CrmBulk, CrmWatch
):
    """Everything of CRM for one account; its methods are in one file a subject. See `ApiClient`."""
