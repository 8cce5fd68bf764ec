"""Finds connections to apps that do not work."""
