"""Shows the list of executions and the page of one, and asks for retries."""
