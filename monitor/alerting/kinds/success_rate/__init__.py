"""Finds that too few of a flow's runs in a window succeeded."""
