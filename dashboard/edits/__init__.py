"""Takes admins' changes of CRM's automation and of flows, and shows what became of them."""
