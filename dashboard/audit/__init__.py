"""Shows who did what."""
