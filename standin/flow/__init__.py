"""Zoho Flow of the stand-in: flows with their history, what changes them, and the interface /api/v1."""
