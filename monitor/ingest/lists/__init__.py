"""Reads what Zoho lists: flows, connections, rules, connected workflows, usage, webhook failures, definitions."""
