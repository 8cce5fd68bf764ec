"""Finds an error that appears, escalates or comes back, or that comes often."""
