"""Serves the pages: reads requests under deadlines, answers them by few threads (docs/decisions/0006-web-server.md)."""
