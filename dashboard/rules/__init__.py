"""Shows CRM's automation: workflow rules, connected workflows and failed webhooks."""
