"""Finds runs that take too long."""
