"""Answers what pages, commands and health checks ask. Nothing here writes."""
