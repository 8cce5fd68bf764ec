"""Finds an account that comes to the end of its plan."""
