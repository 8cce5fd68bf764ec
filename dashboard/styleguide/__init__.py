"""Shows each part of the pages in each state."""
