"""Finds that a flow has not run when it should have."""
