"""Finds a mirror that does not follow Zoho."""
