"""What pages, commands and health checks read. Nothing here writes."""
