"""Previews bulk retries, confirms them, and shows batches and retries of unknown outcome."""
