"""Reads one flow's executions: walks its pages, merges and stores them, holds them against Zoho's counters."""
