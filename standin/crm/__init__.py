"""Plays Zoho CRM: automation, its usage, and what is needed to read about it."""
