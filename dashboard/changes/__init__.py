"""Shows what was changed at Zoho: edits of flows, rules and connected workflows, and what became of connections."""
