"""Reads what pages, commands and health checks show. Nothing here writes."""
