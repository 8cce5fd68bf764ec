"""Plays Zoho Flow: flows with their history, what changes them, and the interface /api/v1."""
