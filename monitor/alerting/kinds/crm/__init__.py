"""Finds workflow rules of Zoho CRM that fail, stay silent or were switched off."""
