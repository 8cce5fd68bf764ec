"""Zoho CRM v8: automation and what is needed to name its things."""

from __future__ import annotations

from monitor.zoho.crm_org import CrmOrg
from monitor.zoho.crm_rules import CrmRules


class CrmClient(CrmRules, CrmOrg):
    """Everything of CRM for one account; its methods are in one file a subject. See `ApiClient`."""
