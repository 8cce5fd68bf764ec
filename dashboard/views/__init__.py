"""One file a page: they read through `monitor.queries` and act through the stage that owns the table."""
