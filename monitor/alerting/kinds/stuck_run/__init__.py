"""Finds runs that do not end."""
