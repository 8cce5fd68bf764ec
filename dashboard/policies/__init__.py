"""Holds the pages of policies: what is retried by itself."""
