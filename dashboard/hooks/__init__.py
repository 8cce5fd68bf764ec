"""Receives the callbacks of flows and of Zoho CRM."""
