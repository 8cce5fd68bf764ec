"""Plays the CRM half of the organisation: automation, its usage, and what is needed to read about it."""
