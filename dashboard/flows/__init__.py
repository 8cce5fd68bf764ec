"""Shows the list of flows and the page of one flow."""
