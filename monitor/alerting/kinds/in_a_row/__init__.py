"""Finds runs that fail one after the other."""
