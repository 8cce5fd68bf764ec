"""Calls Zoho CRM v8: one module for each area of its interface, `client` puts them together."""

from monitor.zoho.crm.client import CrmClient

__all__ = ["CrmClient"]
